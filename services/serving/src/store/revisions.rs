//! The table `revisions`: which model versions were brought up for an endpoint.

use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx};

/// One model version brought up for an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// Counts from 1 within the endpoint.
    pub number: i64,
    /// Registered model.
    pub model: String,
    /// Its version.
    pub version: i64,
    /// Where it lies in the artifact service.
    pub artifact_path: String,
    /// `building`, `ready`, `failed` or `retired`.
    pub state: String,
    /// What went wrong; may be empty.
    pub message: String,
    /// Milliseconds.
    pub created: i64,
}

const COLUMNS: &str = "SELECT number, model, version, artifact_path, state, message, created FROM revisions WHERE endpoint_id = $1";

fn revision(row: &Row) -> Result<Revision> {
    Ok(Revision {
        number: row.get("number")?,
        model: row.get("model")?,
        version: row.get("version")?,
        artifact_path: row.get("artifact_path")?,
        state: row.get("state")?,
        message: row.get("message")?,
        created: row.get("created")?,
    })
}

/// The newest first.
pub(crate) async fn list(db: &Db, endpoint_id: &str) -> Result<Vec<Revision>> {
    let sql = artel_platform::db::AssertSqlSafe(format!("{COLUMNS} ORDER BY number DESC"));
    db.fetch_all(sql, args![endpoint_id]).await?.iter().map(revision).collect()
}

/// One by number.
pub(crate) async fn get(db: &Db, endpoint_id: &str, number: i64) -> Result<Option<Revision>> {
    let sql = artel_platform::db::AssertSqlSafe(format!("{COLUMNS} AND number = $2"));
    db.fetch_optional(sql, args![endpoint_id, number]).await?.as_ref().map(revision).transpose()
}

/// The newest.
pub(crate) async fn newest(tx: &mut Tx, endpoint_id: &str) -> Result<Option<Revision>> {
    let sql = artel_platform::db::AssertSqlSafe(format!("{COLUMNS} ORDER BY number DESC LIMIT 1"));
    tx.fetch_optional(sql, args![endpoint_id]).await?.as_ref().map(revision).transpose()
}

pub(crate) async fn insert(tx: &mut Tx, endpoint_id: &str, r: &Revision) -> Result<()> {
    tx.execute(
        "INSERT INTO revisions (endpoint_id, number, model, version, artifact_path, state, message, created) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)",
        args![endpoint_id, r.number, &r.model, r.version, &r.artifact_path, &r.state, &r.message, r.created],
    )
    .await
    .map(drop)
}

pub(crate) async fn set_state(tx: &mut Tx, endpoint_id: &str, number: i64, state: &str, message: &str) -> Result<()> {
    let sql = "UPDATE revisions SET state = $3, message = $4 WHERE endpoint_id = $1 AND number = $2";
    tx.execute(sql, args![endpoint_id, number, state, message]).await.map(drop)
}

/// `number` serves: whatever served before it is retired.
pub(crate) async fn retire_others(tx: &mut Tx, endpoint_id: &str, number: i64) -> Result<()> {
    let sql = "UPDATE revisions SET state = 'retired' WHERE endpoint_id = $1 AND number <> $2 AND state IN ('ready', 'building')";
    tx.execute(sql, args![endpoint_id, number]).await.map(drop)
}
