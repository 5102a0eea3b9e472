/** Lists that are alive must not move under the pointer: new rows wait until they are asked for or nobody is there. */
import { useRef, useState } from "react";

export interface Steady<T> {
  rows: readonly T[];
  /** Rows that wait. */
  waiting: number;
  release: () => void;
  /** For the list's element: tells when somebody is there. */
  watch: { onPointerEnter: () => void; onPointerLeave: () => void };
}

/** The order that was shown, with today's values; `rows` that were not shown then are counted, not placed. */
export function held<T>(shown: readonly string[], rows: readonly T[], idOf: (row: T) => string): { rows: T[]; waiting: number } {
  const now = new Map(rows.map((row) => [idOf(row), row]));
  const kept = shown.flatMap((id) => now.get(id) ?? []);
  const last = rows.findIndex((row) => idOf(row) === shown.at(-1));
  const known = new Set(shown);
  // Rows after the last one shown are a further page, not news.
  const further = rows.slice(last + 1).filter((row) => !known.has(idOf(row)));
  const waiting = rows.slice(0, last + 1).filter((row) => !known.has(idOf(row))).length;
  return { rows: [...kept, ...further], waiting };
}

/** `scope` names what is listed: another filter or order is another list, shown at once. */
export function useSteady<T>(rows: readonly T[], idOf: (row: T) => string, scope: string): Steady<T> {
  const [there, setThere] = useState(false);
  const [, redraw] = useState(0);
  const shown = useRef<{ scope: string; ids: string[] }>({ scope, ids: [] });
  const hold = there && shown.current.scope === scope && shown.current.ids.length > 0;
  const result = hold ? held(shown.current.ids, rows, idOf) : { rows, waiting: 0 };
  shown.current = { scope, ids: result.rows.map(idOf) };
  return {
    ...result,
    release: () => {
      shown.current = { scope, ids: [] };
      redraw((count) => count + 1);
    },
    watch: { onPointerEnter: () => setThere(true), onPointerLeave: () => setThere(false) },
  };
}
