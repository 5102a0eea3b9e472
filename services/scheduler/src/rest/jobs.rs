//! Processes that do the scheduler's work (airflow/api_fastapi/core_api/routes/public/job.py).

use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::jobs::ALIVE;
use crate::store::Filter;
use crate::store::jobs::{self, Job};
use crate::times::{shown, shown_opt};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::Result;
use serde::Serialize;
use utoipa::ToSchema;

/// A process. What runs tasks are workers, which upstream does not count among them either.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::JobResponse)]
pub(super) struct JobResponse {
    id: i64,
    dag_id: Option<String>,
    state: Option<String>,
    job_type: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
    latest_heartbeat: Option<String>,
    executor_class: Option<String>,
    hostname: Option<String>,
    unixname: Option<String>,
    dag_display_name: Option<String>,
}

/// Processes.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::JobCollectionResponse)]
pub(super) struct JobCollection {
    jobs: Vec<JobResponse>,
    total_entries: i64,
}

fn response(job: Job) -> JobResponse {
    JobResponse {
        id: job.id,
        dag_id: None,
        state: Some(job.state),
        job_type: Some(job.job_type),
        start_date: Some(shown(job.start_date)),
        end_date: shown_opt(job.end_date),
        latest_heartbeat: Some(shown(job.latest_heartbeat)),
        executor_class: None,
        hostname: Some(job.hostname),
        unixname: Some("artel".into()),
        dag_display_name: None,
    }
}

/// What may be ordered by; all jobs have the same where there is no column.
const ORDER: &[(&str, &str)] = &[
    ("id", "id"),
    ("dag_id", "id"),
    ("state", "state"),
    ("job_type", "job_type"),
    ("start_date", "start_date"),
    ("end_date", "end_date"),
    ("latest_heartbeat", "latest_heartbeat"),
    ("executor_class", "id"),
    ("hostname", "hostname"),
    ("unixname", "id"),
];

/// Processes, those heard of last first.
#[utoipa::path(get, path = "/api/v2/jobs", tag = "pipelines", params(Paging, ("job_type" = Option<String>, Query), ("job_state" = Option<String>, Query), ("hostname" = Option<String>, Query), ("is_alive" = Option<bool>, Query)), responses((status = 200, body = JobCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = Filter::default();
    for (key, column) in [("job_state", "state"), ("job_type", "job_type"), ("hostname", "hostname")] {
        if let Some(value) = query.get(key) {
            filter.compare(column, "=", value);
        }
    }
    if query.get("executor_class").is_some() {
        filter.that("1 = 0"); // workers come by themselves
    }
    for column in ["start_date", "end_date"] {
        query.times(&mut filter, column, column)?;
    }
    if query.flag("is_alive")? == Some(true) {
        filter.with("(state = 'running' AND latest_heartbeat >= {})", scheduler.cx.clock.now() - ALIVE);
    }
    let mut page = query.page(ORDER, "id", "uid")?;
    page.order = format!("latest_heartbeat DESC, {}", page.order);
    let (found, total_entries) = jobs::list(&scheduler.db, filter, &page).await?;
    Ok(HttpResponse::Ok().json(JobCollection { jobs: found.into_iter().map(response).collect(), total_entries }))
}
