//! Upstream's pages: each leads to the web app, or to a notebook server.

use super::oauth::to_login;
use super::page::{self, NOTEBOOKS};
use crate::permit::{Over, hidden};
use crate::store::servers::{self, State};
use crate::{Hub, names};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Identity, Result};

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

/// What is under `/user` of a server that has no route: upstream's proxy sends it here.
#[utoipa::path(method(get, post, put, patch, delete), path = "/hub/user/{path:.*}", tag = "hub", params(("path" = String, Path)),
    responses((status = 302), (status = 404), (status = 424), (status = 503)), security(("artel" = ["public"])))]
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
    responses((status = 302), (status = 404), (status = 424), (status = 503)), security(("artel" = ["public"])))]
pub(super) async fn user(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    hub.no_route(&request, who, &path).await
}

impl Hub {
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
            if server.as_ref().is_some_and(|server| server.state == State::Ready) {
                let message = format!("the server {} runs, but the way to it is not known yet; try again", names::full(user, name));
                return Err(Error::unavailable(message));
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
