//! To which experiment something belongs.

use artel_platform::db::{AssertSqlSafe, Db};
use artel_platform::{Result, args};

/// Where things of an experiment lie, and by which column one is named.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Within {
    Run,
    LoggedModel,
    Trace,
}

/// The experiment of a run, logged model or trace; `None` when there is no such thing in the workspace.
pub(crate) async fn experiment_of(db: &Db, within: Within, workspace: &str, id: &str) -> Result<Option<i64>> {
    let (table, column) = match within {
        Within::Run => ("runs", "run_id"),
        Within::LoggedModel => ("logged_models", "model_id"),
        Within::Trace => ("traces", "trace_id"),
    };
    let sql = format!("SELECT experiment FROM {table} WHERE {column} = $1 AND workspace = $2");
    db.fetch_optional(AssertSqlSafe(sql), args![id, workspace]).await?.map(|row| row.get("experiment")).transpose()
}
