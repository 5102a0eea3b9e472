//! Uploads that clients make to the object store themselves.

use artel_platform::db::{Db, Tx};
use artel_platform::{Result, args};

/// An upload under way.
pub(crate) struct DirectUpload {
    pub(crate) location: String,
    /// The store's name for it.
    pub(crate) upload: String,
    pub(crate) completed: bool,
}

/// Takes note of a new one.
pub(crate) async fn insert(tx: &mut Tx, id: &str, (workspace, path): (&str, &str), location: &str, upload: &str, now: i64) -> Result<()> {
    let sql = "INSERT INTO direct_uploads (id, workspace, path, location, upload, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    tx.execute(sql, args![id, workspace, path, location, upload, now]).await.map(drop)
}

/// The upload `id`, if it is one to this path.
pub(crate) async fn find(db: &Db, id: &str, (workspace, path): (&str, &str)) -> Result<Option<DirectUpload>> {
    let sql = "SELECT location, upload, completed_at FROM direct_uploads WHERE id = $1 AND workspace = $2 AND path = $3";
    let row = db.fetch_optional(sql, args![id, workspace, path]).await?;
    row.map(|row| {
        let completed = row.opt::<i64>("completed_at")?.is_some();
        Ok(DirectUpload { location: row.get("location")?, upload: row.get("upload")?, completed })
    })
    .transpose()
}

/// Its bytes are shown from now on; `false` when they were before, or it was given up.
pub(crate) async fn complete(tx: &mut Tx, id: &str, now: i64) -> Result<bool> {
    let sql = "UPDATE direct_uploads SET completed_at = $2 WHERE id = $1 AND completed_at IS NULL";
    Ok(tx.execute(sql, args![id, now]).await? == 1)
}

/// Forgets an upload that is not complete; answers where its bytes were to lie.
pub(crate) async fn give_up(tx: &mut Tx, id: &str, (workspace, path): (&str, &str)) -> Result<Option<String>> {
    let sql = "DELETE FROM direct_uploads WHERE id = $1 AND workspace = $2 AND path = $3 AND completed_at IS NULL RETURNING location";
    tx.fetch_optional(sql, args![id, workspace, path]).await?.map(|row| row.get("location")).transpose()
}

/// Forgets uploads that began before `cutoff`.
pub(crate) async fn forget(tx: &mut Tx, cutoff: i64) -> Result<()> {
    tx.execute("DELETE FROM direct_uploads WHERE created_at < $1", args![cutoff]).await.map(drop)
}
