//! `registered-models/alias`.

use super::App;
use actix_web::web::Json;
use artel_platform::Result;
use artel_platform::http::{MlflowRequest, Workspace};
use artel_proto::mlflow::*;

/// Point an alias to a version
#[utoipa::path(post, path = "/api/2.0/mlflow/registered-models/alias", tag = "registry", request_body = SetRegisteredModelAlias,
    responses((status = 200, body = set_registered_model_alias::Response)), security(("artel" = ["models"])))]
pub(crate) async fn set_registered_model_alias(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<SetRegisteredModelAlias>,
) -> Result<Json<set_registered_model_alias::Response>> {
    let request = request.require(&["name", "alias", "version"])?;
    app.set_alias(&workspace, request.name(), request.alias(), request.version()).await?;
    Ok(Json(set_registered_model_alias::Response {}))
}

/// Remove an alias
#[utoipa::path(delete, path = "/api/2.0/mlflow/registered-models/alias", tag = "registry", request_body = DeleteRegisteredModelAlias,
    responses((status = 200, body = delete_registered_model_alias::Response)), security(("artel" = ["models"])))]
pub(crate) async fn delete_registered_model_alias(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<DeleteRegisteredModelAlias>,
) -> Result<Json<delete_registered_model_alias::Response>> {
    let request = request.require(&["name", "alias"])?;
    app.delete_alias(&workspace, request.name(), request.alias()).await?;
    Ok(Json(delete_registered_model_alias::Response {}))
}

/// The version that an alias points to
#[utoipa::path(get, path = "/api/2.0/mlflow/registered-models/alias", tag = "registry", params(("name" = String, Query), ("alias" = String, Query)),
    responses((status = 200, body = get_model_version_by_alias::Response)), security(("artel" = ["read:models"])))]
pub(crate) async fn get_model_version_by_alias(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<GetModelVersionByAlias>,
) -> Result<Json<get_model_version_by_alias::Response>> {
    let request = request.require(&["name", "alias"])?;
    let version = app.version_by_alias(&workspace, request.name(), request.alias()).await?;
    Ok(Json(get_model_version_by_alias::Response { model_version: Some(version) }))
}
