//! Sharing of servers with users and groups (jupyterhub/apihandlers/shares.py).

use super::pagination::{Page, PageQuery, Paginated};
use super::share_models::ShareModel;
use crate::Hub;
use crate::permit::Over;
use crate::shares::Grantee;
use crate::store::shares::{self, Of, Share};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Identity, Result};
use serde::Deserialize;
use utoipa::ToSchema;

/// What is given to whom, or taken back.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::ShareRequest)]
#[serde(deny_unknown_fields)]
pub(super) struct ShareRequest {
    /// Absent: the access alone; when taking back: all.
    scopes: Option<Vec<String>>,
    user: Option<String>,
    group: Option<String>,
}

impl ShareRequest {
    fn grantee(&self) -> Result<Grantee<'_>> {
        match (self.user.as_deref(), self.group.as_deref()) {
            (Some(user), None) => Ok(("user", user)),
            (None, Some(group)) => Ok(("group", group)),
            (Some(_), Some(_)) => Err(Error::invalid("Expected exactly one of `user` or `group`, not both.")),
            (None, None) => Err(Error::invalid("Specify exactly one of `user` or `group`")),
        }
    }

    fn scopes(&self) -> Option<&[String]> {
        self.scopes.as_deref().filter(|scopes| !scopes.is_empty())
    }
}

