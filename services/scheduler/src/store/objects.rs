//! Table `doomed_objects`: what is to be removed from the artifact service.

use super::sql;
use artel_platform::db::{Db, Tx, Value};
use artel_platform::{Result, args};

/// Nothing will speak of this object from that time on.
pub(crate) async fn doom(tx: &mut Tx, path: &str, at: i64) -> Result<()> {
    tx.execute("INSERT INTO doomed_objects (path, doomed_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", args![path, at]).await.map(drop)
}

/// Nothing will speak of the logs and XComs that belong to rows of `task_instances` and `xcoms` under a condition
/// (`dag_id = $1 AND …`) any more; `ids` selects the tries.
pub(crate) async fn doom_of(tx: &mut Tx, condition: &str, ids: &str, args: impl Fn() -> Vec<Value>) -> Result<()> {
    let logs = format!(
        "INSERT INTO doomed_objects (path, doomed_at) SELECT path, 0 FROM task_logs WHERE is_stored = 1 AND ti_id IN ({ids}) ON CONFLICT DO NOTHING"
    );
    tx.execute(sql(logs), args()).await?;
    let xcoms = format!(
        "INSERT INTO doomed_objects (path, doomed_at) SELECT object, 0 FROM xcoms WHERE {condition} AND object IS NOT NULL ON CONFLICT DO NOTHING"
    );
    tx.execute(sql(xcoms), args()).await.map(drop)
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
