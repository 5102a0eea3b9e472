/** What kind of file a path names, and how its text reads. */

export type FileKind = "image" | "text" | "json" | "table" | "page" | "audio" | "video" | "binary";

const KINDS: Record<string, FileKind> = {
  png: "image", jpg: "image", jpeg: "image", gif: "image", webp: "image", svg: "image", bmp: "image",
  json: "json", ipynb: "json", geojson: "json",
  csv: "table", tsv: "table",
  html: "page", htm: "page",
  mp3: "audio", wav: "audio", ogg: "audio", mp4: "video", webm: "video",
  txt: "text", log: "text", md: "text", py: "text", yaml: "text", yml: "text", toml: "text", cfg: "text", ini: "text", sh: "text",
  sql: "text", r: "text", js: "text", ts: "text", rs: "text", xml: "text", env: "text", conf: "text", j2: "text", dot: "text",
};

/** Model folders hold text files without an extension. */
const NAMED = new Set(["MLmodel", "MLproject", "Dockerfile", "LICENSE", "README", "Makefile"]);

export function kindOf(path: string): FileKind {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (NAMED.has(name)) return "text";
  const dot = name.lastIndexOf(".");
  return (dot >= 0 ? KINDS[name.slice(dot + 1).toLowerCase()] : undefined) ?? "binary";
}

/** Folders above a path, outermost first. */
export function parentsOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

/** Indented JSON; text that is not JSON stays as it is. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Rows of separated values with RFC 4180 quotes, up to `limit`. */
export function parseTable(text: string, separator: string, limit: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length && rows.length < limit; at += 1) {
    const char = text[at];
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === separator) {
      row.push(cell);
      cell = "";
    } else if (char === "\n") {
      rows.push([...row, cell.replace(/\r$/, "")]);
      row = [];
      cell = "";
    } else cell += char;
  }
  if (rows.length < limit && (cell !== "" || row.length > 0)) rows.push([...row, cell]);
  return rows;
}
