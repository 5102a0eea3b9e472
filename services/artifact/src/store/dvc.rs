//! What DVC remotes hold.

use crate::contents::Stored;
use crate::dvc::Name;
use crate::objects::{Content, Entry};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Tx};

/// The object called `name`.
pub(crate) async fn find(db: &Db, workspace: &str, repo: &str, name: &Name) -> Result<Option<Content>> {
    let sql = "SELECT d.sha256, d.size, d.created_at, b.location FROM dvc_objects d JOIN blobs b ON b.sha256 = d.sha256 \
        WHERE d.workspace = $1 AND d.repo = $2 AND d.name = $3";
    let row = db.fetch_optional(sql, args![workspace, repo, name.as_str()]).await?;
    row.map(|row| {
        Ok(Content {
            entry: Entry { path: name.path(), is_dir: false, size: row.get::<i64>("size")? as u64, sha256: row.get("sha256")? },
            content_type: "application/octet-stream".into(),
            created_at: row.get("created_at")?,
            location: row.get("location")?,
        })
    })
    .transpose()
}

/// Writes an object; `false` when it is there.
pub(crate) async fn insert(tx: &mut Tx, workspace: &str, repo: &str, name: &Name, stored: &Stored, now: i64) -> Result<bool> {
    let sql = "INSERT INTO dvc_objects (workspace, repo, name, sha256, size, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT DO NOTHING";
    let written = &stored.written;
    let values = args![workspace, repo, name.as_str(), written.sha256.as_str(), written.size as i64, now];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Removes up to `limit` objects of a remote and answers their contents.
pub(crate) async fn remove(tx: &mut Tx, workspace: &str, repo: &str, limit: i64) -> Result<Vec<String>> {
    let sql = "DELETE FROM dvc_objects WHERE workspace = $1 AND repo = $2 AND name IN \
        (SELECT name FROM dvc_objects WHERE workspace = $1 AND repo = $2 ORDER BY name LIMIT $3) RETURNING sha256";
    let rows = tx.fetch_all(sql, args![workspace, repo, limit]).await?;
    rows.iter().map(|row| row.get("sha256")).collect()
}
