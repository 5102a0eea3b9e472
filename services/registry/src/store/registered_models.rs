//! Rows of registered models.

use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Row, Tx};
use artel_proto::mlflow::RegisteredModel;

pub(crate) const COLUMNS: &str = "m.name, m.description, m.creation_time, m.last_updated_time";

/// Makes a model; `false` when the name is taken.
pub(crate) async fn insert(tx: &mut Tx, workspace: &str, name: &str, description: &str, now: i64) -> Result<bool> {
    let sql = "INSERT INTO registered_models (workspace, name, description, creation_time, last_updated_time) VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, args![workspace, name, description, now]).await? == 1)
}

pub(crate) async fn get(db: &Db, workspace: &str, name: &str) -> Result<Option<RegisteredModel>> {
    let sql = "SELECT m.name, m.description, m.creation_time, m.last_updated_time FROM registered_models m WHERE m.workspace = $1 AND m.name = $2";
    db.fetch_optional(sql, args![workspace, name]).await?.as_ref().map(read).transpose()
}

/// Reads the columns of [`COLUMNS`].
pub(crate) fn read(row: &Row) -> Result<RegisteredModel> {
    Ok(RegisteredModel {
        name: Some(row.get("name")?),
        creation_timestamp: Some(row.get("creation_time")?),
        last_updated_timestamp: Some(row.get("last_updated_time")?),
        description: Some(row.get::<String>("description")?).filter(|text| !text.is_empty()),
        ..Default::default()
    })
}

pub(crate) async fn exists(tx: &mut Tx, workspace: &str, name: &str) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM registered_models WHERE workspace = $1 AND name = $2";
    Ok(tx.fetch_optional(sql, args![workspace, name]).await?.is_some())
}

/// Notes a change; holds the row until the transaction ends. `false` when there is no such model.
pub(crate) async fn touch(tx: &mut Tx, workspace: &str, name: &str, now: i64) -> Result<bool> {
    let sql = "UPDATE registered_models SET last_updated_time = $3 WHERE workspace = $1 AND name = $2";
    Ok(tx.execute(sql, args![workspace, name, now]).await? == 1)
}

pub(crate) async fn describe(tx: &mut Tx, workspace: &str, name: &str, description: &str, now: i64) -> Result<bool> {
    let sql = "UPDATE registered_models SET description = $3, last_updated_time = $4 WHERE workspace = $1 AND name = $2";
    Ok(tx.execute(sql, args![workspace, name, description, now]).await? == 1)
}

/// What hangs on the name goes with it (ON UPDATE CASCADE).
pub(crate) async fn rename(tx: &mut Tx, workspace: &str, name: &str, new_name: &str, now: i64) -> Result<bool> {
    let sql = "UPDATE registered_models SET name = $3, last_updated_time = $4 WHERE workspace = $1 AND name = $2";
    Ok(tx.execute(sql, args![workspace, name, new_name, now]).await? == 1)
}

pub(crate) async fn delete(tx: &mut Tx, workspace: &str, name: &str) -> Result<bool> {
    let sql = "DELETE FROM registered_models WHERE workspace = $1 AND name = $2";
    Ok(tx.execute(sql, args![workspace, name]).await? == 1)
}
