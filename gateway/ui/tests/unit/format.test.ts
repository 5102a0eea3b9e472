import { beforeEach, describe, expect, it, vi } from "vitest";
import { ago, bytes, duration, elapsed, metric } from "../../src/i18n/format";

beforeEach(() => void vi.stubGlobal("localStorage", { getItem: () => "utc", setItem: () => {} }));

describe("numbers and times", () => {
  it("are short and exact enough", () => {
    expect([350, 4200, 185_000, 7_800_000, 180_000_000].map((ms) => duration(ms))).toEqual(["350 ms", "4.2 s", "3 min 5 s", "2 h 10 min", "2 d 2 h"]);
    expect([0.911092321, 1e-7, 12_345_678_901, Number.NaN].map((value) => metric(value))).toEqual(["0.911092", "1.000e-7", "1.235e+10", "NaN"]);
    expect([metric("Infinity"), metric(undefined)]).toEqual(["Infinity", "–"]);
    expect([999, 1500, 2_500_000].map((size) => bytes(size))).toEqual(["999 B", "1.5 kB", "2.5 MB"]);
  });

  it("are relative to now", () => {
    const now = Date.parse("2026-01-02T00:00:00Z");
    expect(ago("2026-01-01T23:55:00Z", now)).toBe("5 min. ago");
    expect(ago(now + 7_200_000, now)).toBe("in 2 hr.");
    expect(ago(null, now)).toBe("–");
    expect(elapsed("2026-01-01T23:59:00Z", null, now)).toBe(60_000);
  });
});
