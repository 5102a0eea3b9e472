// Fails when what a browser must fetch grows past its budget. Sizes are gzip, in kB of 1000 bytes.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGETS = { "initial JavaScript": 150, "initial CSS": 20, "a lazy route": 80, "fonts of a Latin first view": 100 };
const dist = fileURLToPath(new URL("../dist/", import.meta.url));

let html;
try {
  html = readFileSync(join(dist, "index.html"), "utf8");
} catch {
  console.error("dist/index.html is missing: run npm run build first");
  process.exit(1);
}
const gzip = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length / 1000;
const staticImports = (file) =>
  [...readFileSync(join(dist, file), "utf8").matchAll(/(?:^|[;}\s])(?:import|export)\s*(?:[^"'();]*?from\s*)?["']\.\/([\w.-]+\.js)["']/g)]
    .map((match) => `assets/${match[1]}`);

/** A file and everything it cannot run without. */
function closure(entries) {
  const found = new Set();
  const waiting = [...entries];
  while (waiting.length > 0) {
    const file = waiting.pop();
    if (found.has(file)) continue;
    found.add(file);
    waiting.push(...staticImports(file));
  }
  return found;
}

const assets = readdirSync(join(dist, "assets"));
const entries = [...html.matchAll(/(?:src|href)="\/(assets\/[\w.-]+\.js)"/g)].map((match) => match[1]);
const initial = closure(entries);
const sum = (files) => [...files].reduce((total, file) => total + gzip(file), 0);
const routes = assets.filter((name) => name.endsWith(".js") && !initial.has(`assets/${name}`)).map((name) => {
  const own = [...closure([`assets/${name}`])].filter((file) => !initial.has(file));
  return { name, size: sum(own) };
}).sort((a, b) => b.size - a.size);
const fonts = assets.filter((name) => /latin-wght-normal.*\.woff2$/.test(name) && !name.includes("-ext-"));
const styles = [...html.matchAll(/href="\/(assets\/[\w.-]+\.css)"/g)].map((match) => match[1]);

const rows = [
  ["initial JavaScript", sum(initial), [...initial].join(" ")],
  ["initial CSS", sum(styles), styles.join(" ")],
  ["a lazy route", routes[0].size, routes[0].name],
  ["fonts of a Latin first view", fonts.reduce((total, name) => total + statSync(join(dist, "assets", name)).size / 1000, 0), fonts.join(" ")],
];
let failed = fonts.length === 0 || entries.length === 0;
for (const [what, size, files] of rows) {
  const over = size > BUDGETS[what];
  failed ||= over;
  console.log(`${over ? "OVER" : "ok  "} ${what}: ${size.toFixed(1)} of ${BUDGETS[what]} kB (${files})`);
}
process.exit(failed ? 1 : 0);
