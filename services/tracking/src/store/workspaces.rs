//! Workspaces.

use crate::workspaces::Stored;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx};
use artel_platform::{Result, args};

const COLUMNS: &str = "name, description, default_artifact_root, trace_archival_location, trace_archival_retention";

fn read(row: &Row) -> Result<Stored> {
    Ok(Stored {
        name: row.get("name")?,
        description: row.opt("description")?,
        default_artifact_root: row.opt("default_artifact_root")?,
        trace_archival_location: row.opt("trace_archival_location")?,
        trace_archival_retention: row.opt("trace_archival_retention")?,
    })
}

pub(crate) async fn list(db: &Db) -> Result<Vec<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM workspaces ORDER BY name");
    db.fetch_all(AssertSqlSafe(sql), vec![]).await?.iter().map(read).collect()
}

pub(crate) async fn find(db: &Db, name: &str) -> Result<Option<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM workspaces WHERE name = $1");
    db.fetch_optional(AssertSqlSafe(sql), args![name]).await?.as_ref().map(read).transpose()
}

/// Adds a workspace; `false` when the name is taken.
pub(crate) async fn insert(tx: &mut Tx, new: &Stored) -> Result<bool> {
    let sql = format!("INSERT INTO workspaces ({COLUMNS}) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING");
    let args = args![
        &new.name,
        new.description.clone(),
        new.default_artifact_root.clone(),
        new.trace_archival_location.clone(),
        new.trace_archival_retention.clone()
    ];
    Ok(tx.execute(AssertSqlSafe(sql), args).await? > 0)
}

pub(crate) async fn update(tx: &mut Tx, new: &Stored) -> Result<()> {
    let sql = "UPDATE workspaces SET description = $1, default_artifact_root = $2, trace_archival_location = $3, trace_archival_retention = $4 WHERE name = $5";
    let args = args![
        new.description.clone(),
        new.default_artifact_root.clone(),
        new.trace_archival_location.clone(),
        new.trace_archival_retention.clone(),
        &new.name
    ];
    tx.execute(sql, args).await.map(drop)
}

/// Removes a workspace, in which nothing may be left.
pub(crate) async fn delete(tx: &mut Tx, name: &str) -> Result<()> {
    tx.execute("DELETE FROM workspaces WHERE name = $1", args![name]).await.map(drop)
}

/// How many experiments a workspace has, deleted ones too.
pub(crate) async fn experiments(tx: &mut Tx, name: &str) -> Result<i64> {
    tx.fetch_one("SELECT COUNT(*) AS total FROM experiments WHERE workspace = $1", args![name]).await?.get("total")
}
