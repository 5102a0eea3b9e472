/** Numbers, times and sizes in the person's language and chosen time zone. */
import { currentLanguage } from "./index";

export type Zone = "local" | "utc";
const KEY = "artel.zone";
const EMPTY = "–";

export function zone(): Zone {
  return localStorage.getItem(KEY) === "utc" ? "utc" : "local";
}

export function setZone(next: Zone): void {
  localStorage.setItem(KEY, next);
}

/** The label beside absolute times, such as `UTC` or `GMT+3`. */
export function zoneLabel(): string {
  if (zone() === "utc") return "UTC";
  const parts = new Intl.DateTimeFormat("en", { timeZoneName: "short" }).formatToParts(new Date());
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "";
}

type Time = number | string | null | undefined;

function millis(time: Time): number | null {
  if (time === null || time === undefined || time === "" || time === 0) return null;
  const value = typeof time === "number" ? time : Date.parse(time);
  return Number.isNaN(value) ? null : value;
}

/** 23 Nov 2026, 06:08:01 GMT+3 */
export function dateTime(time: Time): string {
  const value = millis(time);
  if (value === null) return EMPTY;
  return new Intl.DateTimeFormat(currentLanguage(), {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
    hourCycle: "h23", timeZone: zone() === "utc" ? "UTC" : undefined, timeZoneName: "short",
  }).format(value);
}

/** 06:08:01.123, for log lines; the zone stands in the log's header. */
export function clockTime(time: Time): string {
  const value = millis(time);
  if (value === null) return "";
  return new Intl.DateTimeFormat(currentLanguage(), {
    hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3,
    hourCycle: "h23", timeZone: zone() === "utc" ? "UTC" : undefined,
  }).format(value);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60],
  ["second", 1],
];

/** 5 min ago; in 2 hr */
export function ago(time: Time, now: number = Date.now()): string {
  const value = millis(time);
  if (value === null) return EMPTY;
  const seconds = (value - now) / 1000;
  const [unit, size] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(currentLanguage(), { numeric: "auto", style: "short" })
    .format(Math.round(seconds / size), unit);
}

const UNITS = { en: ["ms", "s", "min", "h", "d"], ru: ["мс", "с", "мин", "ч", "д"] } as const;

/** 350 ms; 4.2 s; 3 min 5 s; 2 h 10 min */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms) || ms < 0) return EMPTY;
  const [milli, second, minute, hour, day] = UNITS[currentLanguage()];
  if (ms < 1000) return `${Math.round(ms)} ${milli}`;
  if (ms < 60_000) return `${number(ms / 1000, 1)} ${second}`;
  const total = Math.round(ms / 1000);
  if (total < 3600) return `${Math.floor(total / 60)} ${minute} ${total % 60} ${second}`;
  if (total < 86_400) return `${Math.floor(total / 3600)} ${hour} ${Math.floor((total % 3600) / 60)} ${minute}`;
  return `${Math.floor(total / 86_400)} ${day} ${Math.floor((total % 86_400) / 3600)} ${hour}`;
}

/** Milliseconds between two times; up to now when it has not ended. */
export function elapsed(start: Time, end: Time, now: number = Date.now()): number | null {
  const from = millis(start);
  if (from === null) return null;
  return (millis(end) ?? now) - from;
}

export function number(value: number, digits = 3): string {
  return new Intl.NumberFormat(currentLanguage(), { maximumFractionDigits: digits }).format(value);
}

/** A metric: five significant digits, exponents for the very small and the very large. */
export function metric(value: number | string | null | undefined): string {
  if (value === null || value === undefined) return EMPTY;
  if (typeof value === "string") return value;
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(3);
  return new Intl.NumberFormat(currentLanguage(), { maximumSignificantDigits: 6 }).format(value);
}

const SIZES = { en: ["B", "kB", "MB", "GB", "TB"], ru: ["Б", "кБ", "МБ", "ГБ", "ТБ"] } as const;

/** 1.2 MB, in powers of 1000 */
export function bytes(size: number | null | undefined): string {
  if (size === null || size === undefined) return EMPTY;
  let value = size;
  let unit = 0;
  while (value >= 1000 && unit < 4) {
    value /= 1000;
    unit += 1;
  }
  return `${number(value, unit === 0 ? 0 : 1)} ${SIZES[currentLanguage()][unit]}`;
}
