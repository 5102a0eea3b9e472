//! Tables `dags` and `dag_tags`.

use super::{Filter, Page, Read, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Dialect, Query, Row, Tx, Value};
use std::collections::HashMap;

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct DagRow {
    pub(crate) dag_id: String,
    pub(crate) bundle_name: String,
    pub(crate) bundle_version: Option<String>,
    pub(crate) relative_fileloc: String,
    pub(crate) fileloc: String,
    pub(crate) display_name: String,
    pub(crate) description: Option<String>,
    pub(crate) owners: String,
    pub(crate) is_paused: bool,
    pub(crate) is_stale: bool,
    pub(crate) has_import_errors: bool,
    pub(crate) timetable_type: String,
    pub(crate) timetable_summary: Option<String>,
    pub(crate) timetable_description: Option<String>,
    pub(crate) timetable_periodic: bool,
    pub(crate) max_active_tasks: i64,
    pub(crate) max_active_runs: i64,
    pub(crate) max_consecutive_failed_dag_runs: i64,
    pub(crate) has_task_concurrency_limits: bool,
    pub(crate) last_parsed_at: i64,
    pub(crate) last_parse_seconds: f64,
    pub(crate) next: Next,
    pub(crate) latest_version_id: String,
    /// A JSON list; every type where there is none.
    pub(crate) allowed_run_types: Option<String>,
}

/// The next run that the timetable makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Next {
    pub(crate) logical_date: Option<i64>,
    pub(crate) interval_start: Option<i64>,
    pub(crate) interval_end: Option<i64>,
    pub(crate) run_after: Option<i64>,
}

const COLUMNS: &str = "dag_id, bundle_name, bundle_version, relative_fileloc, fileloc, display_name, description, owners, is_paused, is_stale, has_import_errors, \
     timetable_type, timetable_summary, timetable_description, timetable_periodic, max_active_tasks, max_active_runs, max_consecutive_failed_dag_runs, \
     has_task_concurrency_limits, last_parsed_at, last_parse_seconds, next_logical_date, next_interval_start, next_interval_end, next_run_after, latest_version_id, allowed_run_types";

fn read(row: &Row) -> Result<DagRow> {
    Ok(DagRow {
        dag_id: row.get("dag_id")?,
        bundle_name: row.get("bundle_name")?,
        bundle_version: row.opt("bundle_version")?,
        relative_fileloc: row.get("relative_fileloc")?,
        fileloc: row.get("fileloc")?,
        display_name: row.get("display_name")?,
        description: row.opt("description")?,
        owners: row.get("owners")?,
        is_paused: row.get("is_paused")?,
        is_stale: row.get("is_stale")?,
        has_import_errors: row.get("has_import_errors")?,
        timetable_type: row.get("timetable_type")?,
        timetable_summary: row.opt("timetable_summary")?,
        timetable_description: row.opt("timetable_description")?,
        timetable_periodic: row.get("timetable_periodic")?,
        max_active_tasks: row.get("max_active_tasks")?,
        max_active_runs: row.get("max_active_runs")?,
        max_consecutive_failed_dag_runs: row.get("max_consecutive_failed_dag_runs")?,
        has_task_concurrency_limits: row.get("has_task_concurrency_limits")?,
        last_parsed_at: row.get("last_parsed_at")?,
        last_parse_seconds: row.get("last_parse_seconds")?,
        next: Next {
            logical_date: row.opt("next_logical_date")?,
            interval_start: row.opt("next_interval_start")?,
            interval_end: row.opt("next_interval_end")?,
            run_after: row.opt("next_run_after")?,
        },
        latest_version_id: row.get("latest_version_id")?,
        allowed_run_types: row.opt("allowed_run_types")?,
    })
}

pub(crate) async fn get(from: impl Into<Read<'_>>, dag_id: &str) -> Result<Option<DagRow>> {
    from.into().ask(one(dag_id)).await
}

/// A DAG, by its id.
pub(crate) fn one(dag_id: &str) -> Query<Option<DagRow>> {
    Query::first(sql(format!("SELECT {COLUMNS} FROM dags WHERE dag_id = $1")), args![dag_id], read)
}

/// The DAGs of task instances, at most a worker's slots.
pub(crate) fn of_instances(ids: &[String]) -> Query<Vec<DagRow>> {
    let of = format!("SELECT t.dag_id FROM task_instances t WHERE t.id IN ({})", super::places(1, ids.len()));
    Query::all(sql(format!("SELECT {COLUMNS} FROM dags WHERE dag_id IN ({of})")), ids.iter().map(Value::from).collect(), read)
}

