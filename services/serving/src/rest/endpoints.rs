//! Endpoints: list, create, look at, change, tag, delete.

use super::wire::{AskedConfig, AskedConfigSchema, CreateEndpoint, EndpointList, EndpointWire, PatchTags, RevisionList, Tags};
use crate::Serving;
use actix_web::web::{Data, Path};
use artel_platform::http::{Json, Workspace};
use artel_platform::{Identity, Result};

/// List serving endpoints
#[utoipa::path(get, path = "/api/2.0/serving-endpoints", operation_id = "serving_list", tag = "serving",
    responses((status = 200, body = EndpointList)), security(("artel" = ["read:deployments"])))]
pub async fn list(serving: Data<Serving>, workspace: Workspace) -> Result<Json<EndpointList>> {
    let endpoints = serving.endpoints(&workspace.0).await?;
    Ok(Json(EndpointList { endpoints: endpoints.iter().map(|e| EndpointWire::new(e, serving.serves(e))).collect() }))
}

/// Create a serving endpoint
///
/// It answers once its model has been brought up: watch its state, or the event EndpointChanged.
#[utoipa::path(post, path = "/api/2.0/serving-endpoints", operation_id = "serving_create", tag = "serving", request_body = CreateEndpoint,
    responses((status = 200, body = EndpointWire)), security(("artel" = ["deployments"])))]
pub async fn create(
    serving: Data<Serving>,
    workspace: Workspace,
    identity: Identity,
    body: Json<CreateEndpoint>,
) -> Result<Json<EndpointWire>> {
    let mut asked = body.into_inner();
    let entity = asked.entity()?;
    let endpoint = serving.create_endpoint(&workspace.0, &asked.name, &identity.name, entity, asked.tags).await?;
    Ok(Json(EndpointWire::new(&endpoint, false)))
}

/// Get a serving endpoint
#[utoipa::path(get, path = "/api/2.0/serving-endpoints/{name}", operation_id = "serving_get", tag = "serving", params(("name" = String, Path)),
    responses((status = 200, body = EndpointWire)), security(("artel" = ["read:deployments"])))]
pub async fn get(serving: Data<Serving>, workspace: Workspace, name: Path<String>) -> Result<Json<EndpointWire>> {
    let endpoint = serving.endpoint(&workspace.0, &name).await?;
    Ok(Json(EndpointWire::new(&endpoint, serving.serves(&endpoint))))
}

/// Serve another model or version
///
/// What serves now goes on until the new one is ready; no request fails.
#[utoipa::path(put, path = "/api/2.0/serving-endpoints/{name}/config", operation_id = "serving_set_config", tag = "serving",
    params(("name" = String, Path)), request_body = AskedConfigSchema,
    responses((status = 200, body = EndpointWire)), security(("artel" = ["deployments"])))]
pub async fn set_config(
    serving: Data<Serving>,
    workspace: Workspace,
    name: Path<String>,
    body: Json<AskedConfig>,
) -> Result<Json<EndpointWire>> {
    let entity = body.into_inner().entity()?;
    let endpoint = serving.update_endpoint(&workspace.0, &name, entity).await?;
    Ok(Json(EndpointWire::new(&endpoint, serving.serves(&endpoint))))
}

/// Add and remove tags
#[utoipa::path(patch, path = "/api/2.0/serving-endpoints/{name}/tags", operation_id = "serving_set_tags", tag = "serving",
    params(("name" = String, Path)), request_body = PatchTags,
    responses((status = 200, body = Tags)), security(("artel" = ["deployments"])))]
pub async fn set_tags(serving: Data<Serving>, workspace: Workspace, name: Path<String>, body: Json<PatchTags>) -> Result<Json<Tags>> {
    let PatchTags { add_tags, delete_tags } = body.into_inner();
    let tags = serving.tag_endpoint(&workspace.0, &name, add_tags, &delete_tags).await?;
    Ok(Json(Tags { tags }))
}

/// Delete a serving endpoint
#[utoipa::path(delete, path = "/api/2.0/serving-endpoints/{name}", operation_id = "serving_delete", tag = "serving", params(("name" = String, Path)),
    responses((status = 200)), security(("artel" = ["deployments"])))]
pub async fn delete(serving: Data<Serving>, workspace: Workspace, name: Path<String>) -> Result<Json<serde_json::Value>> {
    serving.delete_endpoint(&workspace.0, &name).await?;
    Ok(Json(serde_json::json!({})))
}

/// List what was brought up for an endpoint
#[utoipa::path(get, path = "/api/2.0/serving-endpoints/{name}/revisions", operation_id = "serving_revisions", tag = "serving",
    params(("name" = String, Path)), responses((status = 200, body = RevisionList)), security(("artel" = ["read:deployments"])))]
pub async fn revisions(serving: Data<Serving>, workspace: Workspace, name: Path<String>) -> Result<Json<RevisionList>> {
    let endpoint = serving.endpoint(&workspace.0, &name).await?;
    let revisions = serving.revisions(&endpoint).await?;
    Ok(Json(RevisionList { revisions: revisions.into_iter().map(Into::into).collect() }))
}
