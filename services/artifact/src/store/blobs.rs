//! Contents and how often they are pointed to.

use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Tx};

/// One more object points to the content. Answers where it lies: `location` itself when the content is new.
pub(crate) async fn retain(tx: &mut Tx, sha256: &str, location: &str, size: u64, now: i64) -> Result<String> {
    let sql = "INSERT INTO blobs (sha256, location, size, refs, created_at) VALUES ($1, $2, $3, 1, $4) \
        ON CONFLICT (sha256) DO UPDATE SET refs = blobs.refs + 1, unreferenced_since = NULL RETURNING location";
    tx.fetch_one(sql, args![sha256, location, size as i64, now]).await?.get("location")
}

/// `count` objects point to it no more. `now` starts the grace time when they were the last.
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
        AND NOT EXISTS (SELECT 1 FROM objects o WHERE o.sha256 = blobs.sha256) RETURNING location";
    tx.fetch_optional(sql, args![sha256, cutoff]).await?.map(|row| row.get("location")).transpose()
}
