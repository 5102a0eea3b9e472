//! When time brings something next.

use artel_platform::args;
use artel_platform::db::Query;

/// The first moment after `now`, in milliseconds, at which a task's waiting or a worker's lease is over, or a run is to be made or
/// to be started.
pub(crate) fn next(now: i64) -> Query<Option<i64>> {
    // the conditions of the indexes word by word, as SQLite wants them
    let text = "SELECT MIN(at) AS next FROM (
         SELECT MIN(due_at) AS at FROM task_instances WHERE due_at > $1
         UNION ALL SELECT MIN(lease_until) + 1 FROM task_instances WHERE lease_until IS NOT NULL AND state IN ('running', 'restarting')
         UNION ALL SELECT MIN(next_run_after) FROM dags WHERE is_paused = 0 AND is_stale = 0 AND next_run_after IS NOT NULL AND next_run_after > $1
         UNION ALL SELECT MIN(run_after) FROM dag_runs WHERE state = 'queued' AND state IN ('queued', 'running') AND run_after > $1) AS moments";
    Query::one(text, args![now], |row| row.opt("next"))
}
