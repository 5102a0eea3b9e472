//! Notebook servers: show, start, stop, log.

use super::model::ServerModel;
use crate::Hub;
use crate::permit::Over;
use crate::servers::Wanted;
use crate::store::groups;
use crate::store::servers::{Server, State};
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use artel_platform::{Error, Identity, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use utoipa::ToSchema;

/// What a server shall be started with. Any other object is taken as `user_options`, as upstream does.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::ServerRequest)]
pub(super) struct ServerRequest {
    display_name: Option<String>,
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
    user_options: Option<Map<String, Value>>,
}

/// What shall be otherwise with a server that does not run.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::ServerChange)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerChange {
    /// The new name; the default server's is empty.
    name: Option<String>,
    display_name: Option<String>,
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
    user_options: Option<Map<String, Value>>,
}

/// How a server shall be stopped.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::StopRequest)]
pub(super) struct StopRequest {
    /// Forget the (named) server too.
    #[serde(default)]
    remove: bool,
}

/// Shows the default server.
#[utoipa::path(get, path = "/hub/api/users/{name}/server", tag = "hub", params(("name" = String, Path)), responses((status = 200, body = ServerModel), (status = 404)), security(("artel" = ["read:servers"])))]
pub(super) async fn get_default(hub: web::Data<Hub>, who: Identity, name: web::Path<String>) -> Result<HttpResponse> {
    hub.show_server(&who, &name, "").await
}

/// Starts the default server: 201 when it is ready, 202 when that takes longer.
#[utoipa::path(post, path = "/hub/api/users/{name}/server", tag = "hub", params(("name" = String, Path)), request_body = Option<ServerRequest>, responses((status = 201), (status = 202), (status = 400), (status = 404), (status = 429)), security(("artel" = ["start:servers"])))]
pub(super) async fn start_default(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    hub.into_inner().start_answer(&who, &name, "", &body).await
}

/// Stops the default server: 204 when it has ended, 202 when that takes longer.
#[utoipa::path(delete, path = "/hub/api/users/{name}/server", tag = "hub", params(("name" = String, Path)), request_body = Option<StopRequest>, responses((status = 202), (status = 204), (status = 400), (status = 404)), security(("artel" = ["delete:servers"])))]
pub(super) async fn stop_default(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    hub.into_inner().stop_answer(&who, &name, "", &body).await
}

/// The last lines of the default server's log.
#[utoipa::path(get, path = "/hub/api/users/{name}/server/log", tag = "hub", params(("name" = String, Path)), responses((status = 200, content_type = "text/plain"), (status = 404)), security(("artel" = ["read:servers"])))]
pub(super) async fn log_default(hub: web::Data<Hub>, who: Identity, name: web::Path<String>) -> Result<HttpResponse> {
    hub.log_answer(&who, &name, "").await
}

/// Shows a named server.
#[utoipa::path(get, path = "/hub/api/users/{name}/servers/{server}", tag = "hub", params(("name" = String, Path), ("server" = String, Path)), responses((status = 200, body = ServerModel), (status = 404)), security(("artel" = ["read:servers"])))]
pub(super) async fn get(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>) -> Result<HttpResponse> {
    hub.show_server(&who, &at.0, &at.1).await
}

/// Starts a named server: 201 when it is ready, 202 when that takes longer.
#[utoipa::path(post, path = "/hub/api/users/{name}/servers/{server}", tag = "hub", params(("name" = String, Path), ("server" = String, Path)), request_body = Option<ServerRequest>, responses((status = 201), (status = 202), (status = 400), (status = 404), (status = 429)), security(("artel" = ["start:servers"])))]
pub(super) async fn start(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>, body: web::Bytes) -> Result<HttpResponse> {
    hub.into_inner().start_answer(&who, &at.0, &at.1, &body).await
}

/// Stops a named server: 204 when it has ended, 202 when that takes longer. With `remove` it is forgotten too.
#[utoipa::path(delete, path = "/hub/api/users/{name}/servers/{server}", tag = "hub", params(("name" = String, Path), ("server" = String, Path)), request_body = Option<StopRequest>, responses((status = 202), (status = 204), (status = 400), (status = 404)), security(("artel" = ["delete:servers"])))]
pub(super) async fn stop(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>, body: web::Bytes) -> Result<HttpResponse> {
    hub.into_inner().stop_answer(&who, &at.0, &at.1, &body).await
}

