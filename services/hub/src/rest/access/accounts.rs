//! `users/*`: accounts (mlflow/server/auth/__init__.py).

use super::{Nothing, Params, RoleWire, UserWire};
use crate::Hub;
use crate::store::access as store;
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use artel_platform::http::Json;
use artel_platform::{Code, Error, Identity, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::UserAnswer)]
pub(crate) struct UserAnswer {
    user: UserWire,
}

/// The caller.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::CurrentUser)]
pub(crate) struct CurrentUser {
    user: UserWire,
    /// Whether name and password are what one logs in with.
    is_basic_auth: bool,
}

/// Every user.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::UserList)]
pub(crate) struct UserList {
    users: Vec<ListedUser>,
}

/// A user with those of their roles that the caller may see.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::ListedUser)]
struct ListedUser {
    #[serde(flatten)]
    user: UserWire,
    roles: Vec<RoleWire>,
}

/// The name and password of an account
#[derive(ToSchema)]
#[schema(as = mlflow::Login)]
#[allow(dead_code, reason = "names the fields in the document; upstream's messages need the body unparsed")]
pub(crate) struct Login {
    username: String,
    password: String,
}

/// A new password
#[derive(ToSchema)]
#[schema(as = mlflow::NewPassword)]
#[allow(dead_code, reason = "as above")]
pub(crate) struct NewPassword {
    username: String,
    password: String,
    /// Needed for one's own.
    current_password: Option<String>,
}

/// Whether a user is an administrator
#[derive(ToSchema)]
#[schema(as = mlflow::NewAdmin)]
#[allow(dead_code, reason = "as above")]
pub(crate) struct NewAdmin {
    username: String,
    is_admin: bool,
}

/// A user's name
#[derive(ToSchema)]
#[schema(as = mlflow::Username)]
#[allow(dead_code, reason = "as above")]
pub(crate) struct Username {
    username: String,
}

/// Upstream's least length of a password (mlflow/utils/validation.py).
fn check_password(password: &str) -> Result<()> {
    if password.chars().count() < 12 { Err(Error::invalid("Password must be at least 12 characters.")) } else { Ok(()) }
}

/// Create a user
#[utoipa::path(post, path = "/api/2.0/mlflow/users/create", tag = "access", request_body = Login,
    responses((status = 200, body = UserAnswer), (status = 400, description = "The name is taken, or one of both cannot be used"), (status = 403, description = "Only administrators, also of a workspace, make users")),
    security(("artel" = ["tokens"])))]
pub(crate) async fn create(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<HttpResponse> {
    let caller = hub.caller(who).await?;
    caller.require(caller.manages_any())?;
    let (name, password) = (params.text("username")?, params.text("password")?);
    if name.is_empty() || password.is_empty() {
        return Err(Error::invalid("Username and password cannot be empty."));
    }
    check_password(password)?;
    let created = hub.create_users(&[name.to_owned()], false, Some(password)).await;
    let created = created
        .map_err(|e| if e.code == Code::AlreadyExists { Error::exists(format!("User (username={name}) already exists.")) } else { e })?;
    let user = created.first().ok_or_else(|| Error::exists(format!("User (username={name}) already exists.")))?;
    Ok(HttpResponse::Ok().json(UserAnswer { user: hub.user_wire(user).await? }))
}

/// Read a user
#[utoipa::path(get, path = "/api/2.0/mlflow/users/get", tag = "access", params(("username" = String, Query)),
    responses((status = 200, body = UserAnswer), (status = 403, description = "It is somebody else"), (status = 404, description = "There is no such user")),
    security(("artel" = ["read:users"])))]
