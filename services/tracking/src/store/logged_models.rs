//! Logged models.

use super::in_list;
use super::point::Point;
use crate::logged_models::{Details, Stored};
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use artel_platform::{Result, args};
use artel_proto::mlflow::{LoggedModelParameter, LoggedModelTag, Metric};
use std::collections::HashMap;

/// The columns that [`read`] needs.
pub(crate) const COLUMNS: &str = "m.model_id, m.experiment, m.name, m.artifact_location, m.creation_timestamp_ms, m.last_updated_timestamp_ms, \
    m.status, m.status_message, m.lifecycle_stage, m.model_type, m.source_run_id";

pub(crate) fn read(row: &Row) -> Result<Stored> {
    Ok(Stored {
        model_id: row.get("model_id")?,
        experiment: row.get("experiment")?,
        name: row.get("name")?,
        artifact_location: row.get("artifact_location")?,
        creation_timestamp_ms: row.get("creation_timestamp_ms")?,
        last_updated_timestamp_ms: row.get("last_updated_timestamp_ms")?,
        status: row.get("status")?,
        status_message: row.opt("status_message")?,
        lifecycle_stage: row.get("lifecycle_stage")?,
        model_type: row.opt("model_type")?,
        source_run_id: row.opt("source_run_id")?,
    })
}

pub(crate) async fn find(db: &Db, workspace: &str, model_id: &str) -> Result<Option<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM logged_models m WHERE m.model_id = $1 AND m.workspace = $2");
    db.fetch_optional(AssertSqlSafe(sql), args![model_id, workspace]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn insert(tx: &mut Tx, workspace: &str, m: &Stored) -> Result<()> {
    tx.execute(
        "INSERT INTO logged_models (model_id, workspace, experiment, name, artifact_location, creation_timestamp_ms, last_updated_timestamp_ms,
                                    status, lifecycle_stage, model_type, source_run_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        args![
            &m.model_id, workspace, m.experiment, &m.name, &m.artifact_location, m.creation_timestamp_ms, m.last_updated_timestamp_ms,
            m.status, &m.lifecycle_stage, m.model_type.clone(), m.source_run_id.clone()
        ],
    )
    .await
    .map(drop)
}

pub(crate) async fn update(tx: &mut Tx, m: &Stored) -> Result<()> {
    let sql = "UPDATE logged_models SET status = $1, lifecycle_stage = $2, last_updated_timestamp_ms = $3 WHERE model_id = $4";
    tx.execute(sql, args![m.status, &m.lifecycle_stage, m.last_updated_timestamp_ms, &m.model_id]).await.map(drop)
}

/// Adds those that are not there yet.
pub(crate) async fn add_params(tx: &mut Tx, model_id: &str, params: &[LoggedModelParameter]) -> Result<()> {
    let rows = params.iter().map(|p| args![model_id, p.key(), p.value()]).collect();
    tx.insert_many("INSERT INTO logged_model_params (model_id, key, value)", "ON CONFLICT DO NOTHING", rows).await.map(drop)
}

pub(crate) async fn param_in(tx: &mut Tx, model_id: &str, key: &str) -> Result<String> {
    tx.fetch_one("SELECT value FROM logged_model_params WHERE model_id = $1 AND key = $2", args![model_id, key]).await?.get("value")
}

pub(crate) async fn set_tags(tx: &mut Tx, model_id: &str, tags: &[LoggedModelTag]) -> Result<()> {
    let last: HashMap<&str, &str> = tags.iter().map(|t| (t.key(), t.value())).collect();
    let rows = last.into_iter().map(|(key, value)| args![model_id, key, value]).collect();
    tx.insert_many(
        "INSERT INTO logged_model_tags (model_id, key, value)",
        "ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value",
        rows,
    )
    .await
    .map(drop)
}

pub(crate) async fn tag_in(tx: &mut Tx, model_id: &str, key: &str) -> Result<Option<String>> {
    let row = tx.fetch_optional("SELECT value FROM logged_model_tags WHERE model_id = $1 AND key = $2", args![model_id, key]).await?;
    row.map(|row| row.get("value")).transpose()
}

pub(crate) async fn exists_in(tx: &mut Tx, workspace: &str, model_id: &str) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM logged_models WHERE model_id = $1 AND workspace = $2";
    Ok(tx.fetch_optional(sql, args![model_id, workspace]).await?.is_some())
}

