// What a team sees of its working day in the web app, in a real browser against a running server.
//
// Needs BASE_URL, USER and PASSWORD. EXPERIMENT, MODEL and ENDPOINT name what was made before (wine); DAG names the
// DAG whose newest finished run is looked at (else the first that has one). SHOTS names a folder for pictures.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { ask, assertAccessible, openBrowser, overflow, picture, prefer, required, settled } from "./browser.mjs";

const BASE = required("BASE_URL").replace(/\/$/, "");
const USER = required("USER");
const PASSWORD = required("PASSWORD");
const EXPERIMENT = process.env.EXPERIMENT ?? "wine";
const MODEL = process.env.MODEL ?? "wine";
const ENDPOINT = process.env.ENDPOINT ?? "wine";
const MLFLOW = "/api/2.0/mlflow";

let browser;
let context;
let page;
let failures;
/** Addresses of the pages that were visited, for the check of each in every theme and language. */
const visited = new Map();

before(async () => {
  ({ browser, context, page, failures } = await openBrowser(BASE));
});
after(async () => {
  await browser?.close();
});
let tests = 0;
beforeEach(() => {
  tests += 1;
  assert.ok(tests === 1 || visited.size > 0, "nobody is signed in");
});

async function remember(name) {
  await settled(page);
  visited.set(name, new URL(page.url()).pathname + new URL(page.url()).search);
  await picture(page, name);
}

/** Follows the links that people follow; the address bar is for nobody. */
async function nav(name) {
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name }).click();
}

test("a wrong password says so, the right one opens the page that was asked for", async () => {
  await page.goto("/p/default/experiments");
  await page.waitForURL(/\/login\?next=/);
  await prefer(page, "light", "en");
  await page.reload();
  await picture(page, "login");
  await page.getByLabel("User name").fill(USER);
  await page.getByLabel("Password").fill(`${PASSWORD} not`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/p/default/experiments");
  await page.getByText("Live", { exact: true }).waitFor();
  await remember("experiments");
});

test("the runs table shows the runs with their metrics", async () => {
  await page.getByRole("link", { name: EXPERIMENT, exact: true }).click();
  const rows = page.getByRole("grid", { name: "Runs" }).locator("[role=rowgroup] [role=row]");
  await rows.nth(1).waitFor();
  assert.ok(await rows.filter({ hasText: "Finished" }).count() >= 2, "two finished runs are in the table");
  const metrics = rows.filter({ hasText: "Finished" }).locator("[role=gridcell].num .cell-value");
  assert.ok(await metrics.count() >= 2, "the runs have metric columns");
  for (const value of (await metrics.allTextContents()).slice(0, 6)) assert.match(value, /\d/, "metric values are numbers");
  await remember("runs");
});

test("the filter completes fields, and says what is wrong with it", async () => {
  const filter = page.getByRole("combobox", { name: "Filter of the runs" });
  await filter.pressSequentially("metrics.");
  await page.getByRole("listbox", { name: "Completions" }).getByRole("option").first().waitFor();
  await assertAccessible(page, "the completions of the filter");
  await filter.fill("this is no filter");
  await filter.press("Enter");
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).waitFor();
  await filter.fill("attributes.status = 'FINISHED'");
  await filter.press("Enter");
  await page.waitForURL(/[?&]q=/);
  await page.getByRole("alert").waitFor({ state: "detached" });
  await page.getByRole("grid", { name: "Runs" }).locator("[data-state=FINISHED]").nth(1).waitFor();
  await filter.fill("");
  await page.waitForURL((url) => !url.searchParams.has("q"));
});

test("two runs compare side by side", async () => {
  const boxes = page.getByRole("grid", { name: "Runs" }).getByRole("checkbox");
  await boxes.nth(0).click();
  await boxes.nth(1).click();
  await page.getByRole("button", { name: "Compare (2)" }).click();
  await page.getByRole("heading", { name: "Comparison of 2 runs" }).waitFor();
  await page.locator(".metric-card").first().waitFor();
  await remember("compare");
  await page.goBack();
});

