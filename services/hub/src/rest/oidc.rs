//! Signing in at a provider: there, and back again.

use super::login::address;
use super::page;
use crate::Hub;
use crate::oidc::{self, Oidc, Trip};
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Code, Error, Identity, Result, ResultExt};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where the provider sends browsers back to (upstream's address).
const CALLBACK: &str = "/hub/oauth_callback";
/// As whom failed sign-ins count, whoever it was.
const ANYBODY: &str = "";

/// How one can log in.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::LoginMethods)]
pub(super) struct LoginMethods {
    /// With a password of this installation.
    password: bool,
    /// At a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    single_sign_on: Option<SingleSignOn>,
}

/// A provider to sign in at.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::SingleSignOn)]
pub(super) struct SingleSignOn {
    /// What people call it.
    name: String,
    /// Where a browser goes.
    url: &'static str,
}

/// Where to go afterwards.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Next {
    next: Option<String>,
}

/// What the provider says.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Answer {
    code: Option<String>,
    state: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    error_description: Option<String>,
}

/// How one can log in here, for the login page. Not part of upstream's API.
#[utoipa::path(get, path = "/hub/api/login-methods", tag = "hub", responses((status = 200, body = LoginMethods)), security(("artel" = ["public"])))]
pub(super) async fn methods(hub: web::Data<Hub>) -> HttpResponse {
    let single_sign_on = hub.oidc.as_ref().map(|oidc| SingleSignOn { name: oidc.settings.display_name.clone(), url: "/hub/oauth_login" });
    HttpResponse::Ok().json(LoginMethods { password: true, single_sign_on })
}

/// Sends a browser to the provider.
#[utoipa::path(get, path = "/hub/oauth_login", tag = "hub", params(Next), responses((status = 302), (status = 404), (status = 503)), security(("artel" = ["public"])))]
pub(super) async fn depart(hub: web::Data<Hub>, who: Option<Identity>, query: web::Query<Next>) -> HttpResponse {
    let next = page::local(query.next.as_deref());
    if who.is_some() {
        return page::redirect(next);
    }
    hub.to_provider(next).await.unwrap_or_else(|error| page::failure(&error))
}

/// Logs in who comes back from the provider.
#[utoipa::path(get, path = "/hub/oauth_callback", tag = "hub", params(Answer), responses((status = 302), (status = 403), (status = 404), (status = 429), (status = 503)), security(("artel" = ["public"])))]
pub(super) async fn arrive(hub: web::Data<Hub>, request: HttpRequest, answer: web::Query<Answer>) -> HttpResponse {
    let (address, now) = (address(&request), hub.cx.clock.now());
    let arrived = hub.back_from_provider(&request, &answer, &address, now).await;
    if arrived.as_ref().is_err_and(|error| matches!(error.code, Code::Unauthenticated | Code::InvalidArgument | Code::PermissionDenied)) {
        hub.attempts.note(ANYBODY, &address, now);
    }
    let mut answered = arrived.unwrap_or_else(|error| failed(&error));
    if let Some(state) = &answer.state {
        let mut spent = Cookie::build(oidc::cookie(state), "").path(CALLBACK).finish();
        spent.make_removal();
        let _ = answered.add_cookie(&spent);
    }
    answered
}

fn failed(error: &Error) -> HttpResponse {
    page::failure_with(error, "<a class=\"button\" href=\"/login\">Back to the login page</a>")
}

impl Hub {
    fn provider(&self) -> Result<&Oidc> {
        self.oidc.as_ref().ok_or_else(|| Error::not_found("nobody signs in at a provider here (hub.oidc.issuer is empty)"))
    }

    /// To the provider, and from there to `next`.
    pub(super) async fn to_provider(&self, next: &str) -> Result<HttpResponse> {
        let (url, trip) = self.provider()?.depart(next, self.cx.clock.now()).await?;
        let cookie = Cookie::build(trip.cookie(), trip.seal(&self.vault, &self.cx.ids.secret())?)
            .path(CALLBACK)
            .http_only(true)
            .secure(self.public_url.starts_with("https:"))
            // the provider's redirect comes from another site
            .same_site(SameSite::Lax)
            .max_age(Duration::seconds(oidc::LIFE))
            .finish();
        let mut answer = page::redirect(&url);
        answer.add_cookie(&cookie).or_internal("a cookie cannot be set")?;
        Ok(answer)
    }

    async fn back_from_provider(&self, request: &HttpRequest, answer: &Answer, address: &str, now: i64) -> Result<HttpResponse> {
        let oidc = self.provider()?;
        self.attempts.check(ANYBODY, address, now).map_err(|wait| {
            Error::exhausted(format!("too many failed sign-ins from here; wait {wait} s and try again")).retry_after(wait)
        })?;
        let state = answer.state.as_deref().ok_or_else(|| Error::invalid("the sign-in provider's answer has no state; sign in again"))?;
        let sealed = request.cookie(&oidc::cookie(state)).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
        let trip = Trip::open(&self.vault, &sealed, state, now)?;
        if let Some(error) = &answer.error {
            let why = answer.error_description.as_deref().unwrap_or(error);
            return Err(Error::denied(format!("the sign-in provider says: {why}")));
        }
        let code = answer.code.as_deref().ok_or_else(|| Error::invalid("the sign-in provider's answer has no code; sign in again"))?;
        let opened = self.metrics.login(self.sign_in(oidc, code, &trip, now)).await?;
        let mut answered = page::redirect(page::local(Some(&trip.next)));
        for cookie in self.session_cookies(&opened) {
            answered.add_cookie(&cookie).or_internal("a cookie cannot be set")?;
        }
        Ok(answered)
    }

    async fn sign_in(&self, oidc: &Oidc, code: &str, trip: &Trip, now: i64) -> Result<crate::sessions::Opened> {
        let found = oidc.arrive(code, trip, now).await?;
        let state = serde_json::to_value(&found.state).or_internal("a sign-in cannot be kept")?;
        let principal = self.admit(&found.who, Some(&state)).await?;
        self.open_session(principal, Some(&found.who.provider)).await
    }
}
