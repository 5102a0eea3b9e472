//! Rows of aliases.

use super::{IN_LIST, placeholders};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{AssertSqlSafe, Db, Tx};
use artel_proto::mlflow::RegisteredModelAlias;
use std::collections::HashMap;

pub(crate) async fn set(tx: &mut Tx, workspace: &str, name: &str, alias: &str, version: i64) -> Result<()> {
    let sql = "INSERT INTO registered_model_aliases (workspace, name, alias, version) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (workspace, name, alias) DO UPDATE SET version = excluded.version";
    tx.execute(sql, args![workspace, name, alias, version]).await.map(drop)
}

pub(crate) async fn delete(tx: &mut Tx, workspace: &str, name: &str, alias: &str) -> Result<bool> {
    let sql = "DELETE FROM registered_model_aliases WHERE workspace = $1 AND name = $2 AND alias = $3";
    Ok(tx.execute(sql, args![workspace, name, alias]).await? == 1)
}

/// Removes the aliases of a version; answers their names.
pub(crate) async fn delete_of_version(tx: &mut Tx, workspace: &str, name: &str, version: i64) -> Result<Vec<String>> {
    let sql = "DELETE FROM registered_model_aliases WHERE workspace = $1 AND name = $2 AND version = $3 RETURNING alias";
    tx.fetch_all(sql, args![workspace, name, version]).await?.iter().map(|row| row.get("alias")).collect()
}

/// Every alias of a model.
pub(crate) async fn names(tx: &mut Tx, workspace: &str, name: &str) -> Result<Vec<String>> {
    let sql = "SELECT alias FROM registered_model_aliases WHERE workspace = $1 AND name = $2 ORDER BY alias";
    tx.fetch_all(sql, args![workspace, name]).await?.iter().map(|row| row.get("alias")).collect()
}

/// The version that an alias points to.
pub(crate) async fn find(db: &Db, workspace: &str, name: &str, alias: &str) -> Result<Option<i64>> {
    let sql = "SELECT version FROM registered_model_aliases WHERE workspace = $1 AND name = $2 AND alias = $3";
    db.fetch_optional(sql, args![workspace, name, alias]).await?.map(|row| row.get("version")).transpose()
}

pub(crate) async fn of_version(db: &Db, workspace: &str, name: &str, version: i64) -> Result<Vec<String>> {
    let sql = "SELECT alias FROM registered_model_aliases WHERE workspace = $1 AND name = $2 AND version = $3 ORDER BY alias";
    db.fetch_all(sql, args![workspace, name, version]).await?.iter().map(|row| row.get("alias")).collect()
}

/// The aliases of each model, by name.
pub(crate) async fn of_models(db: &Db, workspace: &str, names: &[String]) -> Result<HashMap<String, Vec<RegisteredModelAlias>>> {
    let mut aliases: HashMap<String, Vec<RegisteredModelAlias>> = HashMap::new();
    for names in names.chunks(IN_LIST) {
        let mut values = args![workspace];
        let names = placeholders(names, &mut values);
        let sql = format!(
            "SELECT name, alias, version FROM registered_model_aliases WHERE workspace = $1 AND name IN ({names}) ORDER BY name, alias"
        );
        for row in db.fetch_all(AssertSqlSafe(sql), values).await? {
            let alias = RegisteredModelAlias { alias: Some(row.get("alias")?), version: Some(row.get::<i64>("version")?.to_string()) };
            aliases.entry(row.get("name")?).or_default().push(alias);
        }
    }
    Ok(aliases)
}
