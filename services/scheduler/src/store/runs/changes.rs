//! What becomes of a run that is there.

use crate::states::RunState;
use crate::store::{objects, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::Tx;

/// A run that goes on.
pub(crate) async fn set_running(tx: &mut Tx, dag_id: &str, run_id: &str, now: i64) -> Result<()> {
    let text = "UPDATE dag_runs SET state = 'running', start_date = $1, end_date = NULL, updated_at = $1 WHERE dag_id = $2 AND run_id = $3";
    tx.execute(text, args![now, dag_id, run_id]).await.map(drop)
}

/// A run that has ended.
pub(crate) async fn set_ended(tx: &mut Tx, dag_id: &str, run_id: &str, state: RunState, now: i64) -> Result<()> {
    let text =
        "UPDATE dag_runs SET state = $1, end_date = $2, updated_at = $2, last_scheduling_decision = $2 WHERE dag_id = $3 AND run_id = $4";
    tx.execute(text, args![state.as_str(), now, dag_id, run_id]).await.map(drop)
}

/// A run that waits to be started (again). `cleared`: tasks of it were, and it counts that.
pub(crate) async fn set_queued(tx: &mut Tx, dag_id: &str, run_id: &str, cleared: bool, now: i64) -> Result<()> {
    let text = "UPDATE dag_runs SET state = 'queued', queued_at = $1, start_date = NULL, end_date = NULL, clear_number = clear_number + $2, last_scheduling_decision = NULL,
         updated_at = $1 WHERE dag_id = $3 AND run_id = $4";
    tx.execute(text, args![now, cleared, dag_id, run_id]).await.map(drop)
}

/// Tasks of a run that goes on were cleared.
pub(crate) async fn count_clear(tx: &mut Tx, dag_id: &str, run_id: &str, now: i64) -> Result<()> {
    let text = "UPDATE dag_runs SET clear_number = clear_number + 1, queued_at = $1, updated_at = $1 WHERE dag_id = $2 AND run_id = $3";
    tx.execute(text, args![now, dag_id, run_id]).await.map(drop)
}

pub(crate) async fn set_note(tx: &mut Tx, dag_id: &str, run_id: &str, note: Option<&str>, now: i64) -> Result<()> {
    tx.execute("UPDATE dag_runs SET note = $1, updated_at = $2 WHERE dag_id = $3 AND run_id = $4", args![note, now, dag_id, run_id])
        .await
        .map(drop)
}

/// The run is of no partition any more.
pub(crate) async fn forget_partition(tx: &mut Tx, dag_id: &str, run_id: &str, now: i64) -> Result<()> {
    let text = "UPDATE dag_runs SET partition_key = NULL, partition_date = NULL, updated_at = $3 WHERE dag_id = $1 AND run_id = $2";
    tx.execute(text, args![dag_id, run_id, now]).await.map(drop)
}

pub(crate) async fn set_version(tx: &mut Tx, dag_id: &str, run_id: &str, version: &str, bundle_version: Option<&str>) -> Result<()> {
    let text = "UPDATE dag_runs SET dag_version_id = $1, bundle_version = $2 WHERE dag_id = $3 AND run_id = $4";
    tx.execute(text, args![version, bundle_version, dag_id, run_id]).await.map(drop)
}

/// A decision was made about it.
pub(crate) fn touch(tx: &mut Tx, dag_id: &str, run_id: &str, now: i64) {
    tx.ahead("UPDATE dag_runs SET last_scheduling_decision = $1 WHERE dag_id = $2 AND run_id = $3", args![now, dag_id, run_id]);
}

/// Removes a run with everything that belongs to it; returns whether there was one.
pub(crate) async fn delete(tx: &mut Tx, dag_id: &str, run_id: &str) -> Result<bool> {
    let ids = "SELECT id FROM task_instances WHERE dag_id = $1 AND run_id = $2 UNION SELECT id FROM task_instance_history WHERE dag_id = $1 AND run_id = $2";
    objects::doom_of(tx, "dag_id = $1 AND run_id = $2", ids, || args![dag_id, run_id]).await?;
    for table in ["rendered_fields", "task_logs", "log_chunks", "task_reschedules", "triggers", "hitl_details"] {
        tx.execute(sql(format!("DELETE FROM {table} WHERE ti_id IN ({ids})")), args![dag_id, run_id]).await?;
    }
    tx.execute("UPDATE backfill_runs SET run_id = NULL WHERE dag_id = $1 AND run_id = $2", args![dag_id, run_id]).await?;
    for table in ["xcoms", "task_state_store", "callbacks", "deadlines", "task_instances", "task_instance_history", "dag_run_asset_events"]
    {
        tx.execute(sql(format!("DELETE FROM {table} WHERE dag_id = $1 AND run_id = $2")), args![dag_id, run_id]).await?;
    }
    Ok(tx.execute("DELETE FROM dag_runs WHERE dag_id = $1 AND run_id = $2", args![dag_id, run_id]).await? > 0)
}
