//! Upstream's pages: each leads to the web app, or to a notebook server.

use super::oauth::to_login;
use super::page::{self, NOTEBOOKS};
use crate::permit::{Over, hidden};
use crate::servers::Wanted;
use crate::store::servers::{self, State};
use crate::{Hub, names};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Identity, Result};
use serde::Deserialize;
use std::sync::Arc;

/// Where to go when the server is ready.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Next {
    next: Option<String>,
}

/// The start page.
#[utoipa::path(get, path = "/hub", tag = "hub", responses((status = 302)), security(("artel" = ["public"])))]
pub(super) async fn hub() -> HttpResponse {
    page::redirect("/")
}

/// The start page.
#[utoipa::path(get, path = "/hub/", tag = "hub", responses((status = 302)), security(("artel" = ["public"])))]
pub(super) async fn hub_slash() -> HttpResponse {
    page::redirect("/")
}

/// The notebook servers.
#[utoipa::path(get, path = "/hub/home", tag = "hub", responses((status = 302)), security(("artel" = ["public"])))]
pub(super) async fn home(request: HttpRequest, who: Option<Identity>) -> HttpResponse {
    if who.is_some() { page::redirect(NOTEBOOKS) } else { to_login(&request) }
}

/// The tokens.
#[utoipa::path(get, path = "/hub/token", tag = "hub", responses((status = 302)), security(("artel" = ["public"])))]
pub(super) async fn token_page() -> HttpResponse {
    page::redirect("/settings")
}

/// The users.
#[utoipa::path(get, path = "/hub/admin", tag = "hub", responses((status = 302)), security(("artel" = ["public"])))]
pub(super) async fn admin() -> HttpResponse {
    page::redirect("/admin/users")
}

/// Starts one's own default server and shows how that goes on.
#[utoipa::path(get, path = "/hub/spawn", tag = "hub", params(Next), responses((status = 302)), security(("artel" = ["public"])))]
pub(super) async fn spawn(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    query: web::Query<Next>,
) -> Result<HttpResponse> {
    let name = who.as_ref().map(|w| w.name.clone()).unwrap_or_default();
    hub.into_inner().spawn_page(&request, who, &name, "", &query).await
}

/// Starts a user's default server and shows how that goes on.
#[utoipa::path(get, path = "/hub/spawn/{name}", tag = "hub", params(("name" = String, Path), Next), responses((status = 302), (status = 404)), security(("artel" = ["public"])))]
pub(super) async fn spawn_user(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    at: web::Path<String>,
    query: web::Query<Next>,
) -> Result<HttpResponse> {
    hub.into_inner().spawn_page(&request, who, &at, "", &query).await
}

/// Starts a named server and shows how that goes on.
#[utoipa::path(get, path = "/hub/spawn/{name}/{server}", tag = "hub", params(("name" = String, Path), ("server" = String, Path), Next), responses((status = 302), (status = 404)), security(("artel" = ["public"])))]
pub(super) async fn spawn_server(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    at: web::Path<(String, String)>,
    query: web::Query<Next>,
) -> Result<HttpResponse> {
    hub.into_inner().spawn_page(&request, who, &at.0, &at.1, &query).await
}

/// How a start goes on.
#[utoipa::path(get, path = "/hub/spawn-pending/{name}", tag = "hub", params(("name" = String, Path)), responses((status = 302)), security(("artel" = ["public"])))]
pub(super) async fn spawn_pending() -> HttpResponse {
    page::redirect(NOTEBOOKS)
}

/// How a start goes on.
#[utoipa::path(get, path = "/hub/spawn-pending/{name}/{server}", tag = "hub", params(("name" = String, Path), ("server" = String, Path)), responses((status = 302)), security(("artel" = ["public"])))]
pub(super) async fn spawn_pending_server() -> HttpResponse {
    page::redirect(NOTEBOOKS)
}

