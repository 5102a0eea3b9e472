//! Starting a server from a browser, without a script: what to start it with, and how that goes on.

use super::oauth::to_login;
use super::page::{self, NOTEBOOKS, escape};
use crate::permit::{Over, hidden};
use crate::profiles::{self, Profile};
use crate::servers::Wanted;
use crate::store::servers::{self, Server, State};
use crate::{Hub, names};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Identity, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use utoipa::ToSchema;

/// What the query's names of options begin with (upstream's, since 6).
const OPTION: &str = "opt-";

/// Where to go when the server is ready.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Next {
    next: Option<String>,
}

/// One's own default server: the page that asks what to start it with. Without profiles, or with `opt-…` in the query, it
/// is started.
#[utoipa::path(get, path = "/hub/spawn", tag = "hub", params(Next), responses((status = 200), (status = 302), (status = 400), (status = 429)), security(("artel" = ["public"])))]
pub(super) async fn own(hub: web::Data<Hub>, request: HttpRequest, who: Option<Identity>, next: web::Query<Next>) -> HttpResponse {
    let name = who.as_ref().map(|w| w.name.clone()).unwrap_or_default();
    shown(hub.into_inner().spawn_page(&request, who, (&name, ""), &next).await)
}

/// A user's default server: the same.
#[utoipa::path(get, path = "/hub/spawn/{name}", tag = "hub", params(("name" = String, Path), Next), responses((status = 200), (status = 302), (status = 400), (status = 404), (status = 429)), security(("artel" = ["public"])))]
pub(super) async fn of_user(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    at: web::Path<String>,
    next: web::Query<Next>,
) -> HttpResponse {
    shown(hub.into_inner().spawn_page(&request, who, (&at, ""), &next).await)
}

/// A named server: the same.
#[utoipa::path(get, path = "/hub/spawn/{name}/{server}", tag = "hub", params(("name" = String, Path), ("server" = String, Path), Next), responses((status = 200), (status = 302), (status = 400), (status = 404), (status = 429)), security(("artel" = ["public"])))]
pub(super) async fn of_server(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    at: web::Path<(String, String)>,
    next: web::Query<Next>,
) -> HttpResponse {
    shown(hub.into_inner().spawn_page(&request, who, (&at.0, &at.1), &next).await)
}

/// Starts one's own default server with what the form says.
#[utoipa::path(post, path = "/hub/spawn", tag = "hub", params(Next), responses((status = 302), (status = 400), (status = 429)), security(("artel" = ["public"])))]
pub(super) async fn start_own(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    next: web::Query<Next>,
    form: web::Bytes,
) -> HttpResponse {
    let name = who.as_ref().map(|w| w.name.clone()).unwrap_or_default();
    shown(hub.into_inner().start_by_form(&request, who, (&name, ""), &next, &form).await)
}

/// Starts a user's default server with what the form says.
#[utoipa::path(post, path = "/hub/spawn/{name}", tag = "hub", params(("name" = String, Path), Next), responses((status = 302), (status = 400), (status = 404), (status = 429)), security(("artel" = ["public"])))]
pub(super) async fn start_of_user(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    at: web::Path<String>,
    next: web::Query<Next>,
    form: web::Bytes,
) -> HttpResponse {
    shown(hub.into_inner().start_by_form(&request, who, (&at, ""), &next, &form).await)
}

/// Starts a named server with what the form says.
#[utoipa::path(post, path = "/hub/spawn/{name}/{server}", tag = "hub", params(("name" = String, Path), ("server" = String, Path), Next), responses((status = 302), (status = 400), (status = 404), (status = 429)), security(("artel" = ["public"])))]
pub(super) async fn start_of_server(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    at: web::Path<(String, String)>,
    next: web::Query<Next>,
    form: web::Bytes,
) -> HttpResponse {
    shown(hub.into_inner().start_by_form(&request, who, (&at.0, &at.1), &next, &form).await)
}

/// How the start of a default server goes on; the page looks again by itself.
#[utoipa::path(get, path = "/hub/spawn-pending/{name}", tag = "hub", params(("name" = String, Path), Next), responses((status = 200), (status = 302), (status = 404), (status = 424)), security(("artel" = ["public"])))]
pub(super) async fn pending(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    at: web::Path<String>,
    next: web::Query<Next>,
) -> HttpResponse {
    shown(hub.pending_page(&request, who, (&at, ""), &next).await)
}

/// How the start of a named server goes on.
#[utoipa::path(get, path = "/hub/spawn-pending/{name}/{server}", tag = "hub", params(("name" = String, Path), ("server" = String, Path), Next), responses((status = 200), (status = 302), (status = 404), (status = 424)), security(("artel" = ["public"])))]
pub(super) async fn pending_server(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    at: web::Path<(String, String)>,
    next: web::Query<Next>,
) -> HttpResponse {
    shown(hub.pending_page(&request, who, (&at.0, &at.1), &next).await)
}

/// What the caller may start servers with.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::Profile)]
pub(super) struct ProfileModel {
    /// For `user_options.profile`.
    slug: String,
    display_name: String,
    description: String,
    /// Taken where nothing is chosen.
    default: bool,
}

