//! Rows of model versions. Deleted ones stay, scrubbed; every statement here but the counting one passes over them.

use super::{IN_LIST, placeholders};
use crate::model_versions::NewVersion;
use crate::source::Origin;
use crate::stages;
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx};
use artel_proto::mlflow::{ModelVersion, ModelVersionStatus};

pub(crate) const COLUMNS: &str =
    "m.name, m.version, m.creation_time, m.last_updated_time, m.current_stage, m.description, m.source, m.run_id, m.run_link";

/// Reads the columns of [`COLUMNS`].
pub(crate) fn read(row: &Row) -> Result<ModelVersion> {
    Ok(ModelVersion {
        name: Some(row.get("name")?),
        version: Some(row.get::<i64>("version")?.to_string()),
        creation_timestamp: Some(row.get("creation_time")?),
        last_updated_timestamp: Some(row.get("last_updated_time")?),
        current_stage: Some(row.get("current_stage")?),
        description: row.opt("description")?,
        source: row.opt("source")?,
        run_id: row.opt("run_id")?,
        run_link: row.opt("run_link")?,
        status: Some(ModelVersionStatus::Ready.into()),
        ..Default::default()
    })
}

/// The highest number ever given, deleted versions counted; 0 for none.
pub(crate) async fn last_number(tx: &mut Tx, workspace: &str, name: &str) -> Result<i64> {
    let sql = "SELECT COALESCE(MAX(version), 0) AS last FROM model_versions WHERE workspace = $1 AND name = $2";
    tx.fetch_one(sql, args![workspace, name]).await?.get("last")
}

pub(crate) async fn insert(tx: &mut Tx, workspace: &str, version: i64, new: &NewVersion, origin: &Origin, now: i64) -> Result<()> {
    let sql = "INSERT INTO model_versions (workspace, name, version, creation_time, last_updated_time, current_stage, description, source, storage_location, run_id, run_link, model_id) \
        VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11)";
    let values = args![
        workspace,
        &new.name,
        version,
        now,
        stages::NONE,
        &new.description,
        &origin.source,
        &origin.storage_location,
        origin.run_id.clone(),
        &new.run_link,
        origin.model_id.clone()
    ];
    tx.execute(sql, values).await.map(drop)
}

pub(crate) async fn get(db: &Db, workspace: &str, name: &str, version: i64) -> Result<Option<ModelVersion>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM model_versions m WHERE m.workspace = $1 AND m.name = $2 AND m.version = $3 AND m.current_stage <> $4"
    );
    db.fetch_optional(AssertSqlSafe(sql), args![workspace, name, version, stages::DELETED]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn exists(tx: &mut Tx, workspace: &str, name: &str, version: i64) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM model_versions WHERE workspace = $1 AND name = $2 AND version = $3 AND current_stage <> $4";
    Ok(tx.fetch_optional(sql, args![workspace, name, version, stages::DELETED]).await?.is_some())
}

/// The latest version of each stage of each model; stages in the order in which they came up.
pub(crate) async fn latest(db: &Db, workspace: &str, names: &[String]) -> Result<Vec<ModelVersion>> {
    let mut versions = Vec::new();
    for names in names.chunks(IN_LIST) {
        let mut values = args![workspace, stages::DELETED];
        let names = placeholders(names, &mut values);
        let sql = format!(
            "SELECT {COLUMNS} FROM (SELECT v.*, \
               ROW_NUMBER() OVER (PARTITION BY v.name, v.current_stage ORDER BY v.version DESC) AS place, \
               MIN(v.version) OVER (PARTITION BY v.name, v.current_stage) AS first \
             FROM model_versions v WHERE v.workspace = $1 AND v.current_stage <> $2 AND v.name IN ({names})) m \
             WHERE m.place = 1 ORDER BY m.name, m.first"
        );
        for row in db.fetch_all(AssertSqlSafe(sql), values).await? {
            versions.push(read(&row)?);
        }
    }
    Ok(versions)
}

pub(crate) async fn storage_location(db: &Db, workspace: &str, name: &str, version: i64) -> Result<Option<String>> {
    let sql = "SELECT COALESCE(NULLIF(storage_location, ''), source) AS location FROM model_versions WHERE workspace = $1 AND name = $2 AND version = $3 AND current_stage <> $4";
    let row = db.fetch_optional(sql, args![workspace, name, version, stages::DELETED]).await?;
    row.map(|row| row.get("location")).transpose()
}

pub(crate) async fn model_id(db: &Db, workspace: &str, name: &str, version: i64) -> Result<Option<String>> {
    let sql = "SELECT model_id FROM model_versions WHERE workspace = $1 AND name = $2 AND version = $3 AND current_stage <> $4";
    Ok(db
        .fetch_optional(sql, args![workspace, name, version, stages::DELETED])
        .await?
        .map(|row| row.opt("model_id"))
        .transpose()?
        .flatten())
}

pub(crate) async fn describe(tx: &mut Tx, workspace: &str, name: &str, version: i64, description: Option<&str>, now: i64) -> Result<bool> {
    let sql = "UPDATE model_versions SET description = $5, last_updated_time = $6 WHERE workspace = $1 AND name = $2 AND version = $3 AND current_stage <> $4";
    Ok(tx.execute(sql, args![workspace, name, version, stages::DELETED, description, now]).await? == 1)
}

pub(crate) async fn set_stage(tx: &mut Tx, workspace: &str, name: &str, version: i64, stage: &str, now: i64) -> Result<bool> {
    let sql = "UPDATE model_versions SET current_stage = $5, last_updated_time = $6 WHERE workspace = $1 AND name = $2 AND version = $3 AND current_stage <> $4";
    Ok(tx.execute(sql, args![workspace, name, version, stages::DELETED, stage, now]).await? == 1)
}

/// Archives every other version in `stage`; answers their numbers.
pub(crate) async fn archive_others(tx: &mut Tx, workspace: &str, name: &str, version: i64, stage: &str, now: i64) -> Result<Vec<i64>> {
    let sql = "UPDATE model_versions SET current_stage = $5, last_updated_time = $6 WHERE workspace = $1 AND name = $2 AND version <> $3 AND current_stage = $4 RETURNING version";
    let rows = tx.fetch_all(sql, args![workspace, name, version, stage, stages::ARCHIVED, now]).await?;
    rows.iter().map(|row| row.get("version")).collect()
}

/// Marks every version of a renamed model as changed.
pub(crate) async fn touch_all(tx: &mut Tx, workspace: &str, name: &str, now: i64) -> Result<()> {
    tx.execute("UPDATE model_versions SET last_updated_time = $3 WHERE workspace = $1 AND name = $2", args![workspace, name, now])
        .await
        .map(drop)
}

/// Erases what a version says, as upstream does, and marks it deleted.
pub(crate) async fn scrub(tx: &mut Tx, workspace: &str, name: &str, version: i64, now: i64) -> Result<bool> {
    let sql = "UPDATE model_versions SET current_stage = $4, last_updated_time = $5, description = NULL, source = 'REDACTED-SOURCE-PATH', \
        storage_location = NULL, run_id = 'REDACTED-RUN-ID', run_link = 'REDACTED-RUN-LINK', model_id = NULL \
        WHERE workspace = $1 AND name = $2 AND version = $3 AND current_stage <> $4";
    Ok(tx.execute(sql, args![workspace, name, version, stages::DELETED, now]).await? == 1)
}
