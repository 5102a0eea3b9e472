//! What is deleted for good: finding it, and taking its rows away.

use super::{experiments, in_list, logged_models, runs};
use crate::experiments::DELETED;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use artel_platform::{Result, args};

/// Which rows of a table: those that are deleted, of one workspace.
pub(crate) struct Deleted<'a> {
    pub(crate) workspace: &'a str,
    /// Deleted no later than this, milliseconds UTC.
    pub(crate) before: i64,
}

impl Deleted<'_> {
    async fn rows(&self, db: &Db, what: &str, columns: &str, since: &str) -> Result<Vec<Row>> {
        let sql = format!(
            "SELECT {columns} FROM {what} WHERE workspace = $1 AND lifecycle_stage = $2 AND COALESCE({since}, 0) <= $3 ORDER BY {since}"
        );
        db.fetch_all(AssertSqlSafe(sql), args![self.workspace, DELETED, self.before]).await
    }

    pub(crate) async fn runs(&self, db: &Db) -> Result<Vec<crate::runs::Stored>> {
        self.rows(db, "runs r", runs::COLUMNS, "deleted_time").await?.iter().map(runs::read).collect()
    }

    pub(crate) async fn experiments(&self, db: &Db) -> Result<Vec<crate::experiments::Stored>> {
        self.rows(db, "experiments e", experiments::COLUMNS, "last_update_time").await?.iter().map(experiments::read).collect()
    }

    pub(crate) async fn logged_models(&self, db: &Db) -> Result<Vec<crate::logged_models::Stored>> {
        let rows = self.rows(db, "logged_models m", logged_models::COLUMNS, "last_updated_timestamp_ms").await?;
        rows.iter().map(logged_models::read).collect()
    }
}

/// When a run was deleted.
pub(crate) async fn deleted_time(db: &Db, run: i64) -> Result<i64> {
    let row = db.fetch_optional("SELECT deleted_time FROM runs WHERE id = $1", args![run]).await?;
    Ok(row.map(|row| row.opt("deleted_time")).transpose()?.flatten().unwrap_or_default())
}

/// Every run of these experiments, whatever its stage of life.
pub(crate) async fn runs_of(db: &Db, experiments: &[i64]) -> Result<Vec<crate::runs::Stored>> {
    of(db, &format!("SELECT {} FROM runs r WHERE r.experiment", runs::COLUMNS), experiments).await?.iter().map(runs::read).collect()
}

/// Every logged model of these experiments.
pub(crate) async fn logged_models_of(db: &Db, experiments: &[i64]) -> Result<Vec<crate::logged_models::Stored>> {
    let sql = format!("SELECT {} FROM logged_models m WHERE m.experiment", logged_models::COLUMNS);
    of(db, &sql, experiments).await?.iter().map(logged_models::read).collect()
}

async fn of(db: &Db, sql: &str, experiments: &[i64]) -> Result<Vec<Row>> {
    let mut found = Vec::new();
    for some in experiments.chunks(256) {
        let mut args = Vec::new();
        let list = in_list(some.iter().map(|id| Value::from(*id)), &mut args);
        found.extend(db.fetch_all(AssertSqlSafe(format!("{sql} IN {list}")), args).await?);
    }
    Ok(found)
}

pub(crate) async fn count_traces(db: &Db, experiment: i64) -> Result<i64> {
    db.fetch_one("SELECT COUNT(*) FROM traces WHERE experiment = $1", args![experiment]).await?.at(0)
}

/// The numbers of the metrics that a run has.
pub(crate) async fn metrics_of(db: &Db, run: i64) -> Result<Vec<i64>> {
    db.fetch_all("SELECT key FROM latest_metrics WHERE run = $1", args![run]).await?.iter().map(|row| row.at(0)).collect()
}

/// One metric of a run: a long history is not a matter of one transaction.
pub(crate) async fn remove_metric(tx: &mut Tx, run: i64, key: i64) -> Result<()> {
    tx.execute("DELETE FROM metric_leaves WHERE run = $1 AND key = $2", args![run, key]).await?;
    tx.execute("DELETE FROM latest_metrics WHERE run = $1 AND key = $2", args![run, key]).await.map(drop)
}

/// A run and everything of it but its metrics.
pub(crate) async fn remove_run(tx: &mut Tx, run: i64, run_id: &str) -> Result<()> {
    for table in ["params", "tags", "dataset_inputs", "input_tags", "model_inputs", "model_outputs"] {
        tx.execute(AssertSqlSafe(format!("DELETE FROM {table} WHERE run = $1")), args![run]).await?;
    }
    tx.execute("DELETE FROM logged_model_metrics WHERE run_id = $1", args![run_id]).await?;
    tx.execute("DELETE FROM trace_links WHERE kind = 'run' AND target = $1", args![run_id]).await?;
    tx.execute("DELETE FROM runs WHERE id = $1", args![run]).await.map(drop)
}

pub(crate) async fn remove_logged_model(tx: &mut Tx, model_id: &str) -> Result<()> {
    for table in ["logged_model_params", "logged_model_tags", "logged_model_metrics", "logged_models"] {
        tx.execute(AssertSqlSafe(format!("DELETE FROM {table} WHERE model_id = $1")), args![model_id]).await?;
    }
    Ok(())
}

/// An experiment whose runs and models are gone.
pub(crate) async fn remove_experiment(tx: &mut Tx, id: i64) -> Result<()> {
    tx.execute("DELETE FROM datasets WHERE experiment = $1", args![id]).await?;
    tx.execute("DELETE FROM experiment_tags WHERE experiment = $1", args![id]).await?;
    tx.execute("DELETE FROM experiments WHERE id = $1", args![id]).await.map(drop)
}
