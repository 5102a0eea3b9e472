//! Runs.

use crate::name_parts;
use crate::runs::Stored;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx};
use artel_platform::{Result, args};

/// The columns that [`read`] needs.
pub(crate) const COLUMNS: &str =
    "r.id, r.run_id, r.experiment, r.name, r.user_id, r.status, r.start_time, r.end_time, r.lifecycle_stage, r.artifact_uri";

pub(crate) fn read(row: &Row) -> Result<Stored> {
    Ok(Stored {
        id: row.get("id")?,
        run_id: row.get("run_id")?,
        experiment: row.get("experiment")?,
        name: row.get("name")?,
        user_id: row.get("user_id")?,
        status: row.get("status")?,
        start_time: row.get("start_time")?,
        end_time: row.opt("end_time")?,
        lifecycle_stage: row.get("lifecycle_stage")?,
        artifact_uri: row.get("artifact_uri")?,
    })
}

fn by_run_id() -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SELECT {COLUMNS} FROM runs r WHERE r.run_id = $1 AND r.workspace = $2"))
}

pub(crate) async fn find(db: &Db, workspace: &str, run_id: &str) -> Result<Option<Stored>> {
    db.fetch_optional(by_run_id(), args![run_id, workspace]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn find_in(tx: &mut Tx, workspace: &str, run_id: &str) -> Result<Option<Stored>> {
    tx.fetch_optional(by_run_id(), args![run_id, workspace]).await?.as_ref().map(read).transpose()
}

pub(crate) async fn insert(tx: &mut Tx, workspace: &str, run: &Stored) -> Result<()> {
    tx.execute(
        "INSERT INTO runs (id, run_id, workspace, experiment, name, name_start, name_parts, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri)
         VALUES ($1, $2, $3, $4, $5, substr($5, 1, 100), $12, $6, $7, $8, $9, $10, $11)",
        args![
            run.id,
            &run.run_id,
            workspace,
            run.experiment,
            &run.name,
            &run.user_id,
            &run.status,
            run.start_time,
            run.end_time,
            &run.lifecycle_stage,
            &run.artifact_uri,
            name_parts::of_name(&run.name)
        ],
    )
    .await
    .map(drop)
}

pub(crate) async fn update(tx: &mut Tx, run: &Stored) -> Result<()> {
    let sql = "UPDATE runs SET status = $1, end_time = $2, name = $3, name_start = substr($3, 1, 100), name_parts = $5 WHERE id = $4";
    tx.execute(sql, args![&run.status, run.end_time, &run.name, run.id, name_parts::of_name(&run.name)]).await.map(drop)
}

/// Moves a run to a stage of life; `None` when there is no such run.
pub(crate) async fn set_stage(
    tx: &mut Tx,
    workspace: &str,
    run_id: &str,
    stage: &str,
    deleted_time: Option<i64>,
) -> Result<Option<Stored>> {
    let sql = "UPDATE runs SET lifecycle_stage = $1, deleted_time = $2 WHERE run_id = $3 AND workspace = $4
               RETURNING id, run_id, experiment, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri";
    tx.fetch_optional(sql, args![stage, deleted_time, run_id, workspace]).await?.as_ref().map(read).transpose()
}
