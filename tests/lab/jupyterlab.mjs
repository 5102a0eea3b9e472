// JupyterLab in a browser, used as a person uses it.
import { assertAccessible, picture } from "../../gateway/ui/tests/e2e/browser.mjs";

/** Milliseconds that a start may take: a server of the suite, or JupyterLab's own scripts. */
const START = 180_000;

/** Waits for a condition that no event tells of. */
export async function until(what, seconds, condition) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await condition();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits until JupyterLab is there with `what` in it. */
export async function loaded(page, what) {
  await page.waitForSelector(what, { timeout: START });
  await page.waitForSelector("#jupyterlab-splash", { state: "detached" });
}

/** Opens what the launcher's card with this text opens. */
export async function launch(page, category, text) {
  const card = page.locator(`.jp-Launcher:visible .jp-LauncherCard[data-category="${category}"]`, { hasText: text }).first();
  if (!(await page.locator(".jp-Launcher:visible").count())) await page.locator('[data-command="launcher:create"]:visible').first().click();
  await card.click();
}

/** The notebook in front, when its kernel has nothing to do. */
export async function notebook(page) {
  const panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)");
  await panel.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").waitFor({ timeout: START });
  return panel;
}

/** Writes code into the last cell and runs it; returns the cell. */
export async function run(page, code) {
  const panel = await notebook(page);
  const cell = panel.locator(".jp-CodeCell").nth((await panel.locator(".jp-CodeCell").count()) - 1);
  await cell.locator(".cm-content").click();
  await page.keyboard.insertText(code);
  await page.keyboard.press("Shift+Enter");
  return cell;
}

/** What a cell has printed, once it has printed `text`. */
export async function printed(cell, text, timeout = START) {
  const output = cell.locator(".jp-OutputArea-output", { hasText: text }).first();
  await output.waitFor({ timeout });
  return output.innerText();
}

/** Saves the notebook in front; the first time it gets this name. */
export async function save(page, name) {
  await page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .cm-content").last().click();
  await page.keyboard.press("Control+s");
  if (!name) return;
  const dialog = page.locator(".jp-Dialog", { hasText: "Rename file" });
  await dialog.locator("input[type=text]").fill(name);
  await dialog.locator("button.jp-mod-accept").click();
}

/** Runs a command in a terminal of its own, when the shell has said something; returns when it has said `text`. */
export async function terminal(page, command, text) {
  let said = "";
  listen(page, "/terminals/websocket/", (payload) => {
    said += payload;
  });
  await launch(page, "Other", /Terminal/);
  await until("the shell greets", 120, () => said.includes("stdout"));
  await page.locator(".jp-Terminal:visible .xterm-screen").click();
  await page.keyboard.type(`${command}\n`);
  await until(`the terminal says ${text}`, 120, () => said.includes(text));
}

/** Whether the page is in a room whose address has `place` in it, and has heard something there. */
export function inRoom(page, place) {
  let frames = 0;
  listen(page, place, () => {
    frames += 1;
  });
  return () => frames > 0;
}

/**
 * Answers what JupyterLab asks of its own accord, as a person would: on a slow machine it asks what to do while a shared
 * notebook loads, and a folder in which a file is renamed while jupyter-server lists it is "not found" (its listing
 * ends with the vanished file's 404).
 */
export async function answerDialogs(page) {
  for (const [says, answer] of [
    ["taking some time to load", "Continue waiting"],
    ["Directory not found", "Close"],
  ]) {
    const asked = page.locator(".jp-Dialog", { hasText: says });
    await page.addLocatorHandler(asked, () => asked.locator(".jp-Dialog-footer").getByRole("button", { name: answer }).click());
  }
}

function listen(page, place, hear) {
  page.on("websocket", (socket) => {
    if (socket.url().includes(place)) socket.on("framereceived", ({ payload }) => hear(payload.toString()));
  });
}

/** Fills in the page on which people sign in. */
export async function signIn(page, user, password) {
  await page.waitForURL(/\/login\?next=/);
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Chooses a profile on its page and starts the server; `options` are the choices by their labels. */
export async function spawn(page, profile, options = {}) {
  await page.getByRole("heading", { level: 1, name: "Start a server" }).waitFor();
  await page.getByRole("radio", { name: profile }).check();
  for (const [label, value] of Object.entries(options)) await page.getByLabel(label).selectOption(value);
  await assertAccessible(page, "the page of profiles");
  await picture(page, `spawn-${profile}`);
  await page.getByRole("button", { name: "Start" }).click();
}

/** The places of the start that the waiting page of `server` (`ada`, `ada/second`) shows while it looks again by itself. */
export function progressShown(page, server) {
  const shown = new Set();
  page.on("response", async (response) => {
    if (new URL(response.url()).pathname !== `/hub/spawn-pending/${server}` || response.status() !== 200) return;
    // the page may be gone before its text is read
    const text = await response.text().catch(() => "");
    const value = /<progress [^>]*value="(\d+)"/.exec(text)?.[1];
    if (value !== undefined) shown.add(Number(value));
  });
  return shown;
}
