//! Task instances that wait without a process: for a trigger or for a person. What waiting sets in `task_instances`.

use crate::states::TaskState;
use artel_platform::db::{Db, Tx};
use artel_platform::{Result, args};

/// How it waits, and how it goes on.
#[derive(Debug, Clone)]
pub(crate) struct Parked {
    pub(crate) state: TaskState,
    pub(crate) next_method: String,
    /// JSON.
    pub(crate) next_kwargs: String,
    /// Not longer than this.
    pub(crate) timeout: Option<i64>,
    /// When something is due: its timeout, or its trigger's time.
    pub(crate) due_at: Option<i64>,
    /// Where it has not begun in a process.
    pub(crate) start_date: Option<i64>,
    pub(crate) rendered_map_index: Option<String>,
}

/// Keeps `worker_id`: the process goes on for a moment and is not to be killed.
pub(crate) async fn park(tx: &mut Tx, id: &str, p: &Parked, now: i64) -> Result<()> {
    let text = "UPDATE task_instances SET state = $1, next_method = $2, next_kwargs = $3, trigger_timeout = $4, due_at = $5,
         start_date = COALESCE($6, start_date), rendered_map_index = COALESCE($7, rendered_map_index), lease_until = NULL, updated_at = $8 WHERE id = $9";
    let values =
        args![p.state.as_str(), &p.next_method, &p.next_kwargs, p.timeout, p.due_at, p.start_date, p.rendered_map_index.as_ref(), now, id];
    tx.execute(text, values).await.map(drop)
}

/// The same try goes on, as soon as there is room for it.
pub(crate) async fn resume(tx: &mut Tx, id: &str, next_method: &str, next_kwargs: &str, now: i64) -> Result<()> {
    let text = "UPDATE task_instances SET state = 'scheduled', scheduled_at = $1, updated_at = $1, due_at = NULL, trigger_timeout = NULL,
         next_method = $2, next_kwargs = $3 WHERE id = $4";
    tx.execute(text, args![now, next_method, next_kwargs, id]).await.map(drop)
}

/// When this one's waiting is over at the latest.
pub(crate) async fn timeout(tx: &mut Tx, id: &str) -> Result<Option<i64>> {
    let row = tx.fetch_optional("SELECT trigger_timeout FROM task_instances WHERE id = $1", args![id]).await?;
    row.map_or(Ok(None), |r| r.opt("trigger_timeout"))
}

/// Those for which something is due.
pub(crate) async fn due(db: &Db, now: i64) -> Result<Vec<String>> {
    let text = "SELECT id FROM task_instances WHERE due_at <= $1 AND state IN ('deferred', 'awaiting_input') ORDER BY due_at LIMIT 500";
    db.fetch_all(text, args![now]).await?.iter().map(|r| r.get("id")).collect()
}
