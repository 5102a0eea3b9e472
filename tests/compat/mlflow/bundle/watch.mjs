// What must not happen while the stock bundle is walked through: script errors, console errors, refused requests.
import assert from "node:assert/strict";

const MLFLOW = "/ajax-api/[23]\\.0/mlflow";

/** Requests that may be refused, with the reason; everything else that is answered with 4xx or 5xx is a failure. */
const EXPECTED = [
  [404, `${MLFLOW}/users/current`, "a server without MLflow's account pages; the page then shows none"],
  [404, `${MLFLOW}/experiments/get-by-name`, "the dialog for a new experiment asks whether its name is free"],
  [501, `${MLFLOW}/(assistant|scorers|gateway-proxy|gateway|jobs|label-schemas|review-queues|issues|datasets|prompt)`, "GenAI, which is not offered"],
  [501, `${MLFLOW}/traces/(metrics|calculate)`, "figures about traces are computed by the GenAI pages only"],
];

/** Collects failures of a page; requests to other hosts are cut off, as the walk has no network. */
export class Watch {
  failures = [];
  seen = new Map();
  #open = new Set();

  constructor(page, base) {
    this.page = page;
    this.base = base;
    const ours = (url) => url.startsWith(base);
    page.on("pageerror", (error) => this.failures.push(`script error on ${page.url()}: ${error.stack ?? error.message}`));
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      // Refused requests are judged below, by status; here they have no method and no status.
      if (message.text().startsWith("Failed to load resource")) return;
      this.failures.push(`console on ${page.url()}: ${message.text().slice(0, 500)}`);
    });
    // A worker's script has no end that the page would see.
    page.on("request", (request) => ours(request.url()) && !request.url().includes(".worker.") && this.#open.add(request));
    page.on("requestfinished", (request) => this.#open.delete(request));
    page.on("requestfailed", (request) => this.#open.delete(request));
    page.on("response", (response) => ours(response.url()) && this.#judge(response));
  }

  #judge(response) {
    const { pathname, search } = new URL(response.url());
    if (pathname.startsWith("/static-files") || pathname === "/") {
      if (response.status() >= 400) this.failures.push(`the bundle's own file ${pathname} is missing`);
      return;
    }
    const name = `${response.request().method()} ${pathname}`;
    this.seen.set(name, response.status());
    if (response.status() < 400) return;
    if (EXPECTED.some(([status, path]) => status === response.status() && new RegExp(`^${path}`).test(pathname))) return;
    response.text().catch(() => "").then((body) => {
      this.failures.push(`${name}${search.slice(0, 200)} was answered ${response.status()}: ${body.slice(0, 300)}`);
    });
  }

  /** Waits until no request is under way. Pages that poll have pauses between. */
  async settled() {
    const until = Date.now() + 60_000;
    let quiet = 0;
    while (quiet < 4) {
      assert.ok(Date.now() < until, `still loading: ${[...this.#open].map((one) => one.url()).join(" ")}`);
      await this.page.waitForTimeout(100);
      quiet = this.#open.size === 0 ? quiet + 1 : 0;
    }
  }

  /** Fails with everything that went wrong since the last look. */
  async assertClean(where) {
    await this.settled();
    const found = this.failures.splice(0);
    assert.equal(found.length, 0, `${where}:\n${[...new Set(found)].join("\n")}`);
  }
}
