import { useRef, useState, type KeyboardEvent } from "react";
import { t } from "../../i18n";
import { Icon } from "../../ui/icons";
import "../../ui/filter.css";
import type { DataColumn } from "./columns";
import { complete, type Completion } from "./complete";

const NONE: Completion = { from: 0, options: [] };

/** The filter of the runs table: applies on Enter, completes fields while one types. */
export function RunFilter({ value, columns, onChange, onCommit }: {
  value: string; columns: readonly DataColumn[]; onChange: (text: string) => void; onCommit: (text: string) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [completion, setCompletion] = useState<Completion>(NONE);
  const [active, setActive] = useState(-1);
  const { options } = completion;
  const open = options.length > 0;
  const look = (): void => {
    const element = input.current;
    if (element) setCompletion(complete(element.value, element.selectionStart ?? element.value.length, columns));
    setActive(-1);
  };
  const choose = (option: string): void => {
    const element = input.current;
    if (!element) return;
    const caret = element.selectionStart ?? element.value.length;
    const head = `${element.value.slice(0, completion.from)}${option} `;
    onChange(head + element.value.slice(caret).trimStart());
    setCompletion(NONE);
    requestAnimationFrame(() => {
      element.focus();
      element.setSelectionRange(head.length, head.length);
      look();
    });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const option = options[active];
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const step = event.key === "ArrowDown" ? 1 : -1;
      setActive((active + step + options.length + (active < 0 && step < 0 ? 1 : 0)) % options.length);
    } else if (open && (event.key === "Tab" && !event.shiftKey) && (option ?? options[0])) choose(option ?? (options[0] as string));
    else if (event.key === "Enter" && option !== undefined) choose(option);
    else if (event.key === "Enter") {
      setCompletion(NONE);
      onCommit(value.trim());
    } else if (event.key === "Escape" && open) setCompletion(NONE);
    else if (event.key === "Escape") input.current?.blur();
    else return;
    if (event.key !== "Escape") event.preventDefault();
  };
  return (
    <div className="filter-box">
      <Icon name="search" />
      <input ref={input} className="input mono" type="search" role="combobox" data-filter="" aria-label={t("runs.filterLabel")} placeholder={t("runs.filter")}
        value={value} spellCheck={false} autoComplete="off" aria-expanded={open} aria-controls="run-filter-options" aria-autocomplete="list"
        aria-activedescendant={active >= 0 ? `run-filter-${active}` : undefined}
        onChange={(event) => {
          onChange(event.target.value);
          if (event.target.value === "") onCommit("");
          look();
        }}
        onBlur={() => setCompletion(NONE)} onKeyDown={onKeyDown} />
      <ul id="run-filter-options" role="listbox" aria-label={t("runs.completions")} className="menu completions" hidden={!open}>
        {options.map((option, index) => (
          <li key={option} id={`run-filter-${index}`} role="option" aria-selected={index === active} className="menu-item mono"
            data-highlighted={index === active ? "" : undefined}
            onPointerDown={(event) => {
              event.preventDefault();
              choose(option);
            }}>{option}</li>
        ))}
      </ul>
    </div>
  );
}
