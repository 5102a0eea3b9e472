//! `/auth/token`: a token for a name and a password, as Airflow's simple auth manager gives it.

use super::body;
use crate::Scheduler;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::identity::{Audience, Identity, Kind, Scopes};
use artel_platform::{Error, Result};
use artel_proto::artel::hub::v1::{AuthenticateRequest, Password, authenticate_request::Credential};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use utoipa::ToSchema;

/// How long a token is good for (`[api_auth] jwt_expiration_time`, and `jwt_cli_expiration_time`).
const LIFE: Duration = Duration::from_secs(24 * 3600);
const CLI_LIFE: Duration = Duration::from_secs(3600);

/// Who asks for a token.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::LoginBody)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginBody {
    username: String,
    password: String,
}

/// A token for scripts and API clients.
#[utoipa::path(post, path = "/auth/token", tag = "pipelines", request_body = LoginBody, responses((status = 201, body = serde_json::Value)), security(("artel" = ["public"])))]
pub(super) async fn token(scheduler: web::Data<Scheduler>, request: HttpRequest, body: web::Bytes) -> Result<HttpResponse> {
    log_in(&scheduler, &request, &body, LIFE).await
}

/// A shorter-lived token for the command line.
#[utoipa::path(post, path = "/auth/token/cli", tag = "pipelines", request_body = LoginBody, responses((status = 201, body = serde_json::Value)), security(("artel" = ["public"])))]
pub(super) async fn token_cli(scheduler: web::Data<Scheduler>, request: HttpRequest, body: web::Bytes) -> Result<HttpResponse> {
    log_in(&scheduler, &request, &body, CLI_LIFE).await
}

async fn log_in(scheduler: &Scheduler, request: &HttpRequest, sent: &[u8], life: Duration) -> Result<HttpResponse> {
    let form = request.headers().get(header::CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let login = if form {
        let mut login = LoginBody { username: String::new(), password: String::new() };
        for (key, value) in url::form_urlencoded::parse(sent) {
            match key.as_ref() {
                "username" => login.username = value.into_owned(),
                "password" => login.password = value.into_owned(),
                _ => {}
            }
        }
        login
    } else {
        body::parse(sent)?
    };
    if login.username.is_empty() || login.password.is_empty() {
        return Err(Error::invalid("Username and password must be provided"));
    }
    let credential = Credential::Password(Password { username: login.username, password: login.password });
    let request = AuthenticateRequest { credential: Some(credential) };
    let who = scheduler.cx.peers.hub().authenticate(request).await.map_err(|status| match Error::from(status) {
        error if error.code == artel_platform::Code::Unauthenticated => Error::unauthenticated("Invalid credentials"),
        error => error,
    })?;
    let who = who.into_inner();
    let identity = Identity {
        kind: Kind::User,
        name: who.name,
        admin: who.admin,
        groups: who.groups,
        scopes: Scopes::from_iter(who.scopes),
        session: None,
        token_id: None,
        // the token outlives what the user may do now: the hub is asked each time
        restricted: !who.admin,
    };
    let token = scheduler.cx.keys.sign(&identity, Audience::Gateway, scheduler.cx.clock.now(), life)?;
    Ok(HttpResponse::Created().json(json!({"access_token": token})))
}
