//! Table `asset_watchers`: which triggers watch which assets, for which DAGs.

use super::{places, sql};
use crate::store::assets::AssetRow;
use crate::store::triggers::Trigger;
use artel_platform::db::{Db, Row, Tx, Value};
use artel_platform::{Result, args};
use std::collections::BTreeSet;

/// A watcher of a DAG.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Watching {
    pub(crate) asset_id: i64,
    pub(crate) trigger_id: String,
    pub(crate) name: String,
}

/// A watcher as it is shown at its asset.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) asset_id: i64,
    pub(crate) trigger_id: String,
    pub(crate) name: String,
    pub(crate) created_at: i64,
}

fn read(row: &Row) -> Result<Watching> {
    Ok(Watching { asset_id: row.get("asset_id")?, trigger_id: row.get("trigger_id")?, name: row.get("name")? })
}

/// Makes these the watchers of a DAG. What stays keeps its time.
pub(crate) async fn replace(tx: &mut Tx, dag_id: &str, wanted: &BTreeSet<Watching>, now: i64) -> Result<()> {
    let text = "SELECT asset_id, trigger_id, name FROM asset_watchers WHERE dag_id = $1";
    let known: BTreeSet<Watching> = tx.fetch_all(text, args![dag_id]).await?.iter().map(read).collect::<Result<_>>()?;
    for gone in known.difference(wanted) {
        let text = "DELETE FROM asset_watchers WHERE dag_id = $1 AND asset_id = $2 AND trigger_id = $3";
        tx.execute(text, args![dag_id, gone.asset_id, &gone.trigger_id]).await?;
    }
    for new in wanted.difference(&known) {
        let text = "INSERT INTO asset_watchers (dag_id, asset_id, trigger_id, name, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (dag_id, asset_id, trigger_id) DO UPDATE SET name = excluded.name";
        tx.execute(text, args![dag_id, new.asset_id, &new.trigger_id, &new.name, now]).await?;
    }
    Ok(())
}

/// These DAGs watch nothing any more.
pub(crate) async fn remove(tx: &mut Tx, dag_ids: &[String]) -> Result<()> {
    for chunk in dag_ids.chunks(500) {
        let text = format!("DELETE FROM asset_watchers WHERE dag_id IN ({})", places(1, chunk.len()));
        tx.execute(sql(text), chunk.iter().map(Into::into).collect()).await?;
    }
    Ok(())
}

/// Adds a watcher's trigger unless it is there.
pub(crate) async fn put_trigger(tx: &mut Tx, t: &Trigger) -> Result<()> {
    let text =
        "INSERT INTO triggers (id, ti_id, classpath, kwargs, from_dag, created_at) VALUES ($1, $2, $3, $4, 0, $5) ON CONFLICT DO NOTHING";
    tx.execute(text, args![&t.id, &t.ti_id, &t.classpath, &t.kwargs, t.created_at]).await.map(drop)
}

/// The active assets that a trigger watches for DAGs that may run.
pub(crate) async fn watched(tx: &mut Tx, trigger_id: &str) -> Result<Vec<AssetRow>> {
    let text = "SELECT DISTINCT w.asset_id FROM asset_watchers w JOIN dags d ON d.dag_id = w.dag_id
         WHERE w.trigger_id = $1 AND d.is_paused = 0 AND d.is_stale = 0 ORDER BY w.asset_id";
    let ids: Vec<i64> = tx.fetch_all(text, args![trigger_id]).await?.iter().map(|r| r.get("asset_id")).collect::<Result<_>>()?;
    let mut found: Vec<AssetRow> = super::assets::by_ids(&mut *tx, &ids).await?.into_values().filter(|a| a.is_active).collect();
    found.sort_by_key(|a| a.id);
    Ok(found)
}

/// The bundle of a DAG that watches with a trigger.
pub(crate) async fn bundle(tx: &mut Tx, trigger_id: &str) -> Result<Option<String>> {
    let text = "SELECT d.bundle_name FROM asset_watchers w JOIN dags d ON d.dag_id = w.dag_id WHERE w.trigger_id = $1
         ORDER BY d.is_stale, d.is_paused, d.dag_id LIMIT 1";
    tx.fetch_optional(text, args![trigger_id]).await?.map(|row| row.get("bundle_name")).transpose()
}

/// The watchers of these assets, each trigger once.
pub(crate) async fn of_assets(db: &Db, ids: &[i64]) -> Result<Vec<Shown>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!(
        "SELECT asset_id, trigger_id, MIN(name) AS name, MIN(created_at) AS created_at FROM asset_watchers WHERE asset_id IN ({})
         GROUP BY asset_id, trigger_id ORDER BY MIN(name), trigger_id",
        places(1, ids.len())
    );
    let rows = db.fetch_all(sql(text), ids.iter().map(|id| Value::Int(*id)).collect()).await?;
    rows.iter()
        .map(|row| {
            Ok(Shown {
                asset_id: row.get("asset_id")?,
                trigger_id: row.get("trigger_id")?,
                name: row.get("name")?,
                created_at: row.get("created_at")?,
            })
        })
        .collect()
}
