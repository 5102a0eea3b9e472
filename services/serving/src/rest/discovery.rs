//! What the client library behind `get_deploy_client("databricks")` looks up first (databricks/sdk/oauth.py
//! `HostMetadata`): that this host has no identity provider of that kind, so that the given token is simply used.

use actix_web::web::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Nothing to discover.
#[derive(Serialize, ToSchema)]
#[schema(as = serving::HostMetadata)]
pub struct HostMetadata {
    oidc_endpoint: &'static str,
}

/// Tell the Databricks SDK that a token is all it needs
#[utoipa::path(get, path = "/.well-known/databricks-config", operation_id = "serving_discovery", tag = "serving",
    responses((status = 200, body = HostMetadata)), security(("artel" = ["public"])))]
pub async fn host_metadata() -> Json<HostMetadata> {
    Json(HostMetadata { oidc_endpoint: "" })
}
