//! Tables `asset_partition_runs` and `asset_partition_keys`: runs to come, one per partition, and what arrived for them.

use super::{assets, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx};
use std::collections::BTreeSet;

/// A run to come.
#[derive(Debug, Clone)]
pub(crate) struct PartitionRun {
    pub(crate) id: i64,
    pub(crate) dag_id: String,
    pub(crate) partition_key: String,
    pub(crate) partition_date: Option<i64>,
    /// Of the schedule that it was begun for.
    pub(crate) fingerprint: String,
}

/// What arrived for it of one active asset.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) asset_id: i64,
    pub(crate) name: String,
    pub(crate) uri: String,
    pub(crate) source_keys: BTreeSet<String>,
}

const COLUMNS: &str = "id, dag_id, partition_key, partition_date, fingerprint";

fn read(row: &Row) -> Result<PartitionRun> {
    Ok(PartitionRun {
        id: row.get("id")?,
        dag_id: row.get("dag_id")?,
        partition_key: row.get("partition_key")?,
        partition_date: row.opt("partition_date")?,
        fingerprint: row.get("fingerprint")?,
    })
}

/// The run to come of a partition, if one is.
pub(crate) async fn pending(tx: &mut Tx, dag_id: &str, key: &str) -> Result<Option<PartitionRun>> {
    let text = format!(
        "SELECT {COLUMNS} FROM asset_partition_runs WHERE dag_id = $1 AND partition_key = $2 AND run_id IS NULL ORDER BY id DESC LIMIT 1"
    );
    tx.fetch_optional(sql(text), args![dag_id, key]).await?.as_ref().map(read).transpose()
}

/// Begins a run to come; its number is given here.
pub(crate) async fn insert(tx: &mut Tx, run: &PartitionRun, now: i64) -> Result<i64> {
    let id = assets::next_id(tx, "partition_runs").await?;
    let text = format!("INSERT INTO asset_partition_runs ({COLUMNS}, created_at) VALUES ($1, $2, $3, $4, $5, $6)");
    tx.execute(sql(text), args![id, &run.dag_id, &run.partition_key, run.partition_date, &run.fingerprint, now]).await?;
    Ok(id)
}

pub(crate) async fn set_date(tx: &mut Tx, id: i64, date: Option<i64>) -> Result<()> {
    tx.execute("UPDATE asset_partition_runs SET partition_date = $1 WHERE id = $2", args![date, id]).await.map(drop)
}

/// The run that it became.
pub(crate) async fn set_run(tx: &mut Tx, id: i64, run_id: &str) -> Result<()> {
    tx.execute("UPDATE asset_partition_runs SET run_id = $1 WHERE id = $2", args![run_id, id]).await.map(drop)
}

/// An event arrived for it.
pub(crate) async fn add_key(tx: &mut Tx, id: i64, event_id: i64, asset_id: i64, source_key: &str) -> Result<()> {
    let text = "INSERT INTO asset_partition_keys (partition_run_id, event_id, asset_id, source_key) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    tx.execute(text, args![id, event_id, asset_id, source_key]).await.map(drop)
}

/// Is any run to come?
pub(crate) async fn any_pending(db: &Db) -> Result<bool> {
    Ok(db.fetch_optional("SELECT 1 AS one FROM asset_partition_runs WHERE run_id IS NULL LIMIT 1", vec![]).await?.is_some())
}

/// Runs to come of DAGs that are there, the oldest first.
pub(crate) async fn all_pending(tx: &mut Tx, limit: i64) -> Result<Vec<PartitionRun>> {
    let text = "SELECT p.id, p.dag_id, p.partition_key, p.partition_date, p.fingerprint FROM asset_partition_runs p
         JOIN dags d ON d.dag_id = p.dag_id WHERE p.run_id IS NULL AND d.is_stale = 0 ORDER BY p.created_at, p.id LIMIT $1";
    tx.fetch_all(text, args![limit]).await?.iter().map(read).collect()
}

/// What arrived for a run to come, of assets that are active.
pub(crate) async fn arrived(tx: &mut Tx, id: i64) -> Result<Vec<Arrived>> {
    let text = "SELECT k.asset_id, a.name, a.uri, k.source_key FROM asset_partition_keys k JOIN assets a ON a.id = k.asset_id
         WHERE k.partition_run_id = $1 AND a.is_active = 1 ORDER BY k.asset_id";
    let mut all: Vec<Arrived> = Vec::new();
    for row in tx.fetch_all(text, args![id]).await? {
        let (asset_id, key): (i64, String) = (row.get("asset_id")?, row.get("source_key")?);
        match all.last_mut().filter(|a| a.asset_id == asset_id) {
            Some(last) => drop(last.source_keys.insert(key)),
            None => all.push(Arrived { asset_id, name: row.get("name")?, uri: row.get("uri")?, source_keys: BTreeSet::from([key]) }),
        }
    }
    Ok(all)
}

/// Aliases that came to mean one of the assets that arrived.
pub(crate) async fn arrived_aliases(tx: &mut Tx, id: i64) -> Result<Vec<String>> {
    let text = "SELECT DISTINCT a.name FROM asset_partition_keys k JOIN asset_alias_assets l ON l.asset_id = k.asset_id
         JOIN asset_aliases a ON a.id = l.alias_id WHERE k.partition_run_id = $1";
    tx.fetch_all(text, args![id]).await?.iter().map(|r| r.get("name")).collect()
}

/// A run is started with the events that arrived for it.
pub(crate) async fn consume(tx: &mut Tx, id: i64, dag_id: &str, run_id: &str) -> Result<()> {
    let text = "INSERT INTO dag_run_asset_events (dag_id, run_id, event_id)
         SELECT $1, $2, event_id FROM asset_partition_keys WHERE partition_run_id = $3";
    tx.execute(text, args![dag_id, run_id, id]).await.map(drop)
}

/// Forgets a run to come: its schedule is another one now.
pub(crate) async fn remove(tx: &mut Tx, id: i64) -> Result<()> {
    tx.execute("DELETE FROM asset_partition_keys WHERE partition_run_id = $1", args![id]).await?;
    tx.execute("DELETE FROM asset_partition_runs WHERE id = $1", args![id]).await.map(drop)
}