pub(crate) async fn delete_tag(tx: &mut Tx, model_id: &str, key: &str) -> Result<u64> {
    tx.execute("DELETE FROM logged_model_tags WHERE model_id = $1 AND key = $2", args![model_id, key]).await
}

/// Those of the models that are there.
pub(crate) async fn among_in(tx: &mut Tx, workspace: &str, models: &[&str]) -> Result<Vec<String>> {
    let mut args = args![workspace];
    let list = in_list(models.iter().map(|id| Value::from(*id)), &mut args);
    let sql = format!("SELECT model_id FROM logged_models WHERE workspace = $1 AND model_id IN {list}");
    tx.fetch_all(AssertSqlSafe(sql), args).await?.iter().map(|row| row.at(0)).collect()
}

/// Those of a run's points that are about a model.
pub(crate) async fn add_metrics(tx: &mut Tx, run_id: &str, metrics: &[Metric]) -> Result<()> {
    let of_model = metrics.iter().filter(|m| !m.model_id().is_empty());
    let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
    let rows: Vec<Vec<Value>> = of_model
        .map(|m| {
            let point = Point::new(0, m.value(), m.timestamp(), m.step());
            args![m.model_id(), m.key(), point.timestamp, point.step, point.value, run_id, some(m.dataset_name()), some(m.dataset_digest())]
        })
        .collect();
    for row in rows {
        // one by one: PostgreSQL would not know the type of a column that is NULL in every row
        tx.execute(
            "INSERT INTO logged_model_metrics (model_id, key, timestamp, step, value, run_id, dataset_name, dataset_digest)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            row,
        )
        .await?;
    }
    Ok(())
}

/// Params, tags and metrics of these models, by model.
pub(crate) async fn details(db: &Db, models: &[&str]) -> Result<HashMap<String, Details>> {
    let mut details: HashMap<String, Details> = HashMap::new();
    for chunk in models.chunks(100) {
        let mut args = Vec::new();
        let list = in_list(chunk.iter().map(|id| Value::from(*id)), &mut args);
        let pairs = |table: &str| {
            AssertSqlSafe(format!("SELECT model_id, key, value FROM {table} WHERE model_id IN {list} ORDER BY model_id, key"))
        };
        for row in db.fetch_all(pairs("logged_model_params"), args.clone()).await? {
            let param = LoggedModelParameter { key: row.opt("key")?, value: row.opt("value")? };
            details.entry(row.get("model_id")?).or_default().params.push(param);
        }
        for row in db.fetch_all(pairs("logged_model_tags"), args.clone()).await? {
            let tag = LoggedModelTag { key: row.opt("key")?, value: row.opt("value")? };
            details.entry(row.get("model_id")?).or_default().tags.push(tag);
        }
        let sql = format!(
            "SELECT model_id, key, timestamp, step, value, run_id, dataset_name, dataset_digest FROM logged_model_metrics
             WHERE model_id IN {list} ORDER BY model_id, key, timestamp, step, run_id"
        );
        for row in db.fetch_all(AssertSqlSafe(sql), args).await? {
            let metric = Metric {
                key: row.opt("key")?,
                value: row.opt("value")?,
                timestamp: row.opt("timestamp")?,
                step: row.opt("step")?,
                dataset_name: row.opt("dataset_name")?,
                dataset_digest: row.opt("dataset_digest")?,
                model_id: row.opt("model_id")?,
                run_id: row.opt("run_id")?,
            };
            details.entry(row.get("model_id")?).or_default().metrics.push(metric);
        }
    }
    Ok(details)
}
