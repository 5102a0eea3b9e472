//! Table `doomed_objects`: what is to be removed from the artifact service.

use artel_platform::db::{Db, Tx};
use artel_platform::{Result, args};

/// Nothing will speak of this object from that time on.
pub(crate) async fn doom(tx: &mut Tx, path: &str, at: i64) -> Result<()> {
    tx.execute("INSERT INTO doomed_objects (path, doomed_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", args![path, at]).await.map(drop)
}

/// Some objects whose time has come, the oldest first.
pub(crate) async fn doomed(db: &Db, now: i64, limit: i64) -> Result<Vec<String>> {
    let text = "SELECT path FROM doomed_objects WHERE doomed_at <= $1 ORDER BY doomed_at, path LIMIT $2";
    let rows = db.fetch_all(text, args![now, limit]).await?;
    rows.iter().map(|r| r.get("path")).collect()
}

/// It is removed, or in use after all.
pub(crate) async fn forget(tx: &mut Tx, path: &str) -> Result<()> {
    tx.execute("DELETE FROM doomed_objects WHERE path = $1", args![path]).await.map(drop)
}
