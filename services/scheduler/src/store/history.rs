//! Tables `task_instance_history` (tries that are over) and `task_reschedules`.

use super::instances::{SHARED, TaskInstance, read_shared};
use super::{Read, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Query, Tx};

/// Copies the present try as it stands. One that had not finished counts as failed, as upstream's `record_ti` has it.
pub(crate) async fn record(tx: &mut Tx, id: &str, end_date: i64, revoked: bool) -> Result<()> {
    let finished = "state IN ('success', 'failed', 'skipped', 'upstream_failed', 'removed')";
    let values = SHARED
        .replace("state,", &format!("CASE WHEN {finished} THEN state ELSE 'failed' END,"))
        .replace("end_date,", &format!("CASE WHEN {finished} THEN end_date ELSE {end_date} END,"));
    let text = format!(
        "INSERT INTO task_instance_history ({SHARED}, is_revoked) SELECT {values}, {} FROM task_instances WHERE id = $1 ON CONFLICT (id) DO NOTHING",
        i64::from(revoked)
    );
    tx.execute(sql(text), args![id]).await.map(drop)
}

pub(crate) async fn get(from: impl Into<Read<'_>>, id: &str) -> Result<Option<TaskInstance>> {
    from.into()
        .first(sql(format!("SELECT {SHARED} FROM task_instance_history WHERE id = $1")), args![id])
        .await?
        .as_ref()
        .map(read_shared)
        .transpose()
}

pub(crate) async fn tries(
    from: impl Into<Read<'_>>,
    dag_id: &str,
    run_id: &str,
    task_id: &str,
    map_index: i64,
) -> Result<Vec<TaskInstance>> {
    let text = format!(
        "SELECT {SHARED} FROM task_instance_history WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND map_index = $4 ORDER BY try_number, updated_at"
    );
    from.into().all(sql(text), args![dag_id, run_id, task_id, map_index]).await?.iter().map(read_shared).collect()
}

/// Is this try over because somebody took it away from its process?
pub(crate) async fn is_revoked(from: impl Into<Read<'_>>, id: &str) -> Result<bool> {
    Ok(from.into().first("SELECT 1 AS one FROM task_instance_history WHERE id = $1 AND is_revoked = 1", args![id]).await?.is_some())
}

/// Notes that a sensor gave its slot back.
pub(crate) async fn add_reschedule(tx: &mut Tx, ti_id: &str, start: i64, end: i64, until: i64) -> Result<()> {
    let text = "INSERT INTO task_reschedules (ti_id, number, start_date, end_date, reschedule_date)
         SELECT $1, COUNT(*) + 1, $2, $3, $4 FROM task_reschedules WHERE ti_id = $1";
    tx.execute(text, args![ti_id, start, end, until]).await.map(drop)
}

/// How often a try was rescheduled, and when it first began.
pub(crate) fn reschedules(ti_id: &str) -> Query<(i64, Option<i64>)> {
    let text = "SELECT COUNT(*) AS count, MIN(start_date) AS first FROM task_reschedules WHERE ti_id = $1";
    Query::one(text, args![ti_id], |row| Ok((row.get("count")?, row.opt("first")?)))
}
