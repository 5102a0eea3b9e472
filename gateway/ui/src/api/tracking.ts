/** Experiments, runs, metrics and artifacts, over MLflow's REST API. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, body, type Always, type Schema } from "./client";
import { url } from "./http";

export interface Tag { key: string; value: string }
export interface Param { key: string; value: string }
/** Numbers that JSON cannot carry come as strings: "NaN", "Infinity", "-Infinity". */
export type Metric = Omit<Always<Schema<"mlflow.Metric">, "key">, "value"> & { value: number | string };
export type Experiment = Always<Schema<"mlflow.Experiment">, "experiment_id" | "name">;
export type RunInfo = Always<Schema<"mlflow.RunInfo">, "run_id" | "experiment_id" | "status">;
export type Dataset = Always<Schema<"mlflow.Dataset">, "name" | "digest">;
export interface DatasetInput { dataset: Dataset; tags?: Tag[] }
export interface Run {
  info: RunInfo;
  data: { metrics?: Metric[]; params?: Param[]; tags?: Tag[] };
  inputs?: { dataset_inputs?: DatasetInput[] } | null;
}
export type ArtifactFile = Always<Schema<"mlflow.FileInfo">, "path" | "is_dir">;

export const experimentsQuery = (filter: string) => queryOptions({
  queryKey: ["experiments", filter],
  queryFn: async ({ signal }) => {
    const search = {
      max_results: 1000, order_by: ["last_update_time DESC"],
      ...(filter ? { filter: `name ILIKE '%${filter.replaceAll("'", "")}%'` } : {}),
    };
    return ((await body(api.POST("/api/2.0/mlflow/experiments/search", { body: search, signal }))).experiments ?? []) as Experiment[];
  },
  meta: { topics: ["tracking.experiments"] },
});

export const experimentQuery = (id: string) => queryOptions({
  queryKey: ["experiment", id],
  queryFn: async ({ signal }) =>
    (await body(api.GET("/api/2.0/mlflow/experiments/get", { params: { query: { experiment_id: id } }, signal }))).experiment as Experiment,
  meta: { topics: ["tracking.experiments"], key: id },
});

type RunSearch = Schema<"SearchRuns">;
interface RunPage { runs: Run[]; next: string }

async function searchRuns(search: RunSearch, signal: AbortSignal): Promise<RunPage> {
  const page = await body(api.POST("/api/2.0/mlflow/runs/search", { body: search, signal }));
  return { runs: (page.runs ?? []) as Run[], next: page.next_page_token ?? "" };
}

/** Runs of some experiments, page after page. */
export const runsQuery = (experiments: string[], filter: string, order: string[]) => infiniteQueryOptions({
  queryKey: ["runs", experiments, filter, order],
  queryFn: ({ pageParam, signal }) => searchRuns({
    experiment_ids: experiments, filter, order_by: order, max_results: 100, ...(pageParam ? { page_token: pageParam } : {}),
  }, signal),
  initialPageParam: "",
  getNextPageParam: (page: RunPage) => page.next || undefined,
  meta: { topics: ["tracking.runs"] },
});

/** The newest runs everywhere, for the home page. */
export const recentRunsQuery = (experiments: string[], filter = "") => queryOptions({
  queryKey: ["runs", "recent", experiments, filter],
  queryFn: async ({ signal }) =>
    (await searchRuns({ experiment_ids: experiments, filter, max_results: 8, order_by: ["attributes.start_time DESC"] }, signal)).runs,
  enabled: experiments.length > 0,
  meta: { topics: ["tracking.runs"] },
});

export const runQuery = (id: string) => queryOptions({
  queryKey: ["run", id],
  queryFn: async ({ signal }) => (await body(api.GET("/api/2.0/mlflow/runs/get", { params: { query: { run_id: id } }, signal }))).run as Run,
  meta: { topics: ["tracking.runs"], key: id },
});

/** A metric's history over some runs, sampled by the server to about `points` a run. */
export const historyQuery = (runs: string[], metric: string, points: number) => queryOptions({
  queryKey: ["history", runs, metric, points],
  queryFn: async ({ signal }) => {
    const query = { run_ids: runs, metric_key: metric, max_results: points };
    return ((await body(api.GET("/api/2.0/mlflow/metrics/get-history-bulk-interval", { params: { query }, signal }))).metrics ?? []) as Metric[];
  },
  placeholderData: (previous) => previous,
  meta: { topics: ["tracking.runs"], ...(runs.length === 1 ? { key: runs[0] } : {}) },
});

export const artifactsQuery = (run: string, path: string) => queryOptions({
  queryKey: ["artifacts", run, path],
  queryFn: async ({ signal }) => {
    const query = { run_id: run, ...(path ? { path } : {}) };
    return ((await body(api.GET("/api/2.0/mlflow/artifacts/list", { params: { query }, signal }))).files ?? []) as ArtifactFile[];
  },
  meta: { topics: ["artifact.artifacts", "tracking.runs"] },
});

export function artifactUrl(run: string, path: string): string {
  return url("/get-artifact", { run_uuid: run, path });
}

/** A file in the folder of a logged model. */
export function modelFileUrl(model: string, file: string): string {
  return url(`/ajax-api/2.0/mlflow/logged-models/${encodeURIComponent(model)}/artifacts/files`, { artifact_file_path: file });
}
