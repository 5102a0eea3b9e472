//! `/dvc/{repo}`: a remote for `dvc remote add origin http://HOST/dvc/{repo}` of any client, which reads with GET and HEAD
//! and writes with POST or, as it is told, PUT (dvc_http/__init__.py). It never lists: what is not there is 404.

use super::{body, serve};
use crate::dvc::Name;
use crate::objects::Artifacts;
use crate::path::ArtifactPath;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::http::Workspace;
use artel_platform::{Error, Result};

/// `repo`, and the two names that an object's path ends with.
type Place = web::Path<(String, String, String)>;

/// A remote may be called like a path: `team/project`.
fn repo(text: &str) -> Result<String> {
    let path = ArtifactPath::from_client(text)?;
    if path.is_root() { Err(Error::invalid("Invalid path: a DVC remote needs a name")) } else { Ok(path.to_string()) }
}

/// Reads an object of a DVC remote, or the part of it that `Range` names.
#[utoipa::path(method(get, head), path = "/dvc/{repo:.*}/files/md5/{first}/{rest}", tag = "dvc",
    params(("repo" = String, Path, description = "Name of the remote"), ("first" = String, Path, description = "The MD5's first two digits"),
        ("rest" = String, Path, description = "The MD5's other digits, with .dir for the list of a folder")),
    responses((status = 200, content_type = "application/octet-stream", description = "The bytes"),
        (status = 206, content_type = "application/octet-stream", description = "A part of the bytes"),
        (status = 304, description = "The client has them"), (status = 404, description = "The remote has no such object"),
        (status = 416, description = "The range lies outside the object")),
    security(("artel" = ["read:artifacts"])))]
pub(crate) async fn read_object(
    artifacts: web::Data<Artifacts>,
    workspace: Workspace,
    place: Place,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (repository, first, rest) = place.into_inner();
    // a client that looks around is told that nothing is there
    let name = Name::new(&first, &rest).map_err(|e| Error::not_found(e.message))?;
    let content = artifacts.dvc_object(&workspace.0, &repo(&repository)?, &name).await?;
    serve::content(&artifacts, &content, &request).await
}

/// Writes an object of a DVC remote. Its bytes must have the MD5 that the path names.
#[utoipa::path(method(post, put), path = "/dvc/{repo:.*}/files/md5/{first}/{rest}", tag = "dvc",
    params(("repo" = String, Path, description = "Name of the remote"), ("first" = String, Path, description = "The MD5's first two digits"),
        ("rest" = String, Path, description = "The MD5's other digits, with .dir for the list of a folder")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "The object is in the remote"),
        (status = 400, description = "The bytes do not have this MD5, or the path is no object's: nothing was stored")),
    security(("artel" = ["artifacts"])))]
pub(crate) async fn write_object(
    artifacts: web::Data<Artifacts>,
    workspace: Workspace,
    place: Place,
    data: web::Payload,
) -> Result<HttpResponse> {
    let (repository, first, rest) = place.into_inner();
    let (repo, name) = (repo(&repository)?, Name::new(&first, &rest)?);
    body::sent(data, async |data| artifacts.put_dvc(&workspace.0, &repo, &name, data).await).await?;
    Ok(HttpResponse::Ok().finish())
}

/// Removes a whole DVC remote: the client itself never removes anything over HTTP.
#[utoipa::path(delete, path = "/dvc/{repo:.*}", tag = "dvc", params(("repo" = String, Path, description = "Name of the remote")),
    responses((status = 200, body = Object, description = "How many objects were removed: {\"deleted\": 3}")),
    security(("artel" = ["artifacts"])))]
pub(crate) async fn delete_remote(artifacts: web::Data<Artifacts>, workspace: Workspace, path: web::Path<String>) -> Result<HttpResponse> {
    let deleted = artifacts.delete_dvc(&workspace.0, &repo(&path)?).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({"deleted": deleted})))
}
