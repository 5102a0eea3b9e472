//! Task instances.

use super::collections::TaskInstanceCollection;
use super::models::{Around, TaskInstanceResponse};
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::dag::Dag;
use crate::states::TaskState;
use crate::store::instances::{self, TaskInstance};
use crate::store::runs::{self, DagRun, RunKey};
use crate::store::{Filter, Page, dags, triggers, versions, xcoms};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

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
    // those that have no label by number
    ("rendered_map_index", "rendered_map_index; map_index"),
    ("operator", "operator"),
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
    let keys: BTreeSet<RunKey> = found.iter().map(|i| (i.dag_id.clone(), i.run_id.clone())).collect();
    let keys: Vec<RunKey> = keys.into_iter().collect();
    let mut dag_ids: Vec<String> = keys.iter().map(|key| key.0.clone()).collect();
    dag_ids.dedup();
    let about: HashMap<RunKey, DagRun> =
        runs::of_keys(db, &keys).await?.into_iter().map(|run| ((run.dag_id.clone(), run.run_id.clone()), run)).collect();
    let names = dags::display_names(db, &dag_ids).await?;
    found
        .iter()
        .map(|i| {
            let around = Around {
                run: about.get(&(i.dag_id.clone(), i.run_id.clone())),
                dag_display_name: names.get(&i.dag_id).unwrap_or(&i.dag_id),
                version: known.get(&i.dag_version_id),
                trigger: waited.get(&i.id),
                rendered_fields: rendered.get(&i.id).map(|json| serde_json::from_str(json)).transpose()?,
            };
            Ok(TaskInstanceResponse::new(i, &around))
        })
        .collect()
}

async fn show_one(scheduler: &Scheduler, instance: TaskInstance) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(show(scheduler, &[instance], true).await?.first()))
}

/// There is no such instance: upstream's words in most places.
pub(super) fn no_instance((dag_id, run_id, task_id): (&str, &str, &str), map_index: i64) -> Error {
    let key = format!("dag_id: `{dag_id}`, run_id: `{run_id}`, task_id: `{task_id}` and map_index: `{map_index}`");
    Error::not_found(format!("The Task Instance with {key} was not found"))
}

fn filter_of(query: &Query, (dag_id, run_id): (&str, &str), now: i64) -> Result<Filter> {
    let mut filter = Filter::default();
    if dag_id != "~" {
        filter.compare("dag_id", "=", dag_id);
    }
    if run_id != "~" {
        filter.compare("run_id", "=", run_id);
    }
    query.equal(&mut filter, "task_id", "task_id");
    query.words(&mut filter, "state", "state", TaskState::WORDS)?;
    for (key, column) in [("pool", "pool"), ("queue", "queue"), ("operator", "operator")] {
        filter.any_of(column, &query.all(key));
    }
    for (key, column) in [
        ("task_display_name", "task_display_name"),
        ("dag_id", "dag_id"),
        ("run_id", "run_id"),
        ("pool_name", "pool"),
        ("queue_name", "queue"),
        ("operator_name", "operator_name"),
        ("rendered_map_index", "rendered_map_index"),
    ] {
        query.patterns(&mut filter, key, column);
    }
    for key in ["try_number", "map_index"] {
        query.ints(&mut filter, key, key)?;
    }
    query.ints(&mut filter, "version_number", VERSION)?;
    for column in ["start_date", "end_date"] {
        query.open_times(&mut filter, column, column, now)?;
    }
    query.times(&mut filter, "updated_at", "updated_at")?;
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
    let query = Query::of(&request);
    let mut filter = filter_of(&query, (&dag_id, &run_id), scheduler.cx.clock.now())?;
    let page = query.page(ORDER, "map_index", "id")?;
    let run = match (dag_id.as_str(), run_id.as_str()) {
        (_, "~") => None,
        ("~", _) => return Err(Error::invalid("dag_id is required when dag_run_id is specified")),
        _ => {
            let missing = || Error::not_found(format!("DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` was not found"));
            Some(runs::get(&scheduler.db, &dag_id, &run_id).await?.ok_or_else(missing)?)
        }
    };
    if dag_id != "~" {
        scheduler.dag_row(&dag_id).await?;
    }
    if let Some(group) = query.get("task_group_id") {
        if dag_id == "~" {
            return Err(Error::invalid("dag_id is required when task_group_id is specified"));
        }
        let Some(tasks) = scheduler.dag_of(&dag_id, run.as_ref()).await?.tasks_of_group(group) else { return Ok(no_group(group)) };
        if tasks.is_empty() {
            filter.that("1 = 0");
        }
        filter.any_of("task_id", &tasks);
    }
    let mut found = listed(&scheduler, filter, &page).await?;
    (found.next_cursor, found.previous_cursor) = query.cursors(&page, found.total_entries);
    (found.total_entries, found.total_entries_limit) = query.counted(found.total_entries);
    Ok(HttpResponse::Ok().json(found))
}

