/** A log: only the lines in view exist, search marks the matches, following stops when one scrolls up. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import type { LogLine } from "../../api/scheduler";
import { t } from "../../i18n";
import { clockTime, zoneLabel } from "../../i18n/format";
import { Button, CheckBox } from "../../ui/controls";
import { FilterBox } from "../../ui/filter";
import { shownLines, type Shown } from "./log";

const LINE = 20;

export function LogView({ lines, following, name }: { lines: readonly LogLine[]; following: boolean; name: string }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [filter, setFilter] = useState("");
  const [wrap, setWrap] = useState(false);
  const follow = useRef(true);
  const [chosen, setChosen] = useState(() => Number(/^#?L(\d+)$/.exec(window.location.hash)?.[1] ?? 0));
  const wanted = filter.toLowerCase();
  const all = useMemo(() => shownLines(lines).map((one, index) => ({ ...one, index })), [lines]);
  const shown = useMemo(() => all.filter((one) => wanted === "" || one.text.toLowerCase().includes(wanted)), [all, wanted]);
  const virtual = useVirtualizer({ count: shown.length, getScrollElement: () => scroller.current, estimateSize: () => LINE, overscan: 30 });
  const count = shown.length;
  useEffect(() => {
    if (chosen > 0) virtual.scrollToIndex(chosen - 1, { align: "center" });
    // Once, when the log opens at a line.
  }, []);
  useEffect(() => {
    if (following && follow.current && chosen === 0) virtual.scrollToIndex(count - 1, { align: "end" });
  }, [following, count, chosen, virtual]);
  const onScroll = (): void => {
    const box = scroller.current;
    if (box) follow.current = box.scrollTop + box.clientHeight >= box.scrollHeight - LINE * 2;
  };
  const choose = (line: number): void => {
    setChosen(line);
    window.history.replaceState(window.history.state, "", `#L${line}`);
  };
  const download = (): void => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([all.map((one) => `${one.line.timestamp ?? ""} ${one.text}\n`).join("")], { type: "text/plain" }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <>
      <div className="toolbar">
        <FilterBox label={t("log.search")} value={filter} onChange={setFilter} onCommit={setFilter} />
        <span className="small muted num" role="status">
          {wanted ? t("log.matches", { count, total: all.length }) : t("log.lines", { count: all.length })}
        </span>
        <CheckBox label={t("log.wrap")} checked={wrap} onChange={setWrap} />
        <span className="small faint">{zoneLabel()}</span>
        <Button icon="download" className="end" onClick={download}>{t("action.download")}</Button>
      </div>
      {lines.length === 0 && <p className="muted">{t(following ? "log.waiting" : "log.empty")}</p>}
      <div className={`panel log ${wrap ? "wrap" : ""}`} ref={scroller} onScroll={onScroll} tabIndex={0} role="log" aria-live="off" aria-label={t("log.title")} hidden={lines.length === 0}>
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map((item) => {
            const one = shown[item.index];
            if (!one) return null;
            const number = one.index + 1;
            return (
              <div key={item.key} ref={virtual.measureElement} data-index={item.index} style={{ transform: `translateY(${item.start}px)` }}
                className={`log-line ${lookOf(one)} ${number === chosen ? "chosen" : ""}`}>
                <a href={`#L${number}`} aria-label={t("log.line", { number })} onClick={(event) => {
                  event.preventDefault();
                  choose(number);
                }}>{number}</a>
                <time>{clockTime(one.line.timestamp)}</time>
                <span className="level">{one.line.level}</span>
                <span className="text">{one.text}</span>
              </div>
            );
          })}
        </div>
      </div>
    </>
  );
}

function lookOf({ line, place }: Shown): string {
  const level = line.level?.toLowerCase();
  if (level === "error" || level === "critical" || level === "exception") return "error";
  if (level === "warning" || level === "warn") return "warning";
  return level === "debug" ? "inside" : place;
}
