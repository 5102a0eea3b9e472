/** DAGs, their runs, task instances and logs, over Airflow's REST API. */
import { queryOptions } from "@tanstack/react-query";
import { api, body, type Schema } from "./client";

export type TaskState =
  | "none" | "removed" | "scheduled" | "queued" | "running" | "success" | "restarting" | "failed" | "up_for_retry"
  | "up_for_reschedule" | "upstream_failed" | "skipped" | "deferred" | "awaiting_input";

export type Dag = Schema<"airflow.DAGResponse">;
export type DagRun = Schema<"airflow.DAGRunResponse">;
export type TaskInstance = Omit<Schema<"airflow.TaskInstanceResponse">, "state"> & { state?: TaskState | null };
export type ImportError = Schema<"airflow.ImportErrorResponse">;
export type Task = Schema<"airflow.TaskResponse">;
export interface LogLine {
  timestamp?: string | null;
  event: string;
  level?: string;
  logger?: string;
  [field: string]: unknown;
}

export const dagsQuery = queryOptions({
  queryKey: ["dags"],
  queryFn: async ({ signal }) => {
    const query = { limit: 1000, order_by: ["dag_id"] };
    return (await body(api.GET("/api/v2/dags", { params: { query }, signal }))).dags;
  },
  meta: { topics: ["scheduler.dags", "scheduler.dag_runs"] },
});

export const dagQuery = (dag: string) => queryOptions({
  queryKey: ["dag", dag],
  queryFn: async ({ signal }) => (await body(api.GET("/api/v2/dags/{dag_id}", { params: { path: { dag_id: dag } }, signal }))),
  meta: { topics: ["scheduler.dags", "scheduler.dag_runs"], key: dag },
});

export const setPaused = (dag: string, paused: boolean): Promise<Dag> =>
  body(api.PATCH("/api/v2/dags/{dag_id}", { params: { path: { dag_id: dag } }, body: { is_paused: paused } }));

export const triggerDag = (dag: string, conf: Record<string, unknown>): Promise<DagRun> =>
  body(api.POST("/api/v2/dags/{dag_id}/dagRuns", { params: { path: { dag_id: dag } }, body: { logical_date: null, conf } }));

async function runsOf(dag: string, limit: number, signal: AbortSignal): Promise<DagRun[]> {
  const params = { path: { dag_id: dag }, query: { limit, order_by: ["-run_after"] } };
  return (await body(api.GET("/api/v2/dags/{dag_id}/dagRuns", { params, signal }))).dag_runs;
}

/** A DAG's newest runs, newest first. */
export const dagRunsQuery = (dag: string, limit: number) => queryOptions({
  queryKey: ["dag-runs", dag, limit],
  queryFn: ({ signal }) => runsOf(dag, limit, signal),
  meta: { topics: ["scheduler.dag_runs"], key: dag },
});

/** The newest runs of all DAGs, newest first. */
export const recentDagRunsQuery = queryOptions({
  queryKey: ["dag-runs", "recent"],
  queryFn: ({ signal }) => runsOf("~", 100, signal),
  meta: { topics: ["scheduler.dag_runs"] },
});

export const dagRunQuery = (dag: string, run: string) => queryOptions({
  queryKey: ["dag-run", dag, run],
  queryFn: ({ signal }) =>
    body(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", { params: { path: { dag_id: dag, dag_run_id: run } }, signal })),
  meta: { topics: ["scheduler.dag_runs"], key: `${dag}/${run}` },
});

export const taskInstancesQuery = (dag: string, run: string) => queryOptions({
  queryKey: ["task-instances", dag, run],
  queryFn: async ({ signal }) => {
    const params = { path: { dag_id: dag, dag_run_id: run }, query: { limit: 1000 } };
    const found = await body(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", { params, signal }));
    return found.task_instances as TaskInstance[];
  },
  meta: { topics: ["scheduler.task_instances", "scheduler.dag_runs"], key: `${dag}/${run}` },
});

/** One try of a task: its own state and times. */
export type Try = Pick<TaskInstance, "try_number" | "state" | "start_date" | "end_date" | "hostname">;

/** Every try of a task instance. */
export const triesQuery = (dag: string, run: string, task: string, map: number) => queryOptions({
  queryKey: ["tries", dag, run, task, map],
  queryFn: async ({ signal }) => {
    const path = { dag_id: dag, dag_run_id: run, task_id: task };
    const found = await body(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries", { params: { path, query: { map_index: map } }, signal }));
    return found.task_instances as Try[];
  },
  meta: { topics: ["scheduler.task_instances"], key: `${dag}/${run}` },
});

export const tasksQuery = (dag: string) => queryOptions({
  queryKey: ["tasks", dag],
  queryFn: async ({ signal }) =>
    (await body(api.GET("/api/v2/dags/{dag_id}/tasks", { params: { path: { dag_id: dag } }, signal }))).tasks,
  meta: { topics: ["scheduler.dags"], key: dag },
});

export const sourceQuery = (dag: string) => queryOptions({
  queryKey: ["dag-source", dag],
  queryFn: async ({ signal }) =>
    (await body(api.GET("/api/v2/dagSources/{dag_id}", { params: { path: { dag_id: dag } }, signal }))).content ?? "",
  meta: { topics: ["scheduler.dags"], key: dag },
});

export const importErrorsQuery = queryOptions({
  queryKey: ["import-errors"],
  queryFn: async ({ signal }) =>
    (await body(api.GET("/api/v2/importErrors", { params: { query: { limit: 100 } }, signal }))).import_errors,
  meta: { topics: ["scheduler.dags"] },
});

export interface LogAddress { dag: string; run: string; task: string; attempt: number; map: number }

/** A log so far, and from where it goes on; no token when it has ended. */
export interface Log { lines: LogLine[]; token: string | null }

/** The log of one try. Asked again, it reads on where it was, so following a long log costs only what is new. */
export const logQuery = (log: LogAddress) => queryOptions({
  queryKey: ["log", log],
  queryFn: async ({ signal, client, queryKey }): Promise<Log> => {
    const path = { dag_id: log.dag, dag_run_id: log.run, task_id: log.task, try_number: String(log.attempt) };
    const before = client.getQueryData<Log>(queryKey);
    let { lines, token } = before?.token ? before : { lines: [], token: null };
    for (;;) {
      const query = { full_content: true, map_index: log.map, ...(token ? { token } : {}) };
      const page = await body(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}", { params: { path, query }, signal }));
      lines = [...lines, ...(page.content as LogLine[])];
      const next = page.continuation_token ?? null;
      // The same token again: all there is has been read, and the task goes on.
      if (next === null || next === token) return { lines, token: next };
      token = next;
    }
  },
  meta: { topics: ["scheduler.task_instances"], key: `${log.dag}/${log.run}` },
});
