//! Tables `task_logs` and `log_chunks`: the log of a try, in pieces while it grows.

use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx};

/// Where the log of a try is.
#[derive(Debug, Clone)]
pub(crate) struct TaskLog {
    pub(crate) ti_id: String,
    /// In the artifact service.
    pub(crate) path: String,
    pub(crate) size: i64,
    /// Nothing more will come.
    pub(crate) is_complete: bool,
    /// It is in the artifact service, and not in pieces any more.
    pub(crate) is_stored: bool,
}

const COLUMNS: &str = "SELECT ti_id, path, size, is_complete, is_stored FROM task_logs";

fn read(row: &Row) -> Result<TaskLog> {
    Ok(TaskLog {
        ti_id: row.get("ti_id")?,
        path: row.get("path")?,
        size: row.get("size")?,
        is_complete: row.get("is_complete")?,
        is_stored: row.get("is_stored")?,
    })
}

pub(crate) async fn get(db: &Db, ti_id: &str) -> Result<Option<TaskLog>> {
    db.fetch_optional(super::sql(format!("{COLUMNS} WHERE ti_id = $1")), args![ti_id]).await?.as_ref().map(read).transpose()
}

/// Adds a piece at a position; the same piece twice is one. Nothing is added to a log that is stored.
pub(crate) async fn append(tx: &mut Tx, ti_id: &str, path: &str, position: i64, data: &[u8], last: bool, now: i64) -> Result<()> {
    let text = "INSERT INTO task_logs (ti_id, path, size, is_complete, is_stored, updated_at) VALUES ($1, $2, $3, $4, 0, $5) ON CONFLICT (ti_id) DO UPDATE SET
         size = CASE WHEN task_logs.size < excluded.size THEN excluded.size ELSE task_logs.size END,
         is_complete = CASE WHEN excluded.is_complete = 1 THEN 1 ELSE task_logs.is_complete END, updated_at = excluded.updated_at
         WHERE task_logs.is_stored = 0";
    let open = tx.execute(text, args![ti_id, path, position + data.len() as i64, last, now]).await? > 0;
    if open && !data.is_empty() {
        tx.execute(
            "INSERT INTO log_chunks (ti_id, start_byte, data) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            args![ti_id, position, data],
        )
        .await?;
    }
    Ok(())
}

/// Where the next piece goes.
pub(crate) async fn size(tx: &mut Tx, ti_id: &str) -> Result<i64> {
    tx.fetch_optional("SELECT size FROM task_logs WHERE ti_id = $1", args![ti_id]).await?.map_or(Ok(0), |r| r.get("size"))
}

/// Pieces from a position on, in order, up to about `limit` of them.
pub(crate) async fn chunks(db: &Db, ti_id: &str, from: i64, limit: i64) -> Result<Vec<(i64, Vec<u8>)>> {
    let text = "SELECT start_byte, data FROM log_chunks WHERE ti_id = $1 AND start_byte >= $2 ORDER BY start_byte LIMIT $3";
    db.fetch_all(text, args![ti_id, from, limit]).await?.iter().map(|r| Ok((r.get("start_byte")?, r.get("data")?))).collect()
}

/// The same, beginning with the piece that holds the position.
pub(crate) async fn chunks_around(db: &Db, ti_id: &str, position: i64, limit: i64) -> Result<Vec<(i64, Vec<u8>)>> {
    let text = "SELECT start_byte, data FROM log_chunks WHERE ti_id = $1
         AND start_byte >= COALESCE((SELECT MAX(start_byte) FROM log_chunks WHERE ti_id = $1 AND start_byte <= $2), 0) ORDER BY start_byte LIMIT $3";
    db.fetch_all(text, args![ti_id, position, limit]).await?.iter().map(|r| Ok((r.get("start_byte")?, r.get("data")?))).collect()
}

/// Complete logs that are still in pieces, and those of which nothing was heard since `silent_since`.
pub(crate) async fn to_store(db: &Db, silent_since: i64) -> Result<Vec<TaskLog>> {
    let text = format!("{COLUMNS} WHERE is_stored = 0 AND (is_complete = 1 OR updated_at < $1) ORDER BY updated_at LIMIT 50");
    db.fetch_all(super::sql(text), args![silent_since]).await?.iter().map(read).collect()
}

/// The log is an object now; its pieces go.
pub(crate) async fn stored(tx: &mut Tx, ti_id: &str, size: i64) -> Result<()> {
    tx.execute("UPDATE task_logs SET is_stored = 1, is_complete = 1, size = $1 WHERE ti_id = $2", args![size, ti_id]).await?;
    tx.execute("DELETE FROM log_chunks WHERE ti_id = $1", args![ti_id]).await.map(drop)
}
