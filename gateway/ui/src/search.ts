/** What of a page's view is in its address. Anything malformed is dropped, so an old link still opens. */

type Raw = Record<string, unknown>;

/** `?q=a&cols=x,y&diff=true`: plain text, so that an address can be read and written by hand. */
export const parseSearch = (text: string): Raw => Object.fromEntries(new URLSearchParams(text));

export function stringifySearch(search: Raw): string {
  const entries = Object.entries(search).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : String(value)])).toString();
  // Commas and slashes need no escape in a query and read better without.
  return text === "" ? "" : `?${text.replaceAll("%2C", ",").replaceAll("%2F", "/")}`;
}

const flag = (value: unknown): boolean => value === true || value === "true";

const text = (value: unknown): string | undefined =>
  (typeof value === "string" && value !== "") || typeof value === "number" ? String(value) : undefined;

const list = (value: unknown): string[] | undefined => {
  const items = typeof value === "string" ? value.split(",") : Array.isArray(value) ? value.map(String) : [];
  const kept = items.filter(Boolean);
  return kept.length > 0 ? kept : undefined;
};

export interface LoginSearch { next?: string }
/** Only a path of this server: never another site, never `//host`. */
export function loginSearch(raw: Raw): LoginSearch {
  const next = text(raw.next);
  return next && /^\/(?![/\\])/.test(next) ? { next } : {};
}

export interface RunsSearch { q?: string; sort?: string; cols?: string[]; diff?: boolean }
export function runsSearch(raw: Raw): RunsSearch {
  return { q: text(raw.q), sort: text(raw.sort), cols: list(raw.cols), ...(flag(raw.diff) ? { diff: true } : {}) };
}

export interface CompareSearch { runs?: string[] }
export const compareSearch = (raw: Raw): CompareSearch => ({ runs: list(raw.runs) });

export interface FilterSearch { q?: string }
export const filterSearch = (raw: Raw): FilterSearch => ({ q: text(raw.q) });

export interface ChartSearch { x?: "step" | "time" | "relative"; smooth?: number; log?: boolean }
export function chartSearch(raw: Raw): ChartSearch {
  const smooth = Number(raw.smooth);
  return {
    ...(raw.x === "time" || raw.x === "relative" ? { x: raw.x } : {}),
    ...(smooth > 0 && smooth < 1 ? { smooth } : {}),
    ...(flag(raw.log) ? { log: true } : {}),
  };
}

export interface ArtifactSearch { path?: string }
export const artifactSearch = (raw: Raw): ArtifactSearch => ({ path: text(raw.path) });

export interface GraphSearch { run?: string }
export const graphSearch = (raw: Raw): GraphSearch => ({ run: text(raw.run) });

export interface TaskSearch { map?: number; attempt?: number }
export function taskSearch(raw: Raw): TaskSearch {
  const whole = (value: unknown): number | undefined =>
    value !== undefined && Number.isInteger(Number(value)) ? Number(value) : undefined;
  return { map: whole(raw.map), attempt: whole(raw.attempt) };
}

export interface DeploySearch { model?: string; alias?: string; version?: string }
export const deploySearch = (raw: Raw): DeploySearch => ({ model: text(raw.model), alias: text(raw.alias), version: text(raw.version) });
