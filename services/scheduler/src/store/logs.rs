//! Tables `task_logs` and `log_chunks`: the log of a try, in pieces while it grows.

use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx, Value};
use std::collections::HashSet;

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
    pub(crate) updated_at: i64,
}

const COLUMNS: &str = "SELECT ti_id, path, size, is_complete, is_stored, updated_at FROM task_logs";

fn read(row: &Row) -> Result<TaskLog> {
    Ok(TaskLog {
        ti_id: row.get("ti_id")?,
        path: row.get("path")?,
        size: row.get("size")?,
        is_complete: row.get("is_complete")?,
        is_stored: row.get("is_stored")?,
        updated_at: row.get("updated_at")?,
    })
}

pub(crate) async fn get(db: &Db, ti_id: &str) -> Result<Option<TaskLog>> {
    db.fetch_optional(super::sql(format!("{COLUMNS} WHERE ti_id = $1")), args![ti_id]).await?.as_ref().map(read).transpose()
}

/// A piece of the log of one process of a try.
pub(crate) struct Piece<'a> {
    /// The process; the scheduler's own lines have none.
    pub(crate) segment: Option<&'a str>,
    /// Where it begins in that process's log.
    pub(crate) byte: i64,
    pub(crate) data: &'a [u8],
}

/// Adds a piece at the end; the same piece twice is one. Nothing is added to a log that is stored.
pub(crate) fn append(tx: &mut Tx, ti_id: &str, path: &str, piece: &Piece<'_>, now: i64) {
    let open = "INSERT INTO task_logs (ti_id, path, size, is_complete, is_stored, updated_at) VALUES ($1, $2, 0, 0, 0, $3)
         ON CONFLICT (ti_id) DO UPDATE SET updated_at = excluded.updated_at WHERE task_logs.is_stored = 0";
    tx.ahead(open, args![ti_id, path, now]);
    if piece.data.is_empty() {
        return;
    }
    let add = "INSERT INTO log_chunks (ti_id, start_byte, data, segment, segment_byte)
         SELECT ti_id, size, $2, $3, $4 FROM task_logs WHERE ti_id = $1 AND is_stored = 0 ON CONFLICT DO NOTHING";
    tx.ahead(add, args![ti_id, piece.data, piece.segment, piece.byte]);
    let grow = "UPDATE task_logs SET size = (SELECT c.start_byte + length(c.data) FROM log_chunks c WHERE c.ti_id = $1 ORDER BY c.start_byte DESC LIMIT 1)
         WHERE ti_id = $1 AND is_stored = 0";
    tx.ahead(grow, args![ti_id]);
}

const COMPLETE: &str = "UPDATE task_logs SET is_complete = 1 WHERE ti_id = $1 AND is_complete = 0";

/// Nothing more will come; returns whether that is news.
pub(crate) async fn complete(db: &Db, ti_id: &str) -> Result<bool> {
    Ok(db.execute(COMPLETE, args![ti_id]).await? > 0)
}

/// The same, together with what else the transaction writes.
pub(crate) fn complete_with(tx: &mut Tx, ti_id: &str) {
    tx.ahead(COMPLETE, args![ti_id]);
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

/// Complete logs that are still in pieces, and those of tries that are over of which nothing was heard since `silent_since`.
pub(crate) async fn to_store(db: &Db, silent_since: i64) -> Result<Vec<TaskLog>> {
    let text = format!(
        "{COLUMNS} WHERE is_stored = 0 AND (is_complete = 1 OR (updated_at < $1 AND NOT EXISTS (SELECT 1 FROM task_instances t WHERE t.id = ti_id
         AND (t.state IS NULL OR t.state NOT IN ('success', 'failed', 'skipped', 'upstream_failed', 'removed'))))) ORDER BY updated_at LIMIT 100"
    );
    db.fetch_all(super::sql(text), args![silent_since]).await?.iter().map(read).collect()
}

/// The pieces of some logs, which are short: `(try, data)` in order.
pub(crate) async fn all_chunks(db: &Db, ti_ids: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
    let text = format!("SELECT ti_id, data FROM log_chunks WHERE ti_id IN ({}) ORDER BY ti_id, start_byte", super::places(1, ti_ids.len()));
    let values = ti_ids.iter().map(|id| Value::from(*id)).collect();
    db.fetch_all(super::sql(text), values).await?.iter().map(|r| Ok((r.get("ti_id")?, r.get("data")?))).collect()
}

/// Logs of these sizes are objects now; their pieces go. Returns those of which there is still a log.
pub(crate) async fn all_stored(tx: &mut Tx, sizes: &[(&str, i64)]) -> Result<HashSet<String>> {
    let gone = format!("DELETE FROM log_chunks WHERE ti_id IN ({})", super::places(1, sizes.len()));
    tx.ahead(super::sql(gone), sizes.iter().map(|(id, _)| Value::from(*id)).collect());
    let rows = sizes.iter().map(|(id, size)| args![*id, *size]).collect();
    let tail =
        ") UPDATE task_logs SET is_stored = 1, is_complete = 1, size = s.bytes FROM stored s WHERE task_logs.ti_id = s.id RETURNING ti_id";
    let known = tx.fetch_many("WITH stored (id, bytes) AS (", tail, rows).await?;
    known.iter().map(|row| row.get("ti_id")).collect()
}

/// The log is an object now; its pieces go. Returns whether there is still a log.
pub(crate) async fn stored(tx: &mut Tx, ti_id: &str, size: i64) -> Result<bool> {
    let text = "UPDATE task_logs SET is_stored = 1, is_complete = 1, size = $1 WHERE ti_id = $2";
    let known = tx.execute(text, args![size, ti_id]).await? > 0;
    tx.execute("DELETE FROM log_chunks WHERE ti_id = $1", args![ti_id]).await?;
    Ok(known)
}
