/** From metric points to what the chart draws. */
import type { Metric } from "../api/tracking";

export type XAxis = "step" | "time" | "relative";
export interface Series { run: string; xs: number[]; ys: (number | null)[] }

/** The points of each run in the order of x. NaN and infinities are gaps. */
export function seriesOf(points: readonly Metric[], runs: readonly string[], x: XAxis): Series[] {
  const byRun = new Map<string, Metric[]>(runs.map((run) => [run, []]));
  for (const point of points) byRun.get(point.run_id ?? runs[0] ?? "")?.push(point);
  return [...byRun].map(([run, found]) => {
    const first = found.reduce((least, point) => Math.min(least, point.timestamp ?? Infinity), Infinity);
    const sorted = found.map((point) => ({ x: place(point, x, first), y: finite(point.value) })).toSorted((a, b) => a.x - b.x);
    return { run, xs: sorted.map((point) => point.x), ys: sorted.map((point) => point.y) };
  });
}

/** Steps as they are; times in seconds, as uPlot wants them. */
function place(point: Metric, x: XAxis, first: number): number {
  if (x === "step") return point.step ?? 0;
  const time = point.timestamp ?? 0;
  return (x === "time" ? time : time - first) / 1000;
}

function finite(value: number | string): number | null {
  const parsed = typeof value === "number" ? value : Number.NaN;
  return Number.isFinite(parsed) ? parsed : null;
}

/** Exponential moving average, corrected for its start; `weight` 0 leaves the values as they are. */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...values];
  let mean = 0;
  let seen = 0;
  return values.map((value) => {
    if (value === null) return null;
    seen += 1;
    mean = mean * weight + value * (1 - weight);
    return mean / (1 - weight ** seen);
  });
}

/** All series over one x: where a run has no point there is a hole, not a zero. */
export function align(series: readonly Series[]): { xs: number[]; ys: (number | null | undefined)[][] } {
  const xs = [...new Set(series.flatMap((one) => one.xs))].toSorted((a, b) => a - b);
  const index = new Map(xs.map((x, at) => [x, at]));
  const ys = series.map((one) => {
    const values: (number | null | undefined)[] = new Array(xs.length).fill(undefined);
    // Several values at one x: the last is the latest.
    one.xs.forEach((x, at) => { values[index.get(x) ?? 0] = one.ys[at]; });
    return values;
  });
  return { xs, ys };
}

/** The prefix before the last slash groups metrics: `train/loss` and `train/acc` stand together. */
export function groupOf(key: string): string {
  const slash = key.lastIndexOf("/");
  return slash > 0 ? key.slice(0, slash) : "";
}
