//! Why a task instance waits (airflow/api_fastapi/core_api/routes/public/task_instances.py).

use super::query::Query;
use super::task_instances::no_instance;
use crate::Scheduler;
use crate::store::instances;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::Result;
use serde::Serialize;
use utoipa::ToSchema;

/// Something that is not as it has to be.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::TaskDependencyResponse)]
pub(super) struct TaskDependency {
    name: &'static str,
    reason: String,
}

/// All that keeps a task instance from being queued.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::TaskDependencyCollectionResponse)]
pub(super) struct TaskDependencies {
    dependencies: Vec<TaskDependency>,
}

async fn answer(scheduler: &Scheduler, (dag_id, run_id, task_id): (&str, &str, &str), map_index: i64) -> Result<HttpResponse> {
    let found = instances::of_task(&scheduler.db, dag_id, run_id, task_id, map_index).await?;
    let instance = found.ok_or_else(|| no_instance((dag_id, run_id, task_id), map_index))?;
    let hindrances = scheduler.hindrances(&instance).await?;
    let dependencies = hindrances.into_iter().map(|h| TaskDependency { name: h.name, reason: h.reason }).collect();
    Ok(HttpResponse::Ok().json(TaskDependencies { dependencies }))
}

/// What keeps a task instance from being queued.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dependencies", tag = "pipelines", params(("map_index" = Option<i64>, Query)), responses((status = 200, body = TaskDependencies)), security(("artel" = ["read:dags"])))]
pub(super) async fn of_instance(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let map_index = Query::of(&request).int("map_index")?.unwrap_or(-1);
    answer(&scheduler, (&path.0, &path.1, &path.2), map_index).await
}

/// What keeps a mapped task instance from being queued.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/dependencies", tag = "pipelines", responses((status = 200, body = TaskDependencies)), security(("artel" = ["read:dags"])))]
pub(super) async fn of_mapped(scheduler: web::Data<Scheduler>, path: web::Path<(String, String, String, i64)>) -> Result<HttpResponse> {
    answer(&scheduler, (&path.0, &path.1, &path.2), path.3).await
}
