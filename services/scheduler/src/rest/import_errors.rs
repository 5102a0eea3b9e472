//! Files that could not be imported.

use super::collections::ImportErrorCollection;
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::store::Filter;
use crate::store::files::{self, ImportError};
use crate::times;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde::Serialize;
use utoipa::ToSchema;

/// What is wrong with a file.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::ImportErrorResponse)]
pub(super) struct ImportErrorResponse {
    import_error_id: i64,
    timestamp: String,
    filename: String,
    bundle_name: Option<String>,
    stack_trace: String,
}

fn shown(e: ImportError) -> ImportErrorResponse {
    ImportErrorResponse {
        import_error_id: e.id,
        timestamp: times::shown(e.created_at),
        filename: e.filename,
        bundle_name: Some(e.bundle_name),
        stack_trace: e.stack_trace,
    }
}

/// Import errors.
#[utoipa::path(get, path = "/api/v2/importErrors", tag = "pipelines", params(Paging), responses((status = 200, body = ImportErrorCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = Filter::default();
    query.patterns(&mut filter, "filename", "filename");
    filter.any_of("filename", &query.all("filename"));
    filter.any_of("bundle_name", &query.all("bundle_name"));
    let order = [
        ("id", "id"),
        ("import_error_id", "id"),
        ("timestamp", "created_at"),
        ("filename", "filename"),
        ("bundle_name", "bundle_name"),
        ("stacktrace", "stack_trace"),
    ];
    let (found, total_entries) = files::errors(&scheduler.db, filter, &query.page(&order, "filename", "filename")?).await?;
    let import_errors: Vec<_> = found.into_iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(ImportErrorCollection { import_errors, total_entries }))
}

/// One import error.
#[utoipa::path(get, path = "/api/v2/importErrors/{import_error_id}", tag = "pipelines", responses((status = 200, body = ImportErrorResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, id: web::Path<i64>) -> Result<HttpResponse> {
    let mut filter = Filter::default();
    filter.compare("id", "=", *id);
    let (found, _) = files::errors(&scheduler.db, filter, &crate::store::Page::all("id")).await?;
    let error =
        found.into_iter().next().ok_or_else(|| Error::not_found(format!("The ImportError with import_error_id: `{id}` was not found")))?;
    Ok(HttpResponse::Ok().json(shown(error)))
}
