//! Tokens of a user.

use super::model::TokenModel;
use crate::Hub;
use crate::permit::Over;
use crate::scopes::{ALL, Holder, INHERIT};
use crate::store::tokens;
use crate::tokens::Wish;
use actix_web::{HttpResponse, web};
use artel_platform::identity::Kind;
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
    /// Deprecated upstream: the scopes of these roles.
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
    hub.allow(&who, &["read:tokens"], Over::User(&name)).await?;
    let user = hub.user(&name).await?;
    let tokens = tokens::of_user(&hub.db, &user.name, hub.cx.clock.now()).await?;
    let mut api_tokens = Vec::new();
    for token in &tokens {
        api_tokens.push(hub.token_model(token, user.admin).await?);
    }
    Ok(HttpResponse::Ok().json(TokenList { api_tokens }))
}

/// Makes a token; its secret is shown in this answer only.
#[utoipa::path(post, path = "/hub/api/users/{name}/tokens", tag = "hub", params(("name" = String, Path)), request_body = Option<NewToken>, responses((status = 201, body = TokenModel), (status = 400), (status = 403)), security(("artel" = ["public"])))]
pub(super) async fn create(hub: web::Data<Hub>, who: Option<Identity>, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    let new: NewToken = super::body(&body)?;
    let asker = hub.asker(who, new.auth.as_ref()).await?;
    let kind = if asker.kind == Kind::Service { "service" } else { "user" };
    let user = match hub.user(&name).await {
        Ok(user) if hub.holds(&asker.scopes, "tokens", Over::User(&user.name)).await? => user,
        _ => {
            let kind = if kind == "service" { "Service" } else { "User" };
            return Err(Error::denied(format!("{kind} {name} not found or no permissions to generate tokens")));
        }
    };
    let own = kind == "user" && asker.name == user.name;
    let scopes = hub.wanted_scopes(new.scopes, new.roles).await?;
    let scopes = if own { hub.within(&asker, scopes).await? } else { scopes };
    let by = if own { String::new() } else { format!(" by {kind} {}", asker.name) };
    let note = new.note.filter(|n| !n.is_empty()).unwrap_or_else(|| format!("Requested via api{by}"));
    let (token, secret) = hub.issue_token(&user.name, &Wish { note, scopes, expires_in: new.expires_in }).await?;
    let s3 = Some(hub.access_key(&token.id)?);
    let model = hub.token_model(&token, user.admin).await?;
    Ok(HttpResponse::Created().json(TokenModel { token: Some(secret), s3, ..model }))
}

/// Shows a token.
#[utoipa::path(get, path = "/hub/api/users/{name}/tokens/{id}", tag = "hub", params(("name" = String, Path), ("id" = String, Path)), responses((status = 200, body = TokenModel), (status = 404)), security(("artel" = ["read:tokens"])))]
pub(super) async fn get(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>) -> Result<HttpResponse> {
    hub.allow(&who, &["read:tokens"], Over::User(&at.0)).await?;
    let user = hub.user(&at.0).await?;
    Ok(HttpResponse::Ok().json(hub.token_model(&hub.token(&user.name, &at.1).await?, user.admin).await?))
}

/// Revokes a token.
#[utoipa::path(delete, path = "/hub/api/users/{name}/tokens/{id}", tag = "hub", params(("name" = String, Path), ("id" = String, Path)), responses((status = 204), (status = 404)), security(("artel" = ["tokens"])))]
pub(super) async fn revoke(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>) -> Result<HttpResponse> {
    hub.allow(&who, &["tokens"], Over::User(&at.0)).await?;
    let user = hub.user(&at.0).await?;
    hub.revoke_token(&user.name, &at.1).await?;
    Ok(HttpResponse::NoContent().content_type("text/plain").finish())
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
            kind: Kind::User,
            name: principal.name,
            admin: principal.admin,
            groups: principal.groups,
            scopes: principal.scopes.into_iter().collect(),
            session: None,
            token_id: None,
            restricted: false,
        })
    }

    /// The scopes that are asked for: by themselves, or as those of roles (deprecated upstream).
    async fn wanted_scopes(&self, scopes: Option<Vec<String>>, roles: Option<Vec<String>>) -> Result<Option<Vec<String>>> {
        let Some(roles) = roles else { return Ok(scopes) };
        if scopes.is_some() {
            return Err(Error::invalid("Can only assign one of scopes or roles when creating tokens."));
        }
        let mut wanted = Vec::new();
        for name in &roles {
            let role = self.scope_role(name).await?.ok_or_else(|| Error::invalid(format!("No such role: {name}")))?;
            wanted.extend(role.scopes);
        }
        Ok(Some(wanted))
    }

    /// What who asks with a token may have in another token of their own: a narrow one must not make a wide one.
    async fn within(&self, asker: &Identity, wanted: Option<Vec<String>>) -> Result<Option<Vec<String>>> {
        if asker.token_id.is_none() || asker.scopes.iter().any(|s| s == ALL) {
            return Ok(wanted);
        }
        let whole = || asker.scopes.iter().map(str::to_owned).collect::<Vec<_>>();
        let wanted = match wanted {
            // everything that the asker has is everything it can pass on
            None => whole(),
            Some(wanted) if wanted.iter().any(|s| s == INHERIT) => whole(),
            Some(wanted) => wanted,
        };
        self.vocabulary.check(&wanted, "token")?;
        let holder = Holder { user: Some(&asker.name), ..Default::default() };
        let held = asker.scopes.iter().map(str::to_owned).collect();
        let excess = self.excess(&wanted, &holder, &held).await?;
        if excess.is_empty() {
            Ok(Some(wanted))
        } else {
            Err(Error::invalid(format!("Not assigning requested scopes {} not held by the token that asks", excess.join(","))))
        }
    }
}
