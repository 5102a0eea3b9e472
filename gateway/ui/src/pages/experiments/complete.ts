/** Completion of MLflow's filter language: what may stand where the caret is. */
import { quoteKey, type DataColumn } from "./columns";

const ATTRIBUTES = ["run_name", "run_id", "status", "start_time", "end_time", "user_id", "artifact_uri"];
const STATUSES = ["'FINISHED'", "'RUNNING'", "'FAILED'", "'SCHEDULED'", "'KILLED'"];
const SHOWN = 8;

export interface Completion {
  /** Where the word under the caret begins; the choice replaces it up to the caret. */
  from: number;
  options: string[];
}

/** A key as the filter language wants it: plain where it can be, else quoted. */
const field = (kind: string, key: string): string => `${kind}.${/^\w+$/.test(key) ? key : quoteKey(key)}`;

export function complete(text: string, caret: number, columns: readonly Pick<DataColumn, "kind" | "key">[]): Completion {
  const before = text.slice(0, caret);
  const from = before.search(/[^\s(),=<>!]*$/);
  const word = before.slice(from).toLowerCase();
  // An empty box is one that is being left or cleared: a list would only be in the way.
  if (text.trim() === "") return { from, options: [] };
  const previous = before.slice(0, from).trim().split(/\s+/).at(-1)?.toLowerCase() ?? "";
  const options = (list: string[]): Completion => ({ from, options: list.filter((one) => matches(one.toLowerCase(), word)).slice(0, SHOWN) });
  if (/status\s*(=|!=)$/.test(before.slice(0, from).trim())) return options(STATUSES);
  if (previous !== "" && previous !== "and" && previous !== "(") {
    // After a value comes the next clause; after a field, an operator that nobody needs help with.
    return /['"\d)]$/.test(previous) ? options(["AND"]) : { from, options: [] };
  }
  return options([...columns.map((column) => field(column.kind, column.key)), ...ATTRIBUTES.map((name) => `attributes.${name}`)]);
}

/** The word may begin the option, or the name after its dot; a finished word needs no help. */
function matches(option: string, word: string): boolean {
  if (option === word) return false;
  return option.startsWith(word) || option.slice(option.indexOf(".") + 1).replace(/[`"]/, "").startsWith(word);
}
