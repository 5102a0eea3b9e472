//! Params and tags of runs.

use super::{in_ids, in_list};
use artel_platform::db::{AssertSqlSafe, Db, Tx, Value};
use artel_platform::{Result, args};
use artel_proto::mlflow::{Param, RunTag};
use std::collections::HashMap;

/// Adds params that are not there yet; returns how many were added.
pub(crate) async fn add_params(tx: &mut Tx, run: i64, params: &[(&str, String)]) -> Result<u64> {
    let rows = params.iter().map(|(key, value)| args![run, *key, value]).collect();
    tx.insert_many("INSERT INTO params (run, key, value)", "ON CONFLICT (run, key) DO NOTHING", rows).await
}

/// Those of the params with these keys that are there, by key.
pub(crate) async fn params_in(tx: &mut Tx, run: i64, keys: &[&str]) -> Result<HashMap<String, String>> {
    let mut args = args![run];
    let list = in_list(keys.iter().map(|k| Value::from(*k)), &mut args);
    let rows = tx.fetch_all(AssertSqlSafe(format!("SELECT key, value FROM params WHERE run = $1 AND key IN {list}")), args).await?;
    rows.iter().map(|row| Ok((row.get("key")?, row.get("value")?))).collect()
}

/// Of several tags with one key the last counts.
pub(crate) fn last_of_each(tags: Vec<RunTag>) -> Vec<RunTag> {
    let mut kept: Vec<RunTag> = Vec::with_capacity(tags.len());
    for tag in tags {
        match kept.iter_mut().find(|k| k.key == tag.key) {
            Some(earlier) => *earlier = tag,
            None => kept.push(tag),
        }
    }
    kept
}

/// Sets tags; each key comes once.
pub(crate) async fn set_tags(tx: &mut Tx, run: i64, tags: &[RunTag]) -> Result<()> {
    let rows = tags.iter().map(|tag| args![run, tag.key(), tag.value()]).collect();
    tx.insert_many("INSERT INTO tags (run, key, value)", "ON CONFLICT (run, key) DO UPDATE SET value = excluded.value", rows).await?;
    Ok(())
}

/// The value of one tag.
pub(crate) async fn tag_in(tx: &mut Tx, run: i64, key: &str) -> Result<Option<String>> {
    let row = tx.fetch_optional("SELECT value FROM tags WHERE run = $1 AND key = $2", args![run, key]).await?;
    row.map(|row| row.get("value")).transpose()
}

/// Returns how many were removed: one or none.
pub(crate) async fn delete_tag(tx: &mut Tx, run: i64, key: &str) -> Result<u64> {
    tx.execute("DELETE FROM tags WHERE run = $1 AND key = $2", args![run, key]).await
}

/// The params of these runs, by run.
pub(crate) async fn params(db: &Db, runs: &[i64]) -> Result<HashMap<i64, Vec<Param>>> {
    grouped(db, "params", runs, |key, value| Param { key: Some(key), value: Some(value) }).await
}

/// The tags of these runs, by run.
pub(crate) async fn tags(db: &Db, runs: &[i64]) -> Result<HashMap<i64, Vec<RunTag>>> {
    grouped(db, "tags", runs, |key, value| RunTag { key: Some(key), value: Some(value) }).await
}

async fn grouped<T>(db: &Db, table: &str, runs: &[i64], item: impl Fn(String, String) -> T) -> Result<HashMap<i64, Vec<T>>> {
    let mut args = Vec::new();
    let ids = in_ids(db.dialect(), runs, &mut args);
    let sql = format!("SELECT run, key, value FROM {table} WHERE run IN {ids} ORDER BY run, key");
    let mut groups: HashMap<i64, Vec<T>> = HashMap::with_capacity(runs.len());
    for row in db.fetch_all(AssertSqlSafe(sql), args).await? {
        groups.entry(row.at(0)?).or_default().push(item(row.at(1)?, row.at(2)?));
    }
    Ok(groups)
}
