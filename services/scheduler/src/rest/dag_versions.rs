//! Versions of DAGs, and the files that they were (airflow/api_fastapi/core_api/routes/public/dag_versions.py, dag_sources.py).

use super::accepted::{Kind, json_or_text, neither};
use super::collections::DagSource;
use super::models::DagVersionResponse;
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::store::{Filter, dags, versions};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde_json::json;

const ORDER: &[(&str, &str)] =
    &[("id", "id"), ("version_number", "version_number"), ("bundle_name", "bundle_name"), ("bundle_version", "bundle_version")];

/// The text of the DAG's file.
#[utoipa::path(get, path = "/api/v2/dagSources/{dag_id}", tag = "pipelines", responses((status = 200, body = DagSource)), security(("artel" = ["read:dags"])))]
pub(super) async fn source(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, request: HttpRequest) -> Result<HttpResponse> {
    let Some(kind) = json_or_text(&request) else { return Ok(neither()) };
    let number = Query::of(&request).int("version_number")?;
    let missing = || {
        let number = number.map_or("None".into(), |number| number.to_string());
        Error::not_found(format!("The source code of the Dag {dag_id}, version_number {number} was not found"))
    };
    let row = dags::get(&scheduler.db, &dag_id).await?.ok_or_else(missing)?;
    let (version_number, content) = versions::source(&scheduler.db, &dag_id, number).await?.ok_or_else(missing)?;
    if kind == Kind::Text {
        return Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(content.unwrap_or_default()));
    }
    let dag_id = dag_id.into_inner();
    Ok(HttpResponse::Ok().json(DagSource { content, dag_id, version_number, dag_display_name: row.display_name }))
}

/// Versions of a DAG; of every DAG with `~`.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagVersions", tag = "pipelines", params(Paging), responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = Filter::default();
    if *dag_id != "~" {
        scheduler.dag_row(&dag_id).await?;
        filter.compare("dag_id", "=", dag_id.as_str());
    }
    if let Some(number) = query.int("version_number")? {
        filter.compare("version_number", "=", number);
    }
    for key in ["bundle_name", "bundle_version"] {
        filter.any_of(key, &query.all(key));
    }
    let page = query.page(ORDER, "id", "id")?;
    let (found, total_entries) = versions::list(&scheduler.db, filter, &page).await?;
    let mut ids: Vec<String> = found.iter().map(|v| v.dag_id.clone()).collect();
    ids.dedup();
    let names = dags::display_names(&scheduler.db, &ids).await?;
    let shown = |v| DagVersionResponse::new(v, names.get(&v.dag_id).unwrap_or(&v.dag_id));
    let dag_versions: Vec<_> = found.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({"dag_versions": dag_versions, "total_entries": total_entries})))
}

/// One version of a DAG.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagVersions/{version_number}", tag = "pipelines", responses((status = 200, body = DagVersionResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, path: web::Path<(String, i64)>) -> Result<HttpResponse> {
    let (dag_id, number) = path.into_inner();
    let missing = || Error::not_found(format!("The DagVersion with dag_id: `{dag_id}` and version_number: `{number}` was not found"));
    let row = dags::get(&scheduler.db, &dag_id).await?.ok_or_else(missing)?;
    let found = versions::of_dag(&scheduler.db, &dag_id).await?.into_iter().find(|v| v.version_number == number);
    let version = found.ok_or_else(missing)?;
    Ok(HttpResponse::Ok().json(DagVersionResponse::new(&version, &row.display_name)))
}
