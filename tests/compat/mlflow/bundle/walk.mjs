// A walk through MLflow's published web bundle, served by us and fed by a server of MLflow's protocol.
//
// Needs BUNDLE (mlflow/server/js/build of the wheel), UPSTREAM (the server's address), SEED (what seed.py printed),
// and TOKEN where the server wants one. SHOTS names a folder for pictures. Holds on the stock server as well.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { serveBundle } from "./server.mjs";
import { Watch } from "./watch.mjs";

const { chromium } = createRequire(new URL("../../../../gateway/ui/package.json", import.meta.url))("playwright-core");
// Without the last ones the browser looks for its maker's servers at every start.
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const { experiment, name, runs, model } = JSON.parse(process.env.SEED);
const within = `/experiments/${experiment}`;
let bundle, browser, page, watch;

before(async () => {
  bundle = await serveBundle(process.env.BUNDLE, process.env.UPSTREAM, process.env.TOKEN);
  browser = await chromium.launch({ executablePath: process.env.ARTEL_TEST_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  const context = await browser.newContext({ baseURL: bundle.url, viewport: { width: 1600, height: 1000 } });
  context.setDefaultTimeout(45_000);
  await context.route((url) => !url.href.startsWith(bundle.url), (route) => route.abort());
  page = await context.newPage();
  watch = new Watch(page, bundle.url);
  // The page on what is new covers the models' pages at the first visit.
  await page.addLocatorHandler(page.getByRole("button", { name: "Try it now" }), (button) => button.click());
});

afterEach(async (context) => {
  if (process.env.SHOTS) {
    mkdirSync(process.env.SHOTS, { recursive: true });
    await page.screenshot({ path: join(process.env.SHOTS, `${context.name.replace(/\W+/g, "-")}.png`) });
  }
  await watch.assertClean(context.name);
});

after(async () => {
  for (const [request, status] of [...watch.seen].sort()) console.log(`seen ${status} ${request}`);
  await browser?.close();
  bundle?.close();
});

/** Opens a page of the bundle; its addresses are behind the hash. */
async function open(address) {
  await page.goto(`/#${address}`);
  await watch.settled();
}

const shows = (text, options) => page.getByText(text, { exact: true, ...options }).first().waitFor();
const plots = (count) => page.waitForFunction((count) => document.querySelectorAll(".js-plotly-plot .main-svg").length >= count, count);

test("the home page opens", async () => {
  await open("/");
  await page.getByRole("link", { name: "Experiments" }).first().waitFor();
});

test("the experiment list finds the experiment by name", async () => {
  await open("/experiments");
  await page.getByPlaceholder("Search experiments").fill(name);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name, exact: true }).first().waitFor();
  await watch.settled();
});

test("the runs table shows runs, and a filter leaves one", async () => {
  await open(`${within}/runs`);
  await page.getByRole("link", { name: "first", exact: true }).waitFor();
  await page.getByRole("link", { name: "second", exact: true }).waitFor();
  const filter = page.getByPlaceholder(/metrics.rmse/);
  await filter.fill('metrics.final > 1 and params.solver = "lbfgs"');
  await filter.press("Enter");
  await page.getByRole("link", { name: "first", exact: true }).waitFor({ state: "detached" });
  await page.getByRole("link", { name: "second", exact: true }).waitFor();
  await filter.fill("");
  await filter.press("Enter");
  await page.getByRole("link", { name: "first", exact: true }).waitFor();
});

test("the charts draw every metric", async () => {
  await open(`${within}/runs?compareRunsMode=CHART`);
  await plots(3);
});

test("a run shows what was logged", async () => {
  await open(`${within}/runs/${runs[0]}`);
  for (const text of [runs[0], "Finished", "solver", "lbfgs", "accuracy", "some words", "first child"]) await shows(text, { exact: text !== "some words" });
  await page.getByText(/wine \(\w+\)/).first().waitFor();
});

