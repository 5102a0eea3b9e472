//! Upstream's deprecated ways to learn whose a credential is (jupyterhub/apihandlers/auth.py).

use super::model::UserModel;
use crate::Hub;
use crate::authenticate::Owner;
use crate::store::tokens;
use crate::{authenticate::hash, scopes};
use actix_web::{HttpResponse, web};
use artel_platform::identity::Scopes;
use artel_platform::{Error, Identity, Result};

/// Whose token this is, for whoever has a token.
#[utoipa::path(get, path = "/hub/api/authorizations/token/{token}", tag = "hub", params(("token" = String, Path)), responses((status = 200, body = UserModel), (status = 404)), security(("artel" = ["authenticated"])))]
pub(super) async fn token(hub: web::Data<Hub>, who: Identity, secret: web::Path<String>) -> Result<HttpResponse> {
    only_by_token(&who)?;
    let found = tokens::find_by_hash(&hub.db, &hash(&secret), hub.cx.clock.now()).await?;
    let tokens::Owned { token, admin } = found.ok_or_else(|| Error::not_found("Not Found"))?;
    // whoever has a token may see whose it is
    let owner = Owner::of(&token, admin);
    let scopes = Scopes::from_iter(who.scopes.iter().map(str::to_owned).chain(scopes::identify(&owner.holder())));
    match owner {
        Owner::User { name, .. } => {
            let account = hub.account(hub.user(name).await?).await?;
            Ok(HttpResponse::Ok().json(hub.user_model(&account, &scopes, false)))
        }
        Owner::Service { name } => {
            let service = hub.service(name).await?.ok_or_else(|| Error::not_found("Not Found"))?;
            Ok(HttpResponse::Ok().json(hub.service_model(&service, &scopes).await?))
        }
    }
}

/// Upstream has removed this way to a token, and says so.
#[utoipa::path(post, path = "/hub/api/authorizations/token", tag = "hub", responses((status = 404)), security(("artel" = ["public"])))]
pub(super) async fn no_token() -> Result<HttpResponse> {
    Err(Error::not_found(
        "Deprecated endpoint /hub/api/authorizations/token is removed in JupyterHub 2.0. Use /hub/api/users/:user/tokens instead.",
    ))
}

/// Whose session cookie this is, for whoever has a token.
#[utoipa::path(get, path = "/hub/api/authorizations/cookie/{name}/{value}", tag = "hub", params(("name" = String, Path), ("value" = String, Path)), responses((status = 200, body = UserModel), (status = 404)), security(("artel" = ["authenticated"])))]
pub(super) async fn cookie(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>) -> Result<HttpResponse> {
    only_by_token(&who)?;
    let unknown = || Error::not_found("Not Found");
    if at.0 != super::login::SESSION {
        return Err(unknown());
    }
    let hub = hub.into_inner();
    let principal = hub.by_session(&at.1).await.map_err(|_| unknown())?;
    let account = hub.account(hub.user(&principal.name).await?).await?;
    Ok(HttpResponse::Ok().json(hub.user_model(&account, &who.scopes, false)))
}

/// These answers are for programs: a page of another site must not get them by its reader's cookie.
fn only_by_token(who: &Identity) -> Result<()> {
    if who.token_id.is_some() { Ok(()) } else { Err(Error::denied("send a token: this is for programs")) }
}