/// Makes a named server without starting it.
#[utoipa::path(put, path = "/hub/api/users/{name}/servers/{server}", tag = "hub", params(("name" = String, Path), ("server" = String, Path)), request_body = Option<ServerRequest>, responses((status = 201, body = ServerModel), (status = 400), (status = 404), (status = 409)), security(("artel" = ["start:servers"])))]
pub(super) async fn create(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>, body: web::Bytes) -> Result<HttpResponse> {
    hub.create_answer(&who, &at.0, &at.1, &body).await
}

/// Every user has a default server: there is none to make.
#[utoipa::path(put, path = "/hub/api/users/{name}/server", tag = "hub", params(("name" = String, Path)), responses((status = 404), (status = 409)), security(("artel" = ["start:servers"])))]
pub(super) async fn create_default(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    hub.create_answer(&who, &name, "", &body).await
}

/// Changes a named server that does not run.
#[utoipa::path(patch, path = "/hub/api/users/{name}/servers/{server}", tag = "hub", params(("name" = String, Path), ("server" = String, Path)), request_body = ServerChange, responses((status = 200, body = ServerModel), (status = 400), (status = 404), (status = 409)), security(("artel" = ["start:servers"])))]
pub(super) async fn update(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>, body: web::Bytes) -> Result<HttpResponse> {
    hub.change_answer(&who, &at.0, &at.1, &body).await
}

/// Changes the default server, which must not run.
#[utoipa::path(patch, path = "/hub/api/users/{name}/server", tag = "hub", params(("name" = String, Path)), request_body = ServerChange, responses((status = 200, body = ServerModel), (status = 400), (status = 404), (status = 409)), security(("artel" = ["start:servers"])))]
pub(super) async fn update_default(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    hub.change_answer(&who, &name, "", &body).await
}

/// The last lines of a named server's log.
#[utoipa::path(get, path = "/hub/api/users/{name}/servers/{server}/log", tag = "hub", params(("name" = String, Path), ("server" = String, Path)), responses((status = 200, content_type = "text/plain"), (status = 404)), security(("artel" = ["read:servers"])))]
pub(super) async fn log(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>) -> Result<HttpResponse> {
    hub.log_answer(&who, &at.0, &at.1).await
}

impl Hub {
    async fn show_server(&self, who: &Identity, user: &str, name: &str) -> Result<HttpResponse> {
        self.allow(who, &["read:servers"], Over::Server(user, name)).await?;
        let server = self.server_or_default(user, name).await?;
        Ok(HttpResponse::Ok().json(self.shown_server(who, &server).await?))
    }

    /// A server as `who` may see it.
    async fn shown_server(&self, who: &Identity, server: &Server) -> Result<ServerModel> {
        let groups = groups::of_users(&self.db, &[&server.user]).await?.remove(&server.user).unwrap_or_default();
        Ok(self.server_model(server, &who.scopes, &groups.into_iter().collect::<Vec<_>>()))
    }

    async fn create_answer(&self, who: &Identity, user: &str, name: &str, body: &[u8]) -> Result<HttpResponse> {
        self.allow(who, &["start:servers"], Over::Server(user, name)).await?;
        let user = self.user(user).await?.name;
        if name.is_empty() {
            return Err(Error::exists(format!("User {user} already has a default server")));
        }
        let server = self.create_server(&user, name, &wanted(body)?).await?;
        Ok(HttpResponse::Created().json(self.shown_server(who, &server).await?))
    }

    async fn change_answer(&self, who: &Identity, user: &str, name: &str, body: &[u8]) -> Result<HttpResponse> {
        self.allow(who, &["start:servers"], Over::Server(user, name)).await?;
        let user = self.user(user).await?.name;
        // upstream answers 500 for a field that it does not know
        let change: ServerChange = super::body(body)?;
        let ServerChange { name: renamed, display_name, user_options } = change;
        if renamed.is_none() && display_name.is_none() && user_options.is_none() {
            return Err(Error::invalid("Must specify at least one field to modify."));
        }
        if let Some(renamed) = &renamed {
            // whoever may start one server may not take the name of any other
            self.allow(who, &["start:servers"], Over::Server(&user, renamed)).await?;
        }
        let wanted = Wanted { display_name: display_name.filter(|n| !n.is_empty()), user_options: user_options.map(Value::Object) };
        let server = self.change_server(&user, name, renamed.as_deref(), &wanted).await?;
        Ok(HttpResponse::Ok().json(self.shown_server(who, &server).await?))
    }

