//! Upstream's bulk route for task instances (airflow/api_fastapi/core_api/services/public/task_instances.py). An entity without a
//! map index stands for every instance of its task, and each of these is told of by itself.

use super::body::Body;
use super::bulk::{self, Action, ActionResponse, Actions, BulkBody, BulkResponse};
use super::bulk_check;
use super::marks::InstancePatch;
use crate::Scheduler;
use crate::python_text;
use crate::store::instances::{self, TaskInstance};
use crate::store::runs::RunKey;
use actix_web::{HttpResponse, web};
use artel_platform::http::Fault;
use artel_platform::{Error, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use utoipa::ToSchema;

/// What may be changed of a task instance.
#[derive(ToSchema)]
#[schema(as = airflow::BulkTaskInstanceBody)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used: what is changed is read as for one instance")]
struct InstanceChange {
    task_id: String,
    map_index: Option<i64>,
    dag_id: Option<String>,
    dag_run_id: Option<String>,
    new_state: Option<String>,
    #[schema(max_length = 1000)]
    note: Option<String>,
    #[serde(default)]
    include_upstream: bool,
    #[serde(default)]
    include_downstream: bool,
    #[serde(default)]
    include_future: bool,
    #[serde(default)]
    include_past: bool,
}

/// Upstream's name for it.
const BODY: &str = "BulkTaskInstanceBody";

struct Key {
    run: RunKey,
    task_id: String,
    map_index: Option<i64>,
}

impl Key {
    fn covers(&self, i: &TaskInstance) -> bool {
        i.task_id == self.task_id && self.map_index.is_none_or(|index| index == i.map_index)
    }

    /// As upstream lists those that there are not.
    fn listed(&self) -> String {
        let [dag_id, run_id, task_id] = [&self.run.0, &self.run.1, &self.task_id].map(|text| python_text::repr(&text.as_str().into()));
        let index = self.map_index.unwrap_or(-1);
        format!("{{'dag_id': {dag_id}, 'dag_run_id': {run_id}, 'task_id': {task_id}, 'map_index': {index}}}")
    }
}

/// The task instances of a run, or of every one with `~`.
struct Instances {
    dag_id: String,
    run_id: String,
}

impl Instances {
    fn key(&self, entity: &Value) -> Result<Key> {
        let given = |field: &str, own: &str| entity[field].as_str().filter(|id| !id.is_empty()).unwrap_or(own).to_owned();
        let run = (given("dag_id", &self.dag_id), given("dag_run_id", &self.run_id));
        let task_id = bulk::named(entity, "task_id")?;
        if run.0 == "~" || run.1 == "~" {
            let place = if entity.is_string() { "BulkTaskInstanceBody object, not as string" } else { "request body" };
            return Err(Error::invalid(format!(
                "When using wildcard in path, dag_id and dag_run_id must be specified in {place} for task_id: {task_id}"
            )));
        }
        Ok(Key { run, task_id, map_index: entity["map_index"].as_i64() })
    }

    async fn act(&self, scheduler: &Scheduler, action: Action, results: &mut ActionResponse) -> Result<()> {
        if action.action == "create" {
            results.refuse(405, "Task instances bulk create is not supported");
            return Ok(());
        }
        let mut of_runs: HashMap<RunKey, Vec<TaskInstance>> = HashMap::new();
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for entity in action.entities {
            let key = match self.key(&entity) {
                Ok(key) => key,
                Err(error) => {
                    results.refuse(400, error.message);
                    continue;
                }
            };
            let of_run = match of_runs.entry(key.run.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(instances::of_run(&scheduler.db, &key.run.0, &key.run.1).await?),
            };
            let before = found.len();
            found.extend(of_run.iter().filter(|i| key.covers(i)).map(|i| (i.clone(), entity.clone())));
            if found.len() == before {
                missing.push(key);
            }
        }
        if let Some(why) = refusal(&missing).filter(|_| action.action_on_non_existence.as_deref() != Some("skip")) {
            results.refuse(404, why);
            return Ok(());
        }
        let mask = action.update_mask.unwrap_or_default();
        for (instance, entity) in found {
            let result = match action.action.as_str() {
                "update" => update(scheduler, &instance, entity, &mask).await,
                _ => scheduler.delete_instances(std::slice::from_ref(&instance)).await,
            };
            let TaskInstance { dag_id, run_id, task_id, map_index, .. } = &instance;
            results.take(format!("{dag_id}.{run_id}.{task_id}[{map_index}]"), result);
        }
        Ok(())
    }
}

/// What is said of those that there are not: first of single instances.
fn refusal(missing: &[Key]) -> Option<String> {
    let single: Vec<String> = missing.iter().filter(|key| key.map_index.is_some()).map(Key::listed).collect();
    if !single.is_empty() {
        return Some(format!("The task instances with these identifiers: [{}] were not found", single.join(", ")));
    }
    let Key { run: (dag_id, run_id), task_id, .. } = missing.first()?;
    Some(format!("No task instances found for dag_id: {dag_id}, run_id: {run_id}, task_id: {task_id}"))
}

async fn update(scheduler: &Scheduler, instance: &TaskInstance, mut entity: Value, mask: &[String]) -> Result<()> {
    if let Some(fields) = entity.as_object_mut() {
        fields.retain(|field, value| match field.as_str() {
            "dag_id" | "dag_run_id" | "task_id" | "map_index" => false,
            "new_state" | "note" => !value.is_null() && (mask.is_empty() || mask.contains(field)),
            _ => true,
        });
    }
    let patch: InstancePatch = bulk::body(entity)?;
    scheduler.patch_instance(instance, &patch).await
}

/// What is wrong with the states that are to be given.
fn faults(actions: &[Action]) -> Vec<Fault> {
    let each = actions.iter().enumerate().filter(|(_, action)| action.action != "delete");
    each.flat_map(|(at, action)| {
        action.entities.iter().enumerate().filter_map(move |(entity_at, entity)| {
            let place = ["body".into(), "actions".into(), at.into(), action.action.as_str().into(), "entities".into(), entity_at.into()];
            InstancePatch::fault(entity, &place)
        })
    })
    .collect()
}

/// Changes or removes several task instances.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", tag = "pipelines", request_body = BulkBody, responses((status = 200, body = BulkResponse)), security(("artel" = ["dags"])))]
pub(super) async fn change(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String)>,
    body: Body<Actions>,
) -> Result<HttpResponse> {
    let (dag_id, run_id) = path.into_inner();
    let actions = bulk_check::actions_on::<InstanceChange>(body.into_inner().actions, BODY)?;
    let faults = faults(&actions);
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let of = Instances { dag_id, run_id };
    let mut response = BulkResponse::default();
    for action in actions {
        let results = response.of(&action.action);
        of.act(&scheduler, action, results).await?;
    }
    Ok(HttpResponse::Ok().json(response))
}
