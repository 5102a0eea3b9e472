//! The OAuth endpoints that notebook servers use.

use super::page;
use crate::Hub;
use crate::oauth::{AuthorizeQuery, Authorized, Exchange, TOKEN_LIFE};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
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

/// Asks who the browser's user is, for a notebook server. Own servers get their answer at once.
#[utoipa::path(get, path = "/hub/api/oauth2/authorize", tag = "hub", params(AuthorizeQuery),
    responses((status = 302), (status = 200, description = "a page that asks whether the server may know who you are"), (status = 400), (status = 403)),
    security(("artel" = ["public"])))]
pub(super) async fn authorize(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    query: web::Query<AuthorizeQuery>,
) -> Result<HttpResponse> {
    hub.answer_client(&request, who, &query, false).await
}

/// The same after the user has agreed on that page.
#[utoipa::path(post, path = "/hub/api/oauth2/authorize", tag = "hub", params(AuthorizeQuery), responses((status = 302), (status = 400), (status = 403)),
    security(("artel" = ["public"])))]
pub(super) async fn agree(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    query: web::Query<AuthorizeQuery>,
) -> Result<HttpResponse> {
    hub.answer_client(&request, who, &query, true).await
}

impl Hub {
    async fn answer_client(
        &self,
        request: &HttpRequest,
        who: Option<Identity>,
        query: &AuthorizeQuery,
        agreed: bool,
    ) -> Result<HttpResponse> {
        // only who is at the browser can answer for it, not the bearer of a token
        let Some(who) = who.filter(|who| who.token_id.is_none()) else {
            let here = request.uri().path_and_query().map_or("/", |p| p.as_str());
            return Ok(page::redirect(&page::with_next("/hub/login", here)));
        };
        Ok(match self.authorize(&who, query, agreed).await? {
            Authorized::Redirect(to) => page::redirect(&to),
            Authorized::Ask(place) => ask(request, &who, &place),
        })
    }
}

fn ask(request: &HttpRequest, who: &Identity, place: &str) -> HttpResponse {
    let xsrf = request.cookie("_xsrf").map(|c| c.value().to_owned()).unwrap_or_default();
    let mut query = url::form_urlencoded::Serializer::new(request.query_string().to_owned());
    query.append_pair("_xsrf", &xsrf);
    let action = page::escape(&format!("/hub/api/oauth2/authorize?{}", query.finish()));
    let (place, name) = (page::escape(place), page::escape(&who.name));
    let body = format!(
        "<h1>Authorize access</h1><p>The notebook server at <b>{place}</b> belongs to somebody else. If you open it, it learns that you are <b>{name}</b>.</p>\
         <form method=\"post\" action=\"{action}\"><button>Authorize</button> <a href=\"/\">Back</a></form>"
    );
    // the answer to the form is a redirect to the server's path, on this site
    page::html(StatusCode::OK, "Authorize access", &body)
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
        Err((status, error)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            HttpResponse::build(status).insert_header(no_store).json(serde_json::json!({ "error": error }))
        }
    })
}
