//! Logging in and out with a browser.

use super::page;
use crate::Hub;
use crate::sessions::Opened;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::{StatusCode, header};
use actix_web::{Either, HttpRequest, HttpResponse, web};
use artel_platform::{Code, Error, Identity, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The browser session; the gateway reads it with every request.
pub(super) const SESSION: &str = "artel-session";
/// Known to notebook servers, which keep apart by it what they remember of tokens.
const JUPYTERHUB_SESSION: &str = "jupyterhub-session-id";
/// What scripts send back as `X-XSRFToken`.
const XSRF: &str = "_xsrf";

/// What the form or a script sends.
#[derive(Deserialize, ToSchema)]
#[schema(as = hub::Login)]
pub(super) struct Login {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    /// Where to go afterwards, a path of this site.
    next: Option<String>,
}

/// Who has logged in.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::LoggedIn)]
pub(super) struct LoggedIn {
    name: String,
    admin: bool,
}

/// Where to go afterwards.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Next {
    next: Option<String>,
}

/// Sends a browser to the web app's login page, or on when it is logged in.
#[utoipa::path(get, path = "/hub/login", tag = "hub", params(Next), responses((status = 302)), security(("artel" = ["public"])))]
pub(super) async fn form(hub: web::Data<Hub>, who: Option<Identity>, query: web::Query<Next>) -> HttpResponse {
    let next = page::local(query.next.as_deref());
    if who.is_some() {
        return page::redirect(next);
    }
    if hub.oidc.as_ref().is_some_and(|oidc| oidc.settings.auto_login) {
        return hub.to_provider(next).await.unwrap_or_else(|error| page::failure(&error));
    }
    let mut answer = page::redirect(&page::with_next("/login", next));
    // clients that fill in upstream's form want one before they post it
    let _ = answer.add_cookie(&hub.cookie(XSRF, hub.cx.ids.secret(), false));
    answer
}

/// Logs in: sets the session's cookies. Answers JSON to who accepts it, else a redirect to `next`.
#[utoipa::path(post, path = "/hub/login", tag = "hub", params(Next), request_body = Login,
    responses((status = 200, body = LoggedIn), (status = 302), (status = 403)), security(("artel" = ["public"])))]
pub(super) async fn log_in(
    hub: web::Data<Hub>,
    request: HttpRequest,
    query: web::Query<Next>,
    body: Either<web::Json<Login>, web::Form<Login>>,
) -> Result<HttpResponse> {
    let login = match body {
        Either::Left(json) => json.into_inner(),
        Either::Right(form) => form.into_inner(),
    };
    hub.refuse_other_sites(&request)?;
    let json = wants_json(&request);
    let opened = match hub.clone().into_inner().log_in(&login.username, &login.password, &address(&request)).await {
        Ok(opened) => opened,
        Err(error) if !json && error.code == Code::Unauthenticated => return Ok(refused(&error)),
        Err(error) => return Err(error),
    };
    let next = page::local(login.next.as_deref().or(query.next.as_deref()));
    let mut answer = if json {
        HttpResponse::Ok().json(LoggedIn { name: opened.user.name.clone(), admin: opened.user.admin })
    } else {
        page::redirect(next)
    };
    for cookie in hub.session_cookies(&opened) {
        let _ = answer.add_cookie(&cookie);
    }
    Ok(answer)
}

/// Logs out: the session ends, and every token that was given out in it.
#[utoipa::path(post, path = "/hub/logout", tag = "hub", responses((status = 200), (status = 302)), security(("artel" = ["public"])))]
pub(super) async fn log_out(hub: web::Data<Hub>, request: HttpRequest, who: Option<Identity>) -> Result<HttpResponse> {
    hub.end_session(&request, who).await
}

/// The same, for a link.
#[utoipa::path(get, path = "/hub/logout", tag = "hub", responses((status = 302)), security(("artel" = ["public"])))]
pub(super) async fn log_out_page(hub: web::Data<Hub>, request: HttpRequest, who: Option<Identity>) -> Result<HttpResponse> {
    hub.end_session(&request, who).await
}

impl Hub {
    async fn end_session(self: &Arc<Self>, request: &HttpRequest, who: Option<Identity>) -> Result<HttpResponse> {
        let named = match request.cookie(SESSION) {
            Some(cookie) => self.by_session(cookie.value()).await.ok().and_then(|p| p.session_id),
            None => None,
        };
        // a token is no browser session: whoever holds one cannot end that in which it was given out
        let own = who.filter(|who| who.token_id.is_none()).and_then(|who| who.session);
        if let Some(session) = named.or(own) {
            self.log_out(&session).await?;
        }
        let mut answer = if wants_json(request) { HttpResponse::Ok().json(serde_json::json!({})) } else { page::redirect("/login") };
        for (name, path) in [(SESSION, "/"), (JUPYTERHUB_SESSION, "/"), (XSRF, "/"), ("jupyterhub-services", "/services")] {
            let mut cookie = Cookie::build(name, "").path(path).finish();
            cookie.make_removal();
            let _ = answer.add_cookie(&cookie);
        }
        Ok(answer)
    }

    fn cookie(&self, name: &'static str, value: String, http_only: bool) -> Cookie<'static> {
        let secure = self.public_url.starts_with("https:");
        Cookie::build(name, value).path("/").http_only(http_only).secure(secure).same_site(SameSite::Lax).finish()
    }

    pub(super) fn session_cookies(&self, opened: &Opened) -> [Cookie<'static>; 3] {
        let cookies = [
            self.cookie(SESSION, opened.secret.clone(), true),
            self.cookie(JUPYTERHUB_SESSION, opened.id.clone(), true),
            self.cookie(XSRF, opened.csrf.clone(), false),
        ];
        cookies.map(|mut cookie| {
            cookie.set_max_age(Duration::seconds(opened.seconds));
            cookie
        })
    }

    /// A page of another site must not log its reader in under a name that it knows.
    fn refuse_other_sites(&self, request: &HttpRequest) -> Result<()> {
        let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
        let host = |url: &str| url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default().to_owned());
        let other = match header("origin") {
            Some("null") => true,
            Some(origin) => {
                let origin = host(origin);
                origin.as_deref() != header("host") && origin != host(&self.public_url)
            }
            None => header("sec-fetch-site") == Some("cross-site"),
        };
        if other { Err(Error::denied("this login comes from a page of another site; open the login page of this one")) } else { Ok(()) }
    }
}

fn wants_json(request: &HttpRequest) -> bool {
    request.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|accept| accept.contains("application/json"))
}

/// The client as the nearest proxy saw it, for the limit on wrong passwords.
pub(super) fn address(request: &HttpRequest) -> String {
    let forwarded = request.headers().get("x-forwarded-for").and_then(|v| v.to_str().ok()).and_then(|list| list.rsplit(',').next());
    forwarded.map(|a| a.trim().to_owned()).or_else(|| request.peer_addr().map(|a| a.ip().to_string())).unwrap_or_default()
}

fn refused(error: &Error) -> HttpResponse {
    let body = format!("<h1>Not logged in</h1><p>{}</p><p><a href=\"/login\">Try again</a></p>", page::escape(&error.message));
    page::html(StatusCode::FORBIDDEN, "Not logged in", &body)
}
