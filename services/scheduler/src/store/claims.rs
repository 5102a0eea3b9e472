//! Leases on task instances: who may run one, and until when without a sign of life.

use super::{Filter, for_update_skip_locked, places, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Dialect, Query, Tx, Value};

/// The order in which queued instances are claimed.
const FIRST: &str = "priority_weight DESC, queued_at, map_index, id";

/// Takes up to `slots` queued instances of `queues` for a worker, the weightiest first, then the oldest run's. Answers their
/// ids, in no order.
pub(crate) async fn claim(tx: &mut Tx, worker_id: &str, queues: &[String], slots: i64, now: i64, lease_until: i64) -> Result<Vec<String>> {
    let mut filter = Filter { args: args![worker_id, lease_until, now], ..Filter::default() };
    filter.that("state = 'queued'");
    filter.that("(lease_until IS NULL OR lease_until < $3)");
    filter.any_of("queue", queues);
    // a bound limit would have SQLite plan it anew each time
    let text = format!(
        "UPDATE task_instances SET worker_id = $1, lease_until = $2 WHERE id IN (SELECT id FROM task_instances {} ORDER BY {FIRST} LIMIT {slots}{}) RETURNING id",
        filter.clause(),
        for_update_skip_locked(tx.dialect())
    );
    tx.fetch_all(sql(text), filter.args).await?.iter().map(|row| row.get("id")).collect()
}

/// What nobody has claimed.
pub(crate) struct Free {
    pub(crate) id: String,
    pub(crate) priority_weight: i64,
}

/// What of these queues is to be claimed first. It is held until the transaction ends.
pub(crate) fn first(dialect: Dialect, queues: &[String], now: i64) -> Query<Option<Free>> {
    let mut filter = Filter { args: args![now], ..Filter::default() };
    filter.that("state = 'queued'");
    filter.that("(lease_until IS NULL OR lease_until < $1)");
    filter.any_of("queue", queues);
    let (clause, held) = (filter.clause(), for_update_skip_locked(dialect));
    let text = format!("SELECT id, priority_weight FROM task_instances {clause} ORDER BY {FIRST} LIMIT 1{held}");
    Query::first(sql(text), filter.args, |row| Ok(Free { id: row.get("id")?, priority_weight: row.get("priority_weight")? }))
}

/// Puts it into a worker's hands.
pub(crate) fn give(tx: &mut Tx, id: &str, worker_id: &str, lease_until: i64) {
    tx.ahead("UPDATE task_instances SET worker_id = $1, lease_until = $2 WHERE id = $3", args![worker_id, lease_until, id]);
}

/// Is there anything to claim? What was claimed stays queued until it starts.
pub(crate) fn any_free(now: i64) -> Query<bool> {
    let text = "SELECT EXISTS (SELECT 1 FROM task_instances WHERE state = 'queued' AND (lease_until IS NULL OR lease_until < $1)) AS there";
    Query::one(text, args![now], |row| row.get("there"))
}

/// Prolongs a worker's leases; returns those that it holds.
pub(crate) async fn prolong(tx: &mut Tx, worker_id: &str, ids: &[String], lease_until: i64) -> Result<Vec<String>> {
    let mut held = Vec::new();
    for chunk in ids.chunks(500) {
        let text = format!(
            "UPDATE task_instances SET lease_until = $1 WHERE worker_id = $2 AND lease_until IS NOT NULL AND state IN ('queued', 'running') AND id IN ({}) RETURNING id",
            places(3, chunk.len())
        );
        let mut values = args![lease_until, worker_id];
        values.extend(chunk.iter().map(Value::from));
        for row in tx.fetch_all(sql(text), values).await? {
            held.push(row.get("id")?);
        }
    }
    Ok(held)
}

/// Of these ids, those that some try has whose process is to be killed: taken back, or given to another worker.
pub(crate) async fn lost(db: &Db, worker_id: &str, ids: &[String]) -> Result<Vec<String>> {
    let mut lost = Vec::new();
    for chunk in ids.chunks(500) {
        let places = places(2, chunk.len());
        let text = format!(
            "SELECT id FROM task_instances WHERE (worker_id IS NULL OR worker_id <> $1) AND id IN ({places})
             UNION SELECT id FROM task_instance_history WHERE is_revoked = 1 AND $1 <> '' AND id IN ({places})"
        );
        let mut values = args![worker_id];
        values.extend(chunk.iter().map(Value::from));
        for row in db.fetch_all(sql(text), values).await? {
            lost.push(row.get("id")?);
        }
    }
    Ok(lost)
}

/// Instances that run or restart, and whose worker gave no sign of life in time.
pub(crate) fn expired(now: i64) -> Query<Vec<String>> {
    let text = "SELECT id FROM task_instances WHERE lease_until < $1 AND state IN ('running', 'restarting') ORDER BY lease_until LIMIT 200";
    Query::all(text, args![now], |row| row.get("id"))
}

/// Lets no lease run out before `lease_until`.
pub(crate) async fn extend_all(db: &Db, lease_until: i64) -> Result<u64> {
    let sql = "UPDATE task_instances SET lease_until = $1 WHERE lease_until < $1 AND state IN ('queued', 'running', 'restarting')";
    db.execute(sql, args![lease_until]).await
}

/// Is `id` held by that worker right now?
pub(crate) async fn set_lease(tx: &mut Tx, id: &str, lease_until: i64) -> Result<bool> {
    Ok(tx.execute("UPDATE task_instances SET lease_until = $1 WHERE id = $2 AND state = 'running'", args![lease_until, id]).await? > 0)
}
