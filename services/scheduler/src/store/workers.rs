//! Table `workers`.

use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::Db;

pub(crate) async fn put(db: &Db, id: &str, hostname: &str, queues: &[String], slots: i64, now: i64) -> Result<()> {
    let text = "INSERT INTO workers (id, hostname, queues, slots, registered_at, last_seen) VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT (id) DO UPDATE SET hostname = excluded.hostname, queues = excluded.queues, slots = excluded.slots, last_seen = excluded.last_seen";
    db.execute(text, args![id, hostname, serde_json::to_string(queues)?, slots, now]).await.map(drop)
}

pub(crate) async fn seen(db: &Db, id: &str, now: i64) -> Result<()> {
    db.execute("UPDATE workers SET last_seen = $1 WHERE id = $2", args![now, id]).await.map(drop)
}

/// Forgets workers of whom nothing was heard for long.
pub(crate) async fn forget(db: &Db, before: i64) -> Result<()> {
    db.execute("DELETE FROM workers WHERE last_seen < $1", args![before]).await.map(drop)
}
