//! `model-versions/*`.

use super::App;
use crate::Registry;
use crate::model_versions::NewVersion;
use crate::search::{SearchRequest, asks_for_prompts};
use crate::validate;
use actix_web::web::Json;
use artel_platform::Result;
use artel_platform::http::{MlflowRequest, Restricted, Workspace};
use artel_proto::mlflow::*;

/// Make the next version of a registered model
#[utoipa::path(post, path = "/api/2.0/mlflow/model-versions/create", tag = "registry", request_body = CreateModelVersion,
    responses((status = 200, body = create_model_version::Response)), security(("artel" = ["models"])))]
pub(crate) async fn create_model_version(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<CreateModelVersion>,
) -> Result<Json<create_model_version::Response>> {
    let request = request.require(&["name", "source"])?;
    let new = NewVersion {
        name: request.name().into(),
        source: request.source().into(),
        run_link: request.run_link().into(),
        description: request.description().into(),
        run_id: request.run_id,
        model_id: request.model_id,
        tags: request.tags,
    };
    let version = app.create_model_version(&workspace, new).await?;
    Ok(Json(create_model_version::Response { model_version: Some(version) }))
}

/// Read a version with its tags and aliases
#[utoipa::path(get, path = "/api/2.0/mlflow/model-versions/get", tag = "registry", params(("name" = String, Query), ("version" = String, Query)),
    responses((status = 200, body = get_model_version::Response)), security(("artel" = ["read:models"])))]
pub(crate) async fn get_model_version(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<GetModelVersion>,
) -> Result<Json<get_model_version::Response>> {
    let request = request.require(&["name", "version"])?;
    let version = app.model_version(&workspace, request.name(), request.version()).await?;
    Ok(Json(get_model_version::Response { model_version: Some(version) }))
}

/// Search versions; those of prompts are hidden unless the filter asks for them
#[utoipa::path(get, path = "/api/2.0/mlflow/model-versions/search", tag = "registry",
    params(("filter" = Option<String>, Query), ("max_results" = Option<i64>, Query), ("order_by" = Option<Vec<String>>, Query), ("page_token" = Option<String>, Query)),
    responses((status = 200, body = search_model_versions::Response)), security(("artel" = ["read:models"])))]
pub(crate) async fn search_model_versions(
    app: App,
    Workspace(workspace): Workspace,
    restricted: Restricted,
    request: MlflowRequest<SearchModelVersions>,
) -> Result<Json<search_model_versions::Response>> {
    let request = request.at_most("max_results", SearchModelVersions::max_results, 200_000)?.into_inner();
    let search = SearchRequest {
        filter: request.filter().into(),
        max_results: request.max_results(),
        visible: Registry::visible_versions(restricted.0.as_ref(), asks_for_prompts(request.filter())),
        order_by: request.order_by,
        page_token: request.page_token,
    };
    let (model_versions, next_page_token) = app.search_model_versions(&workspace, &search).await?;
    Ok(Json(search_model_versions::Response { model_versions, next_page_token }))
}

/// Change the description of a version
#[utoipa::path(patch, path = "/api/2.0/mlflow/model-versions/update", tag = "registry", request_body = UpdateModelVersion,
    responses((status = 200, body = update_model_version::Response)), security(("artel" = ["models"])))]
pub(crate) async fn update_model_version(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<UpdateModelVersion>,
) -> Result<Json<update_model_version::Response>> {
    let request = request.require(&["name", "version"])?;
    let version = app.update_model_version(&workspace, request.name(), request.version(), request.description.as_deref()).await?;
    Ok(Json(update_model_version::Response { model_version: Some(version) }))
}

/// Move a version to a stage
#[utoipa::path(post, path = "/api/2.0/mlflow/model-versions/transition-stage", tag = "registry", request_body = TransitionModelVersionStage,
    responses((status = 200, body = transition_model_version_stage::Response)), security(("artel" = ["models"])))]
pub(crate) async fn transition_model_version_stage(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<TransitionModelVersionStage>,
) -> Result<Json<transition_model_version_stage::Response>> {
    let request = request.require(&["name", "version", "stage"])?;
    let archive = request.archive_existing_versions();
    let version = app.transition_stage(&workspace, request.name(), request.version(), request.stage(), archive).await?;
    Ok(Json(transition_model_version_stage::Response { model_version: Some(version) }))
}

/// Delete a version; its number is not given again
#[utoipa::path(delete, path = "/api/2.0/mlflow/model-versions/delete", tag = "registry", request_body = DeleteModelVersion,
    responses((status = 200, body = delete_model_version::Response)), security(("artel" = ["models"])))]
pub(crate) async fn delete_model_version(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<DeleteModelVersion>,
) -> Result<Json<delete_model_version::Response>> {
    let request = request.require(&["name", "version"])?;
    app.delete_model_version(&workspace, request.name(), request.version()).await?;
    Ok(Json(delete_model_version::Response {}))
}

/// Where the artifacts of a version lie
#[utoipa::path(get, path = "/api/2.0/mlflow/model-versions/get-download-uri", tag = "registry", params(("name" = String, Query), ("version" = String, Query)),
    responses((status = 200, body = get_model_version_download_uri::Response)), security(("artel" = ["read:models"])))]
pub(crate) async fn get_model_version_download_uri(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<GetModelVersionDownloadUri>,
) -> Result<Json<get_model_version_download_uri::Response>> {
    let request = request.into_inner();
    validate::model_name(request.name())?;
    let uri = app.download_uri(&workspace, request.name(), validate::version(request.version())?).await?;
    Ok(Json(get_model_version_download_uri::Response { artifact_uri: Some(uri) }))
}

/// Set a tag of a version
#[utoipa::path(post, path = "/api/2.0/mlflow/model-versions/set-tag", tag = "registry", request_body = SetModelVersionTag,
    responses((status = 200, body = set_model_version_tag::Response)), security(("artel" = ["models"])))]
pub(crate) async fn set_model_version_tag(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<SetModelVersionTag>,
) -> Result<Json<set_model_version_tag::Response>> {
    let request = request.require(&["name", "version", "key"])?;
    app.set_model_version_tag(&workspace, request.name(), request.version(), request.key(), request.value()).await?;
    Ok(Json(set_model_version_tag::Response {}))
}

/// Remove a tag of a version
#[utoipa::path(delete, path = "/api/2.0/mlflow/model-versions/delete-tag", tag = "registry", request_body = DeleteModelVersionTag,
    responses((status = 200, body = delete_model_version_tag::Response)), security(("artel" = ["models"])))]
pub(crate) async fn delete_model_version_tag(
    app: App,
    Workspace(workspace): Workspace,
    request: MlflowRequest<DeleteModelVersionTag>,
) -> Result<Json<delete_model_version_tag::Response>> {
    let request = request.require(&["name", "version", "key"])?;
    app.delete_model_version_tag(&workspace, request.name(), request.version(), request.key()).await?;
    Ok(Json(delete_model_version_tag::Response {}))
}
