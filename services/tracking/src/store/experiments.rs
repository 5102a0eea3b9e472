//! Experiments and their tags.

use super::{in_list, sequences};
use crate::experiments::{DELETED, Stored};
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use artel_platform::{Result, args};
use artel_proto::mlflow::ExperimentTag;
use std::collections::HashMap;

/// The columns that [`read`] needs.
pub(crate) const COLUMNS: &str = "e.id, e.workspace, e.name, e.artifact_location, e.lifecycle_stage, e.creation_time, e.last_update_time";

pub(crate) fn read(row: &Row) -> Result<Stored> {
    Ok(Stored {
        id: row.get("id")?,
        workspace: row.get("workspace")?,
        name: row.get("name")?,
        artifact_location: row.get("artifact_location")?,
        lifecycle_stage: row.get("lifecycle_stage")?,
        creation_time: row.get("creation_time")?,
        last_update_time: row.get("last_update_time")?,
    })
}

pub(crate) async fn find(db: &Db, workspace: &str, id: i64) -> Result<Option<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM experiments e WHERE e.id = $1 AND e.workspace = $2");
    db.fetch_optional(AssertSqlSafe(sql), args![id, workspace]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn find_by_name(db: &Db, workspace: &str, name: &str) -> Result<Option<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM experiments e WHERE e.workspace = $1 AND e.name = $2");
    db.fetch_optional(AssertSqlSafe(sql), args![workspace, name]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn next_id(tx: &mut Tx) -> Result<i64> {
    sequences::take(tx, "experiment", 1).await
}

const INSERT: &str = "INSERT INTO experiments (id, workspace, name, artifact_location, lifecycle_stage, creation_time, last_update_time) VALUES ($1, $2, $3, $4, $5, $6, $7)";

fn values(e: &Stored) -> Vec<Value> {
    args![e.id, &e.workspace, &e.name, &e.artifact_location, &e.lifecycle_stage, e.creation_time, e.last_update_time]
}

/// `ALREADY_EXISTS` when the name is taken.
pub(crate) async fn insert(tx: &mut Tx, experiment: &Stored) -> Result<()> {
    tx.execute(INSERT, values(experiment)).await.map(drop)
}

/// Several processes may start at once.
pub(crate) async fn insert_default(tx: &mut Tx, experiment: &Stored) -> Result<()> {
    tx.execute(AssertSqlSafe(format!("{INSERT} ON CONFLICT DO NOTHING")), values(experiment)).await.map(drop)
}

/// Moves an experiment from one stage to another; `None` when it is not in the first.
pub(crate) async fn set_stage(tx: &mut Tx, workspace: &str, id: i64, from: &str, to: &str, now: i64) -> Result<Option<Stored>> {
    let sql = "UPDATE experiments SET lifecycle_stage = $1, last_update_time = $2 WHERE id = $3 AND workspace = $4 AND lifecycle_stage = $5
               RETURNING id, workspace, name, artifact_location, lifecycle_stage, creation_time, last_update_time";
    tx.fetch_optional(sql, args![to, now, id, workspace, from]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn set_stage_of_runs(tx: &mut Tx, id: i64, to: &str, now: i64) -> Result<()> {
    let deleted_time = (to == DELETED).then_some(now);
    tx.execute("UPDATE runs SET lifecycle_stage = $1, deleted_time = $2 WHERE experiment = $3", args![to, deleted_time, id]).await.map(drop)
}

/// `ALREADY_EXISTS` when the name is taken.
pub(crate) async fn rename(tx: &mut Tx, id: i64, name: &str, now: i64) -> Result<()> {
    tx.execute("UPDATE experiments SET name = $1, last_update_time = $2 WHERE id = $3", args![name, now, id]).await.map(drop)
}

pub(crate) async fn set_tags(tx: &mut Tx, id: i64, tags: &[ExperimentTag]) -> Result<()> {
    let last: HashMap<&str, &str> = tags.iter().map(|t| (t.key(), t.value())).collect();
    let rows = last.into_iter().map(|(key, value)| args![id, key, value]).collect();
    tx.insert_many(
        "INSERT INTO experiment_tags (experiment, key, value)",
        "ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value",
        rows,
    )
    .await?;
    Ok(())
}

pub(crate) async fn delete_tag(tx: &mut Tx, id: i64, key: &str) -> Result<u64> {
    tx.execute("DELETE FROM experiment_tags WHERE experiment = $1 AND key = $2", args![id, key]).await
}

/// The tags of these experiments, by experiment.
pub(crate) async fn tags(db: &Db, ids: &[i64]) -> Result<HashMap<i64, Vec<ExperimentTag>>> {
    let mut args = Vec::new();
    let list = in_list(ids.iter().map(|id| Value::from(*id)), &mut args);
    let sql = format!("SELECT experiment, key, value FROM experiment_tags WHERE experiment IN {list} ORDER BY experiment, key");
    let mut tags: HashMap<i64, Vec<ExperimentTag>> = HashMap::new();
    for row in db.fetch_all(AssertSqlSafe(sql), args).await? {
        let tag = ExperimentTag { key: Some(row.get("key")?), value: Some(row.get("value")?) };
        tags.entry(row.get("experiment")?).or_default().push(tag);
    }
    Ok(tags)
}
