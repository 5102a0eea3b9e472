//! Table `deadlines`.

use artel_platform::db::{Db, Row, Tx};
use artel_platform::{Result, args};

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Deadline {
    pub(crate) id: String,
    pub(crate) dag_id: String,
    pub(crate) run_id: String,
    pub(crate) due_at: i64,
    /// `{"path", "kwargs"}`, JSON.
    pub(crate) callback: String,
}

fn read(row: &Row) -> Result<Deadline> {
    Ok(Deadline {
        id: row.get("id")?,
        dag_id: row.get("dag_id")?,
        run_id: row.get("run_id")?,
        due_at: row.get("due_at")?,
        callback: row.get("callback")?,
    })
}

pub(crate) async fn insert(tx: &mut Tx, d: &Deadline) -> Result<()> {
    let text = "INSERT INTO deadlines (id, dag_id, run_id, due_at, callback) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(text, args![&d.id, &d.dag_id, &d.run_id, d.due_at, &d.callback]).await.map(drop)
}

/// Takes those that have passed; they are missed.
pub(crate) async fn take_due(tx: &mut Tx, now: i64) -> Result<Vec<Deadline>> {
    let text = "DELETE FROM deadlines WHERE due_at <= $1 RETURNING id, dag_id, run_id, due_at, callback";
    tx.fetch_all(text, args![now]).await?.iter().map(read).collect()
}

/// When the next one is, passed or not.
pub(crate) async fn next(db: &Db) -> Result<Option<i64>> {
    db.fetch_one("SELECT MIN(due_at) AS next FROM deadlines", vec![]).await?.opt("next")
}

/// A run has succeeded: what it was to keep, it has kept.
pub(crate) async fn met(tx: &mut Tx, dag_id: &str, run_id: &str, ended_at: i64) -> Result<()> {
    tx.execute("DELETE FROM deadlines WHERE dag_id = $1 AND run_id = $2 AND due_at >= $3", args![dag_id, run_id, ended_at]).await.map(drop)
}

/// Milliseconds that the newest ended runs took, at most so many.
pub(crate) async fn durations(tx: &mut Tx, dag_id: &str, limit: i64) -> Result<Vec<i64>> {
    let text = "SELECT end_date - start_date AS took FROM dag_runs WHERE dag_id = $1 AND start_date IS NOT NULL AND end_date IS NOT NULL
         ORDER BY run_after DESC LIMIT $2";
    tx.fetch_all(text, args![dag_id, limit]).await?.iter().map(|r| r.get("took")).collect()
}
