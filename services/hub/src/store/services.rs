//! Services that were made by the API, and which replica keeps the process of a managed one.

use artel_platform::db::{Db, Tx};
use artel_platform::{Result, args};

/// Name and JSON of each.
pub(crate) async fn all(db: &Db) -> Result<Vec<(String, String)>> {
    let rows = db.fetch_all("SELECT name, spec FROM hub_services ORDER BY created, name", vec![]).await?;
    rows.iter().map(|row| Ok((row.get("name")?, row.get("spec")?))).collect()
}

pub(crate) async fn find(db: &Db, name: &str) -> Result<Option<String>> {
    let row = db.fetch_optional("SELECT spec FROM hub_services WHERE name = $1", args![name]).await?;
    row.map(|row| row.get("spec")).transpose()
}

/// Adds a service; `false` when there is one of that name.
pub(crate) async fn insert(tx: &mut Tx, name: &str, spec: &str, now: i64) -> Result<bool> {
    let sql = "INSERT INTO hub_services (name, spec, created) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, args![name, spec, now]).await? > 0)
}

pub(crate) async fn delete(tx: &mut Tx, name: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM hub_services WHERE name = $1", args![name]).await? > 0)
}

/// Becomes or stays the keeper of a service until `until`; `false` while another one is.
pub(crate) async fn keep(tx: &mut Tx, name: &str, keeper: &str, now: i64, until: i64, pid: i64) -> Result<bool> {
    let sql = "INSERT INTO service_keepers AS k (name, keeper, until, pid) VALUES ($1, $2, $3, $5)
               ON CONFLICT (name) DO UPDATE SET keeper = $2, until = $3, pid = $5 WHERE k.keeper = $2 OR k.until <= $4";
    Ok(tx.execute(sql, args![name, keeper, until, now, pid]).await? > 0)
}

/// Is no longer the keeper.
pub(crate) async fn release(tx: &mut Tx, name: &str, keeper: &str) -> Result<()> {
    tx.execute("DELETE FROM service_keepers WHERE name = $1 AND keeper = $2", args![name, keeper]).await.map(drop)
}

/// The process of a managed service; 0 when none is known.
pub(crate) async fn pid(db: &Db, name: &str, now: i64) -> Result<i64> {
    let row = db.fetch_optional("SELECT pid FROM service_keepers WHERE name = $1 AND until > $2", args![name, now]).await?;
    row.map_or(Ok(0), |row| row.get("pid"))
}
