//! Accounts.

use super::model::{self, UserModel};
use super::pagination::{Page, Paginated};
use crate::Hub;
use crate::store::servers::{self, Server, State};
use crate::store::users::{self, Filter, Sort, User};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::http::{Json, parse_json};
use artel_platform::identity::{Kind, Scopes};
use artel_platform::{Error, Identity, Result};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// Who the caller is.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::Whoami)]
pub(super) struct Whoami {
    #[serde(flatten)]
    user: UserModel,
    /// What the caller may do.
    scopes: Vec<String>,
    session_id: Option<String>,
    token_id: Option<String>,
}

/// Which users.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `active`, `ready` or `inactive`.
    state: Option<String>,
    /// Part of the name.
    name_filter: Option<String>,
    /// `id`, `name` or `last_activity`; with `-` in front from the end.
    sort: Option<String>,
    offset: Option<String>,
    limit: Option<String>,
    /// `1`: stopped servers too.
    include_stopped_servers: Option<String>,
}

/// How a user is shown.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ShowQuery {
    /// `1`: stopped servers too.
    include_stopped_servers: Option<String>,
}

/// New users.
#[derive(Deserialize, ToSchema)]
#[schema(as = hub::NewUsers)]
pub(super) struct NewUsers {
    #[serde(default)]
    usernames: Vec<String>,
    #[serde(default)]
    admin: bool,
}

/// A new user, or changes of one.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::UserChange)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// A user cannot be renamed: their home folder and everything they own bears the name.
    name: Option<String>,
    admin: Option<bool>,
    /// Not part of upstream's API.
    password: Option<String>,
    /// The present password, when users change their own. Not part of upstream's API.
    old_password: Option<String>,
}

fn yes(value: Option<&str>) -> bool {
    value.is_some_and(|v| !matches!(v.to_lowercase().as_str(), "0" | "false"))
}

/// Fails with upstream's 404 unless `who` holds `scope` for that user: who may not see a user learns not even whether
/// there is one.
pub(super) fn visible(who: &Identity, scope: &str, user: &str) -> Result<()> {
    if who.scopes.has_for(scope, ("user", user)) { Ok(()) } else { Err(Error::not_found("No access to resources or resources not found")) }
}

/// Who the caller is and what they may do.
#[utoipa::path(get, path = "/hub/api/user", tag = "hub", responses((status = 200, body = Whoami), (status = 403)), security(("artel" = ["authenticated"])))]
pub(super) async fn whoami(hub: web::Data<Hub>, who: Identity) -> Result<HttpResponse> {
    if who.kind == Kind::Service {
        let service = serde_json::json!({"kind": "service", "name": who.name, "admin": who.admin, "roles": [], "scopes": crate::roles::listed(&who.scopes), "session_id": null, "token_id": null});
        return Ok(HttpResponse::Ok().json(service));
    }
    let user = hub.user(&who.name).await.map_err(|_| Error::denied("Missing or invalid credentials."))?;
    let servers = servers::of_users(&hub.db, &[&user.name]).await?;
    // whoever has a token may see at least whose it is
    let own = ["read:users:name", "read:users:groups"].map(|scope| format!("{scope}!user={}", user.name));
    let scopes = Scopes::from_iter(who.scopes.iter().map(str::to_owned).chain(own));
    Ok(HttpResponse::Ok().json(Whoami {
        user: hub.user_model(&user, &servers, &scopes, false),
        scopes: crate::roles::listed(&who.scopes),
        session_id: who.session.filter(|_| who.token_id.is_some()),
        token_id: who.token_id,
    }))
}

/// Lists users. Paged when the caller accepts `application/jupyterhub-pagination+json`, else a plain list.
#[utoipa::path(get, path = "/hub/api/users", tag = "hub", params(ListQuery), responses((status = 200, body = Vec<UserModel>), (status = 400)), security(("artel" = ["list:users"])))]
pub(super) async fn list(hub: web::Data<Hub>, request: HttpRequest, who: Identity, query: web::Query<ListQuery>) -> Result<HttpResponse> {
    let page = Page::of(&request, query.offset.as_deref(), query.limit.as_deref())?;
    let filter = filter(&query, &who)?;
    let (found, total) = users::page(&hub.db, &filter, page.offset, page.limit).await?;
    let names: Vec<&str> = found.iter().map(|u| u.name.as_str()).collect();
    let servers = servers::of_users(&hub.db, &names).await?;
    let stopped = yes(query.include_stopped_servers.as_deref());
    let items: Vec<UserModel> = found.iter().map(|user| hub.user_model(user, &of(&servers, user), &who.scopes, stopped)).collect();
    if page.wanted {
        return Ok(HttpResponse::Ok().json(Paginated::new(&hub.public_url, &request, &page, total, items)));
    }
    Ok(HttpResponse::Ok().json(items))
}