/// The one answer of these routes whose `detail` is no text.
fn no_group(group: &str) -> HttpResponse {
    HttpResponse::NotFound().json(json!({"detail": {"message": format!("Task group {group} not found"), "reason": "not_found"}}))
}

/// One instance of a task that is not mapped.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", tag = "pipelines", responses((status = 200, body = TaskInstanceResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, path: web::Path<(String, String, String)>) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id) = path.into_inner();
    if let Some(found) = instances::of_task(&scheduler.db, &dag_id, &run_id, &task_id, -1).await? {
        return show_one(&scheduler, found).await;
    }
    Err(Error::not_found(match instances::last_index(&scheduler.db, &dag_id, &run_id, &task_id).await? {
        Some(_) => "Task instance is mapped, add the map_index value to the URL".into(),
        None => format!("The Task Instance with dag_id: `{dag_id}`, run_id: `{run_id}` and task_id: `{task_id}` was not found"),
    }))
}

/// One mapped instance.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}", tag = "pipelines", responses((status = 200, body = TaskInstanceResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get_mapped(scheduler: web::Data<Scheduler>, path: web::Path<(String, String, String, i64)>) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, map_index) = path.into_inner();
    let missing = || {
        let key = format!("dag_id: `{dag_id}`, run_id: `{run_id}`, task_id: `{task_id}`, and map_index: `{map_index}`");
        Error::not_found(format!("The Mapped Task Instance with {key} was not found"))
    };
    let found = instances::of_task(&scheduler.db, &dag_id, &run_id, &task_id, map_index).await?.ok_or_else(missing)?;
    show_one(&scheduler, found).await
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
    let found = found.ok_or_else(|| no_instance((&dag_id, &run_id, &task_id), map_index))?;
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
    let mut filter = filter_of(&query, (&dag_id, &run_id), scheduler.cx.clock.now())?;
    filter.compare("task_id", "=", task_id.as_str());
    filter.that("map_index >= 0");
    let page = query.page(ORDER, "map_index", "id")?;
    // none at all may mean that it was mapped over nothing
    if instances::last_index(&scheduler.db, &dag_id, &run_id, &task_id).await?.is_none_or(|last| last < 0) {
        let run = runs::get(&scheduler.db, &dag_id, &run_id).await?;
        let dag = scheduler.dag_of(&dag_id, run.as_ref()).await?;
        let task = dag.task(&task_id).ok_or_else(|| Error::not_found(format!("Task id {task_id} not found")))?;
        if !task.needs_expansion() {
            return Err(Error::not_found(format!("Task id {task_id} is not mapped")));
        }
    }
    Ok(HttpResponse::Ok().json(listed(&scheduler, filter, &page).await?))
}

impl Scheduler {
    /// A DAG as a run has it; as it is now where there is no such run.
    pub(super) async fn dag_of(&self, dag_id: &str, run: Option<&DagRun>) -> Result<Arc<Dag>> {
        match run {
            Some(run) => self.version(&run.dag_version_id).await,
            None => self.latest(dag_id).await,
        }
    }
}
