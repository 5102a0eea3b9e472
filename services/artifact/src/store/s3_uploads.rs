//! Multipart uploads under way.

use super::objects::last_below;
use artel_platform::db::{Db, Row, Tx};
use artel_platform::{Result, args};

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// JSON, of the object to be.
    pub(crate) headers: String,
    /// JSON: which checksum the object shall have.
    pub(crate) checksum: Option<String>,
    pub(crate) created_at: i64,
}

fn upload(row: &Row) -> Result<Upload> {
    Ok(Upload {
        id: row.get("id")?,
        bucket: row.get("bucket")?,
        key: row.get("key")?,
        headers: row.get("headers")?,
        checksum: row.opt("checksum")?,
        created_at: row.get("created_at")?,
    })
}

pub(crate) async fn insert(tx: &mut Tx, new: &Upload) -> Result<()> {
    let sql = "INSERT INTO s3_uploads (id, bucket, key, headers, checksum, created_at, active_at) VALUES ($1, $2, $3, $4, $5, $6, $6)";
    tx.execute(sql, args![&new.id, &new.bucket, &new.key, &new.headers, new.checksum.clone(), new.created_at]).await.map(drop)
}

pub(crate) async fn find(db: &Db, id: &str) -> Result<Option<Upload>> {
    let sql = "SELECT id, bucket, key, headers, checksum, created_at FROM s3_uploads WHERE id = $1";
    db.fetch_optional(sql, args![id]).await?.as_ref().map(upload).transpose()
}

/// Takes hold of an upload until the transaction ends, and notes that it goes on.
pub(crate) async fn hold(tx: &mut Tx, id: &str, now: i64) -> Result<Option<Upload>> {
    let sql = "UPDATE s3_uploads SET active_at = $2 WHERE id = $1 RETURNING id, bucket, key, headers, checksum, created_at";
    tx.fetch_optional(sql, args![id, now]).await?.as_ref().map(upload).transpose()
}

/// Removes an upload; `false` when it was gone.
pub(crate) async fn remove(tx: &mut Tx, id: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM s3_uploads WHERE id = $1", args![id]).await? == 1)
}

/// Up to `limit` uploads whose key begins with `prefix`, after those of the key `after` up to `after_id`.
pub(crate) async fn page(db: &Db, bucket: &str, prefix: &str, after: (&str, &str), limit: i64) -> Result<Vec<Upload>> {
    let sql = "SELECT id, bucket, key, headers, checksum, created_at FROM s3_uploads \
        WHERE bucket = $1 AND key >= $2 AND key < $3 AND (key > $4 OR (key = $4 AND id > $5)) ORDER BY key, id LIMIT $6";
    let values = args![bucket, prefix, last_below(prefix), after.0, after.1, limit];
    db.fetch_all(sql, values).await?.iter().map(upload).collect()
}

/// Every upload into a bucket.
pub(crate) async fn of_bucket(tx: &mut Tx, bucket: &str) -> Result<Vec<String>> {
    let rows = tx.fetch_all("SELECT id FROM s3_uploads WHERE bucket = $1", args![bucket]).await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// Uploads that nobody has continued since `cutoff`.
pub(crate) async fn stale(db: &Db, cutoff: i64, limit: i64) -> Result<Vec<String>> {
    let sql = "SELECT id FROM s3_uploads WHERE active_at < $1 ORDER BY active_at LIMIT $2";
    db.fetch_all(sql, args![cutoff, limit]).await?.iter().map(|row| row.get("id")).collect()
}
