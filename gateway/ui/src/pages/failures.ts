import type { DagRun } from "../api/scheduler";

/** The last run of each DAG, when it failed: an old failure that was followed by a success needs nobody. */
export function lastFailures(runs: readonly DagRun[]): DagRun[] {
  const seen = new Set<string>();
  const failures: DagRun[] = [];
  for (const run of runs) {
    if (run.state !== "success" && run.state !== "failed") continue;
    if (!seen.has(run.dag_id) && run.state === "failed") failures.push(run);
    seen.add(run.dag_id);
  }
  return failures;
}
