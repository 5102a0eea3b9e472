//! Accounts.

use super::model::{SEES, UserModel};
use super::pagination::{Page, PageQuery, Paginated};
use crate::Hub;
use crate::permit::Over;
use crate::store::servers::{self, State};
use crate::store::users::{self, Filter, Sort, User};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::identity::Kind;
use artel_platform::{Error, Identity, Result};
use serde::Deserialize;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

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
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::NewUsers)]
#[serde(deny_unknown_fields)]
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
    /// The new name; their home folder goes along, and no server of theirs may run.
    name: Option<String>,
    admin: Option<bool>,
    groups: Option<Vec<String>>,
    roles: Option<Vec<String>>,
    #[schema(value_type = Option<std::collections::BTreeMap<String, serde_json::Value>>)]
    auth_state: Option<serde_json::Map<String, serde_json::Value>>,
    /// Not part of upstream's API.
    password: Option<String>,
    /// The present password, when users change their own. Not part of upstream's API.
    old_password: Option<String>,
}

fn yes(value: Option<&str>) -> bool {
    value.is_some_and(|v| !matches!(v.to_lowercase().as_str(), "0" | "false"))
}

/// Lists users. Paged when the caller accepts `application/jupyterhub-pagination+json`, else a plain list.
#[utoipa::path(get, path = "/hub/api/users", tag = "hub", params(ListQuery, PageQuery), responses((status = 200, body = Vec<UserModel>), (status = 400)), security(("artel" = ["list:users"])))]
pub(super) async fn list(
    hub: web::Data<Hub>,
    request: HttpRequest,
    who: Identity,
    query: web::Query<ListQuery>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse> {
    let page = Page::of(&request, &page)?;
    let filter = filter(&query, &who)?;
    let (found, total) = users::page(&hub.db, &filter, page.offset, page.limit).await?;
    let stopped = yes(query.include_stopped_servers.as_deref());
    let items: Vec<UserModel> = hub.accounts(found).await?.iter().map(|account| hub.user_model(account, &who.scopes, stopped)).collect();
    if page.wanted {
        return Ok(HttpResponse::Ok().json(Paginated::new(&hub.public_url, &request, &page, total, items)?));
    }
    Ok(HttpResponse::Ok().json(items))
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
        let names = |key| who.scopes.names_of("list:users", key);
        let (users, groups) = (names("user"), names("group"));
        // by another filter nothing can be listed
        if users.is_empty() && groups.is_empty() {
            return Err(Error::denied("list:users is held with a filter that is not about users or groups"));
        }
        filter.only = Some((users, groups));
    }
    Ok(filter)
}

/// Creates users.
#[utoipa::path(post, path = "/hub/api/users", tag = "hub", request_body = NewUsers, responses((status = 201, body = Vec<UserModel>), (status = 400), (status = 409)), security(("artel" = ["admin:users"])))]
pub(super) async fn create_many(hub: web::Data<Hub>, who: Identity, body: web::Bytes) -> Result<HttpResponse> {
    hub.allow(&who, &["admin:users"], Over::Everything).await?;
    let new: NewUsers = super::body(&body)?;
    if new.usernames.is_empty() {
        return Err(Error::invalid("Must specify at least one user to create"));
    }
    hub.only_admins_make_admins(&who, new.admin).await?;
    let created = hub.create_users(&new.usernames, new.admin, None).await?;
    let model = |user| hub.user_model(&hub.new_account(user), &who.scopes, false);
    Ok(HttpResponse::Created().json(created.into_iter().map(model).collect::<Vec<UserModel>>()))
}

/// Shows a user.
#[utoipa::path(get, path = "/hub/api/users/{name}", tag = "hub", params(("name" = String, Path), ShowQuery), responses((status = 200, body = UserModel), (status = 404)), security(("artel" = ["authenticated"])))]
pub(super) async fn get(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, query: web::Query<ShowQuery>) -> Result<HttpResponse> {
    hub.allow(&who, SEES, Over::User(&name)).await?;
    let account = hub.account(hub.user(&name).await?).await?;
    let mut model = hub.user_model(&account, &who.scopes, yes(query.include_stopped_servers.as_deref()));
    if model.auth_state.is_some() {
        model.auth_state = Some(hub.auth_state(&account.user.name).await?);
    }
    Ok(HttpResponse::Ok().json(model))
}

