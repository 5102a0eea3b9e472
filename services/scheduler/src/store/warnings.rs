//! Table `dag_warnings`.

use super::{Filter, Page, places, sql};
use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{Db, Tx};

/// A row with its DAG's name.
#[derive(Debug, Clone)]
pub(crate) struct DagWarning {
    pub(crate) dag_id: String,
    pub(crate) warning_type: String,
    pub(crate) message: String,
    pub(crate) created_at: i64,
    pub(crate) display_name: String,
}

/// The warnings of a DAG are these `(type, message)` and no others. One that is there already keeps its time.
pub(crate) async fn set(tx: &mut Tx, dag_id: &str, all: &[(&str, String)], now: i64) -> Result<()> {
    let mut gone = args![dag_id];
    gone.extend(all.iter().map(|w| w.0.into()));
    let rest = if all.is_empty() { String::new() } else { format!(" AND warning_type NOT IN ({})", places(2, all.len())) };
    tx.execute(sql(format!("DELETE FROM dag_warnings WHERE dag_id = $1{rest}")), gone).await?;
    for (warning_type, message) in all {
        let text = "INSERT INTO dag_warnings (dag_id, warning_type, message, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (dag_id, warning_type) DO UPDATE SET message = excluded.message";
        tx.execute(text, args![dag_id, *warning_type, message, now]).await?;
    }
    Ok(())
}

/// Warnings of DAGs that are there.
pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<DagWarning>, i64)> {
    let columns = "dag_id, warning_type, message, created_at, display_name";
    let from = "(SELECT w.dag_id, w.warning_type, w.message, w.created_at, d.display_name FROM dag_warnings w
         JOIN dags d ON d.dag_id = w.dag_id WHERE d.is_stale = 0) warnings";
    super::page(db, columns, from, filter, page, |row| {
        Ok(DagWarning {
            dag_id: row.get("dag_id")?,
            warning_type: row.get("warning_type")?,
            message: row.get("message")?,
            created_at: row.get("created_at")?,
            display_name: row.get("display_name")?,
        })
    })
    .await
}
