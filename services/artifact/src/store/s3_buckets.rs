//! Buckets.

use artel_platform::db::{Db, Row, Tx};
use artel_platform::{Result, args};

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) workspace: String,
    pub(crate) created_at: i64,
}

fn bucket(row: &Row) -> Result<Bucket> {
    Ok(Bucket { name: row.get("name")?, workspace: row.get("workspace")?, created_at: row.get("created_at")? })
}

/// Makes a bucket; `false` when the name is taken.
pub(crate) async fn insert(tx: &mut Tx, new: &Bucket) -> Result<bool> {
    let sql = "INSERT INTO s3_buckets (name, workspace, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, args![&new.name, &new.workspace, new.created_at]).await? == 1)
}

pub(crate) async fn find(db: &Db, name: &str) -> Result<Option<Bucket>> {
    let sql = "SELECT name, workspace, created_at FROM s3_buckets WHERE name = $1";
    db.fetch_optional(sql, args![name]).await?.as_ref().map(bucket).transpose()
}

/// Every bucket, by name.
pub(crate) async fn all(db: &Db) -> Result<Vec<Bucket>> {
    let rows = db.fetch_all("SELECT name, workspace, created_at FROM s3_buckets ORDER BY name", vec![]).await?;
    rows.iter().map(bucket).collect()
}

/// Takes hold of a bucket until the transaction ends; `false` when it is gone.
pub(crate) async fn hold(tx: &mut Tx, name: &str) -> Result<bool> {
    // an update that changes nothing: PostgreSQL locks the row
    let sql = "UPDATE s3_buckets SET workspace = workspace WHERE name = $1";
    Ok(tx.execute(sql, args![name]).await? == 1)
}

/// Is the bucket still there?
pub(crate) async fn is_there(tx: &mut Tx, name: &str) -> Result<bool> {
    Ok(tx.fetch_optional("SELECT name FROM s3_buckets WHERE name = $1", args![name]).await?.is_some())
}

/// Is there an object in it?
pub(crate) async fn is_used(tx: &mut Tx, name: &str) -> Result<bool> {
    Ok(tx.fetch_optional("SELECT key FROM s3_objects WHERE bucket = $1 LIMIT 1", args![name]).await?.is_some())
}

pub(crate) async fn delete(tx: &mut Tx, name: &str) -> Result<()> {
    tx.execute("DELETE FROM s3_buckets WHERE name = $1", args![name]).await.map(drop)
}
