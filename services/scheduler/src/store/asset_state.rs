//! Table `asset_state_store`: what is kept with an asset.

use super::{Filter, Page, Read};
use crate::store::instances::TaskInstance;
use artel_platform::db::{Db, Row, Tx};
use artel_platform::{Result, args};

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// JSON.
    pub(crate) value: String,
    pub(crate) updated_at: i64,
    /// Who wrote it last: `task`, `watcher` or `api`.
    pub(crate) kind: String,
    pub(crate) dag_id: Option<String>,
    pub(crate) run_id: Option<String>,
    pub(crate) task_id: Option<String>,
    pub(crate) map_index: Option<i64>,
}

/// Who writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Writer<'a> {
    Task(&'a TaskInstance),
    Watcher,
    Api,
}

const COLUMNS: &str = "key, value, updated_at, writer_kind, writer_dag_id, writer_run_id, writer_task_id, writer_map_index";

fn read(row: &Row) -> Result<Entry> {
    Ok(Entry {
        key: row.get("key")?,
        value: row.get("value")?,
        updated_at: row.get("updated_at")?,
        kind: row.get("writer_kind")?,
        dag_id: row.opt("writer_dag_id")?,
        run_id: row.opt("writer_run_id")?,
        task_id: row.opt("writer_task_id")?,
        map_index: row.opt("writer_map_index")?,
    })
}

pub(crate) async fn get(from: impl Into<Read<'_>>, asset_id: i64, key: &str) -> Result<Option<Entry>> {
    let text = super::sql(format!("SELECT {COLUMNS} FROM asset_state_store WHERE asset_id = $1 AND key = $2"));
    from.into().first(text, args![asset_id, key]).await?.as_ref().map(read).transpose()
}

/// All that is kept with an asset, by key.
pub(crate) async fn list(db: &Db, asset_id: i64, page: &Page) -> Result<(Vec<Entry>, i64)> {
    let mut filter = Filter::default();
    filter.compare("asset_id", "=", asset_id);
    super::page(db, COLUMNS, "asset_state_store", filter, page, read).await
}

pub(crate) async fn put(tx: &mut Tx, asset_id: i64, key: &str, value: &str, writer: Writer<'_>, now: i64) -> Result<()> {
    let (kind, task) = match writer {
        Writer::Task(task) => ("task", Some(task)),
        Writer::Watcher => ("watcher", None),
        Writer::Api => ("api", None),
    };
    let text = "INSERT INTO asset_state_store
             (asset_id, key, value, updated_at, writer_kind, writer_dag_id, writer_run_id, writer_task_id, writer_map_index)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (asset_id, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at,
             writer_kind = excluded.writer_kind, writer_dag_id = excluded.writer_dag_id, writer_run_id = excluded.writer_run_id,
             writer_task_id = excluded.writer_task_id, writer_map_index = excluded.writer_map_index";
    let (dag_id, run_id) = (task.map(|t| t.dag_id.as_str()), task.map(|t| t.run_id.as_str()));
    let (task_id, map_index) = (task.map(|t| t.task_id.as_str()), task.map(|t| t.map_index));
    tx.execute(text, args![asset_id, key, value, now, kind, dag_id, run_id, task_id, map_index]).await.map(drop)
}

/// Removes one key, or all of them.
pub(crate) async fn delete(tx: &mut Tx, asset_id: i64, key: Option<&str>) -> Result<()> {
    let text = "DELETE FROM asset_state_store WHERE asset_id = $1 AND ($2 = 1 OR key = $3)";
    tx.execute(text, args![asset_id, key.is_none(), key.unwrap_or_default()]).await.map(drop)
}
