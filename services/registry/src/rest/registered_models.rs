//! `registered-models/*`.

use super::App;
use crate::Registry;
use crate::search::{SearchRequest, asks_for_prompts};
use actix_web::web::Json;
use artel_platform::http::{MlflowRequest, Restricted, Workspace};
use artel_platform::{Identity, Result};
use artel_proto::artel::hub::v1::change_grants_request::Change;
use artel_proto::mlflow::*;

/// Make a registered model
#[utoipa::path(post, path = "/api/2.0/mlflow/registered-models/create", tag = "registry", request_body = CreateRegisteredModel,
    responses((status = 200, body = create_registered_model::Response)), security(("artel" = ["models"])))]
pub(crate) async fn create_registered_model(
    app: App,
    Workspace(workspace): Workspace,
    who: Identity,
    request: MlflowRequest<CreateRegisteredModel>,
) -> Result<Json<create_registered_model::Response>> {
    let request = request.require(&["name"])?;
    let model = app.create_registered_model(&workspace, request.name(), &request.tags, request.description()).await?;
    app.give_to(&who, &workspace, model.name(), model.tags.iter().any(crate::registered_models::is_prompt_tag)).await;
    Ok(Json(create_registered_model::Response { registered_model: Some(model) }))
}

/// Read a registered model with its tags, aliases and the latest version of each stage
#[utoipa::path(get, path = "/api/2.0/mlflow/registered-models/get", tag = "registry", params(("name" = String, Query)),
    responses((status = 200, body = get_registered_model::Response)), security(("artel" = ["read:models"])))]
pub(crate) async fn get_registered_model(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<GetRegisteredModel>,
) -> Result<Json<get_registered_model::Response>> {
    let model = app.registered_model(&workspace, request.require(&["name"])?.name()).await?;
    Ok(Json(get_registered_model::Response { registered_model: Some(model) }))
}

/// Search registered models; prompts are hidden unless the filter asks for them
#[utoipa::path(get, path = "/api/2.0/mlflow/registered-models/search", tag = "registry",
    params(("filter" = Option<String>, Query), ("max_results" = Option<i64>, Query), ("order_by" = Option<Vec<String>>, Query), ("page_token" = Option<String>, Query)),
    responses((status = 200, body = search_registered_models::Response)), security(("artel" = ["read:models"])))]
pub(crate) async fn search_registered_models(
    app: App,
    Workspace(workspace): Workspace,
    restricted: Restricted,
    request: MlflowRequest<SearchRegisteredModels>,
) -> Result<Json<search_registered_models::Response>> {
    let request = request.at_most("max_results", SearchRegisteredModels::max_results, 1000)?.into_inner();
    let search = SearchRequest {
        filter: request.filter().into(),
        max_results: request.max_results(),
        visible: Registry::visible(restricted.0.as_ref(), asks_for_prompts(request.filter())),
        order_by: request.order_by,
        page_token: request.page_token,
    };
    let (registered_models, next_page_token) = app.search_registered_models(&workspace, &search).await?;
    Ok(Json(search_registered_models::Response { registered_models, next_page_token }))
}

/// Give a registered model another name
#[utoipa::path(post, path = "/api/2.0/mlflow/registered-models/rename", tag = "registry", request_body = RenameRegisteredModel,
    responses((status = 200, body = rename_registered_model::Response)), security(("artel" = ["models"])))]
pub(crate) async fn rename_registered_model(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<RenameRegisteredModel>,
) -> Result<Json<rename_registered_model::Response>> {
    let request = request.require(&["name", "new_name"])?;
    let model = app.rename_registered_model(&workspace, request.name(), request.new_name()).await?;
    app.tell_hub(&workspace, request.name(), Change::NewName(request.new_name().into())).await;
    Ok(Json(rename_registered_model::Response { registered_model: Some(model) }))
}

/// Change the description of a registered model
#[utoipa::path(patch, path = "/api/2.0/mlflow/registered-models/update", tag = "registry", request_body = UpdateRegisteredModel,
    responses((status = 200, body = update_registered_model::Response)), security(("artel" = ["models"])))]
pub(crate) async fn update_registered_model(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<UpdateRegisteredModel>,
) -> Result<Json<update_registered_model::Response>> {
    let request = request.require(&["name"])?;
    let model = app.update_registered_model(&workspace, request.name(), request.description()).await?;
    Ok(Json(update_registered_model::Response { registered_model: Some(model) }))
}

/// Delete a registered model with its versions, tags and aliases
#[utoipa::path(delete, path = "/api/2.0/mlflow/registered-models/delete", tag = "registry", request_body = DeleteRegisteredModel,
    responses((status = 200, body = delete_registered_model::Response)), security(("artel" = ["models"])))]
pub(crate) async fn delete_registered_model(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<DeleteRegisteredModel>,
) -> Result<Json<delete_registered_model::Response>> {
    let request = request.require(&["name"])?;
    app.delete_registered_model(&workspace, request.name()).await?;
    app.tell_hub(&workspace, request.name(), Change::Removed(true)).await;
    Ok(Json(delete_registered_model::Response {}))
}

/// Set a tag of a registered model
#[utoipa::path(post, path = "/api/2.0/mlflow/registered-models/set-tag", tag = "registry", request_body = SetRegisteredModelTag,
    responses((status = 200, body = set_registered_model_tag::Response)), security(("artel" = ["models"])))]
pub(crate) async fn set_registered_model_tag(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<SetRegisteredModelTag>,
) -> Result<Json<set_registered_model_tag::Response>> {
    let request = request.require(&["name", "key"])?;
    app.set_registered_model_tag(&workspace, request.name(), request.key(), request.value()).await?;
    Ok(Json(set_registered_model_tag::Response {}))
}

/// Remove a tag of a registered model
#[utoipa::path(delete, path = "/api/2.0/mlflow/registered-models/delete-tag", tag = "registry", request_body = DeleteRegisteredModelTag,
    responses((status = 200, body = delete_registered_model_tag::Response)), security(("artel" = ["models"])))]
pub(crate) async fn delete_registered_model_tag(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<DeleteRegisteredModelTag>,
) -> Result<Json<delete_registered_model_tag::Response>> {
    let request = request.require(&["name", "key"])?;
    app.delete_registered_model_tag(&workspace, request.name(), request.key()).await?;
    Ok(Json(delete_registered_model_tag::Response {}))
}

/// The latest version of each stage, or of the named ones
#[utoipa::path(post, path = "/api/2.0/mlflow/registered-models/get-latest-versions", tag = "registry", request_body = GetLatestVersions,
    responses((status = 200, body = get_latest_versions::Response)), security(("artel" = ["read:models"])))]
pub(crate) async fn get_latest_versions(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<GetLatestVersions>,
) -> Result<Json<get_latest_versions::Response>> {
    let request = request.require(&["name"])?;
    let model_versions = app.latest_versions(&workspace, request.name(), &request.stages).await?;
    Ok(Json(get_latest_versions::Response { model_versions }))
}

/// The latest version of each stage, or of the named ones
#[utoipa::path(get, path = "/api/2.0/mlflow/registered-models/get-latest-versions", tag = "registry",
    params(("name" = String, Query), ("stages" = Option<Vec<String>>, Query)),
    responses((status = 200, body = get_latest_versions::Response)), security(("artel" = ["read:models"])))]
pub(crate) async fn get_latest_versions_by_query(
    app: App,
    workspace: Workspace,
    request: MlflowRequest<GetLatestVersions>,
) -> Result<Json<get_latest_versions::Response>> {
    get_latest_versions(app, workspace, request).await
}
