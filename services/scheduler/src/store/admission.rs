//! What may be queued, and what counts against the limits.

use artel_platform::db::{Dialect, Query, Row, Tx, Value};
use artel_platform::{Result, args};
use std::collections::BTreeSet;

/// One number for "somebody fills the queue", so that schedulers on one database take turns.
const ADMISSION_LOCK: i64 = 0x6172_7465_6c01;
/// What has no room left: what waits for it need not be looked at.
#[derive(Default)]
pub(crate) struct Full {
    /// Names of pools.
    pub(crate) pools: BTreeSet<String>,
    /// Runs, by DAG id and run id.
    pub(crate) runs: BTreeSet<(String, String)>,
}

/// A scheduled instance, with the limits of its DAG.
pub(crate) struct Candidate {
    pub(crate) id: String,
    pub(crate) dag_id: String,
    pub(crate) run_id: String,
    pub(crate) task_id: String,
    pub(crate) map_index: i64,
    pub(crate) try_number: i64,
    pub(crate) queue: String,
    pub(crate) pool: String,
    pub(crate) pool_slots: i64,
    pub(crate) priority_weight: i64,
    pub(crate) dag_version_id: String,
    pub(crate) max_active_tasks: i64,
    pub(crate) has_limits: bool,
}

/// Instances of one task of one run that are queued or run.
pub(crate) struct Active {
    pub(crate) dag_id: String,
    pub(crate) run_id: String,
    pub(crate) task_id: String,
    pub(crate) count: i64,
}

/// Counts that are read after this do not change before the transaction has ended.
pub(crate) async fn take_turn(tx: &mut Tx) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        tx.fetch_all("SELECT pg_advisory_xact_lock($1) AS locked", args![ADMISSION_LOCK]).await?;
    }
    Ok(())
}

/// The weightiest first, `limit` of them; of one weight, those of the earlier logical date.
pub(crate) fn candidates(limit: i64, full: &Full) -> Query<Vec<Candidate>> {
    let mut args = Vec::new();
    let mut others = String::new();
    if !full.pools.is_empty() {
        others += &format!(" AND t.pool NOT IN ({})", super::places(args.len() + 1, full.pools.len()));
        args.extend(full.pools.iter().map(Value::from));
    }
    for (dag_id, run_id) in &full.runs {
        others += &format!(" AND NOT (t.dag_id = ${} AND t.run_id = ${})", args.len() + 1, args.len() + 2);
        args.extend(args![dag_id, run_id]);
    }
    // a bound limit would have SQLite plan it anew each time
    let order = |run: &str| format!("priority_weight DESC, {run}logical_date NULLS LAST, {run}run_after, map_index");
    let of_task = "t.id, t.dag_id, t.run_id, t.task_id, t.map_index, t.try_number, t.queue, t.pool, t.pool_slots, t.dag_version_id, t.priority_weight";
    let from = format!(
        "(SELECT {of_task}, d.max_active_tasks, d.has_task_concurrency_limits, r.logical_date, r.run_after
         FROM task_instances t JOIN dag_runs r ON r.dag_id = t.dag_id AND r.run_id = t.run_id JOIN dags d ON d.dag_id = t.dag_id
         WHERE t.state = 'scheduled' AND r.state = 'running' AND d.is_paused = 0{others} ORDER BY {} LIMIT {limit}) AS candidates",
        order("r.")
    );
    let columns = [
        "id",
        "dag_id",
        "run_id",
        "task_id",
        "map_index",
        "try_number",
        "queue",
        "pool",
        "pool_slots",
        "priority_weight",
        "dag_version_id",
        "max_active_tasks",
        "has_task_concurrency_limits",
    ];
    Query::packed(&columns, &from, &order(""), args, |row| {
        Ok(Candidate {
            id: row.text()?,
            dag_id: row.text()?,
            run_id: row.text()?,
            task_id: row.text()?,
            map_index: row.int()?,
            try_number: row.int()?,
            queue: row.text()?,
            pool: row.text()?,
            pool_slots: row.int()?,
            priority_weight: row.int()?,
            dag_version_id: row.text()?,
            max_active_tasks: row.int()?,
            has_limits: row.int()? != 0,
        })
    })
}

/// What counts against `max_active_tasks` and its kin.
pub(crate) fn active() -> Query<Vec<Active>> {
    let text = "SELECT dag_id, run_id, task_id, COUNT(*) AS count FROM task_instances WHERE state IN ('queued', 'running', 'restarting') GROUP BY dag_id, run_id, task_id";
    let read = |row: &Row| -> Result<Active> {
        Ok(Active { dag_id: row.get("dag_id")?, run_id: row.get("run_id")?, task_id: row.get("task_id")?, count: row.get("count")? })
    };
    Query::all(text, vec![], read)
}
