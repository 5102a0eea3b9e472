/** A run's own colour: the same on every page, from its id. Past five runs a dash pattern tells lines apart. */
const COLOURS = 5;
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

export function runHash(id: string): number {
  let hash = 2166136261;
  for (let index = 0; index < id.length; index += 1) hash = Math.imul(hash ^ id.charCodeAt(index), 16777619);
  return hash >>> 0;
}

/** The CSS variable with the run's colour. */
export const runColour = (id: string): string => `var(--chart-${(runHash(id) % COLOURS) + 1})`;

export interface LineLook { colour: string; dash: readonly number[] }

/** Looks for lines drawn together: each its own colour as long as that is free, then the least used, then dashes. */
export function lineLooks(ids: readonly string[]): LineLook[] {
  const uses: number[] = Array.from({ length: COLOURS }, () => 0);
  return ids.map((id) => {
    const own = runHash(id) % COLOURS;
    let slot = own;
    for (let step = 1; step < COLOURS; step += 1) {
      const other = (own + step) % COLOURS;
      if ((uses[other] ?? 0) < (uses[slot] ?? 0)) slot = other;
    }
    const round = uses[slot] ?? 0;
    uses[slot] = round + 1;
    return { colour: `--chart-${slot + 1}`, dash: DASHES[round % DASHES.length] ?? [] };
  });
}
