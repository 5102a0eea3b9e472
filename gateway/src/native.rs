//! The gateway's own routes: who am I, health, environments, the merged OpenAPI document.

use crate::environments::{EnvironmentState, Known};
use crate::events::Events;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::http::{Dialect, Routes};
use artel_platform::rpc::SERVICES;
use artel_platform::{Identity, Result};
use serde::Serialize;
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use utoipa::openapi::OpenApi;

/// What the gateway's handlers share.
pub(crate) struct Gateway {
    pub(crate) events: Events,
    pub(crate) environments: Known,
    pub(crate) stop: CancellationToken,
    pub(crate) readiness: Readiness,
    /// Makes the document of the whole suite: not before somebody asks, for it is large.
    pub(crate) openapi: fn() -> OpenApi,
    pub(crate) document: OnceLock<String>,
    pub(crate) version: &'static str,
}

/// Whether this process should get requests: asks what it stands on.
pub type Readiness = Arc<dyn Fn() -> futures::future::BoxFuture<'static, Result<()>> + Send + Sync>;

pub(crate) fn routes() -> Routes {
    use crate::{events, native};
    artel_platform::routes!(Dialect::Artel;
        native::me, native::environments, native::health, native::ready, native::openapi, events::events,
    )
}

/// The caller, as the web app shows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    name: String,
    kind: artel_platform::identity::Kind,
    admin: bool,
    groups: Vec<String>,
    /// Expanded scopes; `*` is every scope.
    scopes: Vec<String>,
    /// Value for the header `X-XSRFToken` on writes, for a cookie session.
    csrf: Option<String>,
    /// Version of the suite.
    version: &'static str,
    /// Names of the services.
    services: Vec<&'static str>,
}

/// Who makes this request and what they may do.
#[utoipa::path(get, path = "/api/artel/v1/me", tag = "gateway", responses((status = 200, body = Me)), security(("artel" = ["authenticated"])))]
pub(crate) async fn me(identity: Identity, request: HttpRequest, gateway: web::Data<Gateway>) -> web::Json<Me> {
    use actix_web::HttpMessage;
    let csrf = request.extensions().get::<crate::authenticate::Authenticated>().and_then(|a| a.csrf.clone());
    web::Json(Me {
        scopes: identity.scopes.iter().map(Into::into).collect(),
        name: identity.name,
        kind: identity.kind,
        admin: identity.admin,
        groups: identity.groups,
        csrf,
        version: gateway.version,
        services: SERVICES.to_vec(),
    })
}

/// Python environments that are or were being built since the gateway started.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnvironmentList {
    environments: Vec<EnvironmentState>,
}

/// How Python environments are getting on.
#[utoipa::path(get, path = "/api/artel/v1/environments", tag = "gateway", responses((status = 200, body = EnvironmentList)), security(("artel" = ["authenticated"])))]
pub(crate) async fn environments(gateway: web::Data<Gateway>) -> web::Json<EnvironmentList> {
    web::Json(EnvironmentList { environments: gateway.environments.list() })
}

/// Is the process alive? Asks nobody else.
#[utoipa::path(get, path = "/healthz", tag = "gateway", responses((status = 200, body = String)), security(("artel" = ["public"])))]
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// Should the process get requests? 503 from the moment it is told to stop, or while something it needs is away.
#[utoipa::path(get, path = "/readyz", tag = "gateway", responses((status = 200, body = String), (status = 503, body = String)), security(("artel" = ["public"])))]
pub(crate) async fn ready(gateway: web::Data<Gateway>) -> HttpResponse {
    if gateway.stop.is_cancelled() {
        return HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE).body("stopping\n");
    }
    match (gateway.readiness)().await {
        Ok(()) => HttpResponse::Ok().body("ready\n"),
        Err(error) => HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE).body(format!("{}\n", error.message)),
    }
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "gateway", responses((status = 200, body = serde_json::Value)), security(("artel" = ["public"])))]
pub(crate) async fn openapi(gateway: web::Data<Gateway>) -> HttpResponse {
    let made = gateway.clone();
    let document =
        web::block(move || made.document.get_or_init(|| serde_json::to_string(&(made.openapi)()).unwrap_or_default()).clone()).await;
    HttpResponse::Ok().content_type("application/json").body(document.unwrap_or_default())
}
