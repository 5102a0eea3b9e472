//! `/api/2.0/mlflow-artifacts/artifacts`: the proxy that unmodified clients upload to and download from
//! (mlflow/server/artifact_router.py, mlflow/server/handlers.py).

use super::{Proxied, body, serve};
use crate::permissions::in_workspace;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::http::{Workspace, file};
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What lies in a folder.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = artifact::Listing)]
pub(crate) struct Listing {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileInfo>,
}

/// A file or folder; `path` is its name in the listed folder.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = artifact::FileInfo)]
struct FileInfo {
    path: String,
    is_dir: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<u64>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// The folder; the root when absent.
    path: Option<String>,
}

/// Lists a folder; a file or nothing has no entries.
#[utoipa::path(get, path = "/api/2.0/mlflow-artifacts/artifacts", tag = "artifacts", params(ListQuery),
    responses((status = 200, body = Listing, description = "What lies directly in the folder"),
        (status = 400, description = "The path leaves the tree")), security(("artel" = ["read:artifacts"])))]
pub(crate) async fn list_artifacts(artifacts: Proxied, workspace: Workspace, query: web::Query<ListQuery>) -> Result<web::Json<Listing>> {
    let path = in_workspace(&workspace, query.path.as_deref().unwrap_or_default())?;
    let skipped = path.as_str().len() + usize::from(!path.is_root());
    let entries = artifacts.list(&workspace.0, &path).await?;
    let files = entries.into_iter().map(|e| FileInfo {
        path: e.path[skipped..].to_owned(),
        is_dir: e.is_dir,
        file_size: (!e.is_dir).then_some(e.size),
    });
    Ok(web::Json(Listing { files: files.collect() }))
}

/// Downloads a file, or the part of it that `Range` names.
#[utoipa::path(method(get, head), path = "/api/2.0/mlflow-artifacts/artifacts/{path:.*}", tag = "artifacts", params(("path" = String, Path, description = "The file")),
    responses((status = 200, content_type = "application/octet-stream", description = "The bytes"),
        (status = 206, content_type = "application/octet-stream", description = "A part of the bytes"),
        (status = 304, description = "The client has them"), (status = 400, description = "The path is a folder's, or leaves the tree"),
        (status = 404, description = "There is no such file"), (status = 416, description = "The range lies outside the file")),
    security(("artel" = ["read:artifacts"])))]
pub(crate) async fn download_artifact(
    artifacts: Proxied,
    workspace: Workspace,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let path = in_workspace(&workspace, &path)?;
    let content = artifacts.content(&workspace.0, &path).await?;
    serve::content(&artifacts, &content, &request).await
}

/// Uploads a file; it is visible when it is complete.
#[utoipa::path(put, path = "/api/2.0/mlflow-artifacts/artifacts/{path:.*}", tag = "artifacts", params(("path" = String, Path, description = "The file")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Object, description = "The file is complete"),
        (status = 400, description = "The path is a folder's, lies below a file, or leaves the tree")), security(("artel" = ["artifacts"])))]
pub(crate) async fn upload_artifact(
    artifacts: Proxied,
    workspace: Workspace,
    path: web::Path<String>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse> {
    if path.ends_with('/') {
        return Err(Error::invalid("Artifact path must include a filename (cannot end with '/')."));
    }
    let path = in_workspace(&workspace, &path)?;
    let content_type = match request.headers().get("content-type").and_then(|v| v.to_str().ok()) {
        Some(given) => given.to_owned(),
        None => file::content_type(path.name()),
    };
    body::sent(body, async |data| artifacts.put(&workspace.0, &path, &content_type, data).await).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({})))
}

/// Deletes a file, or a folder with everything in it; fine when there is nothing.
#[utoipa::path(delete, path = "/api/2.0/mlflow-artifacts/artifacts/{path:.*}", tag = "artifacts", params(("path" = String, Path, description = "The file")),
    responses((status = 200, body = Object, description = "Nothing is there any more"),
        (status = 400, description = "The path is the root, or leaves the tree")), security(("artel" = ["artifacts"])))]
pub(crate) async fn delete_artifact(artifacts: Proxied, workspace: Workspace, path: web::Path<String>) -> Result<HttpResponse> {
    artifacts.delete(&workspace.0, &in_workspace(&workspace, &path)?, true).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({})))
}
