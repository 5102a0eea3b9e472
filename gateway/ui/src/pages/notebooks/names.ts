/** What a named server may be called: a part of an address and a folder's name. */
export type NameProblem = "begin" | "letters" | "long" | "taken";

export const LONGEST = 64;

/** What is wrong with a name, as far as it can be told without asking; nothing is wrong with none yet. */
export function nameProblem(name: string, taken: readonly string[]): NameProblem | undefined {
  if (name === "") return undefined;
  if (!/^[A-Za-z0-9]/.test(name)) return "begin";
  if (!/^[A-Za-z0-9._-]*$/.test(name)) return "letters";
  if (name.length > LONGEST) return "long";
  return taken.includes(name) ? "taken" : undefined;
}
