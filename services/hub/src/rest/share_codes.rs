//! Codes that can be exchanged for access to a server (jupyterhub/apihandlers/shares.py), and the page that does it.

use super::page;
use super::pagination::{Page, PageQuery, Paginated};
use super::share_models::ShareCodeModel;
use crate::permit::Over;
use crate::store::shares::{self, Of, ShareCode};
use crate::{Hub, names};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Identity, Result};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Seconds that a code is good for: at least a minute, at most a year, where nothing is said a day.
const SECONDS: std::ops::RangeInclusive<i64> = 60..=525_600 * 60;
const DAY: i64 = 86_400;

/// What a code shall be for.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::ShareCodeRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeRequest {
    /// Absent: the access alone.
    scopes: Option<Vec<String>>,
    /// Seconds.
    expires_in: Option<i64>,
}

/// Which code; none: all of the server.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichCode {
    code: Option<String>,
    id: Option<String>,
}

/// A code that somebody was given.
#[derive(Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = hub::AcceptShare)]
pub(super) struct Accept {
    code: String,
    /// Where to go afterwards, a path of this site.
    next: Option<String>,
}

/// An owner's codes.
#[utoipa::path(get, path = "/hub/api/share-codes/{owner}", tag = "hub", params(("owner" = String, Path), PageQuery), responses((status = 200, body = Paginated), (status = 404)), security(("artel" = ["read:shares"])))]
pub(super) async fn of_owner(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Identity,
    owner: web::Path<String>,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse> {
    hub.allow(&who, &["read:shares"], Over::User(&owner)).await?;
    let owner = hub.user(&owner).await?.name;
    hub.code_list(&request, &query, Of::Owner(&owner)).await
}

/// A server's codes.
#[utoipa::path(get, path = "/hub/api/share-codes/{owner}/{server:.*}", tag = "hub", params(("owner" = String, Path), ("server" = String, Path), PageQuery), responses((status = 200, body = Paginated), (status = 404)), security(("artel" = ["read:shares"])))]
pub(super) async fn of_server(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Identity,
    at: web::Path<(String, String)>,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse> {
    let (owner, server) = hub.server_to_share(&who, "read:shares", &at).await?;
    hub.code_list(&request, &query, Of::Server(&owner, &server)).await
}

/// Makes a code; it is shown in this answer only.
#[utoipa::path(post, path = "/hub/api/share-codes/{owner}/{server:.*}", tag = "hub", params(("owner" = String, Path), ("server" = String, Path)), request_body = Option<CodeRequest>, responses((status = 200, body = ShareCodeModel), (status = 400), (status = 403), (status = 404)), security(("artel" = ["shares"])))]
pub(super) async fn create(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>, body: web::Bytes) -> Result<HttpResponse> {
    hub.allow(&who, &["shares"], Over::Server(&at.0, &at.1)).await?;
    let request: CodeRequest = super::body(&body)?;
    let seconds = request.expires_in.unwrap_or(DAY);
    if !SECONDS.contains(&seconds) {
        return Err(Error::invalid(format!("expires_in must be {} to {} seconds, not {seconds}", SECONDS.start(), SECONDS.end())));
    }
    let scopes = hub.scopes_to_share(&who, &request.scopes.unwrap_or_default(), (&at.0, &at.1)).await?;
    let server = hub.server_or_default(&at.0, &at.1).await?;
    let (code, secret) = hub.new_share_code(&server.user, &server.name, scopes, seconds).await?;
    Ok(HttpResponse::Ok().json(hub.share_code_model(code, Some(secret)).await?))
}

/// Removes one code of a server, or all.
#[utoipa::path(delete, path = "/hub/api/share-codes/{owner}/{server:.*}", tag = "hub", params(("owner" = String, Path), ("server" = String, Path), WhichCode), responses((status = 204), (status = 404)), security(("artel" = ["shares"])))]
pub(super) async fn delete(
    hub: web::Data<Hub>,
    who: Identity,
    at: web::Path<(String, String)>,
    which: web::Query<WhichCode>,
) -> Result<HttpResponse> {
    let (owner, server) = hub.server_to_share(&who, "shares", &at).await?;
    let of = Of::Server(&owner, &server);
    let (id, missing) = match (&which.code, &which.id) {
        (Some(code), _) => (hub.share_code(code).await?.map(|found| found.id), "No matching code found".to_owned()),
        (None, Some(id)) => (id.strip_prefix("sc_").and_then(|n| n.parse().ok()), format!("No code found matching id={id}")),
        (None, None) => {
            let mut tx = hub.db.begin().await?;
            shares::delete_codes(&mut tx, of).await?;
            tx.commit().await?;
            return Ok(HttpResponse::NoContent().finish());
        }
    };
    let Some(id) = id else { return Err(Error::not_found(missing)) };
    let mut tx = hub.db.begin().await?;
    if !shares::delete_code(&mut tx, of, id).await? {
        return Err(Error::not_found(missing));
    }
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Asks whoever follows a code's link whether they want the access.
#[utoipa::path(get, path = "/hub/accept-share", tag = "hub", params(Accept), responses((status = 200, content_type = "text/html"), (status = 302), (status = 403), (status = 404)), security(("artel" = ["public"])))]
pub(super) async fn ask(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    query: web::Query<Accept>,
) -> Result<HttpResponse> {
    Ok(hub.ask_to_accept(&request, who, &query).await.unwrap_or_else(|error| page::failure(&error)))
}

/// Takes the access, and leads to the server.
#[utoipa::path(post, path = "/hub/accept-share", tag = "hub", request_body(content = Accept, content_type = "application/x-www-form-urlencoded"), responses((status = 302), (status = 400), (status = 403)), security(("artel" = ["public"])))]
pub(super) async fn accept(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Option<Identity>,
    form: web::Form<Accept>,
) -> Result<HttpResponse> {
    Ok(hub.accept_share(&request, who, &form).await.unwrap_or_else(|error| page::failure(&error)))
}

impl Hub {
    async fn ask_to_accept(&self, request: &HttpRequest, who: Option<Identity>, query: &Accept) -> Result<HttpResponse> {
        let Some(who) = super::oauth::at_browser(who) else { return Ok(super::oauth::to_login(request)) };
        let code = self.share_code(&query.code).await?.ok_or_else(|| Error::not_found("Share not found or expired"))?;
        if code.owner == who.name {
            return Err(Error::denied("You can't share with yourself!"));
        }
        let action = page::escape(&format!("/hub/accept-share?_xsrf={}", page::xsrf(request)));
        let (owner, place) = (page::escape(&code.owner), page::escape(&names::prefix(&code.owner, &code.server)));
        let scopes: String = code.scopes.iter().map(|scope| format!("<li>{}</li>", page::escape(scope))).collect();
        let hidden = |name: &str, value: &str| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", page::escape(value));
        let (code, next) = (hidden("code", &query.code), query.next.as_deref().map(|next| hidden("next", next)).unwrap_or_default());
        let body = format!(
            "<h1>Accept sharing invitation</h1><p><b>{owner}</b> offers you access to the server at <b>{place}</b>:</p><ul>{scopes}</ul>\
         <form method=\"post\" action=\"{action}\">{code}{next}<button>Accept</button> <a href=\"/\">Back</a></form>"
        );
        Ok(page::html(StatusCode::OK, "Accept sharing invitation", &body))
    }

    async fn accept_share(&self, request: &HttpRequest, who: Option<Identity>, form: &Accept) -> Result<HttpResponse> {
        let Some(who) = super::oauth::at_browser(who) else { return Ok(super::oauth::to_login(request)) };
        let code = self.share_code(&form.code).await?.ok_or_else(|| Error::invalid("this share code is not valid or has expired"))?;
        if code.owner == who.name {
            return Err(Error::invalid("You can't share with yourself!"));
        }
        self.exchange_share_code(&code, &who.name).await?;
        let place = names::prefix(&code.owner, &code.server);
        Ok(page::redirect(form.next.as_deref().map_or(place.as_str(), |next| page::local(Some(next)))))
    }

    async fn code_list(&self, request: &HttpRequest, query: &PageQuery, of: Of<'_>) -> Result<HttpResponse> {
        let page = Page::of(request, query)?;
        let all: Vec<ShareCode> = shares::codes(&self.db, of, self.cx.clock.now()).await?;
        let total = all.len() as i64;
        let mut items = Vec::new();
        for code in page.part(all) {
            items.push(self.share_code_model(code, None).await?);
        }
        Ok(HttpResponse::Ok().json(Paginated::new(&self.public_url, request, &page, total, items)?))
    }
}
