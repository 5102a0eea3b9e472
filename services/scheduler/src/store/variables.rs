//! Table `variables`. Values are stored as the domain gives them: encrypted.

use super::{Filter, Page, Read};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx};

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) key: String,
    pub(crate) value: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) is_encrypted: bool,
}

fn read(row: &Row) -> Result<Variable> {
    Ok(Variable {
        key: row.get("key")?,
        value: row.opt("value")?,
        description: row.opt("description")?,
        is_encrypted: row.get("is_encrypted")?,
    })
}

pub(crate) async fn get(from: impl Into<Read<'_>>, key: &str) -> Result<Option<Variable>> {
    from.into()
        .first("SELECT key, value, description, is_encrypted FROM variables WHERE key = $1", args![key])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

pub(crate) async fn put(tx: &mut Tx, v: &Variable, now: i64) -> Result<()> {
    let text = "INSERT INTO variables (key, value, description, is_encrypted, updated_at, number)
         VALUES ($1, $2, $3, $4, $5, (SELECT COALESCE(MAX(number), 0) + 1 FROM variables))
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, description = excluded.description, is_encrypted = excluded.is_encrypted, updated_at = excluded.updated_at";
    tx.execute(text, args![&v.key, v.value.as_ref(), v.description.as_ref(), v.is_encrypted, now]).await.map(drop)
}

pub(crate) async fn delete(tx: &mut Tx, key: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM variables WHERE key = $1", args![key]).await? > 0)
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<Variable>, i64)> {
    super::page(db, "key, value, description, is_encrypted", "variables", filter, page, read).await
}
