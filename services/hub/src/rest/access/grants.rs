//! `users/permissions/*`: what one user may do (mlflow/server/auth/__init__.py).

use super::{Caller, Nothing, Params};
use crate::Hub;
use crate::access::{check_type, not_workspace};
use crate::store::access::{self as store, Role};
use actix_web::web;
use artel_platform::http::{Json, Workspace, denied};
use artel_platform::identity::{Action, Permission, Requirement};
use artel_platform::{Error, Identity, Result};
use serde::Serialize;
use utoipa::ToSchema;

/// Everything that is granted to a user.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::UserPermissionList)]
pub(crate) struct UserPermissionList {
    is_admin: bool,
    permissions: Vec<UserPermission>,
}

/// One grant of one role.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::UserPermission)]
struct UserPermission {
    role_id: i64,
    role_name: String,
    workspace: String,
    resource_type: String,
    resource_pattern: String,
    permission: String,
}

/// What a user may do with one thing.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::UserPermissionAnswer)]
pub(crate) struct PermissionAnswer {
    /// Whether they may use it.
    allowed: bool,
    permission: &'static str,
}

/// A grant
#[derive(ToSchema)]
#[schema(as = mlflow::NewUserPermission)]
#[allow(dead_code, reason = "names the fields in the document; upstream's messages need the body unparsed")]
pub(crate) struct NewGrant {
    username: String,
    resource_type: String,
    resource_id: String,
    permission: String,
}

/// A grant to take back
#[derive(ToSchema)]
#[schema(as = mlflow::OldUserPermission)]
#[allow(dead_code, reason = "as above")]
pub(crate) struct OldGrant {
    username: String,
    resource_type: String,
    resource_id: String,
}

/// Types about whose single things users can be asked.
const ASKED: &[&str] =
    &["experiment", "registered_model", "gateway_secret", "gateway_endpoint", "gateway_model_definition", "mcp_server", "scorer"];

/// The roles of a user that the caller may see: all of one's own, else those of workspaces that the caller administers.
pub(super) async fn visible_roles(hub: &Hub, caller: &Caller, name: &str) -> Result<Vec<Role>> {
    let all = caller.identity.admin || caller.is(name);
    if !all && hub.known_user(name).await.is_err() {
        return Err(denied());
    }
    let user = hub.known_user(name).await?;
    let mut roles = store::roles_of(&hub.db, &user.name).await?;
    if !all {
        roles.retain(|role| caller.grants.manages(&role.workspace));
        caller.require(!roles.is_empty())?;
    }
    Ok(roles)
}

async fn listed(hub: &Hub, caller: &Caller, name: &str) -> Result<Json<UserPermissionList>> {
    let roles = visible_roles(hub, caller, name).await?;
    let user = hub.known_user(name).await?;
    let seen = store::grants(&hub.db, &user.name).await?.into_iter().filter(|(role, _)| roles.iter().any(|r| r.id == role.id));
    let permissions = seen.map(|(role, granted)| UserPermission {
        role_id: role.id,
        role_name: role.name,
        workspace: role.workspace,
        resource_type: granted.resource_type,
        resource_pattern: granted.resource_pattern,
        permission: granted.permission,
    });
    Ok(Json(UserPermissionList { is_admin: user.admin, permissions: permissions.collect() }))
}

/// What is granted to the caller
#[utoipa::path(get, path = "/api/3.0/mlflow/users/current/permissions", tag = "access", responses((status = 200, body = UserPermissionList)), security(("artel" = ["authenticated"])))]
pub(crate) async fn list_own(hub: web::Data<Hub>, who: Identity) -> Result<Json<UserPermissionList>> {
    let name = who.name.clone();
    listed(&hub, &hub.caller(who).await?, &name).await
}

/// What is granted to a user, as far as the caller may see it
#[utoipa::path(get, path = "/api/3.0/mlflow/users/permissions/list", tag = "access", params(("username" = String, Query)),
    responses((status = 200, body = UserPermissionList), (status = 403, description = "The caller administers no workspace of the user"), (status = 404, description = "There is no such user")),
    security(("artel" = ["read:users"])))]
