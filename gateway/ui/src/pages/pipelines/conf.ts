/** JSON as typed, or why it is none. */
export function parseConf(text: string): { conf: Record<string, unknown> } | { error: string } {
  if (text.trim() === "") return { conf: {} };
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return { conf: parsed as Record<string, unknown> };
    return { error: "" };
  } catch (error) {
    return { error: (error as Error).message };
  }
}
