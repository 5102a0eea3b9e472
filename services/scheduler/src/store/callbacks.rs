//! Table `callbacks`: what the Python side is to call.

use super::sql;
use artel_platform::db::{Db, Tx};
use artel_platform::{Result, args};

/// A row, claimed.
#[derive(Debug, Clone)]
pub(crate) struct Callback {
    pub(crate) id: String,
    pub(crate) dag_id: String,
    pub(crate) run_id: String,
    /// Upstream's callback request, JSON.
    pub(crate) request: String,
    /// How often it was begun, this time included.
    pub(crate) attempts: i64,
}

/// Adds one, in the transaction of what it tells of.
pub(crate) async fn add(tx: &mut Tx, id: &str, dag_id: &str, run_id: &str, request: &str, now: i64) -> Result<()> {
    let text = "INSERT INTO callbacks (id, dag_id, run_id, request, attempts, created_at) VALUES ($1, $2, $3, $4, 0, $5)";
    tx.execute(text, args![id, dag_id, run_id, request, now]).await.map(drop)
}

/// Takes the oldest that nobody is at.
pub(crate) async fn claim(tx: &mut Tx, now: i64, lease_until: i64) -> Result<Option<Callback>> {
    let text = format!(
        "UPDATE callbacks SET lease_until = $1, attempts = attempts + 1 WHERE id IN (SELECT id FROM callbacks
         WHERE lease_until IS NULL OR lease_until < $2 ORDER BY created_at, id LIMIT 1{}) RETURNING id, dag_id, run_id, request, attempts",
        super::for_update_skip_locked(tx.dialect())
    );
    let Some(row) = tx.fetch_optional(sql(text), args![lease_until, now]).await? else { return Ok(None) };
    Ok(Some(Callback {
        id: row.get("id")?,
        dag_id: row.get("dag_id")?,
        run_id: row.get("run_id")?,
        request: row.get("request")?,
        attempts: row.get("attempts")?,
    }))
}

/// Is there one that nobody is at?
pub(crate) async fn any(db: &Db, now: i64) -> Result<bool> {
    let text = "SELECT 1 AS one FROM callbacks WHERE lease_until IS NULL OR lease_until < $1 LIMIT 1";
    Ok(db.fetch_optional(text, args![now]).await?.is_some())
}

/// It was run, or is given up.
pub(crate) async fn delete(db: &Db, id: &str) -> Result<()> {
    db.execute("DELETE FROM callbacks WHERE id = $1", args![id]).await.map(drop)
}
