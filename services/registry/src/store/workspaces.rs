//! What is in a workspace.

use artel_platform::db::{AssertSqlSafe, Db};
use artel_platform::{Result, args};

/// How many rows of `table` a workspace has.
pub(crate) async fn count(db: &Db, table: &'static str, workspace: &str) -> Result<i64> {
    let sql = format!("SELECT COUNT(*) AS total FROM {table} WHERE workspace = $1");
    db.fetch_one(AssertSqlSafe(sql), args![workspace]).await?.get("total")
}

/// Whether the name is a prompt's; `None` when nothing has it.
pub(crate) async fn is_prompt(db: &Db, workspace: &str, name: &str) -> Result<Option<bool>> {
    let sql =
        "SELECT (SELECT t.value FROM registered_model_tags t WHERE t.workspace = m.workspace AND t.name = m.name AND t.key = $3) AS mark
               FROM registered_models m WHERE m.workspace = $1 AND m.name = $2";
    let row = db.fetch_optional(sql, args![workspace, name, crate::validate::IS_PROMPT_TAG]).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(row.opt::<String>("mark")?.is_some_and(|mark| mark.eq_ignore_ascii_case("true"))))
}
