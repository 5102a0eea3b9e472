//! Multipart and presigned transfers: bytes go through the proxy only, and the client is told so in the words it
//! knows (mlflow/exceptions.py), upon which it uploads and downloads as usual.

use actix_web::HttpResponse;
use artel_platform::{Error, Result};

fn unsupported(what: &str) -> Result<HttpResponse> {
    Err(Error::unimplemented(format!("Multipart {what} is not supported for the current artifact repository")))
}

/// Begins a multipart upload: not offered.
#[utoipa::path(post, path = "/api/2.0/mlflow-artifacts/mpu/create/{path:.*}", tag = "artifacts", params(("path" = String, Path,)),
    responses((status = 501)), security(("artel" = ["artifacts"])))]
pub(crate) async fn create_multipart_upload() -> Result<HttpResponse> {
    unsupported("upload")
}

/// Completes a multipart upload: not offered.
#[utoipa::path(post, path = "/api/2.0/mlflow-artifacts/mpu/complete/{path:.*}", tag = "artifacts", params(("path" = String, Path,)),
    responses((status = 501)), security(("artel" = ["artifacts"])))]
pub(crate) async fn complete_multipart_upload() -> Result<HttpResponse> {
    unsupported("upload")
}

/// Gives up a multipart upload: not offered.
#[utoipa::path(post, path = "/api/2.0/mlflow-artifacts/mpu/abort/{path:.*}", tag = "artifacts", params(("path" = String, Path,)),
    responses((status = 501)), security(("artel" = ["artifacts"])))]
pub(crate) async fn abort_multipart_upload() -> Result<HttpResponse> {
    unsupported("upload")
}

/// Asks for a URL of the object store itself: not offered.
#[utoipa::path(get, path = "/api/2.0/mlflow-artifacts/presigned/{path:.*}", tag = "artifacts", params(("path" = String, Path,)),
    responses((status = 501)), security(("artel" = ["read:artifacts"])))]
pub(crate) async fn presigned_download_url() -> Result<HttpResponse> {
    unsupported("download")
}
