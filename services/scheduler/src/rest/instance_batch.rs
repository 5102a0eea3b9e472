//! Task instances of any DAGs by a body of filters (airflow/api_fastapi/core_api/routes/public/task_instances.py).

use super::batch::{self, batch_body, only_any};
use super::body::Body;
use super::collections::TaskInstanceCollection;
use super::task_instances::{LOGICAL_DATE, RUN_AFTER, listed};
use crate::Scheduler;
use crate::states::TaskState;
use crate::store::Filter;
use actix_web::{HttpResponse, web};
use artel_platform::Result;

batch_body! {
    /// Which instances; a filter that is left out lets everything through.
    #[schema(as = airflow::TaskInstancesBatchBody)]
    Batch {
        dag_ids: Option<Vec<String>>,
        dag_run_ids: Option<Vec<String>>,
        task_ids: Option<Vec<String>>,
        /// Null for those without a state.
        state: Option<Vec<Option<TaskState>>>,
        pool: Option<Vec<String>>,
        queue: Option<Vec<String>>,
        executor: Option<Vec<String>>,
    }
}

const ORDER: &[(&str, &str)] = &[
    ("id", "id"),
    ("state", "state"),
    ("duration", DURATION),
    ("start_date", "start_date"),
    ("end_date", "end_date"),
    ("map_index", "map_index"),
];
/// Milliseconds.
const DURATION: &str = "(end_date - start_date)";
const BOUNDED: [(&str, &str); 5] = [
    ("run_after", RUN_AFTER),
    ("logical_date", LOGICAL_DATE),
    ("start_date", "start_date"),
    ("end_date", "end_date"),
    ("duration", DURATION),
];

fn filter(body: &Body<Batch>, now: i64) -> Result<Filter> {
    let mut filter = Filter::default();
    let lists = [
        ("dag_id", &body.dag_ids),
        ("run_id", &body.dag_run_ids),
        ("task_id", &body.task_ids),
        ("pool", &body.pool),
        ("queue", &body.queue),
    ];
    for (column, values) in lists {
        filter.any_of(column, values.as_deref().unwrap_or_default());
    }
    if body.executor.as_ref().is_some_and(|wanted| !wanted.is_empty()) {
        filter.that("1 = 0"); // no instance names one
    }
    batch::any_of(&mut filter, "state", &body.sent()["state"]);
    batch::bounds(&mut filter, body.sent(), &BOUNDED, now)?;
    Ok(filter)
}

/// Task instances of any DAGs and runs: both are `~` in the path.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/list", tag = "pipelines", request_body = Batch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, path: web::Path<(String, String)>, body: Body<Batch>) -> Result<HttpResponse> {
    only_any(&[("dag_id", &path.0), ("dag_run_id", &path.1)])?;
    Ok(HttpResponse::Ok()
        .json(listed(&scheduler, filter(&body, scheduler.cx.clock.now())?, &batch::page(body.sent(), ORDER, "id")?).await?))
}
