//! Browser sessions.

use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Tx};

/// A session and its user, as each request needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub id: String,
    pub user: String,
    pub admin: bool,
    pub csrf: String,
    pub last_activity: Option<i64>,
}

/// A session to be stored.
pub(crate) struct New<'a> {
    pub hash: &'a str,
    pub id: &'a str,
    pub user: &'a str,
    pub csrf: &'a str,
    pub created: i64,
    pub expires: i64,
    /// By whom the user was known; `None`: by a password of theirs here.
    pub provider: Option<&'a str>,
}

pub(crate) async fn find(db: &Db, hash: &str, now: i64) -> Result<Option<Session>> {
    let sql = "SELECT s.id, s.user_name, s.csrf, u.admin, u.last_activity FROM sessions s JOIN users u ON u.name = s.user_name WHERE s.hash = $1 AND s.expires > $2 AND u.suspended IS NULL";
    let Some(row) = db.fetch_optional(sql, args![hash, now]).await? else { return Ok(None) };
    Ok(Some(Session {
        id: row.get("id")?,
        user: row.get("user_name")?,
        admin: row.get("admin")?,
        csrf: row.get("csrf")?,
        last_activity: row.opt("last_activity")?,
    }))
}

/// Is the session with this public id still good?
pub(crate) async fn is_open(db: &Db, id: &str, now: i64) -> Result<bool> {
    Ok(db.fetch_optional("SELECT id FROM sessions WHERE id = $1 AND expires > $2", args![id, now]).await?.is_some())
}

pub(crate) async fn insert(tx: &mut Tx, new: &New<'_>) -> Result<()> {
    tx.execute(
        "INSERT INTO sessions (hash, id, user_name, csrf, created, expires, provider) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![new.hash, new.id, new.user, new.csrf, new.created, new.expires, new.provider],
    )
    .await
    .map(drop)
}

/// Ends a session by its public id; returns its user.
pub(crate) async fn delete(tx: &mut Tx, id: &str) -> Result<Option<String>> {
    let row = tx.fetch_optional("DELETE FROM sessions WHERE id = $1 RETURNING user_name", args![id]).await?;
    row.map(|row| row.get("user_name")).transpose()
}

/// Ends every session of a user except `keep`; returns their ids.
pub(crate) async fn delete_others(tx: &mut Tx, user: &str, keep: Option<&str>) -> Result<Vec<String>> {
    let rows =
        tx.fetch_all("DELETE FROM sessions WHERE user_name = $1 AND id <> $2 RETURNING id", args![user, keep.unwrap_or_default()]).await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// The sessions of a user that a provider has opened.
pub(crate) async fn of_provider(db: &Db, user: &str, provider: &str) -> Result<Vec<String>> {
    let rows = db.fetch_all("SELECT id FROM sessions WHERE user_name = $1 AND provider = $2", args![user, provider]).await?;
    rows.iter().map(|row| row.get("id")).collect()
}

pub(crate) async fn delete_expired(tx: &mut Tx, now: i64) -> Result<u64> {
    tx.execute("DELETE FROM sessions WHERE expires <= $1", args![now]).await
}