    async fn start_answer(self: &Arc<Self>, who: &Identity, user: &str, name: &str, body: &[u8]) -> Result<HttpResponse> {
        self.allow(who, &["start:servers"], Over::Server(user, name)).await?;
        let server = self.start_server(user, name, &wanted(body)?).await?;
        let launch = server.launch.clone();
        let after = self.follow_server(&server.user, name, self.patience(), |s| s.state != State::Pending || s.launch != launch).await?;
        match after {
            Some(Server { state: State::Ready, .. }) => Ok(plain().status(201)),
            // upstream answers 500 here; the start was no mistake of this server's
            Some(Server { state: State::Failed, failure, .. }) => {
                Err(Error::conflict(format!("Spawn failed: {}", failure.unwrap_or_default())))
            }
            _ => Ok(plain().status(202)),
        }
    }

    async fn stop_answer(self: &Arc<Self>, who: &Identity, user: &str, name: &str, body: &[u8]) -> Result<HttpResponse> {
        self.allow(who, &["delete:servers"], Over::Server(user, name)).await?;
        let remove = super::body::<StopRequest>(body)?.remove;
        let user = self.user(user).await?.name;
        if name.is_empty() && remove {
            return Err(Error::invalid("Cannot delete the default server"));
        }
        if !name.is_empty() {
            self.server(&user, name).await?;
        }
        if !name.is_empty() && !self.settings.allow_named_servers {
            return Err(Error::invalid("Named servers are not enabled."));
        }
        self.stop_server(&user, name).await?;
        let after = self.follow_server(&user, name, self.patience(), |s| !s.state.is_active()).await?;
        let stopped = after.is_none_or(|s| !s.state.is_active());
        if remove && stopped {
            self.remove_server(&user, name).await?;
        } else if remove {
            let (hub, name) = (self.clone(), name.to_owned());
            self.spawn(async move { hub.remove_when_stopped(&user, &name).await });
        }
        Ok(plain().status(if stopped { 204 } else { 202 }))
    }

    async fn log_answer(&self, who: &Identity, user: &str, name: &str) -> Result<HttpResponse> {
        self.allow(who, &["read:servers"], Over::Server(user, name)).await?;
        let server = self.server(user, name).await?;
        let tail = self.spawner.log_tail(&server.user, &server.name);
        Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").insert_header((header::CACHE_CONTROL, "no-cache")).body(tail))
    }
}

/// An answer without a body, of upstream's content type.
struct Plain;

fn plain() -> Plain {
    Plain
}

impl Plain {
    fn status(self, status: u16) -> HttpResponse {
        let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
        HttpResponse::build(status).content_type("text/plain").finish()
    }
}

fn wanted(body: &[u8]) -> Result<Wanted> {
    let object: Map<String, Value> = super::body(body)?;
    if object.contains_key("display_name") || object.contains_key("user_options") {
        let request: ServerRequest =
            serde_json::from_value(Value::Object(object)).map_err(|e| Error::invalid(format!("Invalid JSON keys: {e}")))?;
        return Ok(Wanted {
            display_name: request.display_name.filter(|n| !n.is_empty()),
            user_options: request.user_options.map(Value::Object),
        });
    }
    let user_options = (!object.is_empty()).then_some(Value::Object(object));
    Ok(Wanted { display_name: None, user_options })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_options_or_names_them() {
        assert!(wanted(b"").unwrap().user_options.is_none());
        assert!(wanted(b"{}").unwrap().user_options.is_none());
        assert!(wanted(b"null").unwrap().user_options.is_none());
        assert_eq!(wanted(br#"{"image": "a"}"#).unwrap().user_options.unwrap()["image"], "a");
        let both = wanted(br#"{"display_name": "GPU", "user_options": {"n": 1}}"#).unwrap();
        assert_eq!((both.display_name.as_deref(), &both.user_options.unwrap()["n"]), (Some("GPU"), &1.into()));
        assert!(wanted(b"[1]").is_err());
    }
}