/// What an owner has shared.
#[utoipa::path(get, path = "/hub/api/shares/{owner}", tag = "hub", params(("owner" = String, Path), PageQuery), responses((status = 200, body = Paginated), (status = 404)), security(("artel" = ["read:shares"])))]
pub(super) async fn of_owner(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Identity,
    owner: web::Path<String>,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse> {
    hub.allow(&who, &["read:shares"], Over::User(&owner)).await?;
    let owner = hub.user(&owner).await?.name;
    hub.share_list(&request, &query, shares::list(&hub.db, Of::Owner(&owner)).await?).await
}

/// With whom a server is shared.
#[utoipa::path(get, path = "/hub/api/shares/{owner}/{server:.*}", tag = "hub", params(("owner" = String, Path), ("server" = String, Path), PageQuery), responses((status = 200, body = Paginated), (status = 404)), security(("artel" = ["read:shares"])))]
pub(super) async fn of_server(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Identity,
    at: web::Path<(String, String)>,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse> {
    let (owner, server) = hub.server_to_share(&who, "read:shares", &at).await?;
    hub.share_list(&request, &query, shares::list(&hub.db, Of::Server(&owner, &server)).await?).await
}

/// Shares a server.
#[utoipa::path(post, path = "/hub/api/shares/{owner}/{server:.*}", tag = "hub", params(("owner" = String, Path), ("server" = String, Path)), request_body = ShareRequest, responses((status = 200, body = ShareModel), (status = 400), (status = 403), (status = 404)), security(("artel" = ["shares"])))]
pub(super) async fn grant(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>, body: web::Bytes) -> Result<HttpResponse> {
    hub.allow(&who, &["shares"], Over::Server(&at.0, &at.1)).await?;
    let request: ShareRequest = super::body(&body)?;
    let grantee = request.grantee()?;
    let scopes = hub.scopes_to_share(&who, request.scopes().unwrap_or_default(), (&at.0, &at.1)).await?;
    let server = hub.server_or_default(&at.0, &at.1).await?;
    let (reads, over) = match grantee {
        ("user", name) => ("read:users:name", Over::User(name)),
        (_, name) => ("read:groups:name", Over::Group(name)),
    };
    // else the answer would tell whether there is somebody of that name
    if !hub.holds(&who.scopes, reads, over).await? {
        return Err(Error::denied(format!("Need scope '{reads}' to share with {}s by name", grantee.0)));
    }
    let name = match grantee {
        ("user", name) => hub.user(name).await.map_err(|_| Error::invalid(format!("No such user: {name}")))?.name,
        (_, name) => hub.group(name).await.map_err(|_| Error::invalid(format!("No such group: {name}")))?.name,
    };
    let share = hub.grant_share(&server.user, &server.name, (grantee.0, &name), &scopes).await?;
    Ok(HttpResponse::Ok().json(hub.share_model(share).await?))
}

/// Takes scopes of a server back from a user or a group; `{}` when nothing is left.
#[utoipa::path(patch, path = "/hub/api/shares/{owner}/{server:.*}", tag = "hub", params(("owner" = String, Path), ("server" = String, Path)), request_body = ShareRequest, responses((status = 200, body = ShareModel), (status = 400), (status = 404)), security(("artel" = ["shares"])))]
pub(super) async fn revoke(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>, body: web::Bytes) -> Result<HttpResponse> {
    hub.allow(&who, &["shares"], Over::Server(&at.0, &at.1)).await?;
    let request: ShareRequest = super::body(&body)?;
    let grantee = request.grantee()?;
    if let Some(scopes) = request.scopes() {
        hub.vocabulary.check(scopes, "share")?;
    }
    let server = hub.server_or_default(&at.0, &at.1).await?;
    match hub.revoke_share(&server.user, &server.name, grantee, request.scopes()).await? {
        Some(left) => Ok(HttpResponse::Ok().json(hub.share_model(left).await?)),
        None => Ok(HttpResponse::Ok().json(serde_json::json!({}))),
    }
}

/// Takes a server back from everybody.
#[utoipa::path(delete, path = "/hub/api/shares/{owner}/{server:.*}", tag = "hub", params(("owner" = String, Path), ("server" = String, Path)), responses((status = 204), (status = 404)), security(("artel" = ["shares"])))]
pub(super) async fn revoke_all(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String)>) -> Result<HttpResponse> {
    let (owner, server) = hub.server_to_share(&who, "shares", &at).await?;
    hub.revoke_all_shares(&owner, &server).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is shared with a user, by themselves or by a group of theirs.
#[utoipa::path(get, path = "/hub/api/users/{name}/shared", tag = "hub", params(("name" = String, Path), PageQuery), responses((status = 200, body = Paginated), (status = 404)), security(("artel" = ["read:users:shares"])))]
pub(super) async fn with_user(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Identity,
    name: web::Path<String>,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse> {
    hub.allow(&who, &["read:users:shares"], Over::User(&name)).await?;
    let user = hub.user(&name).await?.name;
    hub.share_list(&request, &query, shares::with_user(&hub.db, &user).await?).await
}

/// What is shared with a group.
#[utoipa::path(get, path = "/hub/api/groups/{group}/shared", tag = "hub", params(("group" = String, Path), PageQuery), responses((status = 200, body = Paginated), (status = 404)), security(("artel" = ["read:groups:shares"])))]
pub(super) async fn with_group(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Identity,
    group: web::Path<String>,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse> {
    hub.allow(&who, &["read:groups:shares"], Over::Group(&group)).await?;
    let group = hub.group(&group).await?.name;
    hub.share_list(&request, &query, shares::with_group(&hub.db, &group).await?).await
}

/// One server that is shared with a user.
#[utoipa::path(get, path = "/hub/api/users/{name}/shared/{owner}/{server:.*}", tag = "hub", params(("name" = String, Path), ("owner" = String, Path), ("server" = String, Path)), responses((status = 200, body = ShareModel), (status = 404)), security(("artel" = ["read:users:shares"])))]
pub(super) async fn user_share(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String, String)>) -> Result<HttpResponse> {
    hub.allow(&who, &["read:users:shares"], Over::User(&at.0)).await?;
    let share = hub.one_share("user", &at).await?;
    Ok(HttpResponse::Ok().json(hub.share_model(share).await?))
}

/// Leaves a server that is shared with a user.
#[utoipa::path(delete, path = "/hub/api/users/{name}/shared/{owner}/{server:.*}", tag = "hub", params(("name" = String, Path), ("owner" = String, Path), ("server" = String, Path)), responses((status = 204), (status = 404)), security(("artel" = ["users:shares"])))]
pub(super) async fn leave_user_share(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String, String)>) -> Result<HttpResponse> {
    hub.allow(&who, &["users:shares"], Over::User(&at.0)).await?;
    hub.leave("user", &at).await
}

/// One server that is shared with a group.
#[utoipa::path(get, path = "/hub/api/groups/{group}/shared/{owner}/{server:.*}", tag = "hub", params(("group" = String, Path), ("owner" = String, Path), ("server" = String, Path)), responses((status = 200, body = ShareModel), (status = 404)), security(("artel" = ["read:groups:shares"])))]
pub(super) async fn group_share(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String, String)>) -> Result<HttpResponse> {
    hub.allow(&who, &["read:groups:shares"], Over::Group(&at.0)).await?;
    let share = hub.one_share("group", &at).await?;
    Ok(HttpResponse::Ok().json(hub.share_model(share).await?))
}

/// Leaves a server that is shared with a group.
#[utoipa::path(delete, path = "/hub/api/groups/{group}/shared/{owner}/{server:.*}", tag = "hub", params(("group" = String, Path), ("owner" = String, Path), ("server" = String, Path)), responses((status = 204), (status = 404)), security(("artel" = ["groups:shares"])))]
pub(super) async fn leave_group_share(hub: web::Data<Hub>, who: Identity, at: web::Path<(String, String, String)>) -> Result<HttpResponse> {
    hub.allow(&who, &["groups:shares"], Over::Group(&at.0)).await?;
    hub.leave("group", &at).await
}

impl Hub {
    /// The server at `owner/name` for who holds `scope` for it.
    pub(super) async fn server_to_share(&self, who: &Identity, scope: &str, at: &(String, String)) -> Result<(String, String)> {
        self.allow(who, &[scope], Over::Server(&at.0, &at.1)).await?;
        let server = self.server_or_default(&at.0, &at.1).await?;
        Ok((server.user, server.name))
    }

    async fn one_share(&self, kind: &str, (grantee, owner, server): &(String, String, String)) -> Result<Share> {
        let found = shares::find(&self.db, owner, server, (kind, grantee)).await?;
        found.ok_or_else(|| Error::not_found(format!("No such share for {kind} {grantee} on {owner}/{server}")))
    }

    async fn leave(&self, kind: &str, at: &(String, String, String)) -> Result<HttpResponse> {
        let share = self.one_share(kind, at).await?;
        self.revoke_share(&share.owner, &share.server, (kind, &share.grantee), None).await?;
        Ok(HttpResponse::NoContent().finish())
    }

    /// Lists of shares are always paged.
    async fn share_list(&self, request: &HttpRequest, query: &PageQuery, all: Vec<Share>) -> Result<HttpResponse> {
        let page = Page::of(request, query)?;
        let total = all.len() as i64;
        let mut items = Vec::new();
        for share in page.part(all) {
            items.push(self.share_model(share).await?);
        }
        Ok(HttpResponse::Ok().json(Paginated::new(&self.public_url, request, &page, total, items)?))
    }
}
