//! Tables `asset_events`, `asset_alias_events` and `dag_run_asset_events`.

use super::{Filter, Page, Read, places, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx, Value};

/// A row of `asset_events`.
#[derive(Debug, Clone)]
pub(crate) struct AssetEvent {
    pub(crate) id: i64,
    pub(crate) asset_id: i64,
    /// JSON.
    pub(crate) extra: String,
    pub(crate) source_task_id: Option<String>,
    pub(crate) source_dag_id: Option<String>,
    pub(crate) source_run_id: Option<String>,
    pub(crate) source_map_index: i64,
    pub(crate) partition_key: Option<String>,
    pub(crate) timestamp: i64,
}

/// A run that was started with an event.
#[derive(Debug, Clone)]
pub(crate) struct CreatedRun {
    pub(crate) event_id: i64,
    pub(crate) dag_id: String,
    pub(crate) run_id: String,
    pub(crate) logical_date: Option<i64>,
    pub(crate) data_interval_start: Option<i64>,
    pub(crate) data_interval_end: Option<i64>,
    pub(crate) run_after: i64,
    pub(crate) start_date: Option<i64>,
    pub(crate) end_date: Option<i64>,
    pub(crate) state: String,
    pub(crate) partition_key: Option<String>,
    /// It is the newest of the events that the run was started with.
    pub(crate) triggering: bool,
}

const COLUMNS: &str = "id, asset_id, extra, source_task_id, source_dag_id, source_run_id, source_map_index, partition_key, timestamp";

fn read(row: &Row) -> Result<AssetEvent> {
    Ok(AssetEvent {
        id: row.get("id")?,
        asset_id: row.get("asset_id")?,
        extra: row.get("extra")?,
        source_task_id: row.opt("source_task_id")?,
        source_dag_id: row.opt("source_dag_id")?,
        source_run_id: row.opt("source_run_id")?,
        source_map_index: row.get("source_map_index")?,
        partition_key: row.opt("partition_key")?,
        timestamp: row.get("timestamp")?,
    })
}

/// Writes an event that came through these aliases.
pub(crate) async fn insert(tx: &mut Tx, e: &AssetEvent, aliases: &[i64]) -> Result<()> {
    let text = format!("INSERT INTO asset_events ({COLUMNS}) VALUES ({})", places(1, 9));
    let values = args![
        e.id,
        e.asset_id,
        &e.extra,
        e.source_task_id.as_ref(),
        e.source_dag_id.as_ref(),
        e.source_run_id.as_ref(),
        e.source_map_index,
        e.partition_key.as_ref(),
        e.timestamp
    ];
    tx.execute(sql(text), values).await?;
    let rows = aliases.iter().map(|alias| args![*alias, e.id]).collect();
    tx.insert_many("INSERT INTO asset_alias_events (alias_id, event_id)", "ON CONFLICT DO NOTHING", rows).await.map(drop)
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<AssetEvent>, i64)> {
    super::page(db, COLUMNS, "asset_events", filter, page, read).await
}

/// Events under a filter, in an order, at most so many.
pub(crate) async fn find(db: &Db, filter: Filter, order: &str, limit: Option<i64>) -> Result<Vec<AssetEvent>> {
    let mut filter = filter;
    let clause = filter.clause();
    let limit = limit.map(|n| format!(" LIMIT {}", filter.arg(n))).unwrap_or_default();
    let text = format!("SELECT {COLUMNS} FROM asset_events {clause} ORDER BY {order}{limit}");
    db.fetch_all(sql(text), filter.args).await?.iter().map(read).collect()
}

/// The newest event of each of these assets: `(asset, event, time)`.
pub(crate) async fn newest(db: &Db, assets: &[i64]) -> Result<Vec<(i64, i64, i64)>> {
    if assets.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!(
        "SELECT asset_id, MAX(id) AS id, MAX(timestamp) AS timestamp FROM asset_events WHERE asset_id IN ({}) GROUP BY asset_id",
        places(1, assets.len())
    );
    let rows = db.fetch_all(sql(text), assets.iter().map(|id| Value::Int(*id)).collect()).await?;
    rows.iter().map(|r| Ok((r.get("asset_id")?, r.get("id")?, r.get("timestamp")?))).collect()
}

/// Names of the aliases that these events came through: `(event, alias)`.
pub(crate) async fn aliases(from: impl Into<Read<'_>>, events: &[i64]) -> Result<Vec<(i64, String)>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!(
        "SELECT x.event_id, a.name FROM asset_alias_events x JOIN asset_aliases a ON a.id = x.alias_id WHERE x.event_id IN ({}) ORDER BY a.name",
        places(1, events.len())
    );
    let rows = from.into().all(sql(text), events.iter().map(|id| Value::Int(*id)).collect()).await?;
    rows.iter().map(|r| Ok((r.get("event_id")?, r.get("name")?))).collect()
}

