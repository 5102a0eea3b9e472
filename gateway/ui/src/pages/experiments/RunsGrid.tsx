/** The table of runs: only the rows in view exist, so a hundred thousand of them scroll like ten. */
import { Link, useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import type { Run } from "../../api/tracking";
import { t } from "../../i18n";
import { metric } from "../../i18n/format";
import { useProject } from "../../shell/project";
import { shortcutsOn } from "../../shell/shortcuts";
import { Icon } from "../../ui/icons";
import { runColour } from "../../ui/runcolor";
import { State } from "../../ui/status";
import { useSteady } from "../../ui/steady";
import { Ago, Elapsed } from "../../ui/time";
import { cellOf, type DataColumn } from "./columns";

const ROW = 32;
/** Selection, name, status, created, duration, user; in pixels, the name also grows. */
const FIXED = [36, 180, 124, 108, 104, 84] as const;
const DATA = 96;

interface Props {
  runs: readonly Run[];
  columns: readonly DataColumn[];
  sort: string | undefined;
  /** What is listed; another filter or order is another scope. */
  scope: string;
  selected: ReadonlySet<string>;
  busy: boolean;
  onSelect: (selected: ReadonlySet<string>) => void;
  onSort: (sort: string | undefined) => void;
  onFilter: (column: DataColumn, value: string | number) => void;
  onCompare: () => void;
  onEnd: () => void;
}

export function RunsGrid(props: Props) {
  const { columns, selected, onSelect } = props;
  const project = useProject();
  const navigate = useNavigate();
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(-1);
  const anchor = useRef(0);
  const steady = useSteady(props.runs, (run) => run.info.run_id, props.scope);
  const rows = steady.rows;
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 12 });
  const items = virtual.getVirtualItems();
  const lastSeen = items.at(-1)?.index ?? 0;
  const { onEnd } = props;
  useEffect(() => {
    if (lastSeen >= rows.length - 20) onEnd();
  }, [lastSeen, rows.length, onEnd]);

  const select = (index: number, range: boolean): void => {
    const next = new Set(selected);
    const id = rows[index]?.info.run_id;
    if (id === undefined) return;
    if (range) {
      const [from, to] = [Math.min(anchor.current, index), Math.max(anchor.current, index)];
      for (const run of rows.slice(from, to + 1)) next.add(run.info.run_id);
    } else if (!next.delete(id)) next.add(id);
    anchor.current = index;
    onSelect(next);
  };
  const move = (step: number): void => {
    const next = Math.max(0, Math.min(rows.length - 1, active + step));
    setActive(next);
    virtual.scrollToIndex(next);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const letters = shortcutsOn();
    if (event.key === "ArrowDown" || (letters && event.code === "KeyJ")) move(1);
    else if (event.key === "ArrowUp" || (letters && event.code === "KeyK")) move(-1);
    else if (active >= 0 && ((letters && event.code === "KeyX") || event.key === " ")) select(active, event.shiftKey);
    else if (letters && event.code === "KeyC") props.onCompare();
    else if (event.key === "Enter" && event.target === scroller.current && rows[active]) {
      void navigate({ to: "/p/$project/runs/$run", params: { project, run: rows[active].info.run_id } });
    } else return;
    event.preventDefault();
  };

  const [select0, name, ...others] = FIXED;
  const layout = {
    gridTemplateColumns: `${select0}px minmax(${name}px, 2fr) ${others.map((width) => `${width}px`).join(" ")}`
      + (columns.length > 0 ? ` repeat(${columns.length}, minmax(${DATA}px, 1fr))` : ""),
    minWidth: FIXED.reduce((sum, width) => sum + width, columns.length * DATA),
  };
  return (
    <div className={`runs-grid ${props.busy ? "refreshing" : ""}`} {...steady.watch}>
      {steady.waiting > 0 && (
        <button type="button" className="button primary news" onClick={steady.release}>{t("runs.waiting", { count: steady.waiting })}</button>
      )}
      <div className="panel scroll" ref={scroller} tabIndex={0} role="grid" aria-label={t("runs.title")} aria-rowcount={rows.length + 1}
        aria-colcount={FIXED.length + columns.length} aria-multiselectable="true" onKeyDown={onKeyDown}
        aria-activedescendant={active >= 0 ? `run-row-${active}` : undefined}>
        <div className="grid-row head" role="row" aria-rowindex={1} style={layout}>
          <Head title={<span className="visually-hidden">{t("runs.selected")}</span>} />
          <Head title={t("column.run")} field="attributes.run_name" {...props} />
          <Head title={t("column.status")} field="attributes.status" {...props} />
          <Head title={t("column.created")} field="attributes.start_time" {...props} />
          <Head title={t("column.duration")} numeric />
          <Head title={t("column.user")} field="attributes.user_id" {...props} />
          {columns.map((column) => <Head key={column.id} title={column.key} field={column.id} numeric={column.kind === "metrics"} data {...props} />)}
        </div>
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {items.map((item) => {
            const run = rows[item.index];
            if (!run) return null;
            const on = selected.has(run.info.run_id);
            return (
              <div key={run.info.run_id} id={`run-row-${item.index}`} className={`grid-row ${item.index === active ? "active" : ""}`} role="row"
                aria-rowindex={item.index + 2} aria-selected={on}
                style={{ ...layout, position: "absolute", inset: "0 0 auto 0", height: ROW, transform: `translateY(${item.start}px)` }}>
                <div role="gridcell" className="select">
                  <input type="checkbox" checked={on} aria-label={t("runs.select", { name: run.info.run_name ?? run.info.run_id })}
                    onClick={(event) => select(item.index, event.shiftKey)} readOnly />
                </div>
                <div role="gridcell" className="row">
                  <i className="run-dot" style={{ background: runColour(run.info.run_id) }} aria-hidden="true" />
                  <Link className="truncate name" to="/p/$project/runs/$run" params={{ project, run: run.info.run_id }}>{run.info.run_name || run.info.run_id}</Link>
                </div>
                <div role="gridcell"><State state={run.info.status} /></div>
                <div role="gridcell" className="truncate"><Ago time={run.info.start_time} /></div>
                <div role="gridcell" className="num right"><Elapsed start={run.info.start_time} end={run.info.end_time} /></div>
                <div role="gridcell" className="truncate">{run.info.user_id}</div>
                {columns.map((column) => <Cell key={column.id} run={run} column={column} onFilter={props.onFilter} />)}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** A value; clicking it keeps the runs that have it. */
function Cell({ run, column, onFilter }: { run: Run; column: DataColumn; onFilter: Props["onFilter"] }) {
  const value = cellOf(run, column);
  if (value === undefined) return <div role="gridcell" className={`faint ${column.kind === "metrics" ? "right" : ""}`}>–</div>;
  const shown = column.kind === "metrics" ? metric(value) : String(value);
  return (
    <div role="gridcell" className={column.kind === "metrics" ? "num right" : "truncate"}>
      <button type="button" className="cell-value truncate" tabIndex={-1} title={t("runs.filterBy", { key: column.key, value: String(value) })}
        onClick={() => onFilter(column, value)}>{shown}</button>
    </div>
  );
}

function Head({ title, field, sort, numeric = false, data = false, onSort }: {
  title: React.ReactNode; field?: string; sort?: string; numeric?: boolean; data?: boolean; onSort?: (sort: string | undefined) => void;
}) {
  const direction = field && sort?.startsWith(`${field}:`) ? sort.slice(field.length + 1) : undefined;
  const sorted = direction === "asc" ? "ascending" : direction === "desc" ? "descending" : undefined;
  const next = direction === "desc" ? `${field}:asc` : direction === "asc" ? undefined : `${field}:desc`;
  return (
    <div role="columnheader" className={numeric ? "right" : ""} aria-sort={sorted}>
      {field && onSort
        ? (
          <button type="button" className={data ? "mono" : ""} onClick={() => onSort(next)} title={typeof title === "string" ? title : undefined}>
            <span className="truncate">{title}</span>{sorted && <Icon name={sorted === "ascending" ? "up" : "down"} />}
          </button>
        )
        : <span>{title}</span>}
    </div>
  );
}