test("a run shows its params, metrics, charts, dataset and artifacts", async () => {
  // the oldest was trained in the notebook and left a picture and a report
  const run = page.getByRole("grid", { name: "Runs" }).locator("[role=row]", { hasText: "Finished" }).getByRole("link").last();
  const name = await run.textContent();
  await run.click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  assert.ok(await page.getByRole("table", { name: "Metrics" }).getByRole("row").count() >= 1, "the run has metrics");
  assert.ok(await page.getByRole("table", { name: "Params" }).getByRole("row").count() >= 1, "the run has params");
  await remember("run");
  const parts = page.getByRole("navigation", { name: "Parts of the run" });
  await parts.getByRole("link", { name: "Metrics" }).click();
  await page.locator(".metric-card canvas, .metric-card .single").first().waitFor();
  await remember("run-metrics");
  await parts.getByRole("link", { name: "Artifacts" }).click();
  await page.getByRole("navigation", { name: "Artifacts" }).getByRole("listitem").first().waitFor();
  const file = page.getByRole("navigation", { name: "Artifacts" }).getByRole("link", { name: /\.(png|txt|json)/ }).first();
  if (await file.count() > 0) {
    await file.click();
    await page.locator(".image-view img, .text-view").first().waitFor();
  }
  await remember("run-artifacts");
});

test("the model has two versions, its alias and the way to their runs", async () => {
  await nav("Models");
  await page.getByRole("link", { name: MODEL, exact: true }).waitFor();
  await remember("models");
  await page.getByRole("link", { name: MODEL, exact: true }).click();
  const versions = page.getByRole("table", { name: "Versions" });
  await versions.getByRole("link", { name: "v2", exact: true }).waitFor();
  await versions.getByRole("link", { name: "v1", exact: true }).waitFor();
  await versions.getByText("@champion").waitFor();
  await remember("model");
  await versions.getByRole("link", { name: "v2", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: `${MODEL} v2` }).waitFor();
  await remember("version");
});

test("the DAG run shows the states of its tasks and a task's log", async () => {
  await nav("Pipelines");
  await page.getByRole("table", { name: "Pipelines" }).waitFor();
  await remember("pipelines");
  const dag = process.env.DAG ?? (await ask(context, "GET", "/api/v2/dags/~/dagRuns?limit=100")).dag_runs.find((run) => run.state === "success")?.dag_id;
  assert.ok(dag, "a DAG has run");
  await page.getByRole("link", { name: dag, exact: true }).click();
  await page.getByRole("table", { name: "Grid" }).locator("tbody .mark").first().waitFor();
  await remember("dag-grid");
  const parts = page.getByRole("navigation", { name: "Parts of the DAG" });
  await parts.getByRole("link", { name: "Graph" }).click();
  await page.locator(".graph .node").first().waitFor();
  await remember("dag-graph");
  await parts.getByRole("link", { name: "Code" }).click();
  await page.locator("pre.code", { hasText: "dag" }).waitFor();
  await remember("dag-code");
  await parts.getByRole("link", { name: "Runs" }).click();
  const runs = page.getByRole("table", { name: "Runs" });
  await runs.getByRole("row").nth(1).waitFor();
  await remember("dag-runs");
  await runs.getByRole("row", { name: /Success/ }).getByRole("link").first().click();
  const tasks = page.locator(".instances li");
  await tasks.first().waitFor();
  assert.ok(await tasks.locator("[data-state=success]").count() >= 1, "tasks have succeeded");
  await tasks.filter({ has: page.locator("[data-state=success]") }).getByRole("link").first().click();
  await page.getByRole("log").locator(".log-line").first().waitFor();
  await remember("dag-run");
});

