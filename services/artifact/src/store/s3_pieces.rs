//! The bytes of objects in buckets and of uploads: numbered references to blobs.

use artel_platform::db::{Db, Row, Tx};
use artel_platform::{Result, args};

/// A reference to a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Pieces follow each other by their numbers, which may have gaps.
    pub(crate) number: i64,
    pub(crate) sha256: String,
    pub(crate) size: u64,
    /// MD5 of the bytes, hex.
    pub(crate) etag: String,
    /// JSON.
    pub(crate) checksum: Option<String>,
    pub(crate) created_at: i64,
}

/// A piece of bytes that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) location: String,
    pub(crate) size: u64,
}

const COLUMNS: &str = "number, sha256, size, etag, checksum, created_at";

fn piece(row: &Row) -> Result<Piece> {
    Ok(Piece {
        number: row.get("number")?,
        sha256: row.get("sha256")?,
        size: row.get::<i64>("size")? as u64,
        etag: row.get("etag")?,
        checksum: row.opt("checksum")?,
        created_at: row.get("created_at")?,
    })
}

/// Puts a piece in its place; answers the blob that was there before.
pub(crate) async fn put(tx: &mut Tx, content: &str, new: &Piece) -> Result<Option<String>> {
    let old = tx.fetch_optional("DELETE FROM s3_pieces WHERE content = $1 AND number = $2 RETURNING sha256", args![content, new.number]);
    let old = old.await?.map(|row| row.get("sha256")).transpose()?;
    let sql = "INSERT INTO s3_pieces (content, number, sha256, size, etag, checksum, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = args![content, new.number, &new.sha256, new.size as i64, &new.etag, new.checksum.clone(), new.created_at];
    tx.execute(sql, values).await?;
    Ok(old)
}

/// Up to `limit` pieces after number `after`.
pub(crate) async fn page(db: &Db, content: &str, after: i64, limit: i64) -> Result<Vec<Piece>> {
    let sql = artel_platform::db::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM s3_pieces WHERE content = $1 AND number > $2 ORDER BY number LIMIT $3"
    ));
    db.fetch_all(sql, args![content, after, limit]).await?.iter().map(piece).collect()
}

/// Every piece, as the transaction sees it.
pub(crate) async fn all(tx: &mut Tx, content: &str) -> Result<Vec<Piece>> {
    let sql = artel_platform::db::AssertSqlSafe(format!("SELECT {COLUMNS} FROM s3_pieces WHERE content = $1 ORDER BY number"));
    tx.fetch_all(sql, args![content]).await?.iter().map(piece).collect()
}

/// Where every piece lies, in their order.
pub(crate) async fn places(db: &Db, content: &str) -> Result<Vec<Place>> {
    let sql = "SELECT b.location, p.size FROM s3_pieces p JOIN blobs b ON b.sha256 = p.sha256 WHERE p.content = $1 ORDER BY p.number";
    let rows = db.fetch_all(sql, args![content]).await?;
    rows.iter().map(|row| Ok(Place { location: row.get("location")?, size: row.get::<i64>("size")? as u64 })).collect()
}

/// Removes every piece; answers their blobs, one for each piece.
pub(crate) async fn remove_all(tx: &mut Tx, content: &str) -> Result<Vec<String>> {
    let rows = tx.fetch_all("DELETE FROM s3_pieces WHERE content = $1 RETURNING sha256", args![content]).await?;
    rows.iter().map(|row| row.get("sha256")).collect()
}

/// Removes one piece; answers its blob.
pub(crate) async fn remove(tx: &mut Tx, content: &str, number: i64) -> Result<Option<String>> {
    let sql = "DELETE FROM s3_pieces WHERE content = $1 AND number = $2 RETURNING sha256";
    tx.fetch_optional(sql, args![content, number]).await?.map(|row| row.get("sha256")).transpose()
}
