import type { Run } from "../../api/tracking";

const SHOWN = 4;

/** The metrics that most of a model's runs share, to compare its versions by. */
export function metricKeys(runs: readonly Run[]): string[] {
  const counts = new Map<string, number>();
  for (const run of runs) {
    for (const { key } of run.data.metrics ?? []) {
      if (!key.startsWith("system/")) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return [...counts].toSorted(([a, many], [b, more]) => more - many || a.localeCompare(b)).slice(0, SHOWN).map(([key]) => key);
}
