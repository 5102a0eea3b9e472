//! Large files that go between clients and an S3 store directly (mlflow/server/handlers.py, mlflow/store/artifact/
//! s3_artifact_repo.py). On other stores the client is told so in the words it knows (mlflow/exceptions.py), upon which it
//! uploads and downloads as usual.

use super::Proxied;
use crate::path::ArtifactPath;
use crate::permissions::in_workspace;
use actix_web::web;
use artel_platform::blob::Direct;
use artel_platform::http::{Json, Workspace, file};
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What an upload in parts is begun with.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = artifact::CreateMultipartUpload)]
pub(crate) struct Create {
    /// The client's own file; its name becomes the artifact's.
    path: String,
    #[serde(default)]
    num_parts: i64,
}

/// An upload in parts, begun.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = artifact::MultipartUpload)]
pub(crate) struct Created {
    upload_id: String,
    credentials: Vec<Credential>,
}

/// Where one part goes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = artifact::MultipartUploadCredential)]
struct Credential {
    url: String,
    part_number: i64,
}

/// What an upload in parts is completed with.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = artifact::CompleteMultipartUpload)]
pub(crate) struct Complete {
    path: String,
    upload_id: String,
    parts: Vec<Sent>,
}

/// A part that the store took.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = artifact::MultipartUploadPart)]
struct Sent {
    part_number: i32,
    #[serde(default)]
    etag: Option<String>,
}

/// What an upload in parts is given up with.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = artifact::AbortMultipartUpload)]
pub(crate) struct Abort {
    path: String,
    upload_id: String,
}

/// Where a file is fetched from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = artifact::PresignedDownload)]
pub(crate) struct Download {
    url: String,
    headers: BTreeMap<String, String>,
    file_size: u64,
}

/// Nothing to say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = artifact::Done)]
pub(crate) struct Done {}

fn direct<'a>(artifacts: &'a Proxied, what: &str) -> Result<Direct<'a>> {
    artifacts.direct().ok_or_else(|| Error::unimplemented(format!("Multipart {what} is not supported for the current artifact repository")))
}

/// The artifact in `folder` that gets the name of the client's `own` file.
fn target(folder: &ArtifactPath, own: &str) -> Result<ArtifactPath> {
    let name = own.rsplit(['/', '\\']).next().unwrap_or_default();
    if matches!(name, "" | "." | "..") {
        return Err(Error::invalid(format!("Invalid value \"{own}\" for parameter 'path' supplied: it must end with a file's name")));
    }
    ArtifactPath::new(&format!("{folder}/{name}"))
}

/// Begins an upload in parts of a file into the folder `path`.
#[utoipa::path(post, path = "/api/2.0/mlflow-artifacts/mpu/create/{path:.*}", tag = "artifacts",
    params(("path" = String, Path, description = "The folder")), request_body = Create,
    responses((status = 200, body = Created, description = "Where each part is to be put"),
        (status = 400, description = "The path or the number of parts cannot be"),
        (status = 501, description = "The object store is not one that clients can write to")), security(("artel" = ["artifacts"])))]
pub(crate) async fn create_multipart_upload(
    artifacts: Proxied,
    workspace: Workspace,
    path: web::Path<String>,
    request: Json<Create>,
) -> Result<Json<Created>> {
    let path = target(&in_workspace(&workspace, &path)?, &request.path)?;
    let begun = artifacts.begin_upload(&direct(&artifacts, "upload")?, &workspace.0, &path, request.num_parts).await?;
    let credentials = begun.urls.into_iter().zip(1..).map(|(url, part_number)| Credential { url, part_number });
    Ok(Json(Created { upload_id: begun.id, credentials: credentials.collect() }))
}

/// Joins the parts of an upload: the file is visible then.
#[utoipa::path(post, path = "/api/2.0/mlflow-artifacts/mpu/complete/{path:.*}", tag = "artifacts",
    params(("path" = String, Path, description = "The folder")), request_body = Complete,
    responses((status = 200, body = Done, description = "The file is complete"),
        (status = 400, description = "The object store does not take these parts"), (status = 404, description = "There is no such upload"),
        (status = 501, description = "The object store is not one that clients can write to")), security(("artel" = ["artifacts"])))]
pub(crate) async fn complete_multipart_upload(
    artifacts: Proxied,
    workspace: Workspace,
    path: web::Path<String>,
    request: Json<Complete>,
) -> Result<Json<Done>> {
    let direct = direct(&artifacts, "upload")?;
    let request = request.into_inner();
    let path = target(&in_workspace(&workspace, &path)?, &request.path)?;
    let parts = request.parts.into_iter().map(|part| (part.part_number, part.etag.unwrap_or_default())).collect();
    let content_type = file::content_type(path.name());
    artifacts.complete_upload(&direct, (&workspace.0, &path), &request.upload_id, &content_type, parts).await?;
    Ok(Json(Done {}))
}

/// Gives an upload in parts up.
#[utoipa::path(post, path = "/api/2.0/mlflow-artifacts/mpu/abort/{path:.*}", tag = "artifacts",
    params(("path" = String, Path, description = "The folder")), request_body = Abort,
    responses((status = 200, body = Done, description = "Its parts are removed"), (status = 404, description = "There is no such upload"),
        (status = 501, description = "The object store is not one that clients can write to")), security(("artel" = ["artifacts"])))]
pub(crate) async fn abort_multipart_upload(
    artifacts: Proxied,
    workspace: Workspace,
    path: web::Path<String>,
    request: Json<Abort>,
) -> Result<Json<Done>> {
    direct(&artifacts, "upload")?;
    let path = target(&in_workspace(&workspace, &path)?, &request.path)?;
    artifacts.give_up_upload(&workspace.0, &path, &request.upload_id).await?;
    Ok(Json(Done {}))
}

/// Tells where a client may fetch a file from the object store itself.
#[utoipa::path(get, path = "/api/2.0/mlflow-artifacts/presigned/{path:.*}", tag = "artifacts",
    params(("path" = String, Path, description = "The file")),
    responses((status = 200, body = Download, description = "A URL that is good for five minutes"),
        (status = 400, description = "The path is a folder's, or leaves the tree"), (status = 404, description = "There is no such file"),
        (status = 501, description = "The object store is not one that clients can read from")), security(("artel" = ["read:artifacts"])))]
pub(crate) async fn presigned_download_url(artifacts: Proxied, workspace: Workspace, path: web::Path<String>) -> Result<Json<Download>> {
    let path = in_workspace(&workspace, &path)?;
    let direct = direct(&artifacts, "download")?;
    let (content_type, disposition) = (file::content_type(path.name()), file::disposition(path.name()));
    let (url, file_size) = artifacts.download_url(&direct, (&workspace.0, &path), (&content_type, &disposition)).await?;
    Ok(Json(Download { url, headers: BTreeMap::new(), file_size }))
}

#[cfg(test)]
mod tests {
    use crate::path::ArtifactPath;

    #[test]
    fn a_file_goes_into_the_folder_under_its_own_name() {
        let target = |folder: &str, own: &str| super::target(&ArtifactPath::new(folder).unwrap(), own);
        assert_eq!(target("1/run/artifacts", "/home/ada/model.pkl").unwrap().as_str(), "1/run/artifacts/model.pkl");
        assert_eq!(target("1/run", "C:\\models\\model.pkl").unwrap().as_str(), "1/run/model.pkl");
        assert_eq!(target("", "model.pkl").unwrap().as_str(), "model.pkl");
        for own in ["", "b/", "..", "x/..", "."] {
            assert!(target("a", own).is_err(), "{own}");
        }
    }
}
