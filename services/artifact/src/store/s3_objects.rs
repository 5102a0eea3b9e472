//! What the keys of buckets point to.

use super::objects::last_below;
use artel_platform::db::{Db, Row, Tx, Value};
use artel_platform::{Result, args};

/// An object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) key: String,
    /// Whose pieces are its bytes.
    pub(crate) content: String,
    pub(crate) size: u64,
    pub(crate) etag: String,
    /// JSON.
    pub(crate) headers: String,
    /// JSON.
    pub(crate) checksum: Option<String>,
    /// Milliseconds.
    pub(crate) modified_at: i64,
}

fn object(row: &Row) -> Result<Object> {
    Ok(Object {
        key: row.get("key")?,
        content: row.get("content")?,
        size: row.get::<i64>("size")? as u64,
        etag: row.get("etag")?,
        headers: row.get("headers")?,
        checksum: row.opt("checksum")?,
        modified_at: row.get("modified_at")?,
    })
}

pub(crate) async fn find(db: &Db, bucket: &str, key: &str) -> Result<Option<Object>> {
    let sql = "SELECT key, content, size, etag, headers, checksum, modified_at FROM s3_objects WHERE bucket = $1 AND key = $2";
    db.fetch_optional(sql, args![bucket, key]).await?.as_ref().map(object).transpose()
}

/// Up to `limit` objects whose key begins with `prefix` and sorts after `after`, in the order of their bytes.
pub(crate) async fn page(db: &Db, bucket: &str, prefix: &str, after: &str, limit: i64) -> Result<Vec<Object>> {
    let sql = "SELECT key, content, size, etag, headers, checksum, modified_at FROM s3_objects \
        WHERE bucket = $1 AND key > $2 AND key >= $3 AND key < $4 ORDER BY key LIMIT $5";
    db.fetch_all(sql, args![bucket, after, prefix, last_below(prefix), limit]).await?.iter().map(object).collect()
}

/// Takes hold of the object with this key until the transaction ends; answers what it is now.
pub(crate) async fn hold(tx: &mut Tx, bucket: &str, key: &str) -> Result<Option<Object>> {
    // an update that changes nothing: PostgreSQL locks the row and reads what the last writer left
    let sql = "UPDATE s3_objects SET size = size WHERE bucket = $1 AND key = $2 \
        RETURNING key, content, size, etag, headers, checksum, modified_at";
    tx.fetch_optional(sql, args![bucket, key]).await?.as_ref().map(object).transpose()
}

/// Writes an object that was held before.
pub(crate) async fn replace(tx: &mut Tx, bucket: &str, new: &Object) -> Result<()> {
    let sql = "UPDATE s3_objects SET content = $3, size = $4, etag = $5, headers = $6, checksum = $7, modified_at = $8 \
        WHERE bucket = $1 AND key = $2";
    tx.execute(sql, values(bucket, new)).await.map(drop)
}

/// Writes a new object; `false` when another writer was first.
pub(crate) async fn insert(tx: &mut Tx, bucket: &str, new: &Object) -> Result<bool> {
    let sql = "INSERT INTO s3_objects (bucket, key, content, size, etag, headers, checksum, modified_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (bucket, key) DO NOTHING";
    Ok(tx.execute(sql, values(bucket, new)).await? == 1)
}

fn values(bucket: &str, new: &Object) -> Vec<Value> {
    args![bucket, &new.key, &new.content, new.size as i64, &new.etag, &new.headers, new.checksum.clone(), new.modified_at]
}

/// Removes the object and answers its content.
pub(crate) async fn remove(tx: &mut Tx, bucket: &str, key: &str) -> Result<Option<String>> {
    let sql = "DELETE FROM s3_objects WHERE bucket = $1 AND key = $2 RETURNING content";
    tx.fetch_optional(sql, args![bucket, key]).await?.map(|row| row.get("content")).transpose()
}
