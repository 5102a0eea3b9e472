//! `/model-versions/get-artifact`: a file of a version, for browsers.

use super::App;
use crate::validate;
use actix_web::web::Query;
use actix_web::{HttpRequest, HttpResponse};
use artel_platform::http::Workspace;
use artel_platform::{Error, Result};
use serde::Deserialize;

/// What is asked for.
#[derive(Deserialize)]
pub(crate) struct FileOfVersion {
    name: Option<String>,
    version: Option<String>,
    path: Option<String>,
}

/// One file of a version
#[utoipa::path(get, path = "/model-versions/get-artifact", tag = "registry", params(("name" = String, Query), ("version" = String, Query), ("path" = String, Query)),
    responses((status = 200, content_type = "application/octet-stream", body = String, description = "The file"), (status = 206, description = "The part that was asked for"),
        (status = 400, description = "The path leads out of the version or names a folder"), (status = 404, description = "There is no such version or file")), security(("artel" = ["read:models"])))]
pub(crate) async fn get(
    app: App,
    Workspace(workspace): Workspace,
    request: HttpRequest,
    query: Query<FileOfVersion>,
) -> Result<HttpResponse> {
    let path = query.path.as_deref().ok_or_else(|| Error::invalid("Missing value for required parameter 'path'."))?;
    let path = validate::file_path(path)?;
    let name = query.name.as_deref().unwrap_or_default();
    validate::model_name(name)?;
    let version = validate::version(query.version.as_deref().unwrap_or_default())?;
    app.send_file(&request, &workspace, name, version, &path).await
}
