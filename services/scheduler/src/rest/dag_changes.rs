//! Changes of several DAGs at once, and whose favorites they are (airflow/api_fastapi/core_api/routes/public/dags.py).

use super::body::Body;
use super::collections::DagCollection;
use super::dags::{DagPatch, check_mask, filter_of, with_tags};
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::store::{Page, dags};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Identity, Result};

/// Pauses all DAGs that the filters find, or lets them go on. Without a pattern for their ids none is found; `~` is any id.
/// The page is only what is answered.
#[utoipa::path(patch, path = "/api/v2/dags", tag = "pipelines", params(Paging, ("dag_id_pattern" = Option<String>, Query)), request_body = DagPatch, responses((status = 200, body = DagCollection)), security(("artel" = ["dags"])))]
pub(super) async fn patch(scheduler: web::Data<Scheduler>, request: HttpRequest, body: Body<DagPatch>) -> Result<HttpResponse> {
    let query = Query::of(&request);
    check_mask(&query)?;
    let page = query.page(&[("dag_id", "dag_id")], "dag_id", "dag_id")?;
    if query.get("dag_id_pattern").is_none() && query.get("dag_id_prefix_pattern").is_none() {
        return Ok(HttpResponse::Ok().json(DagCollection { dags: Vec::new(), total_entries: 0 }));
    }
    let (found, total_entries) = dags::list(&scheduler.db, filter_of(&query)?, &Page::all("dag_id")).await?;
    for dag in found.iter().filter(|dag| dag.is_paused != body.is_paused) {
        scheduler.set_paused(&dag.dag_id, body.is_paused).await?;
    }
    let mut shown: Vec<_> = found.into_iter().skip(page.offset as usize).take(page.limit as usize).collect();
    shown.iter_mut().for_each(|dag| dag.is_paused = body.is_paused);
    Ok(HttpResponse::Ok().json(DagCollection { dags: with_tags(&scheduler, &shown).await?, total_entries }))
}

/// Makes a DAG a favorite of the caller.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/favorite", tag = "pipelines", responses((status = 204)), security(("artel" = ["read:dags"])))]
pub(super) async fn favorite(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, who: Identity) -> Result<HttpResponse> {
    exists(&scheduler, &dag_id).await?;
    let mut tx = scheduler.db.begin().await?;
    if !dags::add_favorite(&mut tx, &dag_id, &who.name).await? {
        return Err(Error::exists(format!("Dag with id '{dag_id}' is marked as favorite already")));
    }
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Makes a DAG no favorite of the caller any more.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/unfavorite", tag = "pipelines", responses((status = 204)), security(("artel" = ["read:dags"])))]
pub(super) async fn unfavorite(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, who: Identity) -> Result<HttpResponse> {
    exists(&scheduler, &dag_id).await?;
    let mut tx = scheduler.db.begin().await?;
    if !dags::remove_favorite(&mut tx, &dag_id, &who.name).await? {
        return Err(Error::conflict("Dag is not marked as favorite"));
    }
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn exists(scheduler: &Scheduler, dag_id: &str) -> Result<()> {
    let found = dags::get(&scheduler.db, dag_id).await?;
    found.map(drop).ok_or_else(|| Error::not_found(format!("Dag with id '{dag_id}' not found")))
}
