//! Providers and plug-ins of the environment in which DAG files are parsed and tasks run
//! (airflow/api_fastapi/core_api/routes/public/providers.py, plugins.py).

use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::Result;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A provider.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::ProviderResponse)]
struct ProviderShape {
    package_name: String,
    description: String,
    version: String,
    documentation_url: Option<String>,
}

/// Providers.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::ProviderCollectionResponse)]
pub(super) struct ProviderCollection {
    #[schema(value_type = Vec<ProviderShape>)]
    providers: Vec<Value>,
    total_entries: usize,
}

/// Providers that are installed, by name.
#[utoipa::path(get, path = "/api/v2/providers", tag = "pipelines", params(Paging), responses((status = 200, body = ProviderCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn providers(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let (providers, total_entries) = paged(&Query::of(&request), scheduler.installed("providers").await?)?;
    Ok(HttpResponse::Ok().json(ProviderCollection { providers, total_entries }))
}

/// Plug-ins that are loaded, by name.
#[utoipa::path(get, path = "/api/v2/plugins", tag = "pipelines", params(Paging), responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn plugins(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let (plugins, total_entries) = paged(&Query::of(&request), scheduler.installed("plugins").await?)?;
    Ok(HttpResponse::Ok().json(json!({"plugins": plugins, "total_entries": total_entries})))
}

/// Plug-ins that could not be loaded, and why.
#[utoipa::path(get, path = "/api/v2/plugins/importErrors", tag = "pipelines", responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn plugin_errors(scheduler: web::Data<Scheduler>) -> Result<HttpResponse> {
    let import_errors = scheduler.installed("plugin_errors").await?;
    let total_entries = import_errors.len();
    Ok(HttpResponse::Ok().json(json!({"import_errors": import_errors, "total_entries": total_entries})))
}

/// A page of what there is, and how many there are.
fn paged(query: &Query, all: Vec<Value>) -> Result<(Vec<Value>, usize)> {
    let page = query.page(&[("name", "name")], "name", "name")?;
    let total = all.len();
    Ok((all.into_iter().skip(page.offset as usize).take(page.limit as usize).collect(), total))
}
