//! Tags of models and of versions.

use super::{IN_LIST, placeholders};
use crate::validate::IS_PROMPT_TAG;
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{AssertSqlSafe, Db, Tx, Value};
use artel_proto::mlflow::{ModelVersionTag, RegisteredModelTag};
use std::collections::HashMap;

pub(crate) async fn set_of_model(tx: &mut Tx, workspace: &str, name: &str, key: &str, value: &str) -> Result<()> {
    let sql = "INSERT INTO registered_model_tags (workspace, name, key, value) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (workspace, name, key) DO UPDATE SET value = excluded.value";
    tx.execute(sql, args![workspace, name, key, value]).await.map(drop)
}

pub(crate) async fn delete_of_model(tx: &mut Tx, workspace: &str, name: &str, key: &str) -> Result<()> {
    let sql = "DELETE FROM registered_model_tags WHERE workspace = $1 AND name = $2 AND key = $3";
    tx.execute(sql, args![workspace, name, key]).await.map(drop)
}

/// Is the model a prompt, as its tag says?
pub(crate) async fn is_prompt(tx: &mut Tx, workspace: &str, name: &str) -> Result<bool> {
    let sql = "SELECT value FROM registered_model_tags WHERE workspace = $1 AND name = $2 AND key = $3";
    let row = tx.fetch_optional(sql, args![workspace, name, IS_PROMPT_TAG]).await?;
    Ok(row.map(|row| row.get::<String>("value")).transpose()?.is_some_and(|value| value.eq_ignore_ascii_case("true")))
}

/// The tags of each model, by key.
pub(crate) async fn of_models(db: &Db, workspace: &str, names: &[String]) -> Result<HashMap<String, Vec<RegisteredModelTag>>> {
    let mut tags: HashMap<String, Vec<RegisteredModelTag>> = HashMap::new();
    for names in names.chunks(IN_LIST) {
        let mut values = args![workspace];
        let names = placeholders(names, &mut values);
        let sql =
            format!("SELECT name, key, value FROM registered_model_tags WHERE workspace = $1 AND name IN ({names}) ORDER BY name, key");
        for row in db.fetch_all(AssertSqlSafe(sql), values).await? {
            let tag = RegisteredModelTag { key: Some(row.get("key")?), value: Some(row.get("value")?) };
            tags.entry(row.get("name")?).or_default().push(tag);
        }
    }
    Ok(tags)
}

pub(crate) async fn set_of_version(tx: &mut Tx, workspace: &str, (name, version): (&str, i64), key: &str, value: &str) -> Result<()> {
    let sql = "INSERT INTO model_version_tags (workspace, name, version, key, value) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (workspace, name, version, key) DO UPDATE SET value = excluded.value";
    tx.execute(sql, args![workspace, name, version, key, value]).await.map(drop)
}

pub(crate) async fn delete_of_version(tx: &mut Tx, workspace: &str, (name, version): (&str, i64), key: &str) -> Result<()> {
    let sql = "DELETE FROM model_version_tags WHERE workspace = $1 AND name = $2 AND version = $3 AND key = $4";
    tx.execute(sql, args![workspace, name, version, key]).await.map(drop)
}

/// The tags of each version, by key.
pub(crate) async fn of_versions(db: &Db, workspace: &str, ids: &[(String, i64)]) -> Result<HashMap<(String, i64), Vec<ModelVersionTag>>> {
    let mut tags: HashMap<(String, i64), Vec<ModelVersionTag>> = HashMap::new();
    for ids in ids.chunks(IN_LIST) {
        let mut values = args![workspace];
        let pairs: Vec<String> = ids
            .iter()
            .map(|(name, version)| format!("({})", placeholders([Value::from(name), Value::from(*version)], &mut values)))
            .collect();
        let sql = format!(
            "SELECT name, version, key, value FROM model_version_tags WHERE workspace = $1 AND (name, version) IN (VALUES {}) ORDER BY name, version, key",
            pairs.join(", ")
        );
        for row in db.fetch_all(AssertSqlSafe(sql), values).await? {
            let tag = ModelVersionTag { key: Some(row.get("key")?), value: Some(row.get("value")?) };
            tags.entry((row.get("name")?, row.get("version")?)).or_default().push(tag);
        }
    }
    Ok(tags)
}
