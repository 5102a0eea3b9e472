//! Table `asset_queue`: assets with news for DAGs that have not been started with them.

use super::{Filter, Read, sql};
use crate::dag::News;
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx, Value};
use std::collections::HashMap;

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) dag_id: String,
    pub(crate) asset_id: i64,
    pub(crate) event_id: i64,
    pub(crate) created_at: i64,
}

const COLUMNS: &str = "dag_id, asset_id, event_id, created_at";

fn read(row: &Row) -> Result<Queued> {
    Ok(Queued {
        dag_id: row.get("dag_id")?,
        asset_id: row.get("asset_id")?,
        event_id: row.get("event_id")?,
        created_at: row.get("created_at")?,
    })
}

/// There is news of an asset for these DAGs; earlier news that still waits stays as it is.
pub(crate) async fn put(tx: &mut Tx, dag_ids: &[&str], asset_id: i64, event_id: i64, now: i64) -> Result<()> {
    let rows: Vec<Vec<Value>> = dag_ids.iter().map(|dag_id| args![*dag_id, asset_id, event_id, now]).collect();
    tx.insert_many(&format!("INSERT INTO asset_queue ({COLUMNS})"), "ON CONFLICT DO NOTHING", rows).await.map(drop)
}

/// Rows under a filter.
pub(crate) async fn find(db: &Db, filter: Filter) -> Result<Vec<Queued>> {
    let text = format!("SELECT {COLUMNS} FROM asset_queue {} ORDER BY dag_id, asset_id", filter.clause());
    db.fetch_all(sql(text), filter.args).await?.iter().map(read).collect()
}

/// Removes rows under a filter; returns how many.
pub(crate) async fn remove(tx: &mut Tx, filter: Filter) -> Result<u64> {
    tx.execute(sql(format!("DELETE FROM asset_queue {}", filter.clause())), filter.args).await
}

/// DAGs that something waits for and that may have another run: id and latest version.
pub(crate) async fn dags_with_room(db: &Db) -> Result<Vec<(String, String)>> {
    let text = "SELECT d.dag_id, d.latest_version_id FROM dags d WHERE d.is_paused = 0 AND d.is_stale = 0 AND d.has_import_errors = 0
         AND EXISTS (SELECT 1 FROM asset_queue q WHERE q.dag_id = d.dag_id)
         AND (SELECT COUNT(*) FROM dag_runs r WHERE r.dag_id = d.dag_id AND r.state IN ('queued', 'running') AND r.run_type <> 'backfill') < d.max_active_runs
         ORDER BY d.dag_id";
    db.fetch_all(text, vec![]).await?.iter().map(|r| Ok((r.get("dag_id")?, r.get("latest_version_id")?))).collect()
}

/// What waits for a DAG.
pub(crate) async fn of_dag(tx: &mut Tx, dag_id: &str) -> Result<Vec<Queued>> {
    let text = format!("SELECT {COLUMNS} FROM asset_queue WHERE dag_id = $1 ORDER BY event_id");
    tx.fetch_all(sql(text), args![dag_id]).await?.iter().map(read).collect()
}

/// What waits, as conditions ask for it: of one DAG, or by DAG of all.
pub(crate) async fn news<'a>(from: impl Into<Read<'a>>, dag_id: Option<&str>) -> Result<HashMap<String, News>> {
    let mut from: Read<'_> = from.into();
    let (only, values) = dag_id.map_or(("", vec![]), |id| ("WHERE q.dag_id = $1", args![id]));
    let mut all: HashMap<String, News> = HashMap::new();
    let text = format!("SELECT q.dag_id, a.name, a.uri, a.is_active FROM asset_queue q JOIN assets a ON a.id = q.asset_id {only}");
    for row in from.again().all(sql(text), values.clone()).await? {
        let news = all.entry(row.get("dag_id")?).or_default();
        let (name, uri): (String, String) = (row.get("name")?, row.get("uri")?);
        if row.get("is_active")? {
            news.names.insert(name.clone());
            news.uris.insert(uri.clone());
        }
        news.assets.insert((name, uri));
    }
    let text = format!(
        "SELECT DISTINCT q.dag_id, a.name FROM asset_queue q JOIN asset_alias_assets l ON l.asset_id = q.asset_id
         JOIN asset_aliases a ON a.id = l.alias_id {only}"
    );
    for row in from.all(sql(text), values).await? {
        all.entry(row.get("dag_id")?).or_default().aliases.insert(row.get("name")?);
    }
    Ok(all)
}
