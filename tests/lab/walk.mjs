// A day of notebooks in a real browser: JupyterLab as it is published, on a running Artel.
//
// Needs BASE_URL, PASSWORD (of the users ada and bob) and HOME_FOLDER, ada's home. SHOTS names a folder for pictures.
// What only the machine's owner can do is asked for on standard output, one word a line (`share`, `stop`, `start`), and
// answered by `done` on standard input. Steps and their seconds go to standard error.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { assertAccessible, openBrowser, picture, required, settled } from "../../gateway/ui/tests/e2e/browser.mjs";
import { inRoom, launch, loaded, notebook, printed, progressShown, run, save, signIn, spawn, terminal, until, answerDialogs } from "./jupyterlab.mjs";

const BASE = required("BASE_URL").replace(/\/$/, "");
const PASSWORD = required("PASSWORD");
const HOME = required("HOME_FOLDER");
const ROOM = "/user/ada/second/api/collaboration/room/";
/** The shared notebook on a desk of one's own: what else somebody has open is kept in the home, for every server. */
const DESK = (whose) => `/user/ada/second/lab/workspaces/${whose}/tree/pair.ipynb`;

const { browser, context, page, failures } = await openBrowser(BASE);
// where all the suite's tests run, everything takes its time
context.setDefaultTimeout(180_000);
await answerDialogs(page);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function owner(order) {
  console.log(order);
  assert.equal((await answers.next()).value, "done");
}

const file = (name) => join(HOME, name);
const written = (name, text) => until(`${name} has ${text}`, 120, () => existsSync(file(name)) && readFileSync(file(name), "utf8").includes(text));
const status = async (path) => (await context.request.get(path)).status();
/** Whether a page's address is below this path. */
const below = (path) => (url) => url.pathname.startsWith(path);

