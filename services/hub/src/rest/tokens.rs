//! Tokens of a user.

use super::model::{TokenModel, token_model};
use super::users::visible;
use crate::Hub;
use crate::store::tokens;
use crate::tokens::Wish;
use actix_web::{HttpResponse, web};
use artel_platform::http::parse_json;
use artel_platform::{Error, Identity, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A user's tokens.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::TokenList)]
pub(super) struct TokenList {
    api_tokens: Vec<TokenModel>,
}

/// What a token shall be.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::NewToken)]
pub(super) struct NewToken {
    /// Seconds; absent: for ever.
    expires_in: Option<i64>,
    note: Option<String>,
    /// Absent: all that the owner has.
    scopes: Option<Vec<String>>,
    /// Deprecated upstream: `["token"]` and `[]` say what is said without it.
    roles: Option<Vec<String>>,
    /// Name and password, from who has no other credential.
    auth: Option<Auth>,
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[schema(as = hub::TokenAuth)]
pub(super) struct Auth {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

/// Lists a user's tokens.
#[utoipa::path(get, path = "/hub/api/users/{name}/tokens", tag = "hub", params(("name" = String, Path)), responses((status = 200, body = TokenList), (status = 404)), security(("artel" = ["read:tokens"])))]
pub(super) async fn list(hub: web::Data<Hub>, who: Identity, name: web::Path<String>) -> Result<HttpResponse> {
    visible(&who, "read:tokens", &name)?;
    let user = hub.user(&name).await?;
    let tokens = tokens::of_user(&hub.db, &user.name, hub.cx.clock.now()).await?;
    Ok(HttpResponse::Ok().json(TokenList { api_tokens: tokens.iter().map(|t| token_model(t, user.admin)).collect() }))
}

/// Makes a token; its secret is shown in this answer only.
#[utoipa::path(post, path = "/hub/api/users/{name}/tokens", tag = "hub", params(("name" = String, Path)), request_body = Option<NewToken>, responses((status = 201, body = TokenModel), (status = 400), (status = 403)), security(("artel" = ["public"])))]
pub(super) async fn create(hub: web::Data<Hub>, who: Option<Identity>, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    let new = parse(&body)?;
    let asker = hub.asker(who, new.auth.as_ref()).await?;
    let user = hub.user(&name).await.ok().filter(|user| asker.scopes.has_for("tokens", ("user", &user.name)));
    let Some(user) = user else { return Err(Error::denied(format!("User {name} not found or no permissions to generate tokens"))) };
    if let Some(role) = new.roles.iter().flatten().find(|role| *role != "token") {
        return Err(Error::invalid(format!("the role {role} cannot be given to a token; name scopes instead")));
    }
    let scopes = hub.within(&asker, &user.name, new.scopes)?;
    let by = if asker.name == user.name { String::new() } else { format!(" by user {}", asker.name) };
    let note = new.note.filter(|n| !n.is_empty()).unwrap_or_else(|| format!("Requested via api{by}"));
    let (token, secret) = hub.issue_token(&user.name, &Wish { note, scopes, expires_in: new.expires_in }).await?;
    let s3 = Some(hub.access_key(&token.id)?);
    Ok(HttpResponse::Created().json(TokenModel { token: Some(secret), s3, ..token_model(&token, user.admin) }))
}

/// Shows a token.
#[utoipa::path(get, path = "/hub/api/users/{name}/tokens/{id}", tag = "hub", params(("name" = String, Path), ("id" = String, Path)), responses((status = 200, body = TokenModel), (status = 404)), security(("artel" = ["read:tokens"])))]
pub(super) async fn get(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>) -> Result<HttpResponse> {
    visible(&who, "read:tokens", &at.0)?;
    let user = hub.user(&at.0).await?;
    Ok(HttpResponse::Ok().json(token_model(&hub.token(&user.name, &at.1).await?, user.admin)))
}

/// Revokes a token.
#[utoipa::path(delete, path = "/hub/api/users/{name}/tokens/{id}", tag = "hub", params(("name" = String, Path), ("id" = String, Path)), responses((status = 204), (status = 404)), security(("artel" = ["tokens"])))]
pub(super) async fn revoke(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>) -> Result<HttpResponse> {
    visible(&who, "tokens", &at.0)?;
    let user = hub.user(&at.0).await?;
    hub.revoke_token(&user.name, &at.1).await?;
    Ok(HttpResponse::NoContent().content_type("text/plain").finish())
}

fn parse(body: &[u8]) -> Result<NewToken> {
    if body.trim_ascii().is_empty() {
        return Ok(NewToken::default());
    }
    let new: Option<NewToken> = parse_json(body).map_err(|e| Error::invalid(format!("Invalid JSON in body of request: {}", e.message)))?;
    Ok(new.unwrap_or_default())
}

impl Hub {
    /// Who asks: by the credential of the request, or by name and password in its body.
    async fn asker(self: &std::sync::Arc<Self>, who: Option<Identity>, auth: Option<&Auth>) -> Result<Identity> {
        if let Some(who) = who {
            return Ok(who);
        }
        let auth = auth.ok_or_else(|| Error::denied("Missing or invalid credentials."))?;
        let principal = self.by_password(&auth.username, &auth.password, "body").await?;
        Ok(Identity {
            kind: artel_platform::identity::Kind::User,
            name: principal.name,
            admin: principal.admin,
            groups: vec![],
            scopes: principal.scopes.into_iter().collect(),
            session: None,
            token_id: None,
            restricted: false,
        })
    }

    /// What a new token may get at most from who asks with a token: a narrow one must not make itself a wide one.
    fn within(&self, asker: &Identity, owner: &str, wanted: Option<Vec<String>>) -> Result<Option<Vec<String>>> {
        if asker.token_id.is_none() || asker.scopes.iter().any(|s| s == "*") {
            return Ok(wanted);
        }
        let whole = || asker.scopes.iter().map(str::to_owned).collect::<Vec<_>>();
        let wanted = match wanted {
            // everything that the asker has is everything it can pass on
            None => whole(),
            Some(wanted) if wanted.iter().any(|s| s == "inherit" || s == "all") => whole(),
            Some(wanted) => wanted,
        };
        let expanded = crate::roles::expand(&wanted, &crate::roles::Owner { user: owner, admin: false, server: None });
        let excess: Vec<String> = expanded
            .into_iter()
            .filter(|scope| match scope.split_once('!').map(|(base, filter)| (base, filter.split_once('='))) {
                Some((base, Some(filter))) => !asker.scopes.has_for(base, filter),
                _ => !asker.scopes.has_unfiltered(scope),
            })
            .collect();
        if excess.is_empty() {
            Ok(Some(wanted))
        } else {
            Err(Error::invalid(format!("Not assigning requested scopes {} not held by the token that asks", excess.join(","))))
        }
    }
}
