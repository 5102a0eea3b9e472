import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const css = readFileSync(join(import.meta.dirname, "../../src/theme/tokens.css"), "utf8");
const themes = Object.fromEntries([...css.matchAll(/:root(?:\[data-theme="(\w+)"\])? \{([^}]*)\}/g)].map(([, name = "light", body = ""]) =>
  [name, Object.fromEntries([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1], match[2] ?? ""]))]));

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const TEXTS = ["text", "text-2", "text-3"];
const GROUNDS = ["bg", "surface", "sunken", "hover", "selected"];
const STATES = ["succeeded", "running", "failed", "queued", "retry", "skipped"];

describe.each(["light", "dark"])("the %s theme", (name) => {
  const theme = themes[name] ?? {};
  const pairs = [
    ...TEXTS.flatMap((text) => GROUNDS.map((ground) => [text, ground])),
    ...GROUNDS.map((ground) => ["accent", ground]),
    ...STATES.flatMap((state) => [[state, `${state}-bg`], [state, "surface"], [state, "bg"], [state, "hover"], [state, "sunken"]]),
    ["accent-fg", "accent"], ["accent-fg", "accent-hover"], ["text", "retry-bg"],
  ];
  it.each(pairs)("%s on %s reads well", (text, ground) => {
    expect(theme[text ?? ""], `token ${text}`).toBeDefined();
    expect(theme[ground ?? ""], `token ${ground}`).toBeDefined();
    expect(contrast(theme[text ?? ""] ?? "", theme[ground ?? ""] ?? "")).toBeGreaterThanOrEqual(4.5);
  });
});
