/** Times that grow older by themselves: one clock for the whole page. */
import { useSyncExternalStore } from "react";
import { ago, dateTime, duration, elapsed } from "../i18n/format";

let now = Date.now();
const listeners = new Set<() => void>();
let clock: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  clock ??= setInterval(() => {
    now = Date.now();
    for (const tick of listeners) tick();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(clock);
    clock = undefined;
  };
}

type Moment = number | string | null | undefined;

/** 5 min ago, with the full time on hover. */
export function Ago({ time }: { time: Moment }) {
  const words = useSyncExternalStore(subscribe, () => ago(time, now));
  return <time className="num" title={dateTime(time)} dateTime={iso(time)}>{words}</time>;
}

/** How long something took, or has taken so far. */
export function Elapsed({ start, end }: { start: Moment; end: Moment }) {
  const words = useSyncExternalStore(subscribe, () => duration(elapsed(start, end, Math.max(now, Date.now() - 1000))));
  return <span className="num">{words}</span>;
}

function iso(time: Moment): string | undefined {
  if (!time) return undefined;
  const value = new Date(time);
  return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
}
