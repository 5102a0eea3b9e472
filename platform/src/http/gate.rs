//! The gate in front of a service's routes: is there the workspace that the request names, and may the caller do this
//! with this very experiment or model? Who may do everything passes without a question; for the others the hub is
//! asked for their grants, and the service's [`Guard`] finds out what the request is about.

use super::hook::{peek_body, replay};
use super::workspace::{DEFAULT_WORKSPACE, WORKSPACE_HEADER};
use crate::error::{Error, Result};
use crate::identity::{Grant, Grants, Identity, Permission, Requirement, Visible};
use crate::rpc::Peers;
use crate::service::Context;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use artel_proto::artel::hub::v1::{ListGrantsRequest, ListGrantsResponse};
use artel_proto::artel::tracking::v1::DescribeWorkspaceRequest;
use futures::future::LocalBoxFuture;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::future::{Ready, ready};
use std::sync::Arc;

/// What a service knows about its own routes.
pub trait Guard: Send + Sync {
    /// Fails with [`denied`] unless the caller may do what the request asks for. A route that the guard does not know
    /// is refused.
    fn check<'a>(&'a self, attempt: &'a mut Attempt<'_>) -> LocalBoxFuture<'a, Result<()>>;
}

/// Whether there are workspaces beside the default one: `[tracking] workspaces`, which every service reads.
#[derive(Debug, Deserialize)]
struct Setting {
    #[serde(default)]
    workspaces: bool,
}

/// Whether the installation has workspaces beside the default one.
pub fn workspaces_enabled(cx: &Context) -> Result<bool> {
    Ok(cx.config.section::<Setting>("tracking")?.workspaces)
}

/// Before every handler of a service's routes; see [`super::Routes::gate`].
pub struct Gate {
    peers: Peers,
    workspaces: bool,
    guard: Arc<dyn Guard>,
}

/// The answer to whoever may not; it does not tell whether the thing exists.
pub fn denied() -> Error {
    Error::denied("Permission denied")
}

impl Gate {
    /// A gate that asks the peers of `cx`.
    pub fn new(cx: &Context, guard: Arc<dyn Guard>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { peers: cx.peers.clone(), workspaces: workspaces_enabled(cx)?, guard }))
    }

    pub(super) async fn pass(&self, request: &mut ServiceRequest, identity: &Identity, scope: &str) -> Result<()> {
        self.check_workspace(request).await?;
        if !identity.restricted && identity.scopes.has_unfiltered(scope) {
            return Ok(());
        }
        let grants = if identity.restricted { Some(self.grants(&identity.name).await?) } else { None };
        let workspace = named_workspace(request.headers()).unwrap_or(DEFAULT_WORKSPACE).to_owned();
        let access = Access { identity: identity.clone(), grants, workspace, scope: scope.to_owned() };
        request.extensions_mut().insert(access.clone());
        let mut attempt = Attempt { request, access, params: None };
        self.guard.check(&mut attempt).await
    }

    /// Upstream's rules (mlflow/server/workspace_helpers.py).
    async fn check_workspace(&self, request: &ServiceRequest) -> Result<()> {
        let Some(name) = named_workspace(request.headers()) else { return Ok(()) };
        if !self.workspaces {
            // upstream answers 500, which its client would repeat for minutes
            return Err(
                Error::conflict("Workspace APIs are not available: workspaces are not enabled on this server").reason("FEATURE_DISABLED")
            );
        }
        super::workspace::check_name(name)?;
        if name == DEFAULT_WORKSPACE {
            return Ok(());
        }
        let answer = self.peers.tracking().describe_workspace(DescribeWorkspaceRequest { name: name.into() }).await;
        answer.map(drop).map_err(Error::from)
    }

    async fn grants(&self, user: &str) -> Result<Grants> {
        let answer = self.peers.hub().list_grants(ListGrantsRequest { user: user.into() }).await?.into_inner();
        Ok(read(answer, self.workspaces))
    }
}

