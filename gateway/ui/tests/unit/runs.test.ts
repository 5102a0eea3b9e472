import { describe, expect, it } from "vitest";
import type { Run } from "../../src/api/tracking";
import { align, groupOf, seriesOf, smooth } from "../../src/charts/series";
import { allColumns, clauseFor, orderBy, shownColumns, withClause } from "../../src/pages/experiments/columns";
import { complete } from "../../src/pages/experiments/complete";
import { metricKeys } from "../../src/pages/models/metrics";
import { kindOf, parentsOf, parseTable, prettyJson } from "../../src/pages/run/files";
import { lineLooks, runHash } from "../../src/ui/runcolor";
import { held } from "../../src/ui/steady";

function run(id: string, metrics: Record<string, number>, params: Record<string, string>): Run {
  return {
    info: { run_id: id, experiment_id: "1", status: "FINISHED" },
    data: {
      metrics: Object.entries(metrics).map(([key, value]) => ({ key, value })),
      params: Object.entries(params).map(([key, value]) => ({ key, value })),
      tags: [{ key: "mlflow.user", value: "a" }],
    },
  };
}

describe("columns of the runs table", () => {
  const runs = [run("a", { acc: 0.9, "system/cpu": 4 }, { seed: "42", depth: "2" }), run("b", { acc: 0.8, "system/cpu": 5 }, { seed: "42", depth: "3" })];

  it("begin with what differs", () => {
    const all = allColumns(runs);
    expect(all.filter((column) => column.kind === "params").map((column) => [column.key, column.differs])).toEqual([["depth", true], ["seed", false]]);
    expect(all.some((column) => column.key.startsWith("mlflow."))).toBe(false);
  });

  it("are the telling ones, or the chosen ones in their order", () => {
    const all = allColumns(runs);
    expect(shownColumns(all, undefined, false).map((column) => column.id)).toEqual(["metrics.acc", "params.depth", "params.seed"]);
    expect(shownColumns(all, undefined, true).map((column) => column.id)).toEqual(["metrics.acc", "params.depth"]);
    expect(shownColumns(all, ["params.seed", "metrics.system/cpu", "metrics.gone"], false).map((column) => column.id)).toEqual(["params.seed", "metrics.system/cpu"]);
  });

  it("sort by the server's grammar", () => {
    expect(orderBy(undefined)).toEqual(["attributes.start_time DESC"]);
    expect(orderBy("metrics.train/loss:asc")).toEqual(["metrics.`train/loss` ASC"]);
    expect(orderBy("attributes.run_name:desc")).toEqual(["attributes.run_name DESC"]);
    expect(orderBy("nonsense")).toEqual(["attributes.start_time DESC"]);
  });

  it("filter by a value", () => {
    expect(clauseFor({ kind: "params", key: "depth" }, "2")).toBe("params.`depth` = '2'");
    expect(withClause("metrics.acc > 0.5", clauseFor({ kind: "metrics", key: "n" }, 3))).toBe("metrics.acc > 0.5 AND metrics.`n` = 3");
    expect(withClause("params.`depth` = '2'", "params.`depth` = '2'")).toBe("params.`depth` = '2'");
  });
});

describe("completion of the filter", () => {
  const columns = [{ kind: "metrics", key: "accuracy" }, { kind: "metrics", key: "train/loss" }, { kind: "params", key: "depth" }] as const;
  const at = (text: string): string[] => complete(text, text.length, columns).options;

  it("offers fields where a clause begins", () => {
    expect(at("acc")).toEqual(["metrics.accuracy"]);
    expect(at("metrics.")).toEqual(["metrics.accuracy", "metrics.`train/loss`"]);
    expect(at("metrics.accuracy > 0.9 AND dep")).toEqual(["params.depth"]);
    expect(at("attributes.st")).toEqual(["attributes.status", "attributes.start_time"]);
  });

  it("offers states and the next clause, and else keeps quiet", () => {
    expect(at("attributes.status = 'F")).toEqual(["'FINISHED'", "'FAILED'"]);
    expect(at("params.depth = '3' ")).toEqual(["AND"]);
    expect(at("metrics.accuracy ")).toEqual([]);
    expect(at("metrics.accuracy")).toEqual([]);
  });
});

describe("a living list", () => {
  const id = (row: string): string => row;
  it("keeps its order under the pointer and counts what is new", () => {
    expect(held(["c", "b", "a"], ["d", "b", "c", "a"], id)).toEqual({ rows: ["c", "b", "a"], waiting: 1 });
  });
  it("appends further pages and drops what is gone", () => {
    expect(held(["b", "a"], ["b", "a", "z", "y"], id)).toEqual({ rows: ["b", "a", "z", "y"], waiting: 0 });
    expect(held(["c", "b", "a"], ["c", "a"], id)).toEqual({ rows: ["c", "a"], waiting: 0 });
  });
});

describe("charts", () => {
  it("order points, and leave gaps where values are not finite", () => {
    const points = [{ key: "m", value: 2, step: 1, timestamp: 2000, run_id: "a" }, { key: "m", value: "NaN", step: 0, timestamp: 1000, run_id: "a" }];
    expect(seriesOf(points, ["a"], "step")).toEqual([{ run: "a", xs: [0, 1], ys: [null, 2] }]);
    expect(seriesOf(points, ["a"], "relative")[0]?.xs).toEqual([0, 1]);
  });

  it("smooth without pulling the start to zero", () => {
    expect(smooth([4, 4, 4], 0.9).map((value) => Math.round((value ?? 0) * 1e6) / 1e6)).toEqual([4, 4, 4]);
    expect(smooth([1, null, 3], 0)).toEqual([1, null, 3]);
  });

  it("share one axis", () => {
    expect(align([{ run: "a", xs: [0, 2], ys: [1, 3] }, { run: "b", xs: [1], ys: [9] }])).toEqual({ xs: [0, 1, 2], ys: [[1, undefined, 3], [undefined, 9, undefined]] });
  });

  it("group metrics by prefix", () => {
    expect([groupOf("train/loss"), groupOf("acc"), groupOf("/x")]).toEqual(["train", "", ""]);
  });

  it("give each run its own colour as long as there are any", () => {
    const ids = Array.from({ length: 7 }, (_, index) => `run-${index}`);
    const looks = lineLooks(ids);
    expect(new Set(looks.slice(0, 5).map((look) => look.colour)).size).toBe(5);
    expect(new Set(looks.map((look) => `${look.colour} ${look.dash.join()}`)).size).toBe(7);
    expect(looks[0]?.colour).toBe(`--chart-${(runHash("run-0") % 5) + 1}`);
  });

  it("compare a model's versions by the metrics that most of them have", () => {
    expect(metricKeys([run("a", { acc: 1, f1: 1 }, {}), run("b", { acc: 1, "system/cpu": 1 }, {})])).toEqual(["acc", "f1"]);
  });
});

describe("artifacts", () => {
  it("are known by their names", () => {
    expect(["a/b.PNG", "model/MLmodel", "x.parquet", "page.html", "no_extension", "t.csv"].map(kindOf)).toEqual(["image", "text", "binary", "page", "binary", "table"]);
    expect(parentsOf("a/b/c.txt")).toEqual(["a", "a/b"]);
  });

  it("read as tables with quotes and line breaks", () => {
    expect(parseTable('a,b\r\n"x, ""y""","1\n2"\n', ",", 10)).toEqual([["a", "b"], ['x, "y"', "1\n2"]]);
    expect(parseTable("a\nb\nc", ",", 2)).toEqual([["a"], ["b"]]);
    expect(prettyJson("{broken")).toBe("{broken");
  });
});
