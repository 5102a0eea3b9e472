import { useEffect, useRef } from "react";
import { Icon } from "./icons";
import "./filter.css";

/** The filter of a list: `/` focuses it; it applies when typing pauses, or on Enter. */
export function FilterBox({ label, value, onChange, onCommit }: {
  label: string; value: string; onChange: (text: string) => void; onCommit: (text: string) => void;
}) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <div className="filter-box">
      <Icon name="search" />
      <input className="input" type="search" data-filter="" aria-label={label} placeholder={label} value={value}
        spellCheck={false} autoComplete="off"
        onChange={(event) => {
          const text = event.target.value;
          onChange(text);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => onCommit(text.trim()), 250);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") onCommit(value.trim());
          if (event.key === "Escape") event.currentTarget.blur();
        }} />
    </div>
  );
}
