//! Table `event_logs`: who did what, and what became of tasks.

use super::{Filter, Page, sql};
use artel_platform::db::{Db, Row, Tx, Value};
use artel_platform::{Result, args};

/// What happened to what.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewEvent {
    pub(crate) event: String,
    pub(crate) dag_id: Option<String>,
    pub(crate) task_id: Option<String>,
    pub(crate) run_id: Option<String>,
    pub(crate) map_index: Option<i64>,
    pub(crate) try_number: Option<i64>,
    pub(crate) logical_date: Option<i64>,
    /// Who did it; of a task its owner.
    pub(crate) owner: Option<String>,
    /// JSON.
    pub(crate) extra: Option<String>,
}

/// A row, with the names that are shown beside it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: i64,
    pub(crate) logged_at: i64,
    pub(crate) what: NewEvent,
    pub(crate) dag_display_name: Option<String>,
    pub(crate) task_display_name: Option<String>,
}

const COLUMNS: &str = "id, logged_at, event, dag_id, task_id, run_id, map_index, try_number, logical_date, owner, extra,
     (SELECT d.display_name FROM dags d WHERE d.dag_id = event_logs.dag_id) AS dag_display_name,
     (SELECT t.task_display_name FROM task_instances t WHERE t.dag_id = event_logs.dag_id AND t.run_id = event_logs.run_id
      AND t.task_id = event_logs.task_id AND t.map_index = COALESCE(event_logs.map_index, -1)) AS task_display_name";

fn read(row: &Row) -> Result<Event> {
    Ok(Event {
        id: row.get("id")?,
        logged_at: row.get("logged_at")?,
        what: NewEvent {
            event: row.get("event")?,
            dag_id: row.opt("dag_id")?,
            task_id: row.opt("task_id")?,
            run_id: row.opt("run_id")?,
            map_index: row.opt("map_index")?,
            try_number: row.opt("try_number")?,
            logical_date: row.opt("logical_date")?,
            owner: row.opt("owner")?,
            extra: row.opt("extra")?,
        },
        dag_display_name: row.opt("dag_display_name")?,
        task_display_name: row.opt("task_display_name")?,
    })
}

/// A new row.
macro_rules! insert {
    ($logical_date:literal) => {
        concat!(
            "INSERT INTO event_logs (uid, id, logged_at, event, dag_id, task_id, run_id, map_index, try_number, owner, extra, logical_date)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, ",
            $logical_date,
            ")"
        )
    };
}

fn values((uid, id): (&str, i64), new: &NewEvent, now: i64) -> Vec<Value> {
    args![
        uid,
        id,
        now,
        &new.event,
        new.dag_id.as_ref(),
        new.task_id.as_ref(),
        new.run_id.as_ref(),
        new.map_index,
        new.try_number,
        new.owner.as_ref(),
        new.extra.as_ref()
    ]
}

/// Writes a row in a transaction of its own.
pub(crate) async fn add(db: &Db, key: (&str, i64), new: &NewEvent, now: i64) -> Result<()> {
    let mut values = values(key, new, now);
    values.push(new.logical_date.into());
    db.execute(insert!("$12"), values).await.map(drop)
}

/// Writes a row about a run's task along with what else its transaction writes; the logical date is the run's.
pub(crate) fn add_along(tx: &mut Tx, key: (&str, i64), new: &NewEvent, now: i64) {
    tx.along(insert!("(SELECT r.logical_date FROM dag_runs r WHERE r.dag_id = $5 AND r.run_id = $7)"), values(key, new, now));
}

/// Removes up to `limit` of those that were noted before this time, the oldest first; returns how many there were. Numbers sort
/// by time.
pub(crate) async fn forget(db: &Db, before: i64, limit: u64) -> Result<u64> {
    let text = format!("DELETE FROM event_logs WHERE uid IN (SELECT uid FROM event_logs WHERE id < $1 ORDER BY id LIMIT {limit})");
    db.execute(sql(text), args![before * 1000]).await
}

pub(crate) async fn get(db: &Db, id: i64) -> Result<Option<Event>> {
    let text = format!("SELECT {COLUMNS} FROM event_logs WHERE id = $1 ORDER BY uid LIMIT 1");
    db.fetch_optional(sql(text), args![id]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<Event>, i64)> {
    super::page(db, COLUMNS, "event_logs", filter, page, read).await
}
