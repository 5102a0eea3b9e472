//! URLs for clients that transfer files of runs and models to and from a bucket without access of their own.

use super::extract::{Request, checked};
use super::{Answer, App, json};
use artel_platform::Error;
use artel_platform::http::Workspace;
use artel_proto::mlflow::{CreatePresignedDownloadUrl, CreatePresignedUploadUrl};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Seconds that a URL is good for unless the request says otherwise (upstream's defaults).
const UPLOAD_SECONDS: i64 = 900;
const DOWNLOAD_SECONDS: i64 = 300;

checked!(CreatePresignedUploadUrl, requires(path), {
    "run_id": [Text], "model_id": [Text], "path": [Required, Text], "expiration": [Integer] });
checked!(CreatePresignedDownloadUrl, requires(run_id, path), {
    "run_id": [Required, Text], "path": [Required, Text], "expiration": [Integer] });

/// A URL, and what has to be sent with a request to it.
#[derive(Serialize, ToSchema)]
#[schema(as = tracking::PresignedUrl)]
pub(super) struct PresignedUrl {
    presigned_url: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<u64>,
}

/// A URL that takes a file of a run or model
#[utoipa::path(post, path = "/api/2.0/mlflow/artifacts/presigned-upload-url", tag = "tracking", request_body = CreatePresignedUploadUrl,
    responses((status = 200, body = PresignedUrl, description = "Where to put the file, and with which headers"),
        (status = 400, description = "The files are kept by this server, which takes them itself, or a parameter cannot be"),
        (status = 404, description = "There is no such run or model"), (status = 501, description = "The files are not in a bucket")),
    security(("artel" = ["experiments"])))]
pub(super) async fn upload(app: App, Workspace(workspace): Workspace, Request(request): Request<CreatePresignedUploadUrl>) -> Answer {
    let location = match (request.run_id(), request.model_id()) {
        (run, "") if !run.is_empty() => app.find_run(&workspace, run).await?.artifact_uri,
        ("", model) if !model.is_empty() => app.find_logged_model(&workspace, model, false).await?.artifact_location,
        _ => return Err(Error::invalid("Exactly one of run_id and model_id must be provided.")),
    };
    let put = app.upload_url(&location, request.path(), request.expiration.unwrap_or(UPLOAD_SECONDS)).await?;
    json(&PresignedUrl { presigned_url: put.url, headers: BTreeMap::from([("Content-Type", put.content_type)]), file_size: None })
}

/// A URL that gives a file of a run
#[utoipa::path(post, path = "/api/2.0/mlflow/artifacts/presigned-download-url", tag = "tracking", request_body = CreatePresignedDownloadUrl,
    responses((status = 200, body = PresignedUrl, description = "Where to get the file"),
        (status = 400, description = "The files are kept by this server, which gives them itself, or a parameter cannot be"),
        (status = 404, description = "There is no such run or file"), (status = 501, description = "The files are not in a bucket")),
    security(("artel" = ["read:experiments"])))]
pub(super) async fn download(app: App, Workspace(workspace): Workspace, Request(request): Request<CreatePresignedDownloadUrl>) -> Answer {
    let run = app.find_run(&workspace, request.run_id()).await?;
    let fetch = app.download_url(&run.artifact_uri, request.path(), request.expiration.unwrap_or(DOWNLOAD_SECONDS)).await?;
    json(&PresignedUrl { presigned_url: fetch.url, headers: BTreeMap::new(), file_size: Some(fetch.size) })
}
