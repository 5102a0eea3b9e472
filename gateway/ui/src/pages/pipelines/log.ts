import type { LogLine } from "../../api/scheduler";

/** Fields that have a place of their own, or that say nothing to a reader. */
const OWN = new Set([
  "timestamp", "event", "level", "logger", "filename", "lineno", "loc", "task_instance_id", "error_detail",
  "dag_id", "run_id", "task_id", "map_index", "try_number", "ti_id",
]);

/** ANSI colours: the level's colour says enough. */
const ANSI = /\u001b\[[0-9;]*[A-Za-z]/g;

export interface Shown {
  line: LogLine;
  text: string;
  /** The title of a group, a line of one, or neither. */
  place: "title" | "inside" | "";
}

const OPEN = "::group::";
const CLOSE = "::endgroup::";

/** The lines that are shown. What the runner says of itself stands in groups, and steps back behind the task's own words. */
export function shownLines(lines: readonly LogLine[]): Shown[] {
  const shown: Shown[] = [];
  let inside = false;
  for (const line of lines) {
    if (line.event.startsWith(CLOSE)) {
      inside = false;
      continue;
    }
    const title = line.event.startsWith(OPEN);
    shown.push({ line, text: textOf(line), place: title ? "title" : inside ? "inside" : "" });
    inside ||= title;
  }
  return shown;
}

/** A structured line as one text: the event, its other fields, then the traceback where there is one. */
export function textOf(line: LogLine): string {
  const fields = Object.entries(line)
    .filter(([name, value]) => !OWN.has(name) && value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return [[line.event.replace(OPEN, ""), ...fields].join(" "), traceback(line.error_detail)].filter(Boolean).join("\n").replace(ANSI, "");
}

interface Frame { filename?: string; lineno?: number; name?: string; line?: string }
interface Failure { exc_type?: string; exc_value?: string; frames?: Frame[] }

function traceback(detail: unknown): string {
  if (!Array.isArray(detail)) return "";
  return (detail as Failure[]).map((failure) => [
    ...(failure.frames ?? []).map((frame) => `  File "${frame.filename}", line ${frame.lineno}, in ${frame.name}`),
    `${failure.exc_type ?? ""}: ${failure.exc_value ?? ""}`,
  ].join("\n")).join("\n");
}
