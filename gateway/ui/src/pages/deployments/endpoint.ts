import type { Endpoint, ServedEntity } from "../../api/serving";

/** One word for an endpoint: a failed update first, then one under way, then whether it answers. */
export function endpointState(endpoint: { state?: Partial<Endpoint["state"]> }): string {
  const { ready, config_update: update } = endpoint.state ?? {};
  if (update === "UPDATE_FAILED") return update;
  if (update === "IN_PROGRESS") return update;
  return ready ?? "NOT_READY";
}

export const entitiesOf = (endpoint: Endpoint): ServedEntity[] => endpoint.config?.served_entities ?? [];

/** JSON for people: rows of numbers and names stay on one line. */
export function compactJson(value: unknown, indent = ""): string {
  const flat = JSON.stringify(value) ?? "null";
  if (typeof value !== "object" || value === null || (flat.length <= 72 && !flat.includes("{"))) return flat;
  const inner = `${indent}  `;
  const items = Array.isArray(value)
    ? value.map((item) => compactJson(item, inner))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${compactJson(item, inner)}`);
  if (Array.isArray(value) && value.every((item) => typeof item !== "object" || item === null)) return wrapped(value, indent);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return items.length === 0 ? `${open}${close}` : `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close}`;
}

/** A long list of numbers or names, as many on a line as fit. */
function wrapped(items: readonly unknown[], indent: string): string {
  const lines: string[] = [];
  for (const item of items.map((one) => JSON.stringify(one))) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + item.length < 68) lines[lines.length - 1] = `${last}, ${item}`;
    else lines.push(item);
  }
  return `[\n${indent}  ${lines.join(`,\n${indent}  `)}\n${indent}]`;
}

/** The same JSON on one line, for a shell; text that is no JSON stays. */
export function oneLine(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

/** A request to begin with where the model brings no example of its own. */
export const TEMPLATE = `{
  "dataframe_split": {
    "columns": ["a", "b"],
    "data": [[1.0, 2.0]]
  }
}`;
