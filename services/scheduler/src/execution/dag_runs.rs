//! DAGs and their runs (routes/dag_runs.py, dags.py).

use super::{Call, Reply};
use crate::Scheduler;
use crate::clear::Clear;
use crate::runs::NewRun;
use crate::states::{RunState, RunType};
use crate::store::{Filter, Page, dags, instances, runs};
use crate::times::shown_opt;
use artel_platform::{Code, Result};
use serde_json::{Value, json};

impl Scheduler {
    pub(super) async fn get_dag_run(&self, dag_id: &str, run_id: &str) -> Result<Reply> {
        Ok(match runs::get(&self.db, dag_id, run_id).await? {
            Some(run) => Reply::ok(self.dag_run_with_events(&run).await?),
            None => no_run(dag_id, run_id),
        })
    }

    pub(super) async fn dag_run_state(&self, dag_id: &str, run_id: &str) -> Result<Reply> {
        Ok(match runs::get(&self.db, dag_id, run_id).await? {
            Some(run) => Reply::ok(json!({"state": run.state.as_str()})),
            None => no_run(dag_id, run_id),
        })
    }

    /// What TriggerDagRunOperator does.
    pub(super) async fn trigger_dag_run(&self, call: &Call<'_>, dag_id: &str, run_id: &str) -> Result<Reply> {
        let user = match &call.caller.ti_id {
            Some(id) => match instances::get(&self.db, id).await? {
                Some(parent) => runs::get(&self.db, &parent.dag_id, &parent.run_id).await?.and_then(|r| r.triggering_user_name),
                None => None,
            },
            None => None,
        };
        let new = NewRun {
            run_id: Some(run_id.to_owned()),
            run_type: Some(RunType::OperatorTriggered),
            logical_date: call.time("logical_date")?,
            run_after: call.time("run_after")?,
            conf: Some(call.field("conf").clone()).filter(|c| !c.is_null()),
            note: call.text("note").map(Into::into),
            partition_key: call.text("partition_key").map(Into::into),
            triggered_by: "operator",
            user,
            ..NewRun::default()
        };
        match self.trigger(dag_id, new).await {
            Ok(_) => Ok(Reply::empty(204)),
            Err(error) if error.code == Code::AlreadyExists => {
                Ok(Reply::refused(409, "already_exists", format!("A run already exists for Dag '{dag_id}' with run_id '{run_id}'")))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn clear_dag_run(&self, dag_id: &str, run_id: &str) -> Result<Reply> {
        self.clear(dag_id, run_id, &Clear { reset_run: true, ..Clear::default() }).await?;
        Ok(Reply::empty(204))
    }

    pub(super) async fn dag_run_count(&self, call: &Call<'_>) -> Result<Reply> {
        let mut filter = Filter::default();
        filter.compare("dag_id", "=", call.query.required("dag_id")?);
        filter.any_of("logical_date", &call.query.times("logical_dates")?);
        filter.any_of("run_id", &call.query.all("run_ids"));
        filter.any_of("state", &call.query.all("states"));
        let (_, total) = runs::list(&self.db, filter, &Page { limit: 1, offset: 0, order: "run_id".into() }).await?;
        Ok(Reply::ok(json!(total)))
    }

    pub(super) async fn previous_dag_run(&self, call: &Call<'_>, dag_id: Option<&str>) -> Result<Reply> {
        let dag_id = match dag_id {
            Some(dag_id) => dag_id,
            None => call.query.required("dag_id")?,
        };
        let date = crate::times::parse(call.query.required("logical_date")?)?;
        let state = call.query.get("state").map(RunState::parse).transpose()?;
        let previous = runs::previous(&self.db, dag_id, date, false, state).await?;
        Ok(Reply::ok(match &previous {
            Some(run) => self.dag_run_with_events(run).await?,
            None => Value::Null,
        }))
    }

    pub(super) async fn get_dag(&self, dag_id: &str) -> Result<Reply> {
        let Some(dag) = dags::get(&self.db, dag_id).await? else {
            return Ok(Reply::not_found(format!("The Dag with dag_id: `{dag_id}` was not found")));
        };
        let tags: Vec<String> = dags::tags(&self.db, &[dag_id.to_owned()]).await?.into_iter().map(|t| t.1).collect();
        Ok(Reply::ok(json!({
            "dag_id": dag.dag_id,
            "is_paused": dag.is_paused,
            "bundle_name": dag.bundle_name,
            "bundle_version": dag.bundle_version,
            "relative_fileloc": dag.relative_fileloc,
            "owners": dag.owners,
            "tags": tags,
            "next_dagrun": shown_opt(dag.next.logical_date),
        })))
    }
}

fn no_run(dag_id: &str, run_id: &str) -> Reply {
    Reply::not_found(format!("Dag run with dag_id '{dag_id}' and run_id '{run_id}' was not found"))
}
