//! Table `dag_bundles`: how each git bundle is getting on; and which versions runs need.

use super::Read;
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx};

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct BundleRow {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    pub(crate) refreshed_at: i64,
    pub(crate) error: Option<String>,
}

pub(crate) async fn put(db: &Db, b: &BundleRow) -> Result<()> {
    let text = "INSERT INTO dag_bundles (name, version, refreshed_at, error) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET version = excluded.version, refreshed_at = excluded.refreshed_at, error = excluded.error";
    let mut tx = db.begin().await?;
    tx.execute(text, args![&b.name, b.version.as_ref(), b.refreshed_at, b.error.as_ref()]).await?;
    tx.commit().await
}

/// A push to the bundle's repository was told of.
pub(crate) async fn set_pushed(db: &Db, name: &str, now: i64) -> Result<()> {
    // two pushes at one time are two all the same
    let text = "INSERT INTO dag_bundles (name, refreshed_at, pushed_at) VALUES ($1, $2, $2) ON CONFLICT (name) DO UPDATE SET pushed_at =
             CASE WHEN dag_bundles.pushed_at >= excluded.pushed_at THEN dag_bundles.pushed_at + 1 ELSE excluded.pushed_at END";
    db.execute(text, args![name, now]).await.map(drop)
}

/// When a push was told of last; 0 when never.
pub(crate) async fn pushed_at(db: &Db, name: &str) -> Result<i64> {
    let row = db.fetch_optional("SELECT pushed_at FROM dag_bundles WHERE name = $1", args![name]).await?;
    Ok(row.map(|r| r.opt("pushed_at")).transpose()?.flatten().unwrap_or_default())
}

pub(crate) async fn all(db: &Db) -> Result<Vec<BundleRow>> {
    let read = |row: &Row| -> Result<BundleRow> {
        Ok(BundleRow {
            name: row.get("name")?,
            version: row.opt("version")?,
            refreshed_at: row.get("refreshed_at")?,
            error: row.opt("error")?,
        })
    };
    db.fetch_all("SELECT name, version, refreshed_at, error FROM dag_bundles ORDER BY name", vec![]).await?.iter().map(read).collect()
}

/// Versions that unfinished runs are pinned to.
pub(crate) async fn versions_in_use(db: &Db, bundle: &str) -> Result<Vec<String>> {
    let text = "SELECT DISTINCT r.bundle_version AS version FROM dag_runs r JOIN dag_versions v ON v.id = r.dag_version_id
         WHERE r.state IN ('queued', 'running') AND v.bundle_name = $1 AND r.bundle_version IS NOT NULL";
    db.fetch_all(text, args![bundle]).await?.iter().map(|r| r.get("version")).collect()
}

/// Versions that runs of any state are pinned to: they may be cleared and run again.
pub(crate) async fn versions_of_runs(db: &Db, bundle: &str) -> Result<Vec<String>> {
    let text = "SELECT DISTINCT r.bundle_version AS version FROM dag_runs r JOIN dag_versions v ON v.id = r.dag_version_id
         WHERE v.bundle_name = $1 AND r.bundle_version IS NOT NULL";
    db.fetch_all(text, args![bundle]).await?.iter().map(|r| r.get("version")).collect()
}

/// The bundle of a DAG version.
pub(crate) async fn of_version(from: impl Into<Read<'_>>, dag_version_id: &str) -> Result<Option<String>> {
    let row = from.into().first("SELECT bundle_name FROM dag_versions WHERE id = $1", args![dag_version_id]).await?;
    row.map(|r| r.get("bundle_name")).transpose()
}

/// DAGs whose files are the same in a new version of their bundle belong to it from now on, as does the latest version
/// of each; those that cannot be imported stay where they could be (airflow/models/serialized_dag.py `write_dag`).
/// `folder` is where the files are now, with a slash at its end.
pub(crate) async fn advance(tx: &mut Tx, bundle: &str, version: &str, folder: &str) -> Result<()> {
    let moved = "UPDATE dags SET bundle_version = $1, fileloc = $3 || relative_fileloc
         WHERE bundle_name = $2 AND is_stale = 0 AND has_import_errors = 0 AND bundle_version IS NOT NULL AND bundle_version <> $1";
    tx.execute(moved, args![version, bundle, folder]).await?;
    let latest = "UPDATE dag_versions SET bundle_version = $1 WHERE bundle_version <> $1
         AND id IN (SELECT latest_version_id FROM dags WHERE bundle_name = $2 AND is_stale = 0 AND bundle_version = $1)";
    tx.execute(latest, args![version, bundle]).await.map(drop)
}
