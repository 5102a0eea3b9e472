//! Upstream's bulk route for DAG runs.

use super::body::Body;
use super::bulk::{self, Actions, BulkBody, BulkResponse, Kind};
use super::dag_runs::set_note;
use crate::Scheduler;
use crate::states::GivenRunState;
use crate::store::runs;
use actix_web::{HttpResponse, web};
use artel_platform::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The runs of a DAG, or of every one with `~`.
struct Runs(String);

impl Runs {
    fn key(&self, entity: &Value) -> Result<(String, String)> {
        let run_id = bulk::named(entity, "dag_run_id")?;
        let dag_id = entity["dag_id"].as_str().unwrap_or(&self.0).to_owned();
        if dag_id == "~" || run_id == "~" {
            return Err(Error::invalid(format!(
                "When using wildcard in path, dag_id must be specified in request body for dag_run_id: {run_id}"
            )));
        }
        Ok((dag_id, run_id))
    }
}

/// What may be changed of a run.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::BulkDAGRunBody)]
#[serde(deny_unknown_fields)]
struct RunChange {
    #[serde(rename = "dag_run_id")]
    _run_id: String,
    #[serde(rename = "dag_id")]
    _dag_id: Option<String>,
    state: Option<GivenRunState>,
    #[schema(max_length = 1000)]
    note: Option<String>,
}

impl Kind for Runs {
    const NAME: &'static str = "DagRuns";
    const BODY: &'static str = "BulkDAGRunBody";
    const NO_CREATE: Option<&'static str> = Some("Dag Runs bulk create is not supported. Use the trigger Dag Run endpoint instead.");
    type Entity = RunChange;

    fn refusal(names: &[String], what: &str) -> String {
        let pairs = names.iter().filter_map(|name| name.split_once('.')).map(|(dag_id, run_id)| format!("('{dag_id}', '{run_id}')"));
        format!("The DagRuns with these identifiers: [{}] {what}", pairs.collect::<Vec<_>>().join(", "))
    }

    fn name(&self, entity: &Value) -> Result<String> {
        self.key(entity).map(|(dag_id, run_id)| format!("{dag_id}.{run_id}"))
    }

    async fn exists(&self, scheduler: &Scheduler, entity: &Value) -> Result<bool> {
        let (dag_id, run_id) = self.key(entity)?;
        Ok(runs::get(&scheduler.db, &dag_id, &run_id).await?.is_some())
    }

    async fn update(&self, scheduler: &Scheduler, entity: Value, mask: &[String]) -> Result<()> {
        let (dag_id, run_id) = self.key(&entity)?;
        let change: RunChange = bulk::body(entity)?;
        let wanted = |field: &str| mask.is_empty() || mask.iter().any(|m| m == field);
        let state = change.state.filter(|_| wanted("state"));
        if let Some(note) = change.note.filter(|_| wanted("note")) {
            set_note(scheduler, &dag_id, &run_id, Some(&note)).await?;
        }
        match state {
            Some(state) => scheduler.set_run_state(&dag_id, &run_id, state.into()).await,
            None => Ok(()),
        }
    }

    async fn delete(&self, scheduler: &Scheduler, entity: &Value) -> Result<()> {
        let (dag_id, run_id) = self.key(entity)?;
        scheduler.delete_run(&dag_id, &run_id).await
    }
}

/// Changes or removes several runs.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns", tag = "pipelines", request_body = BulkBody, responses((status = 200, body = BulkResponse)), security(("artel" = ["dags"])))]
pub(super) async fn runs(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, body: Body<Actions>) -> Result<HttpResponse> {
    bulk::run(&scheduler, &Runs(dag_id.into_inner()), body.into_inner()).await
}