fn of(servers: &[Server], user: &User) -> Vec<Server> {
    servers.iter().filter(|s| s.user == user.name).cloned().collect()
}

fn filter(query: &ListQuery, who: &Identity) -> Result<Filter> {
    let mut filter = Filter { name: query.name_filter.clone().filter(|n| !n.is_empty()), ..Default::default() };
    match query.state.as_deref() {
        None | Some("") => {}
        Some("active") => filter.active = Some(true),
        Some("inactive") => filter.active = Some(false),
        Some("ready") => filter.ready = true,
        Some(other) => return Err(Error::invalid(format!("Unrecognized state filter: '{other}'"))),
    }
    let sort = query.sort.as_deref().unwrap_or("id");
    filter.descending = sort.starts_with('-');
    filter.sort = match sort.trim_start_matches('-') {
        "id" => Sort::Id,
        "name" => Sort::Name,
        "last_activity" => Sort::LastActivity,
        _ => return Err(Error::invalid(format!("sort must be 'id', 'name', or 'last_activity', not '{sort}'"))),
    };
    if !who.scopes.has_unfiltered("list:users") {
        let named = who.scopes.iter().filter_map(|s| s.split_once("!user=").map(|(_, user)| user.to_owned()));
        filter.only = Some(named.filter(|user| who.scopes.has_for("list:users", ("user", user))).collect());
    }
    Ok(filter)
}

/// Creates users.
#[utoipa::path(post, path = "/hub/api/users", tag = "hub", request_body = NewUsers, responses((status = 201, body = Vec<UserModel>), (status = 400), (status = 409)), security(("artel" = ["admin:users"])))]
pub(super) async fn create_many(hub: web::Data<Hub>, who: Identity, new: Json<NewUsers>) -> Result<HttpResponse> {
    if new.usernames.is_empty() {
        return Err(Error::invalid("Must specify at least one user to create"));
    }
    only_admins_make_admins(&who, new.admin)?;
    if !who.scopes.has_unfiltered("admin:users") {
        return Err(Error::denied("creating users needs the scope admin:users without a filter"));
    }
    let created = hub.create_users(&new.usernames, new.admin, None).await?;
    let models: Vec<UserModel> = created.iter().map(|user| hub.user_model(user, &[], &who.scopes, false)).collect();
    Ok(HttpResponse::Created().json(models))
}

/// Shows a user.
#[utoipa::path(get, path = "/hub/api/users/{name}", tag = "hub", params(("name" = String, Path), ShowQuery), responses((status = 200, body = UserModel), (status = 404)), security(("artel" = ["authenticated"])))]
pub(super) async fn get(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, query: web::Query<ShowQuery>) -> Result<HttpResponse> {
    let missing = || Error::not_found("No access to resources or resources not found");
    let user = hub.user(&name).await.map_err(|_| missing())?;
    if !model::can_see(&who.scopes, &user.name) {
        return Err(missing());
    }
    let servers = servers::of_users(&hub.db, &[&user.name]).await?;
    Ok(HttpResponse::Ok().json(hub.user_model(&user, &servers, &who.scopes, yes(query.include_stopped_servers.as_deref()))))
}

/// Creates a user, with a password where one is sent.
#[utoipa::path(post, path = "/hub/api/users/{name}", tag = "hub", params(("name" = String, Path)), request_body = Option<Change>, responses((status = 201, body = UserModel), (status = 400), (status = 409)), security(("artel" = ["admin:users"])))]
pub(super) async fn create(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    visible(&who, "admin:users", &name)?;
    let change = change(&body)?;
    let admin = change.admin.unwrap_or(false);
    only_admins_make_admins(&who, admin)?;
    let created = hub.create_users(&[name.into_inner()], admin, change.password.as_deref()).await?;
    let models: Vec<UserModel> = created.iter().map(|user| hub.user_model(user, &[], &who.scopes, false)).collect();
    Ok(HttpResponse::Created().json(models.first()))
}

