import type { DagRun } from "../api/scheduler";

/** The last run of each DAG, when it failed: an old failure that was followed by a success needs nobody. */
export function lastFailures<Run extends Pick<DagRun, "dag_id" | "state">>(runs: readonly Run[]): Run[] {
  const seen = new Set<string>();
  const failures: Run[] = [];
  for (const run of runs) {
    if (run.state !== "success" && run.state !== "failed") continue;
    if (!seen.has(run.dag_id) && run.state === "failed") failures.push(run);
    seen.add(run.dag_id);
  }
  return failures;
}
