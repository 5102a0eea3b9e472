//! The OAuth endpoints that notebook servers and services use.

use super::page;
use crate::Hub;
use crate::oauth::{AuthorizeQuery, Authorized, Exchange, IDENTIFY, Said, TOKEN_LIFE};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::identity::Kind;
use artel_platform::{Identity, Result};
use serde::Serialize;
use utoipa::ToSchema;

/// A token for a notebook page.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::OAuthToken)]
pub(super) struct TokenAnswer {
    access_token: String,
    /// Seconds.
    expires_in: i64,
    /// `Bearer`.
    token_type: &'static str,
    /// Separated by spaces.
    scope: String,
}

/// Why there is none.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::OAuthFailure)]
pub(super) struct Failure {
    error: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<&'static str>,
}

/// Asks who the browser's user is, for a notebook server or a service. Own servers get their answer at once.
#[utoipa::path(get, path = "/hub/api/oauth2/authorize", tag = "hub", params(AuthorizeQuery),
    responses((status = 302), (status = 200, description = "a page that asks whether the client may have what it wants"), (status = 400), (status = 403)),
    security(("artel" = ["public"])))]
pub(super) async fn authorize(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    query: web::Query<AuthorizeQuery>,
) -> Result<HttpResponse> {
    Ok(hub.answer_client(&request, who, &query, Said::Nothing).await.unwrap_or_else(|error| page::failure(&error)))
}

/// The same after the user has agreed on that page; the body's `scopes` are what they agreed to.
#[utoipa::path(post, path = "/hub/api/oauth2/authorize", tag = "hub", params(AuthorizeQuery), responses((status = 302), (status = 400), (status = 403)),
    security(("artel" = ["public"])))]
pub(super) async fn agree(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    query: web::Query<AuthorizeQuery>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let fields = url::form_urlencoded::parse(&body);
    let scopes: Vec<String> = fields.filter(|(name, _)| name == "scopes").map(|(_, scope)| scope.into_owned()).collect();
    Ok(hub.answer_client(&request, who, &query, Said::Yes(&scopes)).await.unwrap_or_else(|error| page::failure(&error)))
}

/// Only who is at the browser can answer for it, not the bearer of a token.
pub(super) fn at_browser(who: Option<Identity>) -> Option<Identity> {
    who.filter(|who| who.token_id.is_none() && who.kind == Kind::User)
}

/// To the login page, and back here.
pub(super) fn to_login(request: &HttpRequest) -> HttpResponse {
    let here = request.uri().path_and_query().map_or("/", |p| p.as_str());
    page::redirect(&page::with_next("/hub/login", here))
}

impl Hub {
    async fn answer_client(
        &self,
        request: &HttpRequest,
        who: Option<Identity>,
        query: &AuthorizeQuery,
        said: Said<'_>,
    ) -> Result<HttpResponse> {
        let Some(who) = at_browser(who) else { return Ok(to_login(request)) };
        Ok(match self.authorize(&who, query, said).await? {
            Authorized::Redirect(to) => page::redirect(&to),
            Authorized::Ask { client, redirect_uri, scopes } => self.ask(request, &who, (&client, &redirect_uri), &scopes),
        })
    }

    fn ask(&self, request: &HttpRequest, who: &Identity, (client, redirect_uri): (&str, &str), scopes: &[String]) -> HttpResponse {
        let query = url::form_urlencoded::Serializer::new(request.query_string().to_owned()).finish();
        let action = page::escape(&format!("/hub/api/oauth2/authorize?{query}&_xsrf={}", page::xsrf(request)));
        let (client, name) = (page::escape(client), page::escape(&who.name));
        // who they are, and that they may come: that is what the sentence says
        let more = scopes.iter().filter(|scope| !scope.starts_with("access:") && !IDENTIFY.contains(&scope.as_str()));
        let list: String =
            more.map(|scope| format!("<li>{} <code>{}</code></li>", page::escape(&self.describe(scope)), page::escape(scope))).collect();
        let list = if list.is_empty() { list } else { format!("<p>It may then do in your name:</p><ul>{list}</ul>") };
        let hidden: String =
            scopes.iter().map(|scope| format!("<input type=\"hidden\" name=\"scopes\" value=\"{}\">", page::escape(scope))).collect();
        let body = format!(
            "<h1>Authorize access</h1><p><b>{client}</b> would like to know that you are <b>{name}</b>.</p>{list}\
             <form method=\"post\" action=\"{action}\">{hidden}<button>Authorize</button> <a href=\"/\">Back</a></form>"
        );
        // the answer to the form is a redirect to the client, which may be on another site
        let origin = url::Url::parse(redirect_uri).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        page::html_leading_to(StatusCode::OK, "Authorize access", &body, &origin)
    }

    fn describe(&self, scope: &str) -> String {
        self.vocabulary.describe(crate::scopes::split(scope).0)
    }
}

/// Gives a token for a code.
#[utoipa::path(post, path = "/hub/api/oauth2/token", tag = "hub", request_body(content = Exchange, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenAnswer), (status = 400), (status = 401)), security(("artel" = ["public"])))]
pub(super) async fn token(hub: web::Data<Hub>, wish: web::Form<Exchange>) -> Result<HttpResponse> {
    let no_store = (header::CACHE_CONTROL, "no-store");
    Ok(match hub.exchange(&wish).await? {
        Ok(granted) => HttpResponse::Ok().insert_header(no_store).json(TokenAnswer {
            access_token: granted.secret,
            expires_in: TOKEN_LIFE,
            token_type: "Bearer",
            scope: granted.scopes.join(" "),
        }),
        Err((status, error, why)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            HttpResponse::build(status).insert_header(no_store).json(Failure { error, error_description: (!why.is_empty()).then_some(why) })
        }
    })
}
