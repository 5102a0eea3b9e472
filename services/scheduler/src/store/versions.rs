//! Table `dag_versions`: the serialized DAG and its source, as they were at a time.

use super::{Filter, Page, Read, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx};

/// A row without its two large columns.
#[derive(Debug, Clone)]
pub(crate) struct DagVersion {
    pub(crate) id: String,
    pub(crate) dag_id: String,
    pub(crate) version_number: i64,
    pub(crate) dag_hash: String,
    pub(crate) bundle_name: String,
    pub(crate) bundle_version: Option<String>,
    pub(crate) created_at: i64,
}

const COLUMNS: &str = "id, dag_id, version_number, dag_hash, bundle_name, bundle_version, created_at";

fn read(row: &Row) -> Result<DagVersion> {
    Ok(DagVersion {
        id: row.get("id")?,
        dag_id: row.get("dag_id")?,
        version_number: row.get("version_number")?,
        dag_hash: row.get("dag_hash")?,
        bundle_name: row.get("bundle_name")?,
        bundle_version: row.opt("bundle_version")?,
        created_at: row.get("created_at")?,
    })
}

pub(crate) async fn latest(from: impl Into<Read<'_>>, dag_id: &str) -> Result<Option<DagVersion>> {
    let text = format!("SELECT {COLUMNS} FROM dag_versions WHERE dag_id = $1 ORDER BY version_number DESC LIMIT 1");
    from.into().first(sql(text), args![dag_id]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn of_dag(db: &Db, dag_id: &str) -> Result<Vec<DagVersion>> {
    let text = format!("SELECT {COLUMNS} FROM dag_versions WHERE dag_id = $1 ORDER BY version_number");
    db.fetch_all(sql(text), args![dag_id]).await?.iter().map(read).collect()
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<DagVersion>, i64)> {
    super::page(db, COLUMNS, "dag_versions", filter, page, read).await
}

/// These versions.
pub(crate) async fn by_ids(db: &Db, ids: &[String]) -> Result<Vec<DagVersion>> {
    let mut found = Vec::new();
    for chunk in ids.chunks(500) {
        let text = format!("SELECT {COLUMNS} FROM dag_versions WHERE id IN ({})", super::places(1, chunk.len()));
        let rows = db.fetch_all(sql(text), chunk.iter().map(Into::into).collect()).await?;
        found.extend(rows.iter().map(read).collect::<Result<Vec<_>>>()?);
    }
    Ok(found)
}

pub(crate) async fn insert(tx: &mut Tx, v: &DagVersion, serialized: &str, source: Option<&str>) -> Result<()> {
    let text = "INSERT INTO dag_versions (id, dag_id, version_number, dag_hash, serialized, source, bundle_name, bundle_version, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let values =
        args![&v.id, &v.dag_id, v.version_number, &v.dag_hash, serialized, source, &v.bundle_name, v.bundle_version.as_ref(), v.created_at];
    tx.execute(text, values).await.map(drop)
}

/// Replaces the contents of a version that no run uses.
pub(crate) async fn replace(tx: &mut Tx, id: &str, hash: &str, serialized: &str, now: i64) -> Result<()> {
    let text = "UPDATE dag_versions SET dag_hash = $1, serialized = $2, created_at = $3 WHERE id = $4";
    tx.execute(text, args![hash, serialized, now, id]).await.map(drop)
}

/// The file's text, and the version of its bundle that it was last seen in: they change in ways that the serialized
/// form does not show.
pub(crate) async fn set_source(tx: &mut Tx, id: &str, source: Option<&str>, bundle_version: Option<&str>) -> Result<()> {
    tx.execute("UPDATE dag_versions SET source = $1, bundle_version = $2 WHERE id = $3", args![source, bundle_version, id]).await.map(drop)
}

pub(crate) async fn is_used(tx: &mut Tx, id: &str) -> Result<bool> {
    Ok(tx.fetch_optional("SELECT 1 AS one FROM dag_runs WHERE dag_version_id = $1 LIMIT 1", args![id]).await?.is_some())
}

pub(crate) async fn serialized(from: impl Into<Read<'_>>, id: &str) -> Result<Option<String>> {
    from.into().first("SELECT serialized FROM dag_versions WHERE id = $1", args![id]).await?.map(|r| r.get("serialized")).transpose()
}

/// Those of these versions that there are: id and serialized DAG.
pub(crate) async fn all_serialized(db: &Db, ids: &[&str]) -> Result<Vec<(String, String)>> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(500) {
        let text = format!("SELECT id, serialized FROM dag_versions WHERE id IN ({})", super::places(1, chunk.len()));
        for row in db.fetch_all(sql(text), chunk.iter().map(|id| (*id).into()).collect()).await? {
            found.push((row.get("id")?, row.get("serialized")?));
        }
    }
    Ok(found)
}

/// Source of a version of a DAG, the latest when no number is given; with the number.
pub(crate) async fn source(db: &Db, dag_id: &str, number: Option<i64>) -> Result<Option<(i64, Option<String>)>> {
    let text = "SELECT version_number, source FROM dag_versions WHERE dag_id = $1 AND ($2 = 0 OR version_number = $2) ORDER BY version_number DESC LIMIT 1";
    let row = db.fetch_optional(text, args![dag_id, number.unwrap_or(0)]).await?;
    row.map(|r| Ok((r.get("version_number")?, r.opt("source")?))).transpose()
}