/// Changes a user. Users may change their own password, with the present one.
#[utoipa::path(patch, path = "/hub/api/users/{name}", tag = "hub", params(("name" = String, Path)), request_body = Change, responses((status = 200, body = UserModel), (status = 400), (status = 403), (status = 404)), security(("artel" = ["read:users"])))]
pub(super) async fn update(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    visible(&who, "read:users", &name)?;
    let change = change(&body)?;
    let user = hub.user(&name).await?;
    if change.name.as_ref().is_some_and(|new| *new != user.name) {
        return Err(Error::invalid(format!("user {} cannot be renamed; create a new user", user.name)));
    }
    if change.admin.is_some() || user.name != who.name {
        visible(&who, "admin:users", &user.name)?;
        if user.admin && !who.admin {
            return Err(Error::denied("Only admins can modify other admins"));
        }
        only_admins_make_admins(&who, change.admin.unwrap_or(false))?;
    }
    if change.admin == Some(false) && user.name == who.name {
        return Err(Error::invalid("you cannot take the administrator's role from yourself; another administrator can"));
    }
    if let Some(password) = &change.password {
        if user.name == who.name {
            hub.check_own_password(&who, change.old_password.as_deref()).await?;
        }
        hub.change_password(&user.name, password, who.session.as_deref()).await?;
    }
    if let Some(admin) = change.admin {
        hub.set_admin(&user.name, admin).await?;
    }
    let user = hub.user(&user.name).await?;
    let servers = servers::of_users(&hub.db, &[&user.name]).await?;
    Ok(HttpResponse::Ok().json(hub.user_model(&user, &servers, &who.scopes, false)))
}

/// Deletes a user with their servers and tokens; the home folder stays.
#[utoipa::path(delete, path = "/hub/api/users/{name}", tag = "hub", params(("name" = String, Path)), responses((status = 204), (status = 400), (status = 404)), security(("artel" = ["delete:users"])))]
pub(super) async fn delete(hub: web::Data<Hub>, who: Identity, name: web::Path<String>) -> Result<HttpResponse> {
    visible(&who, "delete:users", &name)?;
    let user = hub.user(&name).await?;
    if user.name == who.name {
        return Err(Error::invalid("Cannot delete yourself!"));
    }
    if user.admin && !who.admin {
        return Err(Error::denied("Only admins can modify other admins"));
    }
    hub.into_inner().dismiss(&user).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn only_admins_make_admins(who: &Identity, admin: bool) -> Result<()> {
    if admin && !who.admin { Err(Error::denied("Only admins can grant admin permissions")) } else { Ok(()) }
}

/// An empty body changes nothing.
fn change(body: &[u8]) -> Result<Change> {
    if body.trim_ascii().is_empty() {
        return Ok(Change::default());
    }
    let change: Option<Change> = parse_json(body).map_err(|e| Error::invalid(format!("Invalid JSON in body of request: {}", e.message)))?;
    Ok(change.unwrap_or_default())
}

impl Hub {
    /// Removes a user after their servers have stopped.
    pub(super) async fn dismiss(self: std::sync::Arc<Self>, user: &User) -> Result<()> {
        for server in servers::of_users(&self.db, &[&user.name]).await?.iter().filter(|s| s.state.is_active()) {
            self.stop_server(&user.name, &server.name).await?;
            let limit = self.patience() + Duration::from_secs(self.settings.stop_grace_seconds);
            let after = self.follow_server(&user.name, &server.name, limit, |s| !s.state.is_active()).await?;
            if after.is_some_and(|s| s.state == State::Stopping) {
                return Err(Error::invalid(format!("{}'s server is in the process of stopping, please wait.", user.name)));
            }
        }
        self.remove_user(&user.name).await
    }

    /// A new password for oneself needs the present one: a browser left open, or a token, is not enough.
    async fn check_own_password(&self, who: &Identity, old: Option<&str>) -> Result<()> {
        if who.token_id.is_some() {
            return Err(Error::denied("a token cannot change its owner's password; log in with a browser"));
        }
        let stored = self.user(&who.name).await?.password;
        let given = old.unwrap_or_default();
        let right = stored.is_none() || self.passwords.verify(&who.name, "own", given, stored.as_deref(), self.cx.clock.now()).await?;
        if right { Ok(()) } else { Err(Error::denied("old_password is not your present password")) }
    }
}
