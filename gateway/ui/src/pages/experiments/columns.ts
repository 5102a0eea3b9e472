/** Which metrics and params a table of runs shows: those that tell the runs apart come first. */
import type { Run } from "../../api/tracking";

export type Kind = "metrics" | "params" | "tags";
export interface DataColumn { id: string; kind: Kind; key: string; differs: boolean; runs: number }

export const columnId = (kind: Kind, key: string): string => `${kind}.${key}`;

/** A cell's value as it was logged. */
export function cellOf(run: Run, column: Pick<DataColumn, "kind" | "key">): string | number | undefined {
  return (run.data[column.kind] as { key: string; value: string | number }[] | undefined)?.find((item) => item.key === column.key)?.value;
}

/** Every metric and param of these runs, and tags that people set, the telling ones first. */
export function allColumns(runs: readonly Run[]): DataColumn[] {
  const found = new Map<string, DataColumn & { values: Set<unknown> }>();
  for (const run of runs) {
    for (const kind of ["metrics", "params", "tags"] as const) {
      for (const { key, value } of run.data[kind] ?? []) {
        if (kind === "tags" && key.startsWith("mlflow.")) continue;
        const id = columnId(kind, key);
        const column = found.get(id) ?? { id, kind, key, differs: false, runs: 0, values: new Set() };
        column.runs += 1;
        column.values.add(value);
        found.set(id, column);
      }
    }
  }
  return [...found.values()]
    .map(({ values, ...column }) => ({ ...column, differs: values.size > 1 || column.runs < runs.length }))
    .toSorted((a, b) => Number(b.differs) - Number(a.differs) || b.runs - a.runs || a.key.localeCompare(b.key));
}

const DEFAULTS: Record<Kind, number> = { metrics: 4, params: 4, tags: 0 };

/** The chosen columns; when none were chosen, the most telling metrics and params. System metrics only by choice. */
export function shownColumns(all: readonly DataColumn[], chosen: readonly string[] | undefined, onlyDiffering: boolean): DataColumn[] {
  const usable = onlyDiffering ? all.filter((column) => column.differs) : all;
  if (chosen) return chosen.flatMap((id) => usable.find((column) => column.id === id) ?? []);
  return (["metrics", "params", "tags"] as const).flatMap((kind) =>
    usable.filter((column) => column.kind === kind && !column.key.startsWith("system/")).slice(0, DEFAULTS[kind]));
}

/** `metrics.acc:desc` from the address, as MLflow's order_by. */
export function orderBy(sort: string | undefined): string[] {
  const match = /^(attributes|metrics|params|tags)\.(.+):(asc|desc)$/.exec(sort ?? "");
  if (!match) return ["attributes.start_time DESC"];
  const [, kind, key = "", direction = ""] = match;
  const field = kind === "attributes" ? `attributes.${key}` : `${kind}.${quoteKey(key)}`;
  return [`${field} ${direction.toUpperCase()}`];
}

export function quoteKey(key: string): string {
  return key.includes("`") ? `"${key}"` : `\`${key}\``;
}

/** Adds a clause to a filter. */
export function withClause(filter: string, clause: string): string {
  if (filter.includes(clause)) return filter;
  return filter ? `${filter} AND ${clause}` : clause;
}

/** The clause that keeps runs with this very value. */
export function clauseFor(column: Pick<DataColumn, "kind" | "key">, value: string | number): string {
  const shown = column.kind === "metrics" ? String(value) : `'${String(value).replaceAll("'", "")}'`;
  return `${column.kind}.${quoteKey(column.key)} = ${shown}`;
}