pub(crate) async fn get(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<UserAnswer>> {
    let caller = hub.caller(who).await?;
    let name = params.text("username")?;
    caller.require(caller.is(name))?;
    let user = hub.known_user(name).await?;
    Ok(Json(UserAnswer { user: hub.user_wire(&user).await? }))
}

/// Who the caller is
#[utoipa::path(get, path = "/api/2.0/mlflow/users/current", tag = "access", responses((status = 200, body = CurrentUser)), security(("artel" = ["authenticated"])))]
pub(crate) async fn current(hub: web::Data<Hub>, who: Identity) -> Result<Json<CurrentUser>> {
    let user = hub.known_user(&who.name).await?;
    Ok(Json(CurrentUser { user: hub.user_wire(&user).await?, is_basic_auth: true }))
}

/// List users with their roles
#[utoipa::path(get, path = "/api/2.0/mlflow/users/list", tag = "access", responses((status = 200, body = UserList), (status = 403, description = "The caller is no member of the workspace")), security(("artel" = ["read:users"])))]
pub(crate) async fn list(hub: web::Data<Hub>, who: Identity, workspace: artel_platform::http::Workspace) -> Result<Json<UserList>> {
    let caller = hub.caller(who).await?;
    // not a right to make users: whoever may work in the workspace may see who else does
    caller.require(caller.grants.may_create(&workspace.0, "workspace", "*"))?;
    let numbers = store::numbers(&hub.db).await?;
    let mut roles: BTreeMap<String, Vec<store::Role>> = BTreeMap::new();
    for (user, role) in store::roles_by_user(&hub.db).await? {
        if caller.identity.admin || caller.is(&user) || caller.grants.manages(&role.workspace) {
            roles.entry(user).or_default().push(role);
        }
    }
    let mut users = Vec::new();
    for user in hub.list_users().await? {
        let own = hub.role_wires(roles.remove(&user.name).unwrap_or_default()).await?;
        let wire = UserWire { id: numbers.get(&user.name).copied().unwrap_or_default(), username: user.name, is_admin: user.admin };
        users.push(ListedUser { user: wire, roles: own });
    }
    users.sort_by_key(|u| u.user.id);
    Ok(Json(UserList { users }))
}

/// Change a password; for one's own the present one is needed
#[utoipa::path(patch, path = "/api/2.0/mlflow/users/update-password", tag = "access", request_body = NewPassword,
    responses((status = 200, body = Nothing), (status = 400, description = "The present password is missing or wrong, or the new one cannot be used"), (status = 403, description = "It is somebody else's"), (status = 404, description = "There is no such user")),
    security(("artel" = ["tokens"])))]
pub(crate) async fn update_password(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<Nothing>> {
    let caller = hub.caller(who).await?;
    let (name, password) = (params.text("username")?, params.text("password")?);
    caller.require(caller.is(name))?;
    let user = hub.known_user(name).await?;
    if caller.is(&user.name) {
        let present = params.optional("current_password", "Parameter 'current_password' must be a string.")?.unwrap_or_default();
        if present.is_empty() {
            return Err(Error::invalid("Current password is required when changing your own password."));
        }
        let stored = user.password.as_deref();
        if !hub.passwords.verify(&user.name, "own", &present, stored, hub.cx.clock.now()).await? {
            return Err(Error::invalid("Current password does not match."));
        }
        if password == present {
            return Err(Error::invalid("New password must differ from the current password."));
        }
    }
    check_password(password)?;
    hub.change_password(&user.name, password, caller.identity.session.as_deref()).await?;
    Ok(Json(Nothing {}))
}

/// Make a user an administrator, or no longer one
#[utoipa::path(patch, path = "/api/2.0/mlflow/users/update-admin", tag = "access", request_body = NewAdmin,
    responses((status = 200, body = Nothing), (status = 400, description = "It is oneself"), (status = 403, description = "Only administrators may"), (status = 404, description = "There is no such user")),
    security(("artel" = ["admin:users"])))]
pub(crate) async fn update_admin(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<Nothing>> {
    let caller = hub.caller(who).await?;
    caller.require(false)?;
    let (user, admin) = (hub.known_user(params.text("username")?).await?, params.flag("is_admin")?);
    if caller.is(&user.name) && !admin {
        return Err(Error::invalid("you cannot take the administrator's role from yourself; another administrator can"));
    }
    hub.set_admin(&user.name, admin).await?;
    Ok(Json(Nothing {}))
}

/// Delete a user
#[utoipa::path(delete, path = "/api/2.0/mlflow/users/delete", tag = "access", request_body = Username,
    responses((status = 200, body = Nothing), (status = 400, description = "It is oneself"), (status = 403, description = "Only administrators may"), (status = 404, description = "There is no such user")),
    security(("artel" = ["delete:users"])))]
pub(crate) async fn delete(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<Nothing>> {
    let caller = hub.caller(who).await?;
    caller.require(false)?;
    let name = params.text("username")?;
    if caller.is(name) {
        let message = "Users cannot delete their own account. Ask another admin to delete this user instead.";
        return Err(Error::invalid(message).reason("BAD_REQUEST"));
    }
    let user = hub.known_user(name).await?;
    hub.into_inner().dismiss(&user).await?;
    Ok(Json(Nothing {}))
}

/// Accounts are made by administrators, in the web app
#[utoipa::path(get, path = "/signup", tag = "access", responses((status = 302, description = "To the page of the hub's users")), security(("artel" = ["public"])))]
pub(crate) async fn signup() -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, "/hub/admin")).finish()
}
