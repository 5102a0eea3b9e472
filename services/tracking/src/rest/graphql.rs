//! `/graphql`

use super::{Answer, App, json};
use crate::graphql::Asker;
use actix_web::HttpRequest;
use actix_web::web::{Bytes, Query};
use artel_platform::Error;
use artel_platform::http::{Restricted, Workspace};
use artel_platform::identity::Identity;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A GraphQL request.
#[derive(Deserialize, Default, utoipa::ToSchema)]
#[serde(default)]
pub(super) struct GraphqlRequest {
    /// The document.
    query: String,
    /// Values of its variables.
    #[schema(value_type = Option<Object>)]
    variables: Option<Map<String, Value>>,
    /// Which of its operations, where it has several.
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
}

/// The same in a query string.
#[derive(Deserialize)]
pub(super) struct GraphqlQuery {
    query: Option<String>,
    variables: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
}

/// What was asked for, and what went wrong with it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct GraphqlAnswer {
    #[schema(value_type = Option<Object>)]
    data: Value,
    errors: Option<Vec<String>>,
}

/// Runs, experiments and their files by GraphQL (for the web bundle of MLflow)
#[utoipa::path(post, path = "/graphql", tag = "tracking", request_body = GraphqlRequest,
    responses((status = 200, description = "The data, or what is wrong with the request", body = GraphqlAnswer),
        (status = 400, description = "The body is no GraphQL request")), security(("artel" = ["read:experiments"])))]
pub(super) async fn post(app: App, workspace: Workspace, caller: (Identity, Restricted), request: HttpRequest, body: Bytes) -> Answer {
    if !request.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")) {
        return Err(Error::invalid("Bad Request. Content-Type must be one of ['application/json']."));
    }
    answer(app, workspace, caller, artel_platform::http::parse_json(&body)?).await
}

/// The same by a query string
#[utoipa::path(get, path = "/graphql", tag = "tracking",
    params(("query" = String, Query), ("variables" = Option<String>, Query), ("operationName" = Option<String>, Query)),
    responses((status = 200, description = "The data, or what is wrong with the request", body = GraphqlAnswer),
        (status = 400, description = "The variables are no JSON object")), security(("artel" = ["read:experiments"])))]
pub(super) async fn get(app: App, workspace: Workspace, caller: (Identity, Restricted), query: Query<GraphqlQuery>) -> Answer {
    let Query(query) = query;
    let variables = query.variables.map(|text| serde_json::from_str(&text)).transpose();
    let request = GraphqlRequest {
        query: query.query.unwrap_or_default(),
        variables: variables.map_err(|e| Error::invalid(format!("variables: {e}; give a JSON object")))?,
        operation_name: query.operation_name,
    };
    answer(app, workspace, caller, request).await
}

async fn answer(app: App, Workspace(workspace): Workspace, caller: (Identity, Restricted), request: GraphqlRequest) -> Answer {
    let (identity, Restricted(access)) = &caller;
    let asker = Asker { workspace: &workspace, identity, access: access.as_ref() };
    let variables = request.variables.unwrap_or_default();
    let (data, errors) = app.graphql(&asker, &request.query, request.operation_name.as_deref(), variables).await;
    json(&GraphqlAnswer { data, errors: Some(errors).filter(|e| !e.is_empty()) })
}