/// The workspace that a request names, if it does.
fn named_workspace(headers: &actix_web::http::header::HeaderMap) -> Option<&str> {
    headers.get(WORKSPACE_HEADER).and_then(|value| value.to_str().ok()).map(str::trim).filter(|name| !name.is_empty())
}

fn read(answer: ListGrantsResponse, workspaces: bool) -> Grants {
    let grants = answer.grants.into_iter().filter_map(|g| {
        let permission = Permission::parse(&g.permission)?;
        Some(Grant { workspace: g.workspace, resource_type: g.resource_type, pattern: g.resource_pattern, permission })
    });
    // an administrator is no less one when they were made one a moment ago
    let default =
        if answer.admin { Permission::Manage } else { Permission::parse(&answer.default_permission).unwrap_or(Permission::NoPermissions) };
    let workspaces = workspaces && !answer.admin;
    Grants { default, workspaces, grants: if answer.admin { vec![] } else { grants.collect() } }
}

/// What a restricted caller may do, in the workspace of the request.
#[derive(Debug, Clone)]
pub struct Access {
    /// The caller.
    pub identity: Identity,
    /// `None`: only the scopes of the token restrict.
    grants: Option<Grants>,
    workspace: String,
    /// The scope that the route needs.
    scope: String,
}

impl Access {
    /// The workspace of the request.
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// The same caller, where another scope is what counts.
    pub fn in_scope(&self, scope: &str) -> Self {
        Self { scope: scope.to_owned(), ..self.clone() }
    }

    /// Fails unless all of `requirements` are met.
    pub fn require(&self, requirements: &[Requirement<'_>]) -> Result<()> {
        let met = self.grants.as_ref().is_none_or(|grants| grants.meet(&self.workspace, requirements));
        if met { Ok(()) } else { Err(denied()) }
    }

    /// Fails unless the caller's token covers the thing that `filter` names, e.g. `("experiment", "12")`.
    pub fn require_scope(&self, filter: (&str, &str)) -> Result<()> {
        let scopes = &self.identity.scopes;
        let covered = scopes.has_for(&self.scope, filter) || scopes.has_for(&self.scope, ("workspace", &self.workspace));
        if covered { Ok(()) } else { Err(denied()) }
    }

    /// Fails unless the caller may make something of this type here.
    pub fn require_creation(&self, resource_type: &str, id: &str) -> Result<()> {
        let may = self.grants.as_ref().is_none_or(|grants| grants.may_create(&self.workspace, resource_type, id));
        if !may {
            return Err(denied());
        }
        // a token for some of the things cannot make another
        let scopes = &self.identity.scopes;
        let whole = scopes.has_unfiltered(&self.scope) || scopes.has_for(&self.scope, ("workspace", &self.workspace));
        if whole { Ok(()) } else { Err(denied()) }
    }

    /// The grants, where they restrict.
    pub fn grants(&self) -> Option<&Grants> {
        self.grants.as_ref()
    }

    /// Which resources of a type the caller may see; `filter` is the word by which scopes name one.
    pub fn readable(&self, resource_type: &str, filter: &str) -> Visible {
        let by_grants = self.grants.as_ref().map_or(Visible::All, |grants| grants.readable(&self.workspace, resource_type));
        if self.identity.scopes.has_for(&self.scope, ("workspace", &self.workspace)) {
            return by_grants;
        }
        by_grants.within(&self.identity.scopes, &self.scope, filter)
    }
}

/// The caller's restrictions, for handlers of lists; `None` for who may see everything.
#[derive(Debug, Clone)]
pub struct Restricted(pub Option<Access>);

impl FromRequest for Restricted {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.extensions().get::<Access>().cloned())))
    }
}

/// A request of a restricted caller, as a guard sees it.
pub struct Attempt<'r> {
    request: &'r mut ServiceRequest,
    /// What the caller may do.
    pub access: Access,
    params: Option<Map<String, Value>>,
}