async function step(name, work) {
  const began = Date.now();
  try {
    await work();
  } catch (error) {
    for (const [at, open] of browser.contexts().flatMap((one) => one.pages()).entries()) await picture(open, `failed-${at}`).catch(() => {});
    error.message = `${name}: ${error.message}`;
    throw error;
  }
  console.error(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${name}`);
}

const app = await context.newPage();
const mine = app.getByRole("group", { name: "My notebook server" });
let kernel;
let second;

try {
  await step("ada signs in and chooses how her server starts", async () => {
    await page.goto("/hub/home");
    await signIn(page, "ada", PASSWORD);
    await page.waitForURL("**/p/default/notebooks");
    await page.getByRole("group", { name: "My notebook server" }).getByRole("link", { name: "Choose how to start it" }).click();
  });

  await step("the start is shown as it goes on, and leads to JupyterLab", async () => {
    const shown = progressShown(page, "ada");
    await spawn(page, "On my own", { Size: "large" });
    await page.getByRole("progressbar").waitFor();
    await picture(page, "pending");
    await app.goto("/p/default/notebooks");
    await mine.getByRole("progressbar").waitFor();
    await picture(app, "starting");
    await page.waitForURL(below("/user/ada/lab"));
    await mine.getByRole("link", { name: "Open JupyterLab" }).waitFor();
    assert.ok(shown.size >= 2, `the page showed only ${[...shown]}`);
    await loaded(page, ".jp-Launcher");
    await picture(page, "lab");
  });

  await step("a cell runs, and the notebook is in the home folder", async () => {
    await launch(page, "Notebook", /Python 3/);
    const cell = await run(page, 'import os; print(os.environ["JUPYTERHUB_USER"], os.environ["SIZE"], 6 * 7, "kernel", os.getpid())');
    kernel = /ada large 42 kernel (\d+)/.exec(await printed(cell, "kernel"))?.[1];
    assert.ok(kernel && existsSync(`/proc/${kernel}`), "the kernel is a process of this machine");
    await save(page, "day.ipynb");
    await written("day.ipynb", `ada large 42 kernel ${kernel}`);
    await picture(page, "notebook");
  });

  await step("a terminal runs a command", async () => {
    await terminal(page, "echo $((6 * 7)) for $JUPYTERHUB_USER | tee terminal.txt", "42 for ada");
    await written("terminal.txt", "42 for ada");
    await picture(page, "terminal");
  });

  await step("a kernel that is not Python, found by its kernelspec", async () => {
    await launch(page, "Notebook", /^R$/);
    const cell = await run(page, 'cat(R.version$language, "has", sum(1:9), "for", Sys.getenv("JUPYTERHUB_USER"))');
    assert.match(await printed(cell, "has"), /^R has 45 for ada/);
    await picture(page, "r");
    await save(page, "r.ipynb");
    await written("r.ipynb", "R has 45 for ada");
  });

  await step("a second server of the same user", async () => {
    const cell = { cell_type: "code", id: "shared", metadata: {}, source: [], outputs: [], execution_count: null };
    const kernelspec = { name: "python3", display_name: "Python 3 (ipykernel)", language: "python" };
    writeFileSync(file("pair.ipynb"), JSON.stringify({ cells: [cell], metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }));
    second = await context.newPage();
    const joined = inRoom(second, ROOM);
    await answerDialogs(second);
    await second.goto(`/hub/spawn/ada/second?next=${encodeURIComponent(DESK("hers"))}`);
    await spawn(second, "Together");
    await second.waitForURL(below("/user/ada/second/lab"));
    await loaded(second, ".jp-Notebook");
    await until("ada is in the room", 120, joined);
    const started = await Promise.all(["/user/ada/", "/user/ada/second/"].map(async (at) => (await context.request.get(`${at}api/status`)).json()));
    assert.ok(started[0].started && started[1].started && started[0].started !== started[1].started, JSON.stringify(started));
    const named = app.getByRole("group", { name: "second", exact: true });
    await named.locator("[data-state='server.ready']").waitFor();
    assert.equal(await named.getByRole("link", { name: "Open JupyterLab" }).getAttribute("href"), "/user/ada/second/lab");
    await picture(app, "named");
  });

  await step("two people write in one notebook, and see each other do it", async () => {
    await owner("share");
    const other = await browser.newContext({ baseURL: BASE, viewport: { width: 1440, height: 900 } });
    other.setDefaultTimeout(180_000);
    const guest = await other.newPage();
    const joined = inRoom(guest, ROOM);
    await answerDialogs(guest);
    await guest.goto(DESK("his"));
    await signIn(guest, "bob", PASSWORD);
    await guest.getByRole("heading", { name: "Authorize access" }).waitFor();
    await picture(guest, "authorize");
    await guest.getByRole("button", { name: "Authorize" }).click();
    await loaded(guest, ".jp-Notebook");
    await until("bob is in the room", 120, joined);

    const [hers, his] = [second, guest].map((one) => one.locator(".jp-NotebookPanel .jp-CodeCell .cm-content").first());
    const shows = (cell, text) => until(`the other page shows ${text}`, 120, async () => (await cell.innerText()).includes(text));
    await notebook(second);
    await hers.click();
    await second.keyboard.insertText("ada = 6");
    await shows(his, "ada = 6");
    await his.click();
    await guest.keyboard.press("Control+End");
    await guest.keyboard.insertText("; bob = 7; print(ada * bob)");
    await shows(hers, "bob = 7; print(ada * bob)");
    await hers.click();
    await second.keyboard.press("Control+Enter");
    await printed(guest.locator(".jp-CodeCell").first(), "42");
    await written("pair.ipynb", "bob = 7");
    await picture(guest, "together");
    await other.close();
    await second.close();
  });

  await step("Artel is restarted while a cell runs, which ends all the same", async () => {
    await page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", { hasText: "day.ipynb" }).click();
    const cell = await run(
      page,
      'import time; print("begun"); [time.sleep(0.1) for _ in iter(lambda: os.path.exists("go"), True)]; print("ended", 6 * 9); open("ended", "w").close()',
    );
    await printed(cell, "begun");
    await owner("stop");
    writeFileSync(file("go"), "");
    await until("the cell ends without Artel", 120, () => existsSync(file("ended")));
    await owner("start");
    assert.match(await printed(cell, "ended"), /begun\s+ended 54/);
    // JupyterLab may have asked about the server that it could not reach
    const lost = page.locator(".jp-Dialog", { hasText: "Server unavailable" });
    if (await lost.isVisible()) await lost.getByRole("button", { name: "Dismiss" }).click();
    await picture(page, "restarted");
    await save(page);
    await written("day.ipynb", "ended 54");
  });

  await step("the server is stopped in the web app", async () => {
    await mine.getByRole("button", { name: "Stop" }).click();
    await mine.locator("[data-state='server.stopped']").waitFor();
    await settled(app);
    await picture(app, "stopped");
    assert.equal(await status("/user/ada/api/status"), 424);
    await until("the kernel has ended", 120, () => !existsSync(`/proc/${kernel}`));
  });

  await step("a server that nobody uses is taken away", async () => {
    // while it stops, its page says so
    await until("the second server is culled", 180, async () => (await status("/hub/spawn-pending/ada/second")) === 424);
    assert.equal(await status("/user/ada/second/api/status"), 424);
    const answer = await app.goto("/hub/spawn-pending/ada/second");
    assert.equal(answer.status(), 424);
    await app.getByRole("heading", { name: "The server is not running" }).waitFor();
    await assertAccessible(app, "the page of a server that does not run");
    await picture(app, "culled");
  });

  // JupyterLab's own pages are not ours to judge
  assert.deepEqual(failures.filter((failure) => !failure.includes("/user/")), []);
} finally {
  await browser.close();
}
process.exit(0);
