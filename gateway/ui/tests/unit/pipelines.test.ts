import { describe, expect, it } from "vitest";
import { fit } from "../../src/dag/Graph";
import { place } from "../../src/dag/layout";
import { edgesOf, topological, type Node } from "../../src/dag/order";
import { compactJson, endpointState, oneLine } from "../../src/pages/deployments/endpoint";
import { inOrder, instanceName, worst, type Instance } from "../../src/pages/pipelines/instances";
import { shownLines, textOf } from "../../src/pages/pipelines/log";
import { lastFailures } from "../../src/pages/failures";
import { parseConf } from "../../src/pages/pipelines/conf";

const task = (task_id: string, ...downstream_task_ids: string[]): Node => ({ task_id, downstream_task_ids });
const instance = (over: Partial<Instance>): Instance => ({ task_id: "t", task_display_name: "", map_index: -1, state: "success", ...over });

describe("a DAG", () => {
  const tasks = [task("report"), task("train", "report", "gone"), task("extract", "train")];
  it("is listed from first to last", () => {
    expect(topological(tasks).map((one) => one.task_id)).toEqual(["extract", "train", "report"]);
    expect(edgesOf(tasks)).toEqual([{ from: "train", to: "report" }, { from: "extract", to: "train" }]);
  });

  it("is laid out from left to right without overlaps", () => {
    const layout = place({ nodes: tasks.map((one) => ({ id: one.task_id, width: 120, height: 40 })), edges: edgesOf(tasks) });
    const x = (id: string): number => layout.nodes.find((node) => node.id === id)?.x ?? 0;
    expect(x("extract")).toBeLessThan(x("train"));
    expect(x("train") + 120).toBeLessThan(x("report"));
    expect(layout.lines).toHaveLength(2);
  });

  it("that is long and thin keeps a readable size", () => {
    expect(fit({ width: 400, height: 200 }, { width: 800, height: 400 }).scale).toBe(1.2);
    expect(fit({ width: 8000, height: 100 }, { width: 800, height: 400 })).toMatchObject({ scale: 0.7, x: 0 });
  });
});

describe("task instances", () => {
  it("show trouble first", () => {
    expect(worst([instance({}), instance({ state: "failed" }), instance({ state: "running" })])).toBe("failed");
    expect(worst([instance({ state: null })])).toBe("none");
  });

  it("stand in the order they started in", () => {
    const list = [instance({ task_id: "b" }), instance({ task_id: "c", start_date: "2026-01-01T00:00:02Z" }), instance({ task_id: "a", start_date: "2026-01-01T00:00:01Z" })];
    expect(inOrder(list).map((one) => one.task_id)).toEqual(["a", "c", "b"]);
    expect(instanceName(instance({ map_index: 2 }))).toBe("t [2]");
  });
});

describe("the home page", () => {
  const run = (dag_id: string, state: string) => ({ dag_id, state });
  it("tells of a failure until the DAG succeeds again", () => {
    expect(lastFailures([run("a", "running"), run("a", "failed"), run("b", "success"), run("b", "failed")]).map((one) => one.dag_id)).toEqual(["a"]);
  });
});

describe("logs", () => {
  it("read as lines with their fields, their traceback and no colour codes", () => {
    expect(textOf({ event: "\u001b[31mhello\u001b[0m", level: "info", rows: 178 })).toBe("hello rows=178");
    expect(textOf({ event: "::group::Sources" })).toBe("Sources");
    expect(textOf({ event: "same everywhere", dag_id: "d", run_id: "r", task_id: "t", map_index: -1, try_number: 1 })).toBe("same everywhere");
    expect(textOf({ event: "Task failed", error_detail: [{ exc_type: "ValueError", exc_value: "no", frames: [{ filename: "a.py", lineno: 3, name: "f" }] }] }))
      .toBe('Task failed\n  File "a.py", line 3, in f\nValueError: no');
  });
});

describe("groups of log lines", () => {
  it("step back, and their ends are no lines", () => {
    const lines = ["::group::Pre Execute", "a", "::endgroup::", "b"].map((event) => ({ event }));
    expect(shownLines(lines).map((one) => [one.text, one.place])).toEqual([["Pre Execute", "title"], ["a", "inside"], ["b", ""]]);
  });
});

describe("what people type", () => {
  it("is a JSON object or says why not", () => {
    expect(parseConf("")).toEqual({ conf: {} });
    expect(parseConf('{"depth": 3}')).toEqual({ conf: { depth: 3 } });
    expect(parseConf("[1]")).toEqual({ error: "" });
    expect(parseConf("{")).toHaveProperty("error");
  });
});

describe("endpoints", () => {
  it("have one state", () => {
    expect(endpointState({ state: { ready: "READY", config_update: "IN_PROGRESS" } })).toBe("IN_PROGRESS");
    expect(endpointState({ state: { ready: "READY", config_update: "NOT_UPDATING" } })).toBe("READY");
    expect(endpointState({})).toBe("NOT_READY");
  });

  it("show JSON that stays short and the same", () => {
    const value = { dataframe_split: { columns: ["a", "b"], data: [[1, 2], [3, 4]] }, empty: {} };
    expect(compactJson(value)).toBe('{\n  "dataframe_split": {\n    "columns": ["a","b"],\n    "data": [[1,2],[3,4]]\n  },\n  "empty": {}\n}');
    expect(JSON.parse(compactJson(value))).toEqual(value);
    const names = Array.from({ length: 20 }, (_, index) => `column_${index}`);
    expect(JSON.parse(compactJson({ names }))).toEqual({ names });
    expect(compactJson({ names }).split("\n").length).toBeLessThan(10);
    expect(oneLine(compactJson([1, 2]))).toBe("[1,2]");
  });
});