impl Attempt<'_> {
    /// The route's path without MLflow's prefix, with `{parameters}`: `runs/get`, `logged-models/{model_id}`.
    pub fn route(&self) -> String {
        let pattern = self.request.match_pattern().unwrap_or_default();
        let rest = ["/api/", "/ajax-api/"].iter().find_map(|p| pattern.strip_prefix(p)).unwrap_or(&pattern);
        let rest = ["2.0/mlflow/", "3.0/mlflow/"].iter().find_map(|p| rest.strip_prefix(p)).unwrap_or(rest);
        rest.to_owned()
    }

    /// The request's method, e.g. `GET`.
    pub fn method(&self) -> String {
        self.request.method().as_str().to_owned()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<String> {
        self.request.headers().get(name)?.to_str().ok().map(Into::into)
    }

    /// A part of the path.
    pub fn path(&self, name: &str) -> Option<String> {
        self.request.match_info().get(name).map(Into::into)
    }

    /// Every value that the request gives to `name`, in path, query and body, in either spelling. A guard checks all
    /// of them: which one a handler takes is then all the same.
    pub async fn all(&mut self, name: &str) -> Result<Vec<String>> {
        let camel = camel_case(name);
        let mut found: Vec<String> = self.path(name).into_iter().collect();
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(self.request.query_string()).unwrap_or_default();
        found.extend(pairs.into_iter().filter(|(key, _)| key == name || *key == camel).map(|(_, value)| value));
        let params = self.params().await?;
        for key in [name, camel.as_str()] {
            match params.get(key) {
                Some(Value::Array(items)) => found.extend(items.iter().filter_map(text)),
                Some(value) => found.extend(text(value)),
                None => {}
            }
        }
        found.retain(|value| !value.is_empty());
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Every value of `name` in the objects of the list `list` in the body.
    pub async fn all_in(&mut self, list: &str, name: &str) -> Result<Vec<String>> {
        let camel = camel_case(name);
        let items = self.params().await?.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(items.iter().filter_map(|item| item.get(name).or_else(|| item.get(&camel))).filter_map(text).collect())
    }

    /// Keeps only those values of the body's list `name` that `keep` accepts; when none is left, `none` alone.
    pub async fn retain(&mut self, name: &str, none: &str, keep: impl Fn(&str) -> bool) -> Result<()> {
        let camel = camel_case(name);
        let params = self.params().await?;
        for key in [name, camel.as_str()] {
            if let Some(Value::Array(items)) = params.get_mut(key) {
                items.retain(|item| text(item).is_some_and(|id| keep(&id)));
                if items.is_empty() {
                    items.push(none.into());
                }
            }
        }
        let body = serde_json::to_vec(params)?;
        replay(self.request, body.into());
        Ok(())
    }

    /// The body's fields; none when it is no JSON object, which the handler will say.
    pub async fn params(&mut self) -> Result<&mut Map<String, Value>> {
        if self.params.is_none() {
            self.params = Some(object(&peek_body(self.request).await?));
        }
        Ok(self.params.get_or_insert_default())
    }
}

/// A body may be JSON in a JSON string (mlflow/server/handlers.py `_get_request_json`).
fn object(body: &[u8]) -> Map<String, Value> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => fields,
        Ok(Value::String(inner)) => serde_json::from_str(&inner).unwrap_or_default(),
        _ => Map::new(),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `run_id` as `runId`.
fn camel_case(name: &str) -> String {
    let mut out = String::new();
    for (i, part) in name.split('_').enumerate() {
        match part.chars().next() {
            Some(first) if i > 0 => out.extend(first.to_uppercase().chain(part.chars().skip(1))),
            _ => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_in_either_spelling() {
        assert_eq!(camel_case("run_id"), "runId");
        assert_eq!(camel_case("name"), "name");
        assert_eq!(object(br#""{\"run_id\": \"a\"}""#)["run_id"], "a");
        assert!(object(b"[1]").is_empty() && object(b"").is_empty());
    }
}
