//! DAG runs of any DAGs by a body of filters (airflow/api_fastapi/core_api/routes/public/dag_run.py).

use super::batch::{self, batch_body, only_any};
use super::body::Body;
use super::collections::DagRunCollection;
use super::dag_runs::{CONF_CONTAINS, DURATION, ORDER, escaped, shown};
use crate::Scheduler;
use crate::states::RunState;
use crate::store::{Filter, runs};
use actix_web::{HttpResponse, web};
use artel_platform::Result;

batch_body! {
    /// Which runs; a filter that is left out lets everything through.
    #[schema(as = airflow::DAGRunsBatchBody)]
    RunBatch {
        dag_ids: Option<Vec<String>>,
        states: Option<Vec<Option<RunState>>>,
        conf_contains: Option<String>,
    }
}

const BOUNDED: [(&str, &str); 5] = [
    ("run_after", "run_after"),
    ("logical_date", "logical_date"),
    ("start_date", "start_date"),
    ("end_date", "end_date"),
    ("duration", DURATION),
];

/// Runs of several DAGs: `~` in the path.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/dagRuns/list", tag = "pipelines", request_body = RunBatch, responses((status = 200, body = DagRunCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, body: Body<RunBatch>) -> Result<HttpResponse> {
    only_any(&[("dag_id", &dag_id)])?;
    let mut filter = Filter::default();
    filter.any_of("dag_id", body.dag_ids.as_deref().unwrap_or_default());
    batch::any_of(&mut filter, "state", &body.sent()["states"]);
    batch::bounds(&mut filter, body.sent(), &BOUNDED, scheduler.cx.clock.now())?;
    if let Some(text) = &body.conf_contains {
        filter.with(CONF_CONTAINS, format!("%{}%", escaped(&text.to_lowercase())));
    }
    let (found, total_entries) = runs::list(&scheduler.db, filter, &batch::page(body.sent(), ORDER, "run_id")?).await?;
    let dag_runs = shown(&scheduler, &found).await?;
    Ok(HttpResponse::Ok().json(DagRunCollection {
        dag_runs,
        total_entries,
        total_entries_limit: None,
        next_cursor: None,
        previous_cursor: None,
    }))
}
