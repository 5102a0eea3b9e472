//! News of assets that waits for a DAG's condition to be met (airflow/api_fastapi/core_api/routes/public/assets.py).

use super::query::Query;
use crate::Scheduler;
use crate::store::asset_queue::{self, Queued};
use crate::store::{Filter, Page, dags};
use crate::times;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;

/// News that waits.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::QueuedEventResponse)]
pub(super) struct QueuedEvent {
    dag_id: String,
    asset_id: i64,
    created_at: String,
    dag_display_name: String,
}

/// News that waits.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::QueuedEventCollectionResponse)]
pub(super) struct QueuedEvents {
    queued_events: Vec<QueuedEvent>,
    total_entries: usize,
}

/// Of an asset, for a DAG, from before the `before` of the query.
fn filter_of(request: &HttpRequest, dag_id: Option<&str>, asset_id: Option<i64>) -> Result<Filter> {
    let mut filter = Filter::default();
    if let Some(dag_id) = dag_id {
        filter.compare("dag_id", "=", dag_id);
    }
    if let Some(asset_id) = asset_id {
        filter.compare("asset_id", "=", asset_id);
    }
    if let Some(before) = Query::of(request).get("before").filter(|b| !b.is_empty()) {
        let before = times::parse(before)
            .map_err(|_| Error::invalid(format!("Invalid datetime: '{before}'. Please check the date parameter have this value.")))?;
        filter.compare("created_at", "<", before);
    }
    Ok(filter)
}

async fn shown(scheduler: &Scheduler, found: Vec<Queued>) -> Result<Vec<QueuedEvent>> {
    let mut ids: Vec<String> = found.iter().map(|q| q.dag_id.clone()).collect();
    ids.dedup();
    let mut names: HashMap<String, String> = HashMap::new();
    if !ids.is_empty() {
        let mut filter = Filter::default();
        filter.any_of("dag_id", &ids);
        names.extend(dags::list(&scheduler.db, filter, &Page::all("dag_id")).await?.0.into_iter().map(|d| (d.dag_id, d.display_name)));
    }
    let one = |q: Queued| QueuedEvent {
        dag_display_name: names.get(&q.dag_id).unwrap_or(&q.dag_id).clone(),
        dag_id: q.dag_id,
        asset_id: q.asset_id,
        created_at: times::shown(q.created_at),
    };
    Ok(found.into_iter().map(one).collect())
}

async fn answer(scheduler: &Scheduler, filter: Filter) -> Result<HttpResponse> {
    let queued_events = shown(scheduler, asset_queue::find(&scheduler.db, filter).await?).await?;
    Ok(HttpResponse::Ok().json(QueuedEvents { total_entries: queued_events.len(), queued_events }))
}

/// What waits because of an asset.
#[utoipa::path(get, path = "/api/v2/assets/{asset_id}/queuedEvents", tag = "pipelines", params(("before" = Option<String>, Query)), responses((status = 200, body = QueuedEvents)), security(("artel" = ["read:dags"])))]
pub(super) async fn of_asset(scheduler: web::Data<Scheduler>, id: web::Path<i64>, request: HttpRequest) -> Result<HttpResponse> {
    answer(&scheduler, filter_of(&request, None, Some(*id))?).await
}

/// What waits for a DAG.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/assets/queuedEvents", tag = "pipelines", params(("before" = Option<String>, Query)), responses((status = 200, body = QueuedEvents)), security(("artel" = ["read:dags"])))]
pub(super) async fn of_dag(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, request: HttpRequest) -> Result<HttpResponse> {
    answer(&scheduler, filter_of(&request, Some(&dag_id), None)?).await
}

/// What waits for a DAG because of an asset.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents", tag = "pipelines", params(("before" = Option<String>, Query)), responses((status = 200, body = QueuedEvent)), security(("artel" = ["read:dags"])))]
pub(super) async fn of_both(scheduler: web::Data<Scheduler>, path: web::Path<(String, i64)>, request: HttpRequest) -> Result<HttpResponse> {
    let (dag_id, asset_id) = path.into_inner();
    let found = asset_queue::find(&scheduler.db, filter_of(&request, Some(&dag_id), Some(asset_id))?).await?;
    let one = shown(&scheduler, found).await?.into_iter().next();
    let one =
        one.ok_or_else(|| Error::not_found(format!("Queued event with dag_id: `{dag_id}` and asset_id: `{asset_id}` was not found")))?;
    Ok(HttpResponse::Ok().json(one))
}

/// Forgets what waits because of an asset.
#[utoipa::path(delete, path = "/api/v2/assets/{asset_id}/queuedEvents", tag = "pipelines", params(("before" = Option<String>, Query)), responses((status = 204)), security(("artel" = ["run:dags"])))]
pub(super) async fn delete_of_asset(scheduler: web::Data<Scheduler>, id: web::Path<i64>, request: HttpRequest) -> Result<HttpResponse> {
    let missing = format!("Queue event with asset_id: `{id}` was not found");
    scheduler.drop_queued_events(filter_of(&request, None, Some(*id))?, missing).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Forgets what waits for a DAG.
#[utoipa::path(delete, path = "/api/v2/dags/{dag_id}/assets/queuedEvents", tag = "pipelines", params(("before" = Option<String>, Query)), responses((status = 204)), security(("artel" = ["run:dags"])))]
pub(super) async fn delete_of_dag(
    scheduler: web::Data<Scheduler>,
    dag_id: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let missing = format!("Queue event with dag_id: `{dag_id}` was not found");
    scheduler.drop_queued_events(filter_of(&request, Some(&dag_id), None)?, missing).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Forgets what waits for a DAG because of an asset.
#[utoipa::path(delete, path = "/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents", tag = "pipelines", params(("before" = Option<String>, Query)), responses((status = 204)), security(("artel" = ["run:dags"])))]
pub(super) async fn delete_of_both(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, i64)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (dag_id, asset_id) = path.into_inner();
    let missing = format!("Queued event with dag_id: `{dag_id}` and asset_id: `{asset_id}` was not found");
    scheduler.drop_queued_events(filter_of(&request, Some(&dag_id), Some(asset_id))?, missing).await?;
    Ok(HttpResponse::NoContent().finish())
}