/// Are its runs to go on?
pub(crate) fn is_active(dag_id: &str) -> Query<bool> {
    let text = "SELECT COUNT(*) AS count FROM dags WHERE dag_id = $1 AND is_paused = 0 AND is_stale = 0";
    Query::one(text, args![dag_id], |row| Ok(row.get::<i64>("count")? > 0))
}

/// These DAGs, held against other transactions; there is at least one.
pub(crate) fn locked(dialect: Dialect, dag_ids: &[&str]) -> Query<Vec<DagRow>> {
    // all take them in the same order, so that nobody waits for one who waits for them
    let (ids, held) = (super::places(1, dag_ids.len()), super::for_update(dialect));
    let text = format!("SELECT {COLUMNS} FROM dags WHERE dag_id IN ({ids}) ORDER BY dag_id{held}");
    Query::all(sql(text), dag_ids.iter().map(|id| Value::from(*id)).collect(), read)
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<DagRow>, i64)> {
    super::page(db, COLUMNS, "dags", filter, page, read).await
}

/// Inserts or replaces what the file says; keeps whether it is paused where the row is there already.
pub(crate) async fn put(tx: &mut Tx, d: &DagRow, workspace: &str, now: i64) -> Result<()> {
    let kept = ["dag_id", "is_paused"];
    let updates: Vec<String> =
        COLUMNS.split(", ").map(str::trim).filter(|c| !kept.contains(c)).map(|c| format!("{c} = excluded.{c}")).collect();
    let text = format!(
        "INSERT INTO dags ({COLUMNS}, workspace, created_at) VALUES ({}) ON CONFLICT (dag_id) DO UPDATE SET {}",
        super::places(1, 29),
        updates.join(", ")
    );
    let values = args![
        &d.dag_id,
        &d.bundle_name,
        d.bundle_version.as_ref(),
        &d.relative_fileloc,
        &d.fileloc,
        &d.display_name,
        d.description.as_ref(),
        &d.owners,
        d.is_paused,
        d.is_stale,
        d.has_import_errors,
        &d.timetable_type,
        d.timetable_summary.as_ref(),
        d.timetable_description.as_ref(),
        d.timetable_periodic,
        d.max_active_tasks,
        d.max_active_runs,
        d.max_consecutive_failed_dag_runs,
        d.has_task_concurrency_limits,
        d.last_parsed_at,
        d.last_parse_seconds,
        d.next.logical_date,
        d.next.interval_start,
        d.next.interval_end,
        d.next.run_after,
        &d.latest_version_id,
        d.allowed_run_types.as_ref(),
        workspace,
        now
    ];
    tx.execute(sql(text), values).await.map(drop)
}

pub(crate) async fn set_tags(tx: &mut Tx, dag_id: &str, tags: &[String]) -> Result<()> {
    tx.execute("DELETE FROM dag_tags WHERE dag_id = $1", args![dag_id]).await?;
    let rows = tags.iter().map(|tag| args![dag_id, tag]).collect();
    tx.insert_many("INSERT INTO dag_tags (dag_id, name)", "ON CONFLICT DO NOTHING", rows).await.map(drop)
}

/// Tags of these DAGs: `(dag_id, tag)`, sorted.
pub(crate) async fn tags(db: &Db, dag_ids: &[String]) -> Result<Vec<(String, String)>> {
    if dag_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut filter = Filter::default();
    filter.any_of("dag_id", dag_ids);
    let rows =
        db.fetch_all(sql(format!("SELECT dag_id, name FROM dag_tags {} ORDER BY dag_id, name", filter.clause())), filter.args).await?;
    rows.iter().map(|r| Ok((r.get("dag_id")?, r.get("name")?))).collect()
}

/// What people call these DAGs, by id.
pub(crate) async fn display_names(db: &Db, dag_ids: &[String]) -> Result<HashMap<String, String>> {
    if dag_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut filter = Filter::default();
    filter.any_of("dag_id", dag_ids);
    let rows = db.fetch_all(sql(format!("SELECT dag_id, display_name FROM dags {}", filter.clause())), filter.args).await?;
    rows.iter().map(|r| Ok((r.get("dag_id")?, r.get("display_name")?))).collect()
}

