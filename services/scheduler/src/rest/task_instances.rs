//! Task instances and their tries.

use super::collections::{TaskInstanceCollection, TryCollection};
use super::models::{Around, TaskInstanceResponse};
use super::query::{Paging, Query};
use crate::Scheduler;
use crate::states::TaskState;
use crate::store::instances::{self, TaskInstance};
use crate::store::{Filter, Page, dags, history, runs, triggers, versions, xcoms};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A column of the instance's run.
macro_rules! of_run {
    ($column:literal) => {
        concat!("(SELECT r.", $column, " FROM dag_runs r WHERE r.dag_id = task_instances.dag_id AND r.run_id = task_instances.run_id)")
    };
}

pub(super) const RUN_AFTER: &str = of_run!("run_after");
pub(super) const LOGICAL_DATE: &str = of_run!("logical_date");
const VERSION: &str = "(SELECT v.version_number FROM dag_versions v WHERE v.id = task_instances.dag_version_id)";

const ORDER: &[(&str, &str)] = &[
    ("id", "id"),
    ("state", "state"),
    ("duration", "(end_date - start_date)"),
    ("start_date", "start_date"),
    ("end_date", "end_date"),
    ("map_index", "map_index"),
    ("try_number", "try_number"),
    ("task_id", "task_id"),
    ("task_display_name", "task_display_name"),
    ("dag_id", "dag_id"),
    ("run_id", "run_id"),
    ("rendered_map_index", "rendered_map_index"),
    ("operator", "operator"),
    ("queued_when", "queued_at"),
    ("scheduled_when", "scheduled_at"),
    ("pool", "pool"),
    ("queue", "queue"),
    ("logical_date", LOGICAL_DATE),
    ("run_after", RUN_AFTER),
    ("data_interval_start", of_run!("data_interval_start")),
    ("data_interval_end", of_run!("data_interval_end")),
];

/// Instances with what they are shown with. `fields`: with rendered template fields.
pub(super) async fn show(scheduler: &Scheduler, found: &[TaskInstance], fields: bool) -> Result<Vec<TaskInstanceResponse>> {
    let db = &scheduler.db;
    let mut version_ids: Vec<String> = found.iter().map(|i| i.dag_version_id.clone()).collect();
    version_ids.sort();
    version_ids.dedup();
    let known: HashMap<String, _> = versions::by_ids(db, &version_ids).await?.into_iter().map(|v| (v.id.clone(), v)).collect();
    let ids: Vec<String> = if fields { found.iter().map(|i| i.id.clone()).collect() } else { Vec::new() };
    let rendered: HashMap<String, String> = xcoms::rendered(db, &ids).await?.into_iter().collect();
    let deferred: Vec<String> = found.iter().filter(|i| i.state == Some(TaskState::Deferred)).map(|i| i.id.clone()).collect();
    let waited: HashMap<String, _> = triggers::of_instances(db, &deferred).await?.into_iter().map(|t| (t.ti_id.clone(), t)).collect();
    let mut about: HashMap<(String, String), _> = HashMap::new();
    let mut names: HashMap<String, String> = HashMap::new();
    for i in found {
        if let Entry::Vacant(run) = about.entry((i.dag_id.clone(), i.run_id.clone())) {
            run.insert(runs::get(db, &i.dag_id, &i.run_id).await?);
        }
        if let Entry::Vacant(name) = names.entry(i.dag_id.clone()) {
            name.insert(dags::get(db, &i.dag_id).await?.map_or_else(|| i.dag_id.clone(), |d| d.display_name));
        }
    }
    found
        .iter()
        .map(|i| {
            let around = Around {
                run: about.get(&(i.dag_id.clone(), i.run_id.clone())).and_then(Option::as_ref),
                dag_display_name: names.get(&i.dag_id).unwrap_or(&i.dag_id),
                version: known.get(&i.dag_version_id),
                trigger: waited.get(&i.id),
                rendered_fields: rendered.get(&i.id).map(|json| serde_json::from_str(json)).transpose()?,
            };
            Ok(TaskInstanceResponse::new(i, &around))
        })
        .collect()
}