/// The profiles of servers that the caller may choose. Not part of upstream's API.
#[utoipa::path(get, path = "/hub/api/profiles", tag = "hub", responses((status = 200, body = Vec<ProfileModel>)), security(("artel" = ["authenticated"])))]
pub(super) async fn list(hub: web::Data<Hub>, who: Identity) -> HttpResponse {
    let offered = profiles::offered(&hub.settings, &who.groups);
    let models: Vec<ProfileModel> = offered
        .into_iter()
        .map(|profile| ProfileModel {
            slug: profile.slug.clone(),
            display_name: named(&profile.display_name, &profile.slug).into(),
            description: profile.description.clone(),
            default: profile.default,
        })
        .collect();
    HttpResponse::Ok().json(models)
}

fn shown(page: Result<HttpResponse>) -> HttpResponse {
    page.unwrap_or_else(|error| page::failure(&error))
}

fn named<'a>(display_name: &'a str, name: &'a str) -> &'a str {
    if display_name.is_empty() { name } else { display_name }
}

/// `/hub/spawn/ada` or `/hub/spawn-pending/ada/gpu`.
fn place(page: &str, (user, name): (&str, &str)) -> String {
    if name.is_empty() { format!("/hub/{page}/{user}") } else { format!("/hub/{page}/{user}/{name}") }
}

fn with(path: &str, next: &Next) -> String {
    next.next.as_deref().map_or_else(|| path.to_owned(), |next| page::with_next(path, page::local(Some(next))))
}

/// What the query says the server shall be started with.
fn query_options(request: &HttpRequest) -> Option<Value> {
    let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
    let options: Map<String, Value> =
        pairs.filter_map(|(name, value)| Some((name.strip_prefix(OPTION)?.to_owned(), Value::from(value.into_owned())))).collect();
    (!options.is_empty()).then_some(Value::Object(options))
}

/// What the form says: the profile, and of its options those that belong to it.
fn form_options(form: &[u8]) -> Option<Value> {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(form).into_owned().collect();
    let slug = &fields.iter().find(|(name, _)| name == "profile")?.1;
    let prefix = format!("profile-option-{slug}--");
    let mut options = Map::from_iter([("profile".to_owned(), Value::from(slug.as_str()))]);
    for (name, value) in &fields {
        if let Some(option) = name.strip_prefix(&prefix) {
            options.insert(option.to_owned(), value.as_str().into());
        }
    }
    Some(Value::Object(options))
}

impl Hub {
    async fn spawn_page(
        self: &Arc<Self>,
        request: &HttpRequest,
        who: Option<Identity>,
        server: (&str, &str),
        next: &Next,
    ) -> Result<HttpResponse> {
        let Some(who) = who else { return Ok(to_login(request)) };
        let (user, name) = server;
        self.allow(&who, &["start:servers"], Over::Server(user, name)).await?;
        let user = self.user(user).await?.name;
        let state = servers::find(&self.db, &user, name).await?.map(|s| s.state);
        match state {
            Some(State::Ready) => return Ok(to_server(&user, name, next)),
            Some(State::Pending) => return Ok(page::redirect(&with(&place("spawn-pending", (&user, name)), next))),
            _ => {}
        }
        let options = query_options(request);
        let offered = profiles::offered(&self.settings, &self.groups_of(&user).await?);
        if !self.settings.profiles.is_empty() && options.is_none() {
            return Ok(self.form(request, (&user, name), &offered, next));
        }
        // a link on another site shows the page, it starts nothing
        let site = request.headers().get("sec-fetch-site").and_then(|v| v.to_str().ok());
        if !matches!(site, Some("cross-site" | "same-site")) && state != Some(State::Stopping) {
            self.start_server(&user, name, &Wanted { display_name: None, user_options: options }).await?;
        }
        Ok(page::redirect(NOTEBOOKS))
    }

    async fn start_by_form(
        self: &Arc<Self>,
        request: &HttpRequest,
        who: Option<Identity>,
        (user, name): (&str, &str),
        next: &Next,
        form: &[u8],
    ) -> Result<HttpResponse> {
        let Some(who) = who else { return Ok(to_login(request)) };
        self.allow(&who, &["start:servers"], Over::Server(user, name)).await?;
        let server = self.start_server(user, name, &Wanted { display_name: None, user_options: form_options(form) }).await?;
        Ok(page::redirect(&with(&place("spawn-pending", (&server.user, name)), next)))
    }

    fn form(&self, request: &HttpRequest, server: (&str, &str), offered: &[&Profile], next: &Next) -> HttpResponse {
        let (user, name) = server;
        let action = with(&place("spawn", server), next);
        let action = format!("{action}{}_xsrf={}", if action.contains('?') { '&' } else { '?' }, page::xsrf(request));
        let preferred = offered.iter().position(|profile| profile.default).unwrap_or(0);
        let list: String = offered.iter().enumerate().map(|(at, profile)| choice(profile, at == preferred)).collect();
        let body = if offered.is_empty() {
            "<p>None of the profiles is for a group that you are in; ask an administrator.</p>".to_owned()
        } else {
            format!(
                "<form method=\"post\" action=\"{}\">{list}<button>Start</button> <a href=\"{NOTEBOOKS}\">Back</a></form>",
                escape(&action)
            )
        };
        let called = if name.is_empty() { user.to_owned() } else { names::full(user, name) };
        page::html(StatusCode::OK, "Start a server", &format!("<h1>Start a server</h1><p>For <b>{}</b></p>{body}", escape(&called)))
    }