pub(crate) async fn list(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<UserPermissionList>> {
    listed(&hub, &hub.caller(who).await?, params.text("username")?).await
}

/// What `user` may do with one thing, by the rule that every request is decided by.
async fn resolved(hub: &Hub, user: &str, workspace: &str, kind: &str, id: &str) -> Result<Permission> {
    not_workspace(kind)?;
    check_type(kind)?;
    if id != "*" && !ASKED.contains(&kind) {
        return Err(Error::invalid(format!("resource_type '{kind}' is not supported by the per-user permission convenience APIs.")));
    }
    let grants = hub.grants_of(user).await?;
    Ok(grants.governing(workspace, &Requirement::on(kind, id, Action::Read)))
}

/// Passes administrators, and who may manage the thing; a grant on all things of a type is for those who administer
/// the workspace.
async fn require_manager(hub: &Hub, caller: &Caller, workspace: &str, kind: &str, id: &str) -> Result<()> {
    if caller.identity.admin {
        return Ok(());
    }
    if id == "*" {
        not_workspace(kind)?;
        check_type(kind)?;
        return caller.require_manager(workspace);
    }
    let permission = resolved(hub, &caller.identity.name, workspace, kind, id).await?;
    caller.require(permission.allows(Action::Manage))
}

/// Grant something to a user
#[utoipa::path(post, path = "/api/3.0/mlflow/users/permissions/grant", tag = "access", request_body = NewGrant,
    responses((status = 200, body = Nothing), (status = 400, description = "The user has a grant on it, or there is no such type or level"), (status = 403, description = "The caller may not manage it"), (status = 404, description = "There is no such user")),
    security(("artel" = ["tokens"])))]
pub(crate) async fn grant(hub: web::Data<Hub>, who: Identity, workspace: Workspace, params: Params) -> Result<Json<Nothing>> {
    let caller = hub.caller(who).await?;
    let (kind, id) = (params.text("resource_type")?, params.text("resource_id")?);
    require_manager(&hub, &caller, &workspace.0, kind, id).await?;
    let (user, permission) = (params.text("username")?, params.text("permission")?);
    let user = hub.known_user(user).await?.name;
    hub.grant_to(&workspace.0, &user, kind, id, permission).await?;
    Ok(Json(Nothing {}))
}

/// Take a grant back
#[utoipa::path(post, path = "/api/3.0/mlflow/users/permissions/revoke", tag = "access", request_body = OldGrant,
    responses((status = 200, body = Nothing), (status = 403, description = "The caller may not manage it"), (status = 404, description = "There is no such user or grant")),
    security(("artel" = ["tokens"])))]
pub(crate) async fn revoke(hub: web::Data<Hub>, who: Identity, workspace: Workspace, params: Params) -> Result<Json<Nothing>> {
    let caller = hub.caller(who).await?;
    let (kind, id) = (params.text("resource_type")?, params.text("resource_id")?);
    require_manager(&hub, &caller, &workspace.0, kind, id).await?;
    let user = hub.known_user(params.text("username")?).await?.name;
    hub.revoke(&workspace.0, &user, kind, id).await?;
    Ok(Json(Nothing {}))
}

/// What a user may do with one thing
#[utoipa::path(get, path = "/api/3.0/mlflow/users/permissions/get", tag = "access",
    params(("username" = String, Query), ("resource_type" = String, Query), ("resource_id" = String, Query)),
    responses((status = 200, body = PermissionAnswer), (status = 403, description = "It is somebody else, and the caller does not administer the workspace"), (status = 404, description = "There is no such user")),
    security(("artel" = ["read:users"])))]
pub(crate) async fn get(hub: web::Data<Hub>, who: Identity, workspace: Workspace, params: Params) -> Result<Json<PermissionAnswer>> {
    let caller = hub.caller(who).await?;
    let kind = params.text("resource_type")?;
    not_workspace(kind)?;
    let name = params.text("username")?;
    caller.require(caller.is(name) || caller.grants.manages(&workspace.0))?;
    let id = params.text("resource_id")?;
    let user = hub.known_user(name).await?;
    let permission = resolved(&hub, &user.name, &workspace.0, kind, id).await?;
    Ok(Json(PermissionAnswer { allowed: permission.allows(Action::Use), permission: permission.name() }))
}
