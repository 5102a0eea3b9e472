//! Table `pools`, and what occupies them.

use super::{Filter, Page, Read, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Query, Row, Tx};

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pub(crate) name: String,
    /// -1 for as many as come.
    pub(crate) slots: i64,
    pub(crate) description: Option<String>,
    pub(crate) include_deferred: bool,
}

/// Slots taken, by pool and state of what takes them.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) pool: String,
    pub(crate) state: String,
    pub(crate) slots: i64,
}

const COLUMNS: &str = "name, slots, description, include_deferred";

fn read(row: &Row) -> Result<Pool> {
    Ok(Pool {
        name: row.get("name")?,
        slots: row.get("slots")?,
        description: row.opt("description")?,
        include_deferred: row.get("include_deferred")?,
    })
}

pub(crate) fn all() -> Query<Vec<Pool>> {
    Query::all(sql(format!("SELECT {COLUMNS} FROM pools ORDER BY name")), vec![], read)
}

pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<Pool>, i64)> {
    super::page(db, COLUMNS, "pools", filter, page, read).await
}

pub(crate) async fn get(from: impl Into<Read<'_>>, name: &str) -> Result<Option<Pool>> {
    from.into().first(sql(format!("SELECT {COLUMNS} FROM pools WHERE name = $1")), args![name]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn exists(tx: &mut Tx, name: &str) -> Result<bool> {
    Ok(get(tx, name).await?.is_some())
}

pub(crate) async fn put(tx: &mut Tx, p: &Pool) -> Result<()> {
    let text = "INSERT INTO pools (name, slots, description, include_deferred, number)
         VALUES ($1, $2, $3, $4, (SELECT COALESCE(MAX(number), 0) + 1 FROM pools))
         ON CONFLICT (name) DO UPDATE SET slots = excluded.slots, description = excluded.description, include_deferred = excluded.include_deferred";
    tx.execute(text, args![&p.name, p.slots, p.description.as_ref(), p.include_deferred]).await.map(drop)
}

pub(crate) async fn delete(tx: &mut Tx, name: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM pools WHERE name = $1", args![name]).await? > 0)
}

pub(crate) fn taken() -> Query<Vec<Taken>> {
    // two conditions, for an index each
    let text = "SELECT pool, state, CAST(SUM(pool_slots) AS BIGINT) AS slots FROM task_instances
         WHERE state IN ('queued', 'running', 'restarting', 'deferred') GROUP BY pool, state
         UNION ALL SELECT pool, state, CAST(SUM(pool_slots) AS BIGINT) FROM task_instances WHERE state = 'scheduled' GROUP BY pool, state";
    Query::all(text, vec![], |r| Ok(Taken { pool: r.get("pool")?, state: r.get("state")?, slots: r.get("slots")? }))
}