/// What is under `/user` of a server that has no route: upstream's proxy sends it here.
#[utoipa::path(method(get, post, put, patch, delete), path = "/hub/user/{path:.*}", tag = "hub", params(("path" = String, Path)),
    responses((status = 302), (status = 404), (status = 424)), security(("artel" = ["public"])))]
pub(super) async fn hub_user(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    hub.no_route(&request, who, &path).await
}

/// The same, as this suite's gateway sends it.
#[utoipa::path(method(get, post, put, patch, delete), path = "/user/{path:.*}", tag = "hub", params(("path" = String, Path)),
    responses((status = 302), (status = 404), (status = 424)), security(("artel" = ["public"])))]
pub(super) async fn user(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    hub.no_route(&request, who, &path).await
}

impl Hub {
    async fn spawn_page(
        self: &Arc<Self>,
        request: &HttpRequest,
        who: Option<Identity>,
        user: &str,
        name: &str,
        query: &Next,
    ) -> Result<HttpResponse> {
        let Some(who) = who else { return Ok(to_login(request)) };
        self.allow(&who, &["start:servers"], Over::Server(user, name)).await?;
        let user = self.user(user).await?.name;
        let state = servers::find(&self.db, &user, name).await?.map(|s| s.state);
        if state == Some(State::Ready) {
            let place = names::prefix(&user, name);
            return Ok(page::redirect(query.next.as_deref().map_or(place.as_str(), |next| page::local(Some(next)))));
        }
        // a link on another site shows the page, it starts nothing
        let site = request.headers().get("sec-fetch-site").and_then(|v| v.to_str().ok());
        if !matches!(site, Some("cross-site" | "same-site")) && state != Some(State::Stopping) {
            self.start_server(&user, name, &Wanted::default()).await?;
        }
        Ok(page::redirect(NOTEBOOKS))
    }

    /// `path` is `NAME/…` or `NAME/SERVER/…`.
    async fn no_route(&self, request: &HttpRequest, who: Option<Identity>, path: &str) -> Result<HttpResponse> {
        let (user, rest) = path.split_once('/').unwrap_or((path, ""));
        let is_page = request.method() == actix_web::http::Method::GET && !is_api(request, rest);
        let Some(who) = who else {
            // a script would take the login page for its answer
            if !is_page {
                return Err(Error::denied("Missing or invalid credentials."));
            }
            let place = format!("/user/{path}{}", request.uri().query().map(|q| format!("?{q}")).unwrap_or_default());
            return Ok(page::redirect(&page::with_next("/hub/login", &place)));
        };
        let named = rest.split('/').next().unwrap_or_default();
        let server = match servers::find(&self.db, user, named).await? {
            Some(server) => Some(server),
            None => servers::find(&self.db, user, "").await?,
        };
        let name = server.as_ref().map_or("", |s| s.name.as_str());
        if self.holds(&who.scopes, "access:servers", Over::Server(user, name)).await? && self.user(user).await.is_ok() {
            if is_page {
                return Ok(page::redirect(NOTEBOOKS));
            }
            return Ok(self.stopped(user, name, request.path()));
        }
        Err(hidden())
    }

    /// Upstream's answer to a script whose server is gone; JupyterLab offers a restart when it sees it.
    fn stopped(&self, user: &str, name: &str, path: &str) -> HttpResponse {
        let spawn = if name.is_empty() {
            format!("{}/hub/spawn/{user}", self.public_url)
        } else {
            format!("{}/hub/spawn/{user}/{name}", self.public_url)
        };
        let path = path.strip_prefix("/hub").unwrap_or(path);
        let message = format!("JupyterHub server no longer running at {path}. Restart the server at {spawn}");
        HttpResponse::build(StatusCode::FAILED_DEPENDENCY).json(serde_json::json!({ "message": message }))
    }
}

fn is_api(request: &HttpRequest, rest: &str) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let accept = header("accept");
    rest.split('/').any(|part| part == "api")
        || (accept.contains("application/json") && !accept.contains("text/html"))
        || !header("upgrade").is_empty()
}
