//! Version and health.

use crate::{AIRFLOW_VERSION, Scheduler};
use actix_web::{HttpResponse, web};
use artel_platform::Result;
use serde_json::json;

/// The Airflow release whose API this is.
#[utoipa::path(get, path = "/api/v2/version", tag = "pipelines", responses((status = 200, body = serde_json::Value)), security(("artel" = ["public"])))]
pub(super) async fn version() -> HttpResponse {
    HttpResponse::Ok().json(json!({"version": AIRFLOW_VERSION, "git_version": null}))
}

/// Whether the parts of the scheduler do their work.
#[utoipa::path(get, path = "/api/v2/monitor/health", tag = "pipelines", responses((status = 200, body = serde_json::Value)), security(("artel" = ["public"])))]
pub(super) async fn health(scheduler: web::Data<Scheduler>) -> Result<HttpResponse> {
    let database = if scheduler.db.ping().await.is_ok() { "healthy" } else { "unhealthy" };
    let now = crate::times::shown(scheduler.cx.clock.now());
    Ok(HttpResponse::Ok().json(json!({
        "metadatabase": {"status": database},
        "scheduler": {"status": database, "latest_scheduler_heartbeat": now},
        "triggerer": {"status": database, "latest_triggerer_heartbeat": now},
        "dag_processor": {"status": database, "latest_dag_processor_heartbeat": now},
    })))
}
