//! Services (jupyterhub/apihandlers/services.py).

use crate::Hub;
use crate::authenticate::Owner;
use crate::config::Service;
use crate::permit::Over;
use crate::store::services;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use artel_platform::identity::Scopes;
use artel_platform::{Error, Identity, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A service; each field only to who holds a scope for it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = hub::Service)]
pub(super) struct ServiceModel {
    /// `service`.
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    #[serde(flatten)]
    details: Option<Details>,
}

/// What `read:services` shows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = hub::ServiceDetails)]
pub(super) struct Details {
    url: String,
    /// Where the gateway serves it; empty where it has no address.
    prefix: String,
    /// The program, where the hub keeps its process.
    command: Vec<String>,
    /// 0: none is known.
    pid: i64,
    #[schema(value_type = BTreeMap<String, Value>)]
    info: Map<String, Value>,
    display: bool,
}

/// A new service, with upstream's names.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::ServiceRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceRequest {
    /// Ignored: the path says it.
    #[serde(rename = "name")]
    _name: Option<String>,
    admin: Option<bool>,
    url: Option<String>,
    oauth_client_allowed_scopes: Option<Vec<String>>,
    api_token: Option<String>,
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    info: Option<Map<String, Value>>,
    display: Option<bool>,
    oauth_no_confirm: Option<bool>,
    /// Refused: processes are kept for services of the settings only.
    command: Option<Vec<String>>,
    cwd: Option<String>,
    environment: Option<BTreeMap<String, String>>,
    /// Refused: services run as the hub does.
    user: Option<String>,
    oauth_client_id: Option<String>,
    oauth_redirect_uri: Option<String>,
}

/// Lists services by name.
#[utoipa::path(get, path = "/hub/api/services", tag = "hub", responses((status = 200, body = BTreeMap<String, ServiceModel>)), security(("artel" = ["list:services"])))]
pub(super) async fn list(hub: web::Data<Hub>, who: Identity) -> Result<HttpResponse> {
    let mut models = BTreeMap::new();
    for service in hub.services().await? {
        if Over::Service(&service.name).held_with(&who.scopes, "list:services", &[]) {
            models.insert(service.name.clone(), hub.service_model(&service, &who.scopes).await?);
        }
    }
    Ok(HttpResponse::Ok().json(models))
}

/// Shows a service.
#[utoipa::path(get, path = "/hub/api/services/{service}", tag = "hub", params(("service" = String, Path)), responses((status = 200, body = ServiceModel), (status = 404)), security(("artel" = ["authenticated"])))]
pub(super) async fn get(hub: web::Data<Hub>, who: Identity, name: web::Path<String>) -> Result<HttpResponse> {
    hub.allow(&who, &["read:services", "read:services:name", "read:roles:services"], Over::Service(&name)).await?;
    let service = hub.service(&name).await?.ok_or_else(|| Error::not_found(format!("No such service: {name}")))?;
    Ok(HttpResponse::Ok().json(hub.service_model(&service, &who.scopes).await?))
}

/// Adds a service whose process is kept by somebody else.
#[utoipa::path(post, path = "/hub/api/services/{service}", tag = "hub", params(("service" = String, Path)), request_body = ServiceRequest, responses((status = 201, body = ServiceModel), (status = 400), (status = 409)), security(("artel" = ["admin:services"])))]
pub(super) async fn create(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    hub.allow(&who, &["admin:services"], Over::Service(&name)).await?;
    if hub.service(&name).await?.is_some() {
        return Err(Error::exists(format!("Service {name} already exists")));
    }
    let request: Option<ServiceRequest> = super::body(&body)?;
    let service = request.ok_or_else(|| Error::invalid("Invalid service data"))?.service(name.into_inner())?;
    hub.check_service_scopes(&who, &service).await?;
    let service = hub.create_service(service).await?;
    Ok(HttpResponse::Created().json(hub.service_model(&service, &who.scopes).await?))
}

