//! What `mlflow.deployments.get_deploy_client("http://…")` reads beside `/endpoints/NAME/invocations`
//! (mlflow/deployments/mlflow/__init__.py, mlflow/deployments/server/config.py).

use crate::Serving;
use crate::endpoints::Endpoint;
use actix_web::web::{Data, Json, Path};
use artel_platform::Result;
use artel_platform::http::Workspace;
use serde::Serialize;
use utoipa::ToSchema;

/// Every endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = serving::ClientEndpoints)]
pub struct ClientEndpoints {
    endpoints: Vec<ClientEndpoint>,
}

/// An endpoint as that client wants it.
#[derive(Serialize, ToSchema)]
#[schema(as = serving::ClientEndpoint)]
pub struct ClientEndpoint {
    name: String,
    endpoint_type: &'static str,
    model: ClientModel,
    endpoint_url: String,
    /// Always absent; the client insists on the key.
    limit: Option<serde_json::Value>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = serving::ClientModel)]
struct ClientModel {
    name: String,
    provider: &'static str,
}

fn wire(endpoint: &Endpoint) -> ClientEndpoint {
    ClientEndpoint {
        name: endpoint.name.clone(),
        endpoint_type: "mlflow/v1/invocations",
        model: ClientModel { name: endpoint.entity.model.clone(), provider: "mlflow" },
        endpoint_url: format!("/endpoints/{}/invocations", endpoint.name),
        limit: None,
    }
}

/// List endpoints for MLflow's gateway client
#[utoipa::path(get, path = "/api/2.0/endpoints", operation_id = "serving_client_list", tag = "serving",
    responses((status = 200, body = ClientEndpoints)), security(("artel" = ["read:deployments"])))]
pub async fn list(serving: Data<Serving>, workspace: Workspace) -> Result<Json<ClientEndpoints>> {
    Ok(Json(ClientEndpoints { endpoints: serving.endpoints(&workspace.0).await?.iter().map(wire).collect() }))
}

/// Get an endpoint for MLflow's gateway client
#[utoipa::path(get, path = "/api/2.0/endpoints/{name}", operation_id = "serving_client_get", tag = "serving", params(("name" = String, Path)),
    responses((status = 200, body = ClientEndpoint)), security(("artel" = ["read:deployments"])))]
pub async fn get(serving: Data<Serving>, workspace: Workspace, name: Path<String>) -> Result<Json<ClientEndpoint>> {
    Ok(Json(wire(&serving.endpoint(&workspace.0, &name).await?)))
}