test("the notebook server runs, or starts while its steps are shown", async () => {
  await nav("Notebooks");
  await settled(page);
  const mine = page.getByRole("group", { name: "My notebook server" });
  const open = mine.getByRole("link", { name: "Open JupyterLab" });
  const start = mine.getByRole("button", { name: "Start the server" });
  await open.or(start).first().waitFor();
  const started = await start.isVisible();
  if (started) {
    await start.click();
    await mine.getByRole("progressbar").or(open).first().waitFor();
    await picture(page, "notebook-starting");
    await open.waitFor({ timeout: Number(process.env.SPAWN_TIMEOUT_MS ?? 300_000) });
  }
  assert.equal(await open.getAttribute("href"), `/user/${USER}/lab`);
  await mine.locator("[data-state='server.ready']").waitFor();
  await remember("notebooks");
  if (!started) return;
  await mine.getByRole("button", { name: "Stop" }).click();
  await start.waitFor();
});

test("a named server has its own row, and is deleted by its name", async () => {
  await ask(context, "PUT", `/hub/api/users/${USER}/servers/spare`, {});
  await page.reload();
  const spare = page.getByRole("group", { name: "spare", exact: true });
  await spare.locator("[data-state='server.stopped']").waitFor();
  await spare.getByRole("button", { name: "Start the server" }).waitFor();
  await assertAccessible(page, "the named servers");
  await page.getByRole("button", { name: "Add a server" }).click();
  const dialog = page.getByRole("dialog");
  for (const [name, problem] of [["not a name", /Only letters/], ["spare", "You already have a server of this name."]]) {
    await page.getByLabel("Name of the server").fill(name);
    await dialog.getByRole("alert").filter({ hasText: problem }).waitFor();
  }
  await assertAccessible(page, "the dialog of a new server");
  await page.keyboard.press("Escape");
  await spare.getByRole("button", { name: "Delete server spare" }).click();
  await dialog.getByRole("textbox").fill("spare");
  await page.keyboard.press("Enter");
  await spare.waitFor({ state: "detached" });
});

test("the endpoint serves the version of its alias and answers", async () => {
  await nav("Deployments");
  await page.getByRole("table", { name: "Deployments" }).getByRole("link", { name: ENDPOINT, exact: true }).first().waitFor();
  await remember("deployments");
  await page.getByRole("table", { name: "Deployments" }).getByRole("link", { name: ENDPOINT, exact: true }).first().click();
  const served = page.getByRole("table", { name: "What is served" });
  await served.getByText("@champion").waitFor();
  await served.getByText("v2", { exact: true }).waitFor();
  await page.locator(".page-head [data-state=READY]").waitFor();
  await page.waitForFunction(() => document.querySelector(".page textarea")?.value.includes("{"));
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator("pre.answer", { hasText: "predictions" }).waitFor();
  await remember("deployment");
});

test("home and settings are there, and a token is shown once", async () => {
  await nav("Home");
  await page.getByRole("heading", { name: "Recent runs" }).waitFor();
  await remember("home");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Settings" }).click();
  await page.getByRole("button", { name: "Create a token" }).click();
  await page.getByLabel("What it is for").fill("browser test");
  await assertAccessible(page, "the dialog of a new token");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const token = await page.locator("[data-token]").textContent();
  assert.ok(token && token.length >= 16, "the token is shown");
  await remember("settings");
  await page.reload();
  const row = page.getByRole("row", { name: /browser test/ }).first();
  await row.waitFor();
  assert.equal(await page.getByText(token).count(), 0, "the token is shown only once");
  await row.getByRole("button", { name: "Revoke" }).click();
});

test("an administrator sees the users", async (t) => {
  const users = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Users" });
  if (await users.count() === 0) return t.skip("this account is none");
  await users.click();
  await page.getByRole("table", { name: "Users" }).getByRole("cell", { name: USER, exact: true }).waitFor();
  await remember("users");
});

