//! Files of runs and models: listing, and showing one in a browser.

use super::extract::{Request, checked};
use super::{Answer, App, json};
use crate::artifacts::safe_path;
use actix_web::web::{Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use artel_platform::Error;
use artel_platform::http::Workspace;
use artel_proto::mlflow::*;
use futures::StreamExt;
use serde::Deserialize;

/// Largest file that `upload-artifact` takes (upstream's limit).
const MAX_UPLOAD: usize = 10 * 1024 * 1024;

checked!(ListArtifacts, requires(run_id), { "run_id": [Text, Required], "path": [Text], "page_token": [Text] });

/// What `get-artifact` takes.
#[derive(Deserialize)]
pub(super) struct FileOfRun {
    run_id: Option<String>,
    run_uuid: Option<String>,
    path: String,
}

/// What `logged-models/{model_id}/artifacts/files` takes.
#[derive(Deserialize)]
pub(super) struct FileOfModel {
    artifact_file_path: Option<String>,
}

/// List the files of a run
#[utoipa::path(get, path = "/api/2.0/mlflow/artifacts/list", tag = "tracking", params(("run_id" = String, Query), ("path" = Option<String>, Query)),
    responses((status = 200, body = list_artifacts::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn list(app: App, Workspace(workspace): Workspace, Request(request): Request<ListArtifacts>) -> Answer {
    json(&app.list_files_of_run(&workspace, request).await?)
}

/// One file of a run
#[utoipa::path(get, path = "/get-artifact", tag = "tracking", params(("run_id" = Option<String>, Query), ("run_uuid" = Option<String>, Query), ("path" = String, Query)),
    responses((status = 200, content_type = "application/octet-stream", description = "The bytes"),
        (status = 206, content_type = "application/octet-stream", description = "A part of the bytes"),
        (status = 304, description = "The client has them"), (status = 400, description = "The path is a folder's, or leaves the tree"),
        (status = 404, description = "There is no such file"), (status = 416, description = "The range lies outside the file")), security(("artel" = ["read:experiments"])))]
pub(super) async fn get(app: App, Workspace(workspace): Workspace, query: Query<FileOfRun>, request: HttpRequest) -> Answer {
    let path = safe_path(&query.path)?;
    let run_id = query.run_id.as_deref().or(query.run_uuid.as_deref()).unwrap_or_default();
    let run = app.find_run(&workspace, run_id).await?;
    app.send_file(&request, &workspace, &run.artifact_uri, &path).await
}

/// One file of a logged model (for the web bundle of MLflow)
#[utoipa::path(get, path = "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files", tag = "tracking", params(("model_id" = String, Path), ("artifact_file_path" = String, Query)),
    responses((status = 200, content_type = "application/octet-stream", description = "The bytes"),
        (status = 206, content_type = "application/octet-stream", description = "A part of the bytes"),
        (status = 304, description = "The client has them"), (status = 400, description = "The path is a folder's, or leaves the tree"),
        (status = 404, description = "There is no such file"), (status = 416, description = "The range lies outside the file")), security(("artel" = ["read:experiments"])))]
pub(super) async fn get_of_model(
    app: App,
    Workspace(workspace): Workspace,
    model_id: Path<String>,
    query: Query<FileOfModel>,
    request: HttpRequest,
) -> Answer {
    let missing = || Error::invalid("Request must include the \"artifact_file_path\" query parameter.").reason("BAD_REQUEST");
    let path = safe_path(query.artifact_file_path.as_deref().filter(|p| !p.is_empty()).ok_or_else(missing)?)?;
    let model = app.find_logged_model(&workspace, &model_id, false).await?;
    app.send_file(&request, &workspace, &model.artifact_location, &path).await
}

/// What `upload-artifact` takes.
#[derive(Deserialize)]
pub(super) struct Upload {
    run_uuid: Option<String>,
    path: Option<String>,
}

/// Put a small file among those of a run (for the web bundle of MLflow)
#[utoipa::path(post, path = "/ajax-api/2.0/mlflow/upload-artifact", tag = "tracking", params(("run_uuid" = String, Query), ("path" = String, Query)),
    request_body(content = String, content_type = "application/octet-stream"), responses((status = 200)), security(("artel" = ["experiments"])))]
pub(super) async fn upload(app: App, Workspace(workspace): Workspace, query: Query<Upload>, mut payload: Payload) -> Answer {
    let given = |value: &Option<String>, name: &str| {
        value.clone().filter(|v| !v.is_empty()).ok_or_else(|| Error::invalid(format!("Request must specify {name}.")))
    };
    let run_id = given(&query.run_uuid, "run_uuid")?;
    let path = safe_path(&given(&query.path, "path")?)?;
    let mut data = bytes::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        data.extend_from_slice(&chunk.map_err(|e| Error::invalid("the request body broke off").because(e.to_string()))?);
        if data.len() > MAX_UPLOAD {
            return Err(Error::invalid("Artifact size is too large. Max size is 10MB."));
        }
    }
    if data.is_empty() {
        return Err(Error::invalid("Request must specify data."));
    }
    let run = app.find_run(&workspace, &run_id).await?;
    app.write_file(&workspace, &run.artifact_uri, &path, data.freeze()).await?;
    Ok(HttpResponse::Ok().content_type("application/json").finish())
}
