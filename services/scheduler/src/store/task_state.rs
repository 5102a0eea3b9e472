//! Table `task_state_store`: what tasks keep beyond a try.

use super::instances::TaskInstance;
use super::{Filter, Page, sql};
use artel_platform::db::{Db, Row, Tx};
use artel_platform::{Result, args};

/// Whose state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) dag_id: &'a str,
    pub(crate) run_id: &'a str,
    pub(crate) task_id: &'a str,
    pub(crate) map_index: i64,
}

impl<'a> Place<'a> {
    pub(crate) fn of(instance: &'a TaskInstance) -> Self {
        Self { dag_id: &instance.dag_id, run_id: &instance.run_id, task_id: &instance.task_id, map_index: instance.map_index }
    }
}

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// JSON.
    pub(crate) value: String,
    pub(crate) updated_at: i64,
    pub(crate) expires_at: Option<i64>,
}

const COLUMNS: &str = "key, value, updated_at, expires_at";

fn read(row: &Row) -> Result<Entry> {
    Ok(Entry { key: row.get("key")?, value: row.get("value")?, updated_at: row.get("updated_at")?, expires_at: row.opt("expires_at")? })
}

/// One entry, expired or not.
pub(crate) async fn entry(db: &Db, of: Place<'_>, key: &str) -> Result<Option<Entry>> {
    let text = format!(
        "SELECT {COLUMNS} FROM task_state_store WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND map_index = $4 AND key = $5"
    );
    let values = args![of.dag_id, of.run_id, of.task_id, of.map_index, key];
    db.fetch_optional(sql(text), values).await?.as_ref().map(read).transpose()
}

/// All that is kept, expired or not.
pub(crate) async fn list(db: &Db, of: Place<'_>, page: &Page) -> Result<(Vec<Entry>, i64)> {
    let mut filter = Filter::default();
    for (column, value) in [("dag_id", of.dag_id), ("run_id", of.run_id), ("task_id", of.task_id)] {
        filter.compare(column, "=", value);
    }
    filter.compare("map_index", "=", of.map_index);
    super::page(db, COLUMNS, "task_state_store", filter, page, read).await
}

/// A value, JSON, that has not expired.
pub(crate) async fn get(db: &Db, of: &TaskInstance, key: &str, now: i64) -> Result<Option<String>> {
    let text = "SELECT value FROM task_state_store WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND map_index = $4 AND key = $5
         AND (expires_at IS NULL OR expires_at > $6)";
    let row = db.fetch_optional(text, args![&of.dag_id, &of.run_id, &of.task_id, of.map_index, key, now]).await?;
    row.map(|r| r.get("value")).transpose()
}

pub(crate) async fn put(tx: &mut Tx, of: &TaskInstance, key: &str, value: &str, expires_at: Option<i64>, now: i64) -> Result<()> {
    let text = "INSERT INTO task_state_store (dag_id, run_id, task_id, map_index, key, value, expires_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (dag_id, run_id, task_id, map_index, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at, updated_at = excluded.updated_at";
    let values = args![&of.dag_id, &of.run_id, &of.task_id, of.map_index, key, value, expires_at, now];
    tx.execute(text, values).await.map(drop)
}

/// Removes one key, or all of them.
pub(crate) async fn delete(tx: &mut Tx, of: &TaskInstance, key: Option<&str>) -> Result<()> {
    let text =
        "DELETE FROM task_state_store WHERE dag_id = $1 AND run_id = $2 AND task_id = $3 AND map_index = $4 AND ($5 = 1 OR key = $6)";
    let values = args![&of.dag_id, &of.run_id, &of.task_id, of.map_index, key.is_none(), key.unwrap_or_default()];
    tx.execute(text, values).await.map(drop)
}