/// The events that a run was started with, the oldest first.
pub(crate) async fn consumed(from: impl Into<Read<'_>>, dag_id: &str, run_id: &str) -> Result<Vec<AssetEvent>> {
    let text = format!(
        "SELECT {COLUMNS} FROM asset_events WHERE id IN (SELECT event_id FROM dag_run_asset_events WHERE dag_id = $1 AND run_id = $2) ORDER BY timestamp, id"
    );
    from.into().all(sql(text), args![dag_id, run_id]).await?.iter().map(read).collect()
}

/// A run is started with these events.
pub(crate) async fn consume(tx: &mut Tx, dag_id: &str, run_id: &str, events: &[AssetEvent]) -> Result<()> {
    let rows = events.iter().map(|e| args![dag_id, run_id, e.id]).collect();
    tx.insert_many("INSERT INTO dag_run_asset_events (dag_id, run_id, event_id)", "ON CONFLICT DO NOTHING", rows).await.map(drop)
}

/// The newest event that a run of the DAG was started with.
pub(crate) async fn newest_consumed(tx: &mut Tx, dag_id: &str) -> Result<Option<i64>> {
    tx.fetch_one("SELECT MAX(event_id) AS newest FROM dag_run_asset_events WHERE dag_id = $1", args![dag_id]).await?.opt("newest")
}

/// When the DAG began to be scheduled on assets; `None` when it is scheduled on aliases only.
pub(crate) async fn scheduled_since(tx: &mut Tx, dag_id: &str) -> Result<Option<i64>> {
    let text =
        "SELECT MIN(created_at) AS since FROM asset_references WHERE dag_id = $1 AND kind IN ('schedule', 'schedule_name', 'schedule_uri')";
    tx.fetch_one(text, args![dag_id]).await?.opt("since")
}

/// Events that a DAG is scheduled on: after the event `after`, up to `last`, not before the time `since`. The oldest first.
pub(crate) async fn for_dag(tx: &mut Tx, dag_id: &str, after: i64, last: i64, since: i64) -> Result<Vec<AssetEvent>> {
    let text = format!(
        "SELECT {COLUMNS} FROM asset_events WHERE id > $2 AND id <= $3 AND timestamp >= $4 AND (
            asset_id IN (SELECT target_id FROM asset_references WHERE dag_id = $1 AND kind = 'schedule')
            OR asset_id IN (SELECT a.id FROM assets a JOIN asset_references r ON r.dag_id = $1
                AND ((r.kind = 'schedule_name' AND r.target = a.name) OR (r.kind = 'schedule_uri' AND r.target = a.uri)))
            OR id IN (SELECT x.event_id FROM asset_alias_events x JOIN asset_references r ON r.target_id = x.alias_id
                AND r.dag_id = $1 AND r.kind = 'schedule_alias'))
         ORDER BY timestamp, id"
    );
    tx.fetch_all(sql(text), args![dag_id, after, last, since]).await?.iter().map(read).collect()
}

/// Runs that were started with these events.
pub(crate) async fn created_runs(db: &Db, events: &[i64]) -> Result<Vec<CreatedRun>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!(
        "SELECT c.event_id, r.dag_id, r.run_id, r.logical_date, r.data_interval_start, r.data_interval_end, r.run_after, r.start_date, r.end_date, r.state, r.partition_key,
            (SELECT n.event_id FROM dag_run_asset_events n JOIN asset_events e ON e.id = n.event_id
             WHERE n.dag_id = c.dag_id AND n.run_id = c.run_id ORDER BY e.timestamp DESC, e.id DESC LIMIT 1) AS newest
         FROM dag_run_asset_events c JOIN dag_runs r ON r.dag_id = c.dag_id AND r.run_id = c.run_id
         WHERE c.event_id IN ({}) ORDER BY r.dag_id, r.run_after, r.run_id",
        places(1, events.len())
    );
    let rows = db.fetch_all(sql(text), events.iter().map(|id| Value::Int(*id)).collect()).await?;
    let read = |row: &Row| {
        let event_id = row.get("event_id")?;
        Ok(CreatedRun {
            event_id,
            dag_id: row.get("dag_id")?,
            run_id: row.get("run_id")?,
            logical_date: row.opt("logical_date")?,
            data_interval_start: row.opt("data_interval_start")?,
            data_interval_end: row.opt("data_interval_end")?,
            run_after: row.get("run_after")?,
            start_date: row.opt("start_date")?,
            end_date: row.opt("end_date")?,
            state: row.get("state")?,
            partition_key: row.opt("partition_key")?,
            triggering: row.opt::<i64>("newest")? == Some(event_id),
        })
    };
    rows.iter().map(read).collect()
}
