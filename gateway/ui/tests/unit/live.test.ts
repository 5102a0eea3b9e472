import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Coalescer, concerns, isStale, type LiveEvent } from "../../src/live/stale";

const event = (topic: string, key?: string): LiveEvent => ({ topic, key });

describe("an event", () => {
  it("concerns what it is about, what is inside that and what is around it", () => {
    expect(concerns("etl", "etl")).toBe(true);
    expect(concerns("etl", "etl/run1")).toBe(true);
    expect(concerns("etl/run1", "etl")).toBe(true);
    expect(concerns("etl/run1", "etl/run2")).toBe(false);
    expect(concerns("etl", "etl2")).toBe(false);
    expect(concerns(undefined, "etl")).toBe(true);
  });

  it("makes stale only what listens to its topic", () => {
    const query = { meta: { topics: ["scheduler.dag_runs"] as const, key: "etl" } };
    expect(isStale(query, [event("scheduler.dag_runs", "etl/run1")])).toBe(true);
    expect(isStale(query, [event("scheduler.dag_runs", "other/run1"), event("tracking.runs", "etl")])).toBe(false);
    expect(isStale({ meta: undefined }, [event("scheduler.dag_runs")])).toBe(false);
  });
});

describe("events in a burst", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("cost one refetch", async () => {
    const flush = vi.fn(() => Promise.resolve());
    const coalescer = new Coalescer(flush, 250);
    for (let count = 0; count < 50; count += 1) coalescer.add(event("tracking.runs"));
    await vi.advanceTimersByTimeAsync(250);
    expect(flush).toHaveBeenCalledTimes(1);
    expect(flush).toHaveBeenCalledWith(expect.objectContaining({ length: 50 }));
  });

  it("wait for the refetch under way, and the last one is not missed", async () => {
    let finish = (): void => {};
    const flush = vi.fn(() => new Promise<void>((resolve) => { finish = resolve; }));
    const coalescer = new Coalescer(flush, 250);
    coalescer.add(event("a"));
    await vi.advanceTimersByTimeAsync(250);
    coalescer.add(event("b"));
    await vi.advanceTimersByTimeAsync(5000);
    expect(flush).toHaveBeenCalledTimes(1);
    finish();
    await vi.advanceTimersByTimeAsync(250);
    expect(flush).toHaveBeenCalledTimes(2);
    expect(flush).toHaveBeenLastCalledWith([event("b")]);
  });
});
