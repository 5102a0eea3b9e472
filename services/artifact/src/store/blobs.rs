//! Contents and how often they are pointed to.

use crate::contents::Stored;
use crate::many::{self, Written};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx};
use std::collections::HashMap;

/// `count` more things point to the content. Answers where it lies: where `stored` does when the content is new.
pub(crate) async fn retain(tx: &mut Tx, stored: &Stored, count: i64, now: i64) -> Result<String> {
    let sql = "INSERT INTO blobs (sha256, location, size, refs, created_at) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (sha256) DO UPDATE SET refs = blobs.refs + $4, unreferenced_since = NULL RETURNING location";
    let written = &stored.written;
    let values = args![written.sha256.as_str(), stored.location.as_str(), written.size as i64, count, now];
    tx.fetch_one(sql, values).await?.get("location")
}

/// The same, of several. Answers where each content lies.
pub(crate) async fn retain_all(tx: &mut Tx, written: &[Written], now: i64) -> Result<HashMap<String, String>> {
    let row = |(stored, count): (&Stored, i64)| {
        let written = &stored.written;
        args![written.sha256.as_str(), stored.location.as_str(), written.size as i64, count, now]
    };
    let tail = "ON CONFLICT (sha256) DO UPDATE SET refs = blobs.refs + excluded.refs, unreferenced_since = NULL RETURNING sha256, location";
    let rows = many::contents(written).into_iter().map(row).collect();
    let lie = tx.fetch_many("INSERT INTO blobs (sha256, location, size, refs, created_at)", tail, rows).await?;
    lie.iter().map(|row| Ok((row.get("sha256")?, row.get("location")?))).collect()
}

/// `count` more things point to a content that is there; `false` when it is not any more.
pub(crate) async fn retain_more(tx: &mut Tx, sha256: &str, count: i64) -> Result<bool> {
    let sql = "UPDATE blobs SET refs = refs + $2, unreferenced_since = NULL WHERE sha256 = $1";
    Ok(tx.execute(sql, args![sha256, count]).await? == 1)
}

/// `count` things point to it no more. `now` starts the grace time when they were the last.
pub(crate) async fn release(tx: &mut Tx, sha256: &str, count: i64, now: i64) -> Result<()> {
    let sql = "UPDATE blobs SET refs = refs - $2, unreferenced_since = CASE WHEN refs - $2 <= 0 THEN $3 END WHERE sha256 = $1";
    tx.execute(sql, args![sha256, count, now]).await.map(drop)
}

/// Contents that nobody has pointed to since before `cutoff`.
pub(crate) async fn unreferenced(db: &Db, cutoff: i64, limit: i64) -> Result<Vec<String>> {
    let sql =
        "SELECT sha256 FROM blobs WHERE unreferenced_since IS NOT NULL AND unreferenced_since <= $1 ORDER BY unreferenced_since LIMIT $2";
    db.fetch_all(sql, args![cutoff, limit]).await?.iter().map(|row| row.get("sha256")).collect()
}

/// Forgets a content unless somebody points to it again; answers where its bytes lie.
pub(crate) async fn forget(tx: &mut Tx, sha256: &str, cutoff: i64) -> Result<Option<String>> {
    let sql = "DELETE FROM blobs WHERE sha256 = $1 AND refs <= 0 AND unreferenced_since <= $2 \
        AND NOT EXISTS (SELECT 1 FROM objects o WHERE o.sha256 = blobs.sha256) \
        AND NOT EXISTS (SELECT 1 FROM dvc_objects d WHERE d.sha256 = blobs.sha256) \
        AND NOT EXISTS (SELECT 1 FROM s3_pieces p WHERE p.sha256 = blobs.sha256) RETURNING location";
    tx.fetch_optional(sql, args![sha256, cutoff]).await?.map(|row| row.get("location")).transpose()
}

/// A content whose bytes nobody has read.
pub(crate) struct Unread {
    pub(crate) sha256: String,
    pub(crate) location: String,
    pub(crate) size: u64,
    pub(crate) created_at: i64,
}

/// Contents under a stand-in that something points to, oldest first, after the given time and stand-in.
pub(crate) async fn unread(db: &Db, after: &(i64, String), limit: i64) -> Result<Vec<Unread>> {
    let sql = "SELECT sha256, location, size, created_at FROM blobs WHERE length(sha256) <> 64 AND refs > 0 \
        AND (created_at, sha256) > ($1, $2) ORDER BY created_at, sha256 LIMIT $3";
    let rows = db.fetch_all(sql, args![after.0, after.1.as_str(), limit]).await?;
    let unread = |row: &Row| -> Result<Unread> {
        let size = row.get::<i64>("size")? as u64;
        Ok(Unread { sha256: row.get("sha256")?, location: row.get("location")?, size, created_at: row.get("created_at")? })
    };
    rows.iter().map(unread).collect()
}

/// Forgets a stand-in that `refs` objects pointed to; `false` when others did or do.
pub(crate) async fn replace(tx: &mut Tx, stand_in: &str, refs: i64) -> Result<bool> {
    Ok(tx.execute("DELETE FROM blobs WHERE sha256 = $1 AND refs = $2", args![stand_in, refs]).await? == 1)
}