fn filter_of(query: &Query, dag_id: &str, run_id: &str) -> Result<Filter> {
    let mut filter = Filter::default();
    if dag_id != "~" {
        filter.compare("dag_id", "=", dag_id);
    }
    if run_id != "~" {
        filter.compare("run_id", "=", run_id);
    }
    if let Some(task) = query.get("task_id") {
        filter.compare("task_id", "=", task);
    }
    let states = query.all("state");
    let known: Vec<String> = states.iter().filter(|s| !matches!(s.as_str(), "none" | "null" | "no_status")).cloned().collect();
    if states.len() > known.len() {
        let places: Vec<String> = known.iter().map(|s| filter.arg(s.as_str())).collect();
        filter.that(if places.is_empty() {
            "state IS NULL".to_owned()
        } else {
            format!("(state IS NULL OR state IN ({}))", places.join(","))
        });
    } else {
        filter.any_of("state", &known);
    }
    for (key, column) in [("pool", "pool"), ("queue", "queue"), ("operator", "operator")] {
        filter.any_of(column, &query.all(key));
    }
    for (key, column) in [
        ("task_display_name", "task_display_name"),
        ("dag_id", "dag_id"),
        ("run_id", "run_id"),
        ("pool_name", "pool"),
        ("queue_name", "queue"),
        ("operator_name", "operator"),
        ("rendered_map_index", "rendered_map_index"),
    ] {
        query.patterns(&mut filter, key, column);
    }
    for key in ["try_number", "map_index"] {
        query.ints(&mut filter, key, key)?;
    }
    query.ints(&mut filter, "version_number", VERSION)?;
    for column in ["start_date", "end_date", "updated_at"] {
        query.times(&mut filter, column, column)?;
    }
    for (key, column) in [("run_after", RUN_AFTER), ("logical_date", LOGICAL_DATE)] {
        query.times(&mut filter, key, column)?;
    }
    query.durations(&mut filter)?;
    if query.get("executor").is_some() {
        filter.that("1 = 0"); // no instance names one
    }
    Ok(filter)
}

pub(super) async fn listed(scheduler: &Scheduler, filter: Filter, page: &Page) -> Result<TaskInstanceCollection> {
    let (found, total_entries) = instances::list(&scheduler.db, filter, page).await?;
    let task_instances = show(scheduler, &found, true).await?;
    Ok(TaskInstanceCollection { task_instances, total_entries, total_entries_limit: None, next_cursor: None, previous_cursor: None })
}

/// Instances of a run; of every run, every DAG with `~`.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", tag = "pipelines", params(Paging), responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, path: web::Path<(String, String)>, request: HttpRequest) -> Result<HttpResponse> {
    let (dag_id, run_id) = path.into_inner();
    if dag_id != "~" && run_id != "~" {
        scheduler.run(&dag_id, &run_id).await?;
    }
    let query = Query::of(&request);
    let mut filter = filter_of(&query, &dag_id, &run_id)?;
    if let Some(group) = query.get("task_group_id") {
        let dag = scheduler.latest(&dag_id).await?;
        let tasks =
            dag.tasks_of_group(group).ok_or_else(|| Error::not_found(format!("Task group {group} was not found in Dag {dag_id}")))?;
        filter.any_of("task_id", &tasks);
    }
    let page = query.page(ORDER, "map_index", "run_id, task_id, map_index")?;
    let mut found = listed(&scheduler, filter, &page).await?;
    (found.next_cursor, found.previous_cursor) = query.cursors(&page, found.total_entries);
    Ok(HttpResponse::Ok().json(found))
}

async fn one(scheduler: &Scheduler, dag_id: &str, run_id: &str, task_id: &str, map_index: i64) -> Result<TaskInstance> {
    let missing = || {
        Error::not_found(format!(
            "The Task Instance with dag_id: `{dag_id}`, run_id: `{run_id}` and task_id: `{task_id}`, map_index: `{map_index}` was not found"
        ))
    };
    instances::of_task(&scheduler.db, dag_id, run_id, task_id, map_index).await?.ok_or_else(missing)
}

/// One instance of a task that is not mapped.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", tag = "pipelines", responses((status = 200, body = TaskInstanceResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id) = path.into_inner();
    let map_index = Query::of(&request).int("map_index")?.unwrap_or(-1);
    let found = one(&scheduler, &dag_id, &run_id, &task_id, map_index).await?;
    Ok(HttpResponse::Ok().json(show(&scheduler, &[found], true).await?.remove(0)))
}

/// One mapped instance.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index:-?[0-9]+}", tag = "pipelines", responses((status = 200, body = TaskInstanceResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get_mapped(scheduler: web::Data<Scheduler>, path: web::Path<(String, String, String, i64)>) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, map_index) = path.into_inner();
    let found = one(&scheduler, &dag_id, &run_id, &task_id, map_index).await?;
    Ok(HttpResponse::Ok().json(show(&scheduler, &[found], true).await?.remove(0)))
}

/// Removes an instance that does not run, with its earlier tries.
#[utoipa::path(delete, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", tag = "pipelines", params(("map_index" = Option<i64>, Query)), responses((status = 200)), security(("artel" = ["dags"])))]
pub(super) async fn delete(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id) = path.into_inner();
    let map_index = Query::of(&request).int("map_index")?.unwrap_or(-1);
    let found = instances::of_task(&scheduler.db, &dag_id, &run_id, &task_id, map_index).await?;
    let found = found.ok_or_else(|| {
        let key = format!("dag_id: `{dag_id}`, run_id: `{run_id}`, task_id: `{task_id}` and map_index: `{map_index}`");
        Error::not_found(format!("The Task Instance with {key} was not found"))
    })?;
    scheduler.delete_instances(&[found]).await?;
    // upstream answers with the JSON of nothing
    Ok(HttpResponse::Ok().json(()))
}

