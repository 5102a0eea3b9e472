//! Metric names.

use super::{in_list, sequences};
use artel_platform::db::{AssertSqlSafe, Db, Row, Value};
use artel_platform::{Result, args};

/// Number and name of each of `names`; the new ones are added.
pub(crate) async fn add(db: &Db, names: &[&str]) -> Result<Vec<(i64, String)>> {
    let known = find(db, names).await?;
    if known.len() == names.len() {
        return Ok(known);
    }
    let new: Vec<&str> = names.iter().copied().filter(|n| known.iter().all(|(_, k)| k != n)).collect();
    let mut tx = db.begin().await?;
    let first = sequences::take(&mut tx, "metric_key", new.len() as i64).await?;
    let rows = new.iter().zip(first..).map(|(name, id)| args![id, *name]).collect();
    tx.insert_many("INSERT INTO metric_keys (id, name)", "ON CONFLICT DO NOTHING", rows).await?;
    tx.commit().await?;
    find(db, names).await
}

/// Number and name of those that exist.
pub(crate) async fn find(db: &Db, names: &[&str]) -> Result<Vec<(i64, String)>> {
    let mut args = Vec::new();
    let list = in_list(names.iter().map(|n| Value::from(*n)), &mut args);
    let rows = db.fetch_all(AssertSqlSafe(format!("SELECT id, name FROM metric_keys WHERE name IN {list}")), args).await?;
    rows.iter().map(pair).collect()
}

/// Number and name of these numbers.
pub(crate) async fn names(db: &Db, ids: &[i64]) -> Result<Vec<(i64, String)>> {
    let mut args = Vec::new();
    let list = in_list(ids.iter().map(|id| Value::from(*id)), &mut args);
    let rows = db.fetch_all(AssertSqlSafe(format!("SELECT id, name FROM metric_keys WHERE id IN {list}")), args).await?;
    rows.iter().map(pair).collect()
}

fn pair(row: &Row) -> Result<(i64, String)> {
    Ok((row.get("id")?, row.get("name")?))
}