/// Tags of DAGs that are there.
pub(crate) async fn all_tags(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<String>, i64)> {
    let from = "(SELECT DISTINCT g.name AS name FROM dag_tags g JOIN dags d ON d.dag_id = g.dag_id WHERE d.is_stale = 0) AS tags";
    super::page(db, "name", from, filter, page, |r| r.get("name")).await
}

pub(crate) async fn set_paused(tx: &mut Tx, dag_id: &str, paused: bool) -> Result<bool> {
    Ok(tx.execute("UPDATE dags SET is_paused = $1 WHERE dag_id = $2", args![paused, dag_id]).await? > 0)
}

/// What the timetable promises next.
pub(crate) fn set_next(tx: &mut Tx, dag_id: &str, next: &Next) {
    let text =
        "UPDATE dags SET next_logical_date = $1, next_interval_start = $2, next_interval_end = $3, next_run_after = $4 WHERE dag_id = $5";
    tx.along(text, args![next.logical_date, next.interval_start, next.interval_end, next.run_after, dag_id]);
}

/// DAGs of a file that the file does not give any more become inactive; returns them.
pub(crate) async fn retire(tx: &mut Tx, bundle: &str, file: &str, keep: &[String]) -> Result<Vec<String>> {
    let mut filter = Filter::default();
    filter.compare("bundle_name", "=", bundle);
    filter.compare("relative_fileloc", "=", file);
    filter.that("is_stale = 0");
    for dag_id in keep {
        filter.compare("dag_id", "<>", dag_id);
    }
    let text = format!(
        "UPDATE dags SET is_stale = 1, next_logical_date = NULL, next_interval_start = NULL, next_interval_end = NULL, next_run_after = NULL {} RETURNING dag_id",
        filter.clause()
    );
    tx.fetch_all(sql(text), filter.args).await?.iter().map(|r| r.get("dag_id")).collect()
}

/// Whether the file of these DAGs can be imported; returns the DAGs for which that is news.
pub(crate) async fn set_import_errors(tx: &mut Tx, bundle: &str, file: &str, broken: bool) -> Result<Vec<String>> {
    let text = "UPDATE dags SET has_import_errors = $1 WHERE bundle_name = $2 AND relative_fileloc = $3 AND is_stale = 0 AND has_import_errors <> $1 RETURNING dag_id";
    tx.fetch_all(text, args![broken, bundle, file]).await?.iter().map(|r| r.get("dag_id")).collect()
}

/// DAGs whose next run is due and that have room for one more, at most some hundreds, the longest due first.
pub(crate) fn due(now: i64) -> Query<Vec<DagRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM dags d WHERE d.is_paused = 0 AND d.is_stale = 0 AND d.next_run_after IS NOT NULL AND d.next_run_after <= $1 AND d.has_import_errors = 0
         AND (SELECT COUNT(*) FROM dag_runs r WHERE r.dag_id = d.dag_id AND r.state IN ('queued', 'running') AND r.run_type <> 'backfill') < d.max_active_runs
         ORDER BY d.next_run_after LIMIT 512"
    );
    Query::all(sql(text), args![now], read)
}

/// Removes a DAG with everything that belongs to it. Its runs are gone already.
pub(crate) async fn delete(tx: &mut Tx, dag_id: &str) -> Result<()> {
    for table in
        ["dag_tags", "dag_favorites", "dag_warnings", "dag_versions", "asset_references", "asset_queue", "asset_partition_runs", "dags"]
    {
        tx.execute(sql(format!("DELETE FROM {table} WHERE dag_id = $1")), args![dag_id]).await?;
    }
    Ok(())
}

/// Whether somebody likes a DAG best.
pub(crate) async fn is_favorite(db: &Db, dag_id: &str, user: &str) -> Result<bool> {
    let text = "SELECT 1 AS one FROM dag_favorites WHERE dag_id = $1 AND user_name = $2";
    Ok(db.fetch_optional(text, args![dag_id, user]).await?.is_some())
}

/// Notes that somebody does. Is that news?
pub(crate) async fn add_favorite(tx: &mut Tx, dag_id: &str, user: &str) -> Result<bool> {
    let text = "INSERT INTO dag_favorites (dag_id, user_name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    Ok(tx.execute(text, args![dag_id, user]).await? > 0)
}

/// Notes that somebody does no more. Is that news?
pub(crate) async fn remove_favorite(tx: &mut Tx, dag_id: &str, user: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM dag_favorites WHERE dag_id = $1 AND user_name = $2", args![dag_id, user]).await? > 0)
}