test("what happens on the server appears without a reload", async () => {
  await nav("Experiments");
  await page.getByRole("link", { name: EXPERIMENT, exact: true }).click();
  await page.getByRole("grid", { name: "Runs" }).locator("[role=rowgroup] [role=row]").first().waitFor();
  // Nobody under the list: with the pointer on it, new rows would wait to be asked for.
  await page.mouse.move(0, 0);
  await page.evaluate(() => { window.loadedOnce = true; });
  const experiment = /experiments\/(\d+)/.exec(page.url())[1];
  const name = `live-${Date.now()}`;
  const { run } = await ask(context, "POST", `${MLFLOW}/runs/create`, { experiment_id: experiment, run_name: name, start_time: Date.now() });
  const row = page.getByRole("row", { name: new RegExp(name) });
  await row.locator("[data-state=RUNNING]").waitFor();
  await picture(page, "live");
  await ask(context, "POST", `${MLFLOW}/runs/update`, { run_id: run.info.run_id, status: "FINISHED", end_time: Date.now() });
  await row.locator("[data-state=FINISHED]").waitFor();
  await ask(context, "POST", `${MLFLOW}/runs/delete`, { run_id: run.info.run_id });
  await row.waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => window.loadedOnce), true, "the page was not loaded again");
});

test("what does not exist says so, with a way on", async () => {
  await page.goto(`/p/default/runs/${"0".repeat(32)}`);
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).waitFor();
  visited.set("missing-run", `/p/default/runs/${"0".repeat(32)}`);
  await page.goto("/p/default/nothing/here");
  await page.getByText("There is nothing at this address").waitFor();
  visited.set("not-found", "/p/default/nothing/here");
});

test("the address that MLflow's client prints leads to the run", async () => {
  const run = visited.get("run");
  await page.goto(`/#/experiments/1/runs/${run.split("/").at(-1)}`);
  await page.waitForURL(`**${run}`);
});

test("keys lead through the app, language and theme switch at once", async () => {
  await page.goto("/p/default");
  await settled(page);
  await page.keyboard.press("g");
  await page.keyboard.press("m");
  await page.waitForURL("**/p/default/models");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("experiments");
  await assertAccessible(page, "the palette");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/p/default/experiments");
  await page.getByRole("button", { name: /Account of/ }).click();
  await assertAccessible(page, "the account menu");
  await page.getByRole("menuitemradio", { name: "Русский" }).click();
  await page.getByRole("heading", { level: 1, name: "Эксперименты" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "ru");
  await page.keyboard.press("Escape");
  const before = await page.evaluate(() => document.documentElement.dataset.theme);
  await page.keyboard.press("Alt+t");
  await page.waitForFunction((theme) => document.documentElement.dataset.theme !== theme, before);
});

for (const theme of ["light", "dark"]) {
  for (const language of ["en", "ru"]) {
    test(`every page is accessible: ${theme}, ${language}`, async () => {
      await prefer(page, theme, language);
      const problems = [];
      for (const [name, address] of visited) {
        await page.goto(address);
        await settled(page);
        await picture(page, `${name}-${theme}-${language}`);
        await assertAccessible(page, `${name} (${theme}, ${language})`).catch((error) => problems.push(error.message));
        const wider = await overflow(page, [1024, 1440]);
        if (wider) problems.push(`${name} (${theme}, ${language}) is wider than the window: ${wider}`);
      }
      assert.ok(problems.length === 0, problems.join("\n"));
    });
  }
}

test("signing out ends the session", async () => {
  await prefer(page, "light", "en");
  await page.goto("/p/default");
  await page.getByRole("button", { name: /Account of/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL("**/login");
  await assertAccessible(page, "the login page");
  await page.goto("/p/default/models");
  await page.waitForURL(/\/login\?next=/);
});

test("no page had a script error or broke its own policy", () => {
  assert.deepEqual(failures, []);
});
