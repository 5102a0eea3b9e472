//! What tasks keep from one try to the next, for people (airflow/api_fastapi/core_api/routes/public/task_state_store.py).

use super::asset_state::storable;
use super::body::{self, Aware, Body};
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::store::instances::{self, TaskInstance};
use crate::store::task_state::{self, Entry, Place};
use crate::times::{self, shown, shown_opt};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::http::Fault;
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// How long a value is kept whose writer says nothing about it, in days (upstream's `[state_store] default_retention_days`).
const RETENTION_DAYS: i64 = 30;
const DAY: i64 = 24 * 60 * 60 * 1000;

/// An entry.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::TaskStateStoreResponse)]
pub(super) struct EntryResponse {
    key: String,
    value: Value,
    updated_at: String,
    expires_at: Option<String>,
}

/// All that a task instance keeps.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::TaskStateStoreCollectionResponse)]
pub(super) struct EntryCollection {
    task_state_store: Vec<EntryResponse>,
    total_entries: i64,
}

/// A value to keep.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::TaskStateStoreBody)]
#[serde(deny_unknown_fields)]
pub(super) struct ValueBody {
    value: Value,
    /// Until when: a time, null for ever, or `default`.
    #[serde(default = "by_default")]
    expires_at: Value,
}

fn by_default() -> Value {
    "default".into()
}

/// Another value, kept as long as the one that was there.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::TaskStateStorePatchBody)]
#[serde(deny_unknown_fields)]
pub(super) struct ValuePatch {
    value: Value,
}

type OfTask = web::Path<(String, String, String)>;
type OfKey = web::Path<(String, String, String, String)>;

fn response(entry: Entry) -> Result<EntryResponse> {
    Ok(EntryResponse {
        key: entry.key,
        value: serde_json::from_str(&entry.value)?,
        updated_at: shown(entry.updated_at),
        expires_at: shown_opt(entry.expires_at),
    })
}

fn missing(key: &str) -> Error {
    Error::not_found(format!("Task state store key '{key}' not found"))
}

fn map_index(query: &Query) -> Result<i64> {
    Ok(query.map_index()?.unwrap_or(-1))
}

/// Until when a value is kept; for ever where there is no such time.
fn expiry(mut given: Value, now: i64) -> Result<Option<i64>> {
    match given.as_str() {
        None if given.is_null() => return Ok(None),
        Some("default") => return Ok(Some(now + RETENTION_DAYS * DAY)),
        _ => {}
    }
    // as a union is told of: what is wrong with it as each of the things that it may be
    let place = |kind: &str| ["body", "expires_at", kind].map(Value::from).to_vec();
    let mut faults = body::faults_of_type::<Aware>(&mut given, &place("datetime"));
    if !faults.is_empty() {
        faults.push(Fault { kind: "literal_error", place: place("literal['default']"), message: body::should_be(&["default"]) });
        return Err(faults.into());
    }
    times::parse(given.as_str().unwrap_or_default()).map(Some)
}

/// The task instance that a change is about.
async fn instance(scheduler: &Scheduler, path: (&str, &str, &str), request: &HttpRequest) -> Result<TaskInstance> {
    let ((dag_id, run_id, task_id), map_index) = (path, map_index(&Query::of(request))?);
    let found = instances::of_task(&scheduler.db, dag_id, run_id, task_id, map_index).await?;
    found.ok_or_else(|| {
        let key = format!("dag_id='{dag_id}', run_id='{run_id}', task_id='{task_id}', map_index={map_index}");
        Error::not_found(format!("Task instance not found for {key}"))
    })
}

/// What a task instance keeps, by key.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/state-store", tag = "pipelines", params(Paging, ("map_index" = Option<i64>, Query)), responses((status = 200, body = EntryCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, path: OfTask, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let place = Place { dag_id: &path.0, run_id: &path.1, task_id: &path.2, map_index: map_index(&query)? };
    let page = query.page(&[("key", "key")], "key", "key")?;
    let (found, total_entries) = task_state::list(&scheduler.db, place, &page).await?;
    let task_state_store = found.into_iter().map(response).collect::<Result<_>>()?;
    Ok(HttpResponse::Ok().json(EntryCollection { task_state_store, total_entries }))
}

