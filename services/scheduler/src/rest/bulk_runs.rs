//! Upstream's bulk routes for DAG runs and task instances.

use super::bulk::{self, BulkBody, BulkResponse, Kind};
use super::dag_runs::{given_state, set_note};
use super::marks::InstancePatch;
use crate::Scheduler;
use crate::store::{instances, runs};
use actix_web::{HttpResponse, web};
use artel_platform::http::Json;
use artel_platform::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

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
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunChange {
    #[serde(rename = "dag_run_id")]
    _run_id: String,
    #[serde(rename = "dag_id")]
    _dag_id: Option<String>,
    state: Option<String>,
    note: Option<String>,
}

impl Kind for Runs {
    const NAME: &'static str = "DagRuns";
    const NO_CREATE: Option<&'static str> = Some("Use the trigger Dag Run endpoint instead.");

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
        let state = change.state.filter(|_| wanted("state")).map(|word| given_state(&word)).transpose()?;
        if let Some(note) = change.note.filter(|_| wanted("note")) {
            set_note(scheduler, &dag_id, &run_id, Some(&note)).await?;
        }
        match state {
            Some(state) => scheduler.set_run_state(&dag_id, &run_id, state).await,
            None => Ok(()),
        }
    }

    async fn delete(&self, scheduler: &Scheduler, entity: &Value) -> Result<()> {
        let (dag_id, run_id) = self.key(entity)?;
        scheduler.delete_run(&dag_id, &run_id).await
    }
}

/// The task instances of a run, or of every one with `~`.
struct Instances {
    dag_id: String,
    run_id: String,
}

struct InstanceKey {
    dag_id: String,
    run_id: String,
    task_id: String,
    map_index: Option<i64>,
}

impl Instances {
    fn key(&self, entity: &Value) -> Result<InstanceKey> {
        let given = |field: &str, own: &str| entity[field].as_str().unwrap_or(own).to_owned();
        let (dag_id, run_id) = (given("dag_id", &self.dag_id), given("dag_run_id", &self.run_id));
        let task_id = bulk::named(entity, "task_id")?;
        if dag_id == "~" || run_id == "~" {
            return Err(Error::invalid(format!(
                "When using wildcard in path, dag_id and dag_run_id must be specified in request body for task_id: {task_id}"
            )));
        }
        Ok(InstanceKey { dag_id, run_id, task_id, map_index: entity["map_index"].as_i64() })
    }

    async fn found(&self, scheduler: &Scheduler, key: &InstanceKey) -> Result<Vec<instances::TaskInstance>> {
        let all = instances::of_run(&scheduler.db, &key.dag_id, &key.run_id).await?;
        let meant = |i: &instances::TaskInstance| i.task_id == key.task_id && key.map_index.is_none_or(|index| index == i.map_index);
        Ok(all.into_iter().filter(meant).collect())
    }
}

impl Kind for Instances {
    const NAME: &'static str = "Task instances";
    const NO_CREATE: Option<&'static str> = Some("They are made with their run.");

    fn name(&self, entity: &Value) -> Result<String> {
        let key = self.key(entity)?;
        let index = key.map_index.map_or(String::new(), |index| format!("[{index}]"));
        Ok(format!("{}.{}.{}{index}", key.dag_id, key.run_id, key.task_id))
    }

    async fn exists(&self, scheduler: &Scheduler, entity: &Value) -> Result<bool> {
        Ok(!self.found(scheduler, &self.key(entity)?).await?.is_empty())
    }

    async fn update(&self, scheduler: &Scheduler, mut entity: Value, mask: &[String]) -> Result<()> {
        let key = self.key(&entity)?;
        let Some(fields) = entity.as_object_mut() else { return Err(Error::invalid("an update needs an object, not a task id alone")) };
        fields.retain(|field, _| match field.as_str() {
            "dag_id" | "dag_run_id" | "task_id" | "map_index" => false,
            "new_state" | "note" => mask.is_empty() || mask.contains(field),
            _ => true,
        });
        let patch: InstancePatch = bulk::body(entity)?;
        scheduler.patch_task((&key.dag_id, &key.run_id, &key.task_id), key.map_index, &patch).await
    }

    async fn delete(&self, scheduler: &Scheduler, entity: &Value) -> Result<()> {
        let found = self.found(scheduler, &self.key(entity)?).await?;
        scheduler.delete_instances(&found).await
    }
}

/// Changes or removes several runs.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns", tag = "pipelines", request_body = BulkBody, responses((status = 200, body = BulkResponse)), security(("artel" = ["dags"])))]
pub(super) async fn runs(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, body: Json<BulkBody>) -> Result<HttpResponse> {
    bulk::run(&scheduler, &Runs(dag_id.into_inner()), body.into_inner()).await
}

/// Changes or removes several task instances.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", tag = "pipelines", request_body = BulkBody, responses((status = 200, body = BulkResponse)), security(("artel" = ["dags"])))]
pub(super) async fn task_instances(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String)>,
    body: Json<BulkBody>,
) -> Result<HttpResponse> {
    let (dag_id, run_id) = path.into_inner();
    bulk::run(&scheduler, &Instances { dag_id, run_id }, body.into_inner()).await
}
