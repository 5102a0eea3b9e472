/** DAGs, their runs, task instances and logs, over Airflow's REST API. */
import { queryOptions } from "@tanstack/react-query";
import { request } from "./http";

const API = "/api/v2";
const at = (...parts: (string | number)[]): string => `${API}/${parts.map((part) => encodeURIComponent(part)).join("/")}`;

export type DagRunState = "queued" | "running" | "success" | "failed";
export type TaskState =
  | "none" | "removed" | "scheduled" | "queued" | "running" | "success" | "restarting" | "failed" | "up_for_retry"
  | "up_for_reschedule" | "upstream_failed" | "skipped" | "deferred" | "awaiting_input";

export interface Dag {
  dag_id: string;
  dag_display_name?: string;
  is_paused: boolean;
  description?: string | null;
  timetable_summary?: string | null;
  timetable_description?: string | null;
  next_dagrun_run_after?: string | null;
  fileloc?: string;
  relative_fileloc?: string | null;
  owners?: string[];
  tags?: { name: string }[];
  has_import_errors?: boolean;
  max_active_runs?: number | null;
  last_parsed_time?: string | null;
}
export interface DagRun {
  dag_id: string;
  dag_run_id: string;
  logical_date?: string | null;
  queued_at?: string | null;
  run_after?: string | null;
  start_date?: string | null;
  end_date?: string | null;
  run_type?: string;
  state: DagRunState;
  triggered_by?: string | null;
  triggering_user_name?: string | null;
  conf?: Record<string, unknown> | null;
  note?: string | null;
}
export interface TaskInstance {
  task_id: string;
  dag_id: string;
  dag_run_id: string;
  task_display_name?: string;
  map_index: number;
  state: TaskState | null;
  try_number: number;
  max_tries?: number;
  start_date?: string | null;
  end_date?: string | null;
  duration?: number | null;
  operator?: string | null;
  operator_name?: string | null;
  hostname?: string | null;
  pool?: string;
  queue?: string | null;
  rendered_map_index?: string | null;
}
export interface Task {
  task_id: string;
  task_display_name?: string;
  operator_name?: string | null;
  trigger_rule?: string;
  retries?: number | null;
  is_mapped?: boolean;
  downstream_task_ids?: string[];
}
export interface LogLine {
  timestamp?: string | null;
  event: string;
  level?: string;
  logger?: string;
  [field: string]: unknown;
}
export interface ImportError { import_error_id?: number; timestamp?: string; filename?: string; bundle_name?: string | null; stack_trace?: string }

export const dagsQuery = queryOptions({
  queryKey: ["dags"],
  queryFn: async ({ signal }) => {
    const found = await request<{ dags?: Dag[] }>("GET", `${API}/dags`, { query: { limit: 500, order_by: "dag_id" }, signal });
    return found.dags ?? [];
  },
  meta: { topics: ["scheduler.dags", "scheduler.dag_runs"] },
});

export const dagQuery = (dag: string) => queryOptions({
  queryKey: ["dag", dag],
  queryFn: ({ signal }) => request<Dag>("GET", at("dags", dag, "details"), { signal }),
  meta: { topics: ["scheduler.dags", "scheduler.dag_runs"], key: dag },
});

export function setPaused(dag: string, paused: boolean): Promise<Dag> {
  return request("PATCH", at("dags", dag), { body: { is_paused: paused } });
}

export function triggerDag(dag: string, conf: Record<string, unknown>): Promise<DagRun> {
  return request("POST", at("dags", dag, "dagRuns"), { body: { logical_date: null, conf } });
}

/** A DAG's newest runs, newest first. */
export const dagRunsQuery = (dag: string, limit: number) => queryOptions({
  queryKey: ["dag-runs", dag, limit],
  queryFn: async ({ signal }) => {
    const query = { limit, order_by: "-run_after" };
    return (await request<{ dag_runs?: DagRun[] }>("GET", at("dags", dag, "dagRuns"), { query, signal })).dag_runs ?? [];
  },
  meta: { topics: ["scheduler.dag_runs"], key: dag },
});