/// One entry.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/state-store/{key:.*}", tag = "pipelines", params(("map_index" = Option<i64>, Query)), responses((status = 200, body = EntryResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, path: OfKey, request: HttpRequest) -> Result<HttpResponse> {
    let place = Place { dag_id: &path.0, run_id: &path.1, task_id: &path.2, map_index: map_index(&Query::of(&request))? };
    let entry = task_state::entry(&scheduler.db, place, &path.3).await?.ok_or_else(|| missing(&path.3))?;
    Ok(HttpResponse::Ok().json(response(entry)?))
}

/// Keeps a value.
#[utoipa::path(put, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/state-store/{key:.*}", tag = "pipelines", params(("map_index" = Option<i64>, Query)), request_body = ValueBody, responses((status = 204)), security(("artel" = ["run:dags"])))]
pub(super) async fn put(scheduler: web::Data<Scheduler>, path: OfKey, request: HttpRequest, body: Body<ValueBody>) -> Result<HttpResponse> {
    let (value, now) = (storable(&body.value)?, scheduler.cx.clock.now());
    let expires_at = expiry(body.into_inner().expires_at, now)?;
    let of = instance(&scheduler, (&path.0, &path.1, &path.2), &request).await?;
    let mut tx = scheduler.db.begin().await?;
    task_state::put(&mut tx, &of, &path.3, &value, expires_at, now).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Changes a value that is there.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/state-store/{key:.*}", tag = "pipelines", params(("map_index" = Option<i64>, Query)), request_body = ValuePatch, responses((status = 200)), security(("artel" = ["run:dags"])))]
pub(super) async fn patch(
    scheduler: web::Data<Scheduler>,
    path: OfKey,
    request: HttpRequest,
    body: Body<ValuePatch>,
) -> Result<HttpResponse> {
    let value = storable(&body.value)?;
    let of = instance(&scheduler, (&path.0, &path.1, &path.2), &request).await?;
    let place = Place::of(&of);
    let entry = task_state::entry(&scheduler.db, place, &path.3).await?.ok_or_else(|| missing(&path.3))?;
    let mut tx = scheduler.db.begin().await?;
    task_state::put(&mut tx, &of, &path.3, &value, entry.expires_at, scheduler.cx.clock.now()).await?;
    tx.commit().await?;
    // upstream answers with the JSON of nothing
    Ok(HttpResponse::Ok().json(()))
}

/// Forgets one entry; no error when there is none.
#[utoipa::path(delete, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/state-store/{key:.*}", tag = "pipelines", params(("map_index" = Option<i64>, Query)), responses((status = 204)), security(("artel" = ["run:dags"])))]
pub(super) async fn delete(scheduler: web::Data<Scheduler>, path: OfKey, request: HttpRequest) -> Result<HttpResponse> {
    let of = instance(&scheduler, (&path.0, &path.1, &path.2), &request).await?;
    let mut tx = scheduler.db.begin().await?;
    task_state::delete(&mut tx, &of, Some(&path.3)).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Forgets all that a task instance keeps; with `all_map_indices` all instances of the task.
#[utoipa::path(delete, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/state-store", tag = "pipelines", params(("map_index" = Option<i64>, Query), ("all_map_indices" = Option<bool>, Query)), responses((status = 204)), security(("artel" = ["run:dags"])))]
pub(super) async fn clear(scheduler: web::Data<Scheduler>, path: OfTask, request: HttpRequest) -> Result<HttpResponse> {
    let all = Query::of(&request).flag("all_map_indices")?.unwrap_or(false);
    let of = if all {
        let every = instances::of_run(&scheduler.db, &path.0, &path.1).await?;
        every.into_iter().filter(|instance| instance.task_id == path.2).collect()
    } else {
        vec![instance(&scheduler, (&path.0, &path.1, &path.2), &request).await?]
    };
    if of.is_empty() {
        let key = format!("dag_id='{}', run_id='{}', task_id='{}', all_map_indices=True", path.0, path.1, path.2);
        return Err(Error::not_found(format!("Task instance not found for {key}")));
    }
    let mut tx = scheduler.db.begin().await?;
    for instance in &of {
        task_state::delete(&mut tx, instance, None).await?;
    }
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}