/// Creates a user, with a password where one is sent.
#[utoipa::path(post, path = "/hub/api/users/{name}", tag = "hub", params(("name" = String, Path)), request_body = Option<Change>, responses((status = 201, body = UserModel), (status = 400), (status = 409)), security(("artel" = ["admin:users"])))]
pub(super) async fn create(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    hub.allow(&who, &["admin:users"], Over::User(&name)).await?;
    let change: Change = super::body(&body)?;
    change.check()?;
    let admin = change.admin.unwrap_or(false);
    hub.only_admins_make_admins(&who, admin).await?;
    let mut created = hub.create_users(&[name.into_inner()], admin, change.password.as_deref()).await?;
    Ok(HttpResponse::Created().json(hub.user_model(&hub.new_account(created.remove(0)), &who.scopes, false)))
}

/// Changes a user: another name, an administrator or no longer one. Users may change their own password, with the
/// present one.
#[utoipa::path(patch, path = "/hub/api/users/{name}", tag = "hub", params(("name" = String, Path)), request_body = Change, responses((status = 200, body = UserModel), (status = 400), (status = 403), (status = 404)), security(("artel" = ["authenticated"])))]
pub(super) async fn update(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    let own = who.kind == Kind::User && *name == who.name;
    let change: Result<Change> = super::body(&body);
    let only_password = change.as_ref().is_ok_and(|change| change.password.is_some() && change.admin.is_none() && change.name.is_none());
    if !(own && only_password) {
        hub.allow(&who, &["admin:users"], Over::User(&name)).await?;
    }
    let change = change?;
    change.check()?;
    let user = hub.user(&name).await?;
    if user.admin && !own && !hub.is_admin(&who).await? {
        return Err(Error::denied("Only admins can modify other admins"));
    }
    hub.only_admins_make_admins(&who, change.admin.unwrap_or(false)).await?;
    if change.admin == Some(false) && own {
        return Err(Error::invalid("you cannot take the administrator's role from yourself; another administrator can"));
    }
    if let Some(password) = &change.password {
        if own {
            hub.check_own_password(&who, change.old_password.as_deref()).await?;
        }
        hub.change_password(&user.name, password, who.session.as_deref()).await?;
    }
    if let Some(admin) = change.admin {
        hub.set_admin(&user.name, admin).await?;
    }
    let name = change.name.as_deref().unwrap_or(&user.name);
    hub.rename_user(&user.name, name).await?;
    let account = hub.account(hub.user(name).await?).await?;
    let model = hub.user_model(&account, &who.scopes, false);
    Ok(HttpResponse::Ok().json(UserModel { auth_state: Some(None), ..model }))
}

/// Deletes a user with their servers and tokens; the home folder stays.
#[utoipa::path(delete, path = "/hub/api/users/{name}", tag = "hub", params(("name" = String, Path)), responses((status = 204), (status = 400), (status = 404)), security(("artel" = ["delete:users"])))]
pub(super) async fn delete(hub: web::Data<Hub>, who: Identity, name: web::Path<String>) -> Result<HttpResponse> {
    hub.allow(&who, &["delete:users"], Over::User(&name)).await?;
    let user = hub.user(&name).await?;
    if user.name == who.name && who.kind == Kind::User {
        return Err(Error::invalid("Cannot delete yourself!"));
    }
    if user.admin && !hub.is_admin(&who).await? {
        return Err(Error::denied("Only admins can modify other admins"));
    }
    hub.into_inner().dismiss(&user).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl Change {
    /// Upstream takes these and lets them change nothing; what cannot be done is refused here.
    fn check(&self) -> Result<()> {
        for (field, given) in [("groups", &self.groups), ("roles", &self.roles)] {
            if given.is_some() {
                let way = if field == "groups" { "POST /hub/api/groups/GROUP/users" } else { "PUT /hub/api/roles/ROLE/users/NAME" };
                return Err(Error::invalid(format!("user.{field} cannot be set here; use {way}")));
            }
        }
        if self.auth_state.is_some() {
            return Err(Error::invalid("user.auth_state cannot be set: passwords have no state"));
        }
        Ok(())
    }
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

    /// Is the owner of the caller's credential an administrator, however narrow the credential?
    pub(super) async fn is_admin(&self, who: &Identity) -> Result<bool> {
        if who.admin || who.kind != Kind::User {
            return Ok(who.admin);
        }
        Ok(users::find(&self.db, &who.name).await?.is_some_and(|user| user.admin))
    }

    async fn only_admins_make_admins(&self, who: &Identity, admin: bool) -> Result<()> {
        if admin && !self.is_admin(who).await? { Err(Error::denied("Only admins can grant admin permissions")) } else { Ok(()) }
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