/// The mapped instances of a task.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/listMapped", tag = "pipelines", params(Paging), responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list_mapped(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id) = path.into_inner();
    let query = Query::of(&request);
    let mut filter = filter_of(&query, &dag_id, &run_id)?;
    filter.compare("task_id", "=", task_id);
    filter.that("map_index >= 0");
    Ok(HttpResponse::Ok().json(listed(&scheduler, filter, &query.page(ORDER, "map_index", "map_index")?).await?))
}

/// The present try and the earlier ones, by number.
async fn all_tries(scheduler: &Scheduler, dag_id: &str, run_id: &str, task_id: &str, map_index: i64) -> Result<Vec<TaskInstance>> {
    let present = one(scheduler, dag_id, run_id, task_id, map_index).await?;
    let mut tries = history::tries(&scheduler.db, dag_id, run_id, task_id, map_index).await?;
    // one that waits for its retry still has the number of the try that is over
    tries.retain(|t| t.try_number != present.try_number || matches!(present.state, Some(TaskState::UpForRetry) | None));
    if !matches!(present.state, Some(TaskState::UpForRetry))
        && (present.try_number > 0 || present.state.is_some())
        && !tries.iter().any(|t| t.try_number == present.try_number)
    {
        tries.push(present);
    }
    Ok(tries)
}

/// Every try of an instance.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries", tag = "pipelines", params(("map_index" = Option<i64>, Query)), responses((status = 200, body = TryCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn tries(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id) = path.into_inner();
    let map_index = Query::of(&request).int("map_index")?.unwrap_or(-1);
    every_try(&scheduler, &dag_id, &run_id, &task_id, map_index).await
}

/// Every try of a mapped instance.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries", tag = "pipelines", responses((status = 200, body = TryCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn mapped_tries(scheduler: web::Data<Scheduler>, path: web::Path<(String, String, String, i64)>) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, map_index) = path.into_inner();
    every_try(&scheduler, &dag_id, &run_id, &task_id, map_index).await
}

/// One try of a mapped instance.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries/{task_try_number}", tag = "pipelines", responses((status = 200, body = TaskInstanceResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn mapped_try_of(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String, i64, i64)>,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, map_index, number) = path.into_inner();
    let found = scheduler.try_of(&dag_id, &run_id, &task_id, map_index, number).await?;
    Ok(HttpResponse::Ok().json(show(&scheduler, &[found], true).await?.remove(0)))
}

async fn every_try(scheduler: &Scheduler, dag_id: &str, run_id: &str, task_id: &str, map_index: i64) -> Result<HttpResponse> {
    let found = all_tries(scheduler, dag_id, run_id, task_id, map_index).await?;
    let total_entries = found.len();
    Ok(HttpResponse::Ok().json(TryCollection { task_instances: show(scheduler, &found, false).await?, total_entries }))
}

/// One try of an instance.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries/{task_try_number}", tag = "pipelines", responses((status = 200, body = TaskInstanceResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn try_of(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String, i64)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, number) = path.into_inner();
    let map_index = Query::of(&request).int("map_index")?.unwrap_or(-1);
    let found = scheduler.try_of(&dag_id, &run_id, &task_id, map_index, number).await?;
    Ok(HttpResponse::Ok().json(show(&scheduler, &[found], true).await?.remove(0)))
}

impl Scheduler {
    /// A try by its number: the present one, or one of the history.
    pub(super) async fn try_of(&self, dag_id: &str, run_id: &str, task_id: &str, map_index: i64, number: i64) -> Result<TaskInstance> {
        let present = one(self, dag_id, run_id, task_id, map_index).await?;
        let past = history::tries(&self.db, dag_id, run_id, task_id, map_index).await?;
        let past = past.into_iter().rfind(|t| t.try_number == number);
        match (present.try_number == number, past) {
            // it waits for its next try: what happened is in the history
            (true, Some(past)) if matches!(present.state, Some(TaskState::UpForRetry) | None) => Ok(past),
            (true, _) => Ok(present),
            (false, Some(past)) => Ok(past),
            (false, None) => Err(Error::not_found(format!(
                "The Task Instance with dag_id: `{dag_id}`, run_id: `{run_id}`, task_id: `{task_id}`, try_number: `{number}` and map_index: `{map_index}` was not found"
            ))),
        }
    }
}