    async fn pending_page(
        &self,
        request: &HttpRequest,
        who: Option<Identity>,
        (user, name): (&str, &str),
        next: &Next,
    ) -> Result<HttpResponse> {
        let Some(who) = who else { return Ok(to_login(request)) };
        if !self.holds(&who.scopes, "access:servers", Over::Server(user, name)).await? {
            return Err(hidden());
        }
        let server = self.server_or_default(user, name).await?;
        let again = escape(&with(&place("spawn", (&server.user, name)), next));
        let start = format!("<p><a class=\"button\" href=\"{again}\">Start it</a> <a href=\"{NOTEBOOKS}\">Back</a></p>");
        Ok(match server.state {
            State::Ready => to_server(&server.user, name, next),
            State::Pending => waiting("The server is starting", &steps(&server)),
            State::Stopping => waiting("The server is stopping", ""),
            State::Stopped => {
                page::html(StatusCode::FAILED_DEPENDENCY, "Not running", &format!("<h1>The server is not running</h1>{start}"))
            }
            State::Failed => {
                let why = escape(server.failure.as_deref().unwrap_or("the reason is not known"));
                let log =
                    server.log_tail.filter(|log| !log.is_empty()).map(|log| format!("<pre>{}</pre>", escape(&log))).unwrap_or_default();
                let body = format!("<h1>The server has failed</h1><p role=\"alert\">{why}</p>{log}{start}");
                page::html(StatusCode::FAILED_DEPENDENCY, "Failed", &body)
            }
        })
    }
}

fn to_server(user: &str, name: &str, next: &Next) -> HttpResponse {
    let place = names::prefix(user, name);
    page::redirect(next.next.as_deref().map_or(place.as_str(), |next| page::local(Some(next))))
}

/// One profile of the form, with its options. Names of fields are those of upstream's Kubernetes spawner.
fn choice(profile: &Profile, checked: bool) -> String {
    let slug = escape(&profile.slug);
    let options: String = profile
        .options
        .iter()
        .map(|option| {
            let preferred = option.choices.iter().position(|choice| choice.default).unwrap_or(0);
            let choices: String = option
                .choices
                .iter()
                .enumerate()
                .map(|(at, choice)| {
                    let selected = if at == preferred { " selected" } else { "" };
                    let (value, text) = (escape(&choice.name), escape(named(&choice.display_name, &choice.name)));
                    format!("<option value=\"{value}\"{selected}>{text}</option>")
                })
                .collect();
            let (key, text) = (escape(&option.name), escape(named(&option.display_name, &option.name)));
            format!("<label class=\"option\">{text} <select name=\"profile-option-{slug}--{key}\">{choices}</select></label>")
        })
        .collect();
    let checked = if checked { " checked" } else { "" };
    let (title, about) = (escape(named(&profile.display_name, &profile.slug)), escape(&profile.description));
    format!(
        "<div class=\"choice\"><label><input type=\"radio\" name=\"profile\" value=\"{slug}\"{checked}> <b>{title}</b></label><p>{about}</p>{options}</div>"
    )
}

fn steps(server: &Server) -> String {
    let list: String = server.steps.iter().rev().take(8).rev().map(|step| format!("<li>{}</li>", escape(&step.message))).collect();
    let progress = server.progress;
    format!("<progress aria-label=\"Progress\" max=\"100\" value=\"{progress}\">{progress} %</progress><ol>{list}</ol>")
}

/// A page that looks again after a second.
fn waiting(title: &str, body: &str) -> HttpResponse {
    let mut answer = page::html(StatusCode::OK, title, &format!("<h1>{title}</h1>{body}<p><a href=\"{NOTEBOOKS}\">All servers</a></p>"));
    answer.headers_mut().insert(header::HeaderName::from_static("refresh"), header::HeaderValue::from_static("1"));
    answer.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use serde_json::json;

    #[test]
    fn a_form_says_the_profile_and_its_own_options() {
        let form = b"profile=gpu&profile-option-gpu--size=large&profile-option-small--size=tiny&_xsrf=x";
        assert_eq!(form_options(form), Some(json!({"profile": "gpu", "size": "large"})));
        assert_eq!(form_options(b""), None);
    }

    #[test]
    fn a_query_says_options_by_upstreams_prefix() {
        let request = TestRequest::with_uri("/hub/spawn?next=%2Fx&opt-profile=gpu&opt-size=large").to_http_request();
        assert_eq!(query_options(&request), Some(json!({"profile": "gpu", "size": "large"})));
        assert_eq!(query_options(&TestRequest::with_uri("/hub/spawn?profile=gpu").to_http_request()), None);
    }
}