test("the metrics of a run are drawn, those of the system beside them", async () => {
  await open(`${within}/runs/${runs[0]}/model-metrics`);
  await plots(2);
  await open(`${within}/runs/${runs[0]}/system-metrics`);
  await plots(1);
});

test("files of a run are shown, each in its viewer", async () => {
  await open(`${within}/runs/${runs[0]}/artifacts/files/words.txt`);
  await shows("just words");
  const choose = (file) => page.getByText(file, { exact: true }).first().click();
  await choose("table.csv");
  await page.getByRole("cell", { name: "22", exact: true }).or(page.locator("td", { hasText: /^22$/ })).first().waitFor();
  await choose("data.json");
  await page.locator("pre, code").filter({ hasText: '"a"' }).first().waitFor();
  await choose("page.html");
  await page.frameLocator("iframe").getByText("A page").waitFor();
  await choose("picture.png");
  await page.waitForFunction(() => [...document.images].some((image) => image.naturalWidth === 16 && image.naturalHeight === 16));
});

test("two runs are compared", async () => {
  const list = encodeURIComponent(JSON.stringify(runs));
  await open(`/compare-runs?runs=${list}&experiments=${encodeURIComponent(JSON.stringify([experiment]))}`);
  await shows("Comparing 2 Runs from 1 Experiment");
  await shows("0.5");
  await page.getByRole("tab", { name: "Scatter Plot" }).click();
  await plots(1);
});

test("a metric has a page with both runs", async () => {
  const query = `runs=${encodeURIComponent(JSON.stringify(runs))}&metric=${encodeURIComponent('"loss"')}&experiments=${encodeURIComponent(JSON.stringify([experiment]))}&plot_metric_keys=${encodeURIComponent('["loss"]')}`;
  await open(`/metric?${query}`);
  await plots(1);
});

test("logged models are listed, and one is opened", async () => {
  await open(`${within}/models`);
  await page.getByRole("link", { name: "model", exact: true }).first().click();
  await shows("Source run");
  await shows("lbfgs").catch(() => shows("READY", { exact: false }));
});

test("the registry lists the model with its versions", async () => {
  await open("/models");
  await page.getByRole("link", { name: model, exact: true }).waitFor();
  await open(`/models/${model}`);
  await shows("what the walk looks at");
  await page.getByText("champion").first().waitFor();
  assert.equal(await page.getByRole("link", { name: /^Version [12]/ }).count(), 2, "both versions are listed");
});

test("a version shows its schema and its run", async () => {
  await open(`/models/${model}/versions/1`);
  await page.getByRole("link", { name: "first", exact: true }).waitFor();
  await page.getByText("Inputs (13)").click();
  await page.getByText("malic_acid").first().waitFor();
});

test("two versions are compared", async () => {
  const query = `name=${encodeURIComponent(JSON.stringify(model))}&runs=${encodeURIComponent(JSON.stringify({ 1: runs[0], 2: runs[1] }))}`;
  await open(`/compare-model-versions?${query}`);
  await page.getByText(/Comparing 2 versions/i).first().waitFor();
});

test("the traces of an experiment open", async () => {
  await open(`${within}/traces`);
});

test("an experiment is made and deleted by hand", async () => {
  const own = `${name}-by-hand-${Date.now()}`; // the name of a deleted experiment stays taken
  await open("/experiments");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByPlaceholder("Input an experiment name").fill(own);
  await page.getByRole("dialog").getByRole("button", { name: "Create", exact: true }).click();
  await page.waitForURL(/experiments\/\d+/);
  await open("/experiments");
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: own, exact: true }) });
  await row.getByRole("checkbox").click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await row.waitFor({ state: "detached" });
});

test("a run is named anew by hand", async () => {
  await open(`${within}/runs/${runs[1]}`);
  await shows("Finished");
  await page.getByRole("button", { name: /more actions|overflow/i }).or(page.locator("[data-testid='overflow-menu-trigger']")).first().click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await page.getByRole("dialog").getByRole("textbox").fill("renamed");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "renamed" }).waitFor();
});