/// Removes a service that was added so.
#[utoipa::path(delete, path = "/hub/api/services/{service}", tag = "hub", params(("service" = String, Path)), responses((status = 200), (status = 404), (status = 405)), security(("artel" = ["admin:services"])))]
pub(super) async fn delete(hub: web::Data<Hub>, who: Identity, name: web::Path<String>) -> Result<HttpResponse> {
    hub.allow(&who, &["admin:services"], Over::Service(&name)).await?;
    let service = hub.service(&name).await?.ok_or_else(|| Error::not_found(format!("Service {name} does not exist")))?;
    if hub.is_configured(&name) {
        let message = format!("Service {name} is not modifiable at runtime");
        return Ok(HttpResponse::build(StatusCode::METHOD_NOT_ALLOWED).json(serde_json::json!({"status": 405, "message": message})));
    }
    hub.delete_service(&service).await?;
    Ok(HttpResponse::Ok().finish())
}

impl ServiceRequest {
    fn service(self, name: String) -> Result<Service> {
        if self.user.as_ref().is_some_and(|user| !user.is_empty()) || self.cwd.is_some() || self.environment.is_some() {
            return Err(Error::invalid(
                "service.user, service.cwd and service.environment are for processes, which are kept for services of the settings only",
            ));
        }
        Ok(Service {
            name,
            admin: self.admin.unwrap_or_default(),
            url: self.url.unwrap_or_default(),
            api_token: self.api_token.unwrap_or_default(),
            oauth_client_allowed_scopes: self.oauth_client_allowed_scopes.unwrap_or_default(),
            oauth_client_id: self.oauth_client_id.unwrap_or_default(),
            oauth_redirect_uri: self.oauth_redirect_uri.unwrap_or_default(),
            oauth_no_confirm: self.oauth_no_confirm.unwrap_or_default(),
            info: self.info.unwrap_or_default(),
            display: self.display,
            command: self.command.unwrap_or_default(),
            ..Default::default()
        })
    }
}

impl Hub {
    /// Whoever adds a service cannot give it more than they have.
    async fn check_service_scopes(&self, who: &Identity, service: &Service) -> Result<()> {
        self.vocabulary.check(&service.oauth_client_allowed_scopes, &format!("service {}", service.name))?;
        if who.admin {
            return Ok(());
        }
        let owner = match who.kind {
            artel_platform::identity::Kind::Service => Owner::Service { name: &who.name },
            _ => Owner::User { name: &who.name, admin: false },
        };
        let held = who.scopes.iter().map(str::to_owned).collect();
        let excess = self.excess(&service.oauth_client_allowed_scopes, &owner.holder(), &held).await?;
        if service.admin || !excess.is_empty() {
            let excess = if service.admin { "of an administrator".to_owned() } else { excess.join(",") };
            return Err(Error::invalid(format!("Not assigning requested scopes {excess} not held by {}", who.name)));
        }
        Ok(())
    }

    pub(super) async fn service_model(&self, service: &Service, scopes: &Scopes) -> Result<ServiceModel> {
        let held = |scope: &str| Over::Service(&service.name).held_with(scopes, scope, &[]);
        let reads = held("read:services");
        let details = match reads {
            false => None,
            true => Some(Details {
                url: service.url.clone(),
                prefix: if service.url.is_empty() { String::new() } else { service.prefix() },
                command: service.command.clone(),
                pid: services::pid(&self.db, &service.name, self.cx.clock.now()).await?,
                info: service.info.clone(),
                display: service.display.unwrap_or(true),
            }),
        };
        let roles = match held("read:roles:services") {
            true => self.roles_held("service", &[&service.name]).await?.remove(&service.name),
            false => None,
        };
        Ok(ServiceModel {
            kind: "service",
            name: service.name.clone(),
            admin: (held("read:services:name") || roles.is_some()).then_some(service.admin),
            roles,
            details,
        })
    }
}
