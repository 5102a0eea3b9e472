// A browser for the tests: starts Chromium, keeps what went wrong in the page, checks accessibility, takes pictures.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Without the last ones the browser looks for its maker's servers at every start.
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

export function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: the test needs BASE_URL, USER and PASSWORD of a running server`);
  return value;
}

/** Starts a browser with one page; `failures` gathers script errors and everything the page's own policy refused. */
export async function openBrowser(baseURL) {
  const browser = await chromium.launch({ executablePath: process.env.ARTEL_TEST_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  const context = await browser.newContext({ baseURL, viewport: { width: 1440, height: 900 }, acceptDownloads: true });
  context.setDefaultTimeout(20_000);
  await context.addInitScript({ content: axeSource });
  const page = await context.newPage();
  const failures = [];
  page.on("pageerror", (error) => failures.push(`script error on ${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|Uncaught|Minified React/.test(message.text())) failures.push(`${page.url()}: ${message.text()}`);
  });
  return { browser, context, page, failures };
}

/** Chooses theme and language as a person's earlier visit would have. */
export async function prefer(page, theme, language) {
  await page.evaluate(([theme, language]) => {
    localStorage.setItem("artel.theme", theme);
    localStorage.setItem("artel.language", language);
  }, [theme, language]);
}

/** Waits until the page shows its content and nothing is loading any more. */
export async function settled(page) {
  await page.waitForSelector("h1");
  await page.waitForFunction(() => document.querySelectorAll("[aria-busy=true]").length === 0);
}

/** Fails on any violation that axe knows. */
export async function assertAccessible(page, where) {
  const violations = await page.evaluate(async () => {
    // Focus guards hand the focus on at the edge of an open menu; nobody ever stays on one.
    const found = await window.axe.run({ exclude: ["[data-base-ui-focus-guard]"] }, { resultTypes: ["violations"] });
    return found.violations.map((one) => [`${one.id}: ${one.help}`, ...one.nodes.slice(0, 4).map((node) => `    ${node.target.join(" ")}: ${node.failureSummary}`)].join("\n"));
  });
  assert.ok(violations.length === 0, `axe on ${where}:\n${violations.join("\n")}`);
}

/** By how many pixels the page is wider than the window, at each width. */
export async function overflow(page, widths) {
  const found = [];
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wider > 0) found.push(`${wider} px at ${width} px`);
  }
  return found.join(", ");
}

/** A picture of the page, when SHOTS names a folder for them. */
export async function picture(page, name) {
  if (!process.env.SHOTS) return;
  mkdirSync(process.env.SHOTS, { recursive: true });
  await page.screenshot({ path: join(process.env.SHOTS, `${name}.png`) });
}

/** A request of the page's own session to the server, for what the page itself does not do. */
export async function ask(context, method, path, body) {
  const cookies = await context.cookies();
  const csrf = cookies.find((cookie) => cookie.name === "_xsrf" && cookie.path === "/")?.value ?? "";
  const response = await context.request.fetch(path, { method, data: body, headers: { "X-XSRFToken": csrf } });
  assert.ok(response.ok(), `${method} ${path}: ${response.status()} ${await response.text()}`);
  return response.json();
}
