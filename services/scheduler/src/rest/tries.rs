//! Tries of task instances (airflow/api_fastapi/core_api/routes/public/task_instances.py).

use super::collections::TryCollection;
use super::models::TaskInstanceResponse;
use super::query::Query;
use super::task_instances::{no_instance, show};
use crate::Scheduler;
use crate::states::TaskState;
use crate::store::history;
use crate::store::instances::{self, TaskInstance};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};

/// The earlier tries and the present one. Of what waits for its retry the present one is among the earlier ones.
async fn every(scheduler: &Scheduler, key: (&str, &str, &str), map_index: i64) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id) = key;
    let mut found = history::tries(&scheduler.db, dag_id, run_id, task_id, map_index).await?;
    let present = instances::of_task(&scheduler.db, dag_id, run_id, task_id, map_index).await?;
    found.extend(present.filter(|i| i.state != Some(TaskState::UpForRetry)));
    if found.is_empty() {
        return Err(no_instance(key, map_index));
    }
    let total_entries = found.len();
    Ok(HttpResponse::Ok().json(TryCollection { task_instances: show(scheduler, &found, false).await?, total_entries }))
}

/// Every try of an instance.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries", tag = "pipelines", params(("map_index" = Option<i64>, Query)), responses((status = 200, body = TryCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn of_instance(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let map_index = Query::of(&request).int("map_index")?.unwrap_or(-1);
    every(&scheduler, (&path.0, &path.1, &path.2), map_index).await
}

/// Every try of a mapped instance.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries", tag = "pipelines", responses((status = 200, body = TryCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn of_mapped(scheduler: web::Data<Scheduler>, path: web::Path<(String, String, String, i64)>) -> Result<HttpResponse> {
    every(&scheduler, (&path.0, &path.1, &path.2), path.3).await
}

async fn show_try(scheduler: &Scheduler, key: (&str, &str, &str), map_index: i64, number: i64) -> Result<HttpResponse> {
    let missing = || {
        let (dag_id, run_id, task_id) = key;
        let key =
            format!("dag_id: `{dag_id}`, run_id: `{run_id}`, task_id: `{task_id}`, try_number: `{number}` and map_index: `{map_index}`");
        Error::not_found(format!("The Task Instance with {key} was not found"))
    };
    let found = scheduler.try_of(key, map_index, number).await?.ok_or_else(missing)?;
    Ok(HttpResponse::Ok().json(show(scheduler, &[found], true).await?.first()))
}

/// One try of an instance.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries/{task_try_number}", tag = "pipelines", params(("map_index" = Option<i64>, Query)), responses((status = 200, body = TaskInstanceResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn one(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String, i64)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let map_index = Query::of(&request).int("map_index")?.unwrap_or(-1);
    show_try(&scheduler, (&path.0, &path.1, &path.2), map_index, path.3).await
}

/// One try of a mapped instance.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries/{task_try_number}", tag = "pipelines", responses((status = 200, body = TaskInstanceResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn one_of_mapped(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String, i64, i64)>,
) -> Result<HttpResponse> {
    show_try(&scheduler, (&path.0, &path.1, &path.2), path.3, path.4).await
}

impl Scheduler {
    /// A try by its number: the present one, or one of the history.
    pub(super) async fn try_of(
        &self,
        (dag_id, run_id, task_id): (&str, &str, &str),
        map_index: i64,
        number: i64,
    ) -> Result<Option<TaskInstance>> {
        let present = instances::of_task(&self.db, dag_id, run_id, task_id, map_index).await?.filter(|i| i.try_number == number);
        let past = history::tries(&self.db, dag_id, run_id, task_id, map_index).await?;
        let past = past.into_iter().rfind(|t| t.try_number == number);
        Ok(match (present, past) {
            // it waits for its next try: what happened is in the history
            (Some(present), Some(past)) if matches!(present.state, Some(TaskState::UpForRetry) | None) => Some(past),
            (Some(present), _) => Some(present),
            (None, past) => past,
        })
    }
}
