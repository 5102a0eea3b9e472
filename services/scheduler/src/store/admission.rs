//! What may be queued, and what counts against the limits.

use artel_platform::db::{Dialect, Query, Tx, Value};
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

/// Instances of one task of one run that take slots of a pool.
pub(crate) struct Taken {
    pub(crate) dag_id: String,
    pub(crate) run_id: String,
    pub(crate) task_id: String,
    pub(crate) pool: String,
    /// They wait for an event, and count for the pool alone.
    pub(crate) deferred: bool,
    pub(crate) count: i64,
    pub(crate) slots: i64,
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
    let order = "priority_weight DESC, run_order, map_index";
    let of_task = "t.id, t.dag_id, t.run_id, t.task_id, t.map_index, t.try_number, t.queue, t.pool, t.pool_slots, t.dag_version_id, t.priority_weight, t.run_order";
    // SQLite keeps the order of a CROSS JOIN: from the first candidates, as they lie in their index, to what is known of their runs
    let from = format!(
        "(SELECT {of_task}, d.max_active_tasks, d.has_task_concurrency_limits
         FROM task_instances t CROSS JOIN dag_runs r CROSS JOIN dags d
         WHERE t.state = 'scheduled' AND r.dag_id = t.dag_id AND r.run_id = t.run_id AND r.state = 'running'
           AND d.dag_id = t.dag_id AND d.is_paused = 0{others} ORDER BY {order} LIMIT {limit}) AS candidates"
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
    Query::packed(&columns, &from, order, args, |row| {
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

/// What counts against pools, `max_active_tasks` and its kin.
pub(crate) fn taken() -> Query<Vec<Taken>> {
    // the whole condition of the index `task_instances_taken`, as SQLite wants it; deferred ones only where they count
    let text =
        "SELECT dag_id, run_id, task_id, pool, CAST(0 AS BIGINT) AS deferred, COUNT(*) AS count, CAST(SUM(pool_slots) AS BIGINT) AS slots
         FROM task_instances WHERE state IN ('queued', 'running', 'restarting', 'deferred') AND state IN ('queued', 'running', 'restarting')
         GROUP BY dag_id, run_id, task_id, pool
         UNION ALL SELECT '', '', '', pool, 1, COUNT(*), CAST(SUM(pool_slots) AS BIGINT)
         FROM task_instances WHERE state IN ('queued', 'running', 'restarting', 'deferred') AND state = 'deferred'
           AND pool IN (SELECT name FROM pools WHERE include_deferred = 1) GROUP BY pool";
    Query::all(text, vec![], |row| {
        Ok(Taken {
            dag_id: row.get("dag_id")?,
            run_id: row.get("run_id")?,
            task_id: row.get("task_id")?,
            pool: row.get("pool")?,
            deferred: row.get("deferred")?,
            count: row.get("count")?,
            slots: row.get("slots")?,
        })
    })
}