/** The newest runs of all DAGs, newest first. */
export const recentDagRunsQuery = queryOptions({
  queryKey: ["dag-runs", "recent"],
  queryFn: async ({ signal }) => {
    const query = { limit: 100, order_by: "-run_after" };
    return (await request<{ dag_runs?: DagRun[] }>("GET", `${API}/dags/~/dagRuns`, { query, signal })).dag_runs ?? [];
  },
  meta: { topics: ["scheduler.dag_runs"] },
});

export const dagRunQuery = (dag: string, run: string) => queryOptions({
  queryKey: ["dag-run", dag, run],
  queryFn: ({ signal }) => request<DagRun>("GET", at("dags", dag, "dagRuns", run), { signal }),
  meta: { topics: ["scheduler.dag_runs"], key: `${dag}/${run}` },
});

export const taskInstancesQuery = (dag: string, run: string) => queryOptions({
  queryKey: ["task-instances", dag, run],
  queryFn: async ({ signal }) => {
    const path = at("dags", dag, "dagRuns", run, "taskInstances");
    return (await request<{ task_instances?: TaskInstance[] }>("GET", path, { query: { limit: 1000 }, signal })).task_instances ?? [];
  },
  meta: { topics: ["scheduler.task_instances", "scheduler.dag_runs"], key: `${dag}/${run}` },
});

export const tasksQuery = (dag: string) => queryOptions({
  queryKey: ["tasks", dag],
  queryFn: async ({ signal }) => (await request<{ tasks?: Task[] }>("GET", at("dags", dag, "tasks"), { signal })).tasks ?? [],
  meta: { topics: ["scheduler.dags"], key: dag },
});

export const sourceQuery = (dag: string) => queryOptions({
  queryKey: ["dag-source", dag],
  queryFn: async ({ signal }) => (await request<{ content?: string | null }>("GET", at("dagSources", dag), { signal })).content ?? "",
  meta: { topics: ["scheduler.dags"], key: dag },
});

export const importErrorsQuery = queryOptions({
  queryKey: ["import-errors"],
  queryFn: async ({ signal }) => (await request<{ import_errors?: ImportError[] }>("GET", `${API}/importErrors`, { signal })).import_errors ?? [],
  meta: { topics: ["scheduler.dags"] },
});

export interface LogAddress { dag: string; run: string; task: string; attempt: number; map: number }

/** A log so far, and from where it goes on; no token when it has ended. */
export interface Log { lines: LogLine[]; token: string | null }

/** The log of one try. Asked again, it reads on where it was, so following a long log costs only what is new. */
export const logQuery = (log: LogAddress) => queryOptions({
  queryKey: ["log", log],
  queryFn: async ({ signal, client, queryKey }): Promise<Log> => {
    const path = at("dags", log.dag, "dagRuns", log.run, "taskInstances", log.task, "logs", log.attempt);
    const before = client.getQueryData<Log>(queryKey);
    let { lines, token } = before?.token ? before : { lines: [], token: null };
    for (;;) {
      const query = { full_content: true, map_index: log.map, token };
      const page = await request<{ content?: (LogLine | string)[] | string; continuation_token?: string | null }>("GET", path, { query, signal });
      lines = [...lines, ...logLines(page.content)];
      const next = page.continuation_token ?? null;
      // The same token again: all there is has been read, and the task goes on.
      if (next === null || next === token) return { lines, token: next };
      token = next;
    }
  },
  meta: { topics: ["scheduler.task_instances"], key: `${log.dag}/${log.run}` },
});

/** Lines as objects; the end of a group is no line. */
function logLines(content: (LogLine | string)[] | string | undefined): LogLine[] {
  const lines = typeof content === "string" ? content.split("\n") : content ?? [];
  return lines.map((line) => (typeof line === "string" ? { event: line } : line)).filter((line) => line.event !== "::endgroup::");
}
