//! Backfills.

use super::body::Body;
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::backfills::{NewBackfill, Planned, Reprocess};
use crate::store::backfills::{self, Backfill};
use crate::store::{Filter, dags};
use crate::times::{self, shown, shown_opt};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Identity, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What to run.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::BackfillPostBody)]
#[serde(deny_unknown_fields)]
pub(super) struct BackfillBody {
    dag_id: String,
    #[schema(format = DateTime)]
    from_date: String,
    #[schema(format = DateTime)]
    to_date: String,
    #[serde(default)]
    run_backwards: bool,
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
    dag_run_conf: Option<Value>,
    /// `none`, `failed` or `completed`: which of the runs that are there run again.
    reprocess_behavior: Option<Reprocess>,
    max_active_runs: Option<i64>,
    /// Runs that are run again take the DAG as it is now; so unless told otherwise.
    run_on_latest_version: Option<bool>,
}

/// A backfill.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::BackfillResponse)]
pub(super) struct BackfillResponse {
    id: i64,
    dag_id: String,
    #[schema(format = DateTime)]
    from_date: String,
    #[schema(format = DateTime)]
    to_date: String,
    dag_run_conf: Option<Value>,
    is_paused: bool,
    reprocess_behavior: String,
    max_active_runs: i64,
    created_at: String,
    completed_at: Option<String>,
    updated_at: String,
    dag_display_name: String,
}

/// Backfills of a DAG.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::BackfillCollectionResponse)]
pub(super) struct BackfillCollection {
    backfills: Vec<BackfillResponse>,
    total_entries: i64,
}

/// A date that a backfill would run.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::DryRunBackfillResponse)]
pub(super) struct BackfillDate {
    logical_date: Option<String>,
    partition_key: Option<String>,
    partition_date: Option<String>,
}

/// The dates that a backfill would run.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::DryRunBackfillCollectionResponse)]
pub(super) struct BackfillDates {
    backfills: Vec<BackfillDate>,
    total_entries: usize,
}

fn wanted(body: BackfillBody, user: Option<String>) -> Result<NewBackfill> {
    let time = |field: &str, text: &str| times::parse(text).map_err(|e| Error::new(e.code, format!("{field}: {}", e.message)));
    Ok(NewBackfill {
        from_date: time("from_date", &body.from_date)?,
        to_date: time("to_date", &body.to_date)?,
        backwards: body.run_backwards,
        conf: body.dag_run_conf.filter(|conf| !conf.is_null()),
        reprocess: body.reprocess_behavior.unwrap_or(Reprocess::None),
        max_active_runs: body.max_active_runs.unwrap_or(10),
        on_latest_version: body.run_on_latest_version.unwrap_or(true),
        dag_id: body.dag_id,
        user,
    })
}

async fn response(scheduler: &Scheduler, b: Backfill) -> Result<BackfillResponse> {
    let name = dags::get(&scheduler.db, &b.dag_id).await?.map(|d| d.display_name);
    Ok(BackfillResponse {
        dag_display_name: name.unwrap_or_else(|| b.dag_id.clone()),
        id: b.id,
        dag_id: b.dag_id,
        from_date: shown(b.from_date),
        to_date: shown(b.to_date),
        dag_run_conf: b.dag_run_conf.as_deref().map(serde_json::from_str).transpose()?,
        is_paused: b.is_paused,
        reprocess_behavior: b.reprocess_behavior,
        max_active_runs: b.max_active_runs,
        created_at: shown(b.created_at),
        completed_at: shown_opt(b.completed_at),
        updated_at: shown(b.updated_at),
    })
}

async fn answer(scheduler: &Scheduler, backfill: Backfill) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(response(scheduler, backfill).await?))
}

/// Backfills of a DAG, or of every one.
#[utoipa::path(get, path = "/api/v2/backfills", tag = "pipelines", params(Paging, ("dag_id" = Option<String>, Query)), responses((status = 200, body = BackfillCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = Filter::default();
    if let Some(dag_id) = query.get("dag_id") {
        filter.compare("dag_id", "=", dag_id);
    }
    let page = query.page(&[("id", "id")], "id", "id")?;
    let (found, total_entries) = backfills::list(&scheduler.db, filter, &page).await?;
    let mut all = Vec::new();
    for backfill in found {
        all.push(response(&scheduler, backfill).await?);
    }
    Ok(HttpResponse::Ok().json(BackfillCollection { backfills: all, total_entries }))
}

/// One backfill.
#[utoipa::path(get, path = "/api/v2/backfills/{backfill_id}", tag = "pipelines", responses((status = 200, body = BackfillResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, id: web::Path<i64>) -> Result<HttpResponse> {
    answer(&scheduler, scheduler.backfill(*id).await?).await
}

/// Runs a stretch of a DAG's schedule.
#[utoipa::path(post, path = "/api/v2/backfills", tag = "pipelines", request_body = BackfillBody, responses((status = 200, body = BackfillResponse)), security(("artel" = ["run:dags"])))]
pub(super) async fn create(scheduler: web::Data<Scheduler>, who: Identity, body: Body<BackfillBody>) -> Result<HttpResponse> {
    let new = wanted(body.into_inner(), Some(who.name))?;
    answer(&scheduler, scheduler.create_backfill(&new).await?).await
}

/// Says which dates a backfill would run.
#[utoipa::path(post, path = "/api/v2/backfills/dry_run", tag = "pipelines", request_body = BackfillBody, responses((status = 200, body = BackfillDates)), security(("artel" = ["run:dags"])))]
pub(super) async fn dry_run(scheduler: web::Data<Scheduler>, body: Body<BackfillBody>) -> Result<HttpResponse> {
    let dates = scheduler.try_backfill(&wanted(body.into_inner(), None)?).await?;
    let shown = |planned: &Planned| BackfillDate {
        logical_date: shown_opt(planned.logical_date),
        partition_key: planned.partition.as_ref().map(|(_, key)| key.clone()),
        partition_date: shown_opt(planned.partition.as_ref().map(|(date, _)| *date)),
    };
    Ok(HttpResponse::Ok().json(BackfillDates { backfills: dates.iter().map(shown).collect(), total_entries: dates.len() }))
}

/// Starts no more of its runs for now.
#[utoipa::path(put, path = "/api/v2/backfills/{backfill_id}/pause", tag = "pipelines", responses((status = 200, body = BackfillResponse)), security(("artel" = ["run:dags"])))]
pub(super) async fn pause(scheduler: web::Data<Scheduler>, id: web::Path<i64>) -> Result<HttpResponse> {
    answer(&scheduler, scheduler.pause_backfill(*id, true).await?).await
}

/// Goes on with it.
#[utoipa::path(put, path = "/api/v2/backfills/{backfill_id}/unpause", tag = "pipelines", responses((status = 200, body = BackfillResponse)), security(("artel" = ["run:dags"])))]
pub(super) async fn unpause(scheduler: web::Data<Scheduler>, id: web::Path<i64>) -> Result<HttpResponse> {
    answer(&scheduler, scheduler.pause_backfill(*id, false).await?).await
}

/// Ends it: queued runs fail, those that run go on.
#[utoipa::path(put, path = "/api/v2/backfills/{backfill_id}/cancel", tag = "pipelines", responses((status = 200, body = BackfillResponse)), security(("artel" = ["run:dags"])))]
pub(super) async fn cancel(scheduler: web::Data<Scheduler>, id: web::Path<i64>) -> Result<HttpResponse> {
    answer(&scheduler, scheduler.cancel_backfill(*id).await?).await
}
