/** Which cache entries an event makes stale, and when to refetch them. */
import type { Query } from "@tanstack/react-query";

/** One change, as `/events` tells it. */
export interface LiveEvent {
  id?: string;
  topic: string;
  type?: string;
  key?: string;
  time?: string;
  data?: unknown;
}

/** True when a change of `changed` is a change of `watched`, or of something inside or around it (`dag` and `dag/run`). */
export function concerns(watched: string | undefined, changed: string | undefined): boolean {
  if (!watched || !changed || watched === changed) return true;
  return changed.startsWith(`${watched}/`) || watched.startsWith(`${changed}/`);
}

export function isStale(query: Pick<Query, "meta">, events: readonly LiveEvent[]): boolean {
  const { topics, key } = query.meta ?? {};
  if (!topics) return false;
  return events.some((event) => (topics as readonly string[]).includes(event.topic) && concerns(key, event.key));
}

/**
 * Gathers events for a moment, then refetches once; while that is under way it gathers on. So a burst costs one
 * refetch, a slow server is never asked the same thing twice at once, and the last change is never missed.
 */
export class Coalescer {
  private waiting: LiveEvent[] = [];
  private busy = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly flush: (events: readonly LiveEvent[]) => Promise<unknown>, private readonly delay = 250) {}

  add(event: LiveEvent): void {
    this.waiting.push(event);
    this.schedule();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.waiting = [];
  }

  private schedule(): void {
    if (this.busy || this.timer !== undefined || this.waiting.length === 0) return;
    this.timer = setTimeout(() => void this.run(), this.delay);
  }

  private async run(): Promise<void> {
    this.timer = undefined;
    this.busy = true;
    const events = this.waiting;
    this.waiting = [];
    try {
      await this.flush(events);
    } finally {
      this.busy = false;
      this.schedule();
    }
  }
}
