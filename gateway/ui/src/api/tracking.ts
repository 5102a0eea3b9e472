/** Experiments, runs, metrics and artifacts, over MLflow's REST API. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { request, url } from "./http";

const API = "/api/2.0/mlflow";

export interface Tag { key: string; value: string }
export interface Param { key: string; value: string }
/** Numbers that JSON cannot carry come as strings: "NaN", "Infinity", "-Infinity". */
export interface Metric { key: string; value: number | string; timestamp?: number; step?: number; run_id?: string }

export interface Experiment {
  experiment_id: string;
  name: string;
  artifact_location?: string;
  lifecycle_stage?: string;
  creation_time?: number;
  last_update_time?: number;
  tags?: Tag[];
}

export type RunStatus = "RUNNING" | "SCHEDULED" | "FINISHED" | "FAILED" | "KILLED";
export interface RunInfo {
  run_id: string;
  run_name?: string;
  experiment_id: string;
  user_id?: string;
  status: RunStatus;
  start_time?: number;
  end_time?: number;
  artifact_uri?: string;
  lifecycle_stage?: string;
}
export interface Dataset { name: string; digest: string; source_type?: string; source?: string; schema?: string; profile?: string }
export interface DatasetInput { dataset: Dataset; tags?: Tag[] }
export interface Run {
  info: RunInfo;
  data: { metrics?: Metric[]; params?: Param[]; tags?: Tag[] };
  inputs?: { dataset_inputs?: DatasetInput[] };
  outputs?: { model_outputs?: { model_id: string; step?: number }[] };
}
export interface ArtifactFile { path: string; is_dir: boolean; file_size?: number }

export const experimentsQuery = (filter: string) => queryOptions({
  queryKey: ["experiments", filter],
  queryFn: async ({ signal }) => {
    const body = {
      max_results: 1000, order_by: ["last_update_time DESC"],
      ...(filter ? { filter: `name ILIKE '%${filter.replaceAll("'", "")}%'` } : {}),
    };
    const found = await request<{ experiments?: Experiment[] }>("POST", `${API}/experiments/search`, { body, signal });
    return found.experiments ?? [];
  },
  meta: { topics: ["tracking.experiments"] },
});

export const experimentQuery = (id: string) => queryOptions({
  queryKey: ["experiment", id],
  queryFn: async ({ signal }) => {
    const found = await request<{ experiment: Experiment }>("GET", `${API}/experiments/get`, { query: { experiment_id: id }, signal });
    return found.experiment;
  },
  meta: { topics: ["tracking.experiments"], key: id },
});

export interface RunSearch {
  experiment_ids: string[];
  filter?: string;
  order_by?: string[];
  max_results?: number;
  page_token?: string;
}
interface RunPage { runs?: Run[]; next_page_token?: string }

export function searchRuns(search: RunSearch, signal?: AbortSignal): Promise<RunPage> {
  return request("POST", `${API}/runs/search`, { body: search, signal });
}

/** Runs of some experiments, page after page. */
export const runsQuery = (experiments: string[], filter: string, order: string[]) => infiniteQueryOptions({
  queryKey: ["runs", experiments, filter, order],
  queryFn: ({ pageParam, signal }) => searchRuns({
    experiment_ids: experiments, filter, order_by: order, max_results: 100,
    ...(pageParam ? { page_token: pageParam } : {}),
  }, signal),
  initialPageParam: "",
  getNextPageParam: (page: RunPage) => page.next_page_token || undefined,
  meta: { topics: ["tracking.runs"] },
});

/** The newest runs everywhere, for the home page. */
export const recentRunsQuery = (experiments: string[], filter = "") => queryOptions({
  queryKey: ["runs", "recent", experiments, filter],
  queryFn: async ({ signal }) => {
    const page = await searchRuns({ experiment_ids: experiments, filter, max_results: 8, order_by: ["attributes.start_time DESC"] }, signal);
    return page.runs ?? [];
  },
  enabled: experiments.length > 0,
  meta: { topics: ["tracking.runs"] },
});

export const runQuery = (id: string) => queryOptions({
  queryKey: ["run", id],
  queryFn: async ({ signal }) => (await request<{ run: Run }>("GET", `${API}/runs/get`, { query: { run_id: id }, signal })).run,
  meta: { topics: ["tracking.runs"], key: id },
});

/** A metric's history over some runs, sampled by the server to about `points` a run. */
export const historyQuery = (runs: string[], metric: string, points: number) => queryOptions({
  queryKey: ["history", runs, metric, points],
  queryFn: async ({ signal }) => {
    const query = { run_ids: runs, metric_key: metric, max_results: points };
    const found = await request<{ metrics?: Metric[] }>("GET", `${API}/metrics/get-history-bulk-interval`, { query, signal });
    return found.metrics ?? [];
  },
  placeholderData: (previous) => previous,
  meta: { topics: ["tracking.runs"], ...(runs.length === 1 ? { key: runs[0] } : {}) },
});

export const artifactsQuery = (run: string, path: string) => queryOptions({
  queryKey: ["artifacts", run, path],
  queryFn: async ({ signal }) => {
    const query = { run_id: run, path: path || undefined };
    const found = await request<{ files?: ArtifactFile[] }>("GET", `${API}/artifacts/list`, { query, signal });
    return found.files ?? [];
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
