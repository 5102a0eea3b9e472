//! Tables `backfills` and `backfill_runs`.

use super::{Filter, Page, Read, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx};

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Backfill {
    pub(crate) id: i64,
    pub(crate) dag_id: String,
    pub(crate) from_date: i64,
    pub(crate) to_date: i64,
    pub(crate) dag_run_conf: Option<String>,
    pub(crate) is_paused: bool,
    pub(crate) reprocess_behavior: String,
    pub(crate) max_active_runs: i64,
    pub(crate) triggering_user_name: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) completed_at: Option<i64>,
    pub(crate) updated_at: i64,
}

/// One date of a backfill: its run, or why it has none.
pub(crate) struct BackfillRun<'a> {
    pub(crate) backfill_id: i64,
    pub(crate) sort_ordinal: i64,
    pub(crate) dag_id: &'a str,
    pub(crate) run_id: Option<&'a str>,
    pub(crate) logical_date: Option<i64>,
    pub(crate) partition_key: Option<&'a str>,
    pub(crate) exception_reason: Option<&'a str>,
}

const COLUMNS: &str = "id, dag_id, from_date, to_date, dag_run_conf, is_paused, reprocess_behavior, max_active_runs, triggering_user_name, created_at, \
     completed_at, updated_at";

fn read(row: &Row) -> Result<Backfill> {
    Ok(Backfill {
        id: row.get("id")?,
        dag_id: row.get("dag_id")?,
        from_date: row.get("from_date")?,
        to_date: row.get("to_date")?,
        dag_run_conf: row.opt("dag_run_conf")?,
        is_paused: row.get("is_paused")?,
        reprocess_behavior: row.get("reprocess_behavior")?,
        max_active_runs: row.get("max_active_runs")?,
        triggering_user_name: row.opt("triggering_user_name")?,
        created_at: row.get("created_at")?,
        completed_at: row.opt("completed_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// The number of the next one; the caller holds the turn.
pub(crate) async fn next_id(tx: &mut Tx) -> Result<i64> {
    tx.fetch_one("SELECT COALESCE(MAX(id), 0) + 1 AS next FROM backfills", args![]).await?.get("next")
}

pub(crate) async fn insert(tx: &mut Tx, b: &Backfill) -> Result<()> {
    let text = format!("INSERT INTO backfills ({COLUMNS}) VALUES ({})", super::places(1, 12));
    let values = args![
        b.id,
        &b.dag_id,
        b.from_date,
        b.to_date,
        b.dag_run_conf.as_ref(),
        b.is_paused,
        &b.reprocess_behavior,
        b.max_active_runs,
        b.triggering_user_name.as_ref(),
        b.created_at,
        b.completed_at,
        b.updated_at
    ];
    tx.execute(sql(text), values).await.map(drop)
}

pub(crate) async fn get(from: impl Into<Read<'_>>, id: i64) -> Result<Option<Backfill>> {
    from.into().first(sql(format!("SELECT {COLUMNS} FROM backfills WHERE id = $1")), args![id]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<Backfill>, i64)> {
    super::page(db, COLUMNS, "backfills", filter, page, read).await
}

/// Is one of this DAG going on?
pub(crate) async fn is_active(tx: &mut Tx, dag_id: &str) -> Result<bool> {
    let text = "SELECT 1 AS one FROM backfills WHERE dag_id = $1 AND completed_at IS NULL LIMIT 1";
    Ok(tx.fetch_optional(text, args![dag_id]).await?.is_some())
}

pub(crate) async fn set_paused(tx: &mut Tx, id: i64, paused: bool, now: i64) -> Result<()> {
    tx.execute("UPDATE backfills SET is_paused = $1, updated_at = $2 WHERE id = $3", args![paused, now, id]).await.map(drop)
}

pub(crate) async fn set_completed(tx: &mut Tx, id: i64, now: i64) -> Result<()> {
    tx.execute("UPDATE backfills SET completed_at = $1, updated_at = $1 WHERE id = $2", args![now, id]).await.map(drop)
}

/// Ends those that have no queued or running run any more; returns how many.
pub(crate) async fn complete(tx: &mut Tx, now: i64) -> Result<u64> {
    let text = "UPDATE backfills SET completed_at = $1, updated_at = $1 WHERE completed_at IS NULL AND NOT EXISTS
         (SELECT 1 FROM dag_runs r WHERE r.backfill_id = CAST(backfills.id AS TEXT) AND r.state IN ('queued', 'running'))";
    tx.execute(text, args![now]).await
}

/// Is there one that goes on at all?
pub(crate) async fn any_active(db: &Db) -> Result<bool> {
    Ok(db.fetch_optional("SELECT 1 AS one FROM backfills WHERE completed_at IS NULL LIMIT 1", args![]).await?.is_some())
}

pub(crate) async fn add_run(tx: &mut Tx, run: &BackfillRun<'_>) -> Result<()> {
    let text = "INSERT INTO backfill_runs (backfill_id, sort_ordinal, dag_id, run_id, logical_date, partition_key, exception_reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let place = args![run.backfill_id, run.sort_ordinal, run.dag_id, run.run_id];
    let values = place.into_iter().chain(args![run.logical_date, run.partition_key, run.exception_reason]).collect();
    tx.execute(text, values).await.map(drop)
}

/// The run belongs to a backfill from now on; a conf only where one is given.
pub(crate) async fn adopt_run(tx: &mut Tx, id: i64, dag_id: &str, run_id: &str, conf: Option<&str>) -> Result<()> {
    let text = "UPDATE dag_runs SET backfill_id = $1, run_type = 'backfill', triggered_by = 'backfill', conf = COALESCE($2, conf)
         WHERE dag_id = $3 AND run_id = $4";
    tx.execute(text, args![id.to_string(), conf, dag_id, run_id]).await.map(drop)
}

/// The queued runs of a backfill.
pub(crate) async fn queued_runs(tx: &mut Tx, id: i64) -> Result<Vec<(String, String)>> {
    let text = "SELECT dag_id, run_id FROM dag_runs WHERE backfill_id = $1 AND state = 'queued'";
    tx.fetch_all(text, args![id.to_string()]).await?.iter().map(|r| Ok((r.get("dag_id")?, r.get("run_id")?))).collect()
}

/// How many runs of the backfill that a run belongs to may run and do run, and whether it is paused. `None`: it belongs to none.
pub(crate) async fn room(tx: &mut Tx, dag_id: &str, run_id: &str) -> Result<Option<(i64, i64, bool)>> {
    let text = "SELECT b.max_active_runs, b.is_paused,
         (SELECT COUNT(*) FROM dag_runs o WHERE o.backfill_id = r.backfill_id AND o.state = 'running') AS running
         FROM dag_runs r JOIN backfills b ON CAST(b.id AS TEXT) = r.backfill_id WHERE r.dag_id = $1 AND r.run_id = $2";
    let row = tx.fetch_optional(text, args![dag_id, run_id]).await?;
    row.map(|r| Ok((r.get("max_active_runs")?, r.get("running")?, r.get("is_paused")?))).transpose()
}

/// Is the run the first of its backfill?
pub(crate) async fn is_first(tx: &mut Tx, dag_id: &str, run_id: &str) -> Result<bool> {
    let text = "SELECT 1 AS one FROM dag_runs r JOIN backfill_runs x ON CAST(x.backfill_id AS TEXT) = r.backfill_id AND x.dag_id = r.dag_id AND x.run_id = r.run_id
         WHERE r.dag_id = $1 AND r.run_id = $2 AND x.sort_ordinal = 1";
    Ok(tx.fetch_optional(text, args![dag_id, run_id]).await?.is_some())
}
