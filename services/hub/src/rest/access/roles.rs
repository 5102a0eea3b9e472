//! `roles/*` and `users/roles/list` (mlflow/server/auth/__init__.py).

use super::{Caller, Nothing, Params, PermissionWire, RoleWire};
use crate::Hub;
use crate::store::access::{self as store, Role};
use actix_web::web;
use artel_platform::http::{Json, denied};
use artel_platform::{Error, Identity, Result};
use serde::Serialize;
use utoipa::ToSchema;

/// A role.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::RoleAnswer)]
pub(crate) struct RoleAnswer {
    role: RoleWire,
}

/// Roles.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::RoleList)]
pub(crate) struct RoleList {
    roles: Vec<RoleWire>,
}

/// A permission.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::RolePermissionAnswer)]
pub(crate) struct PermissionAnswer {
    role_permission: PermissionWire,
}

/// Permissions.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::RolePermissionList)]
pub(crate) struct PermissionList {
    role_permissions: Vec<PermissionWire>,
}

/// That a user has a role.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::UserRoleAssignment)]
pub(crate) struct AssignmentWire {
    id: i64,
    user_id: i64,
    role_id: i64,
}

/// That a user has a role now.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::UserRoleAssignmentAnswer)]
pub(crate) struct AssignmentAnswer {
    assignment: AssignmentWire,
}

/// Who has a role.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::UserRoleAssignmentList)]
pub(crate) struct AssignmentList {
    assignments: Vec<AssignmentWire>,
}

/// Fields of the bodies, for the document; upstream's messages need the bodies unparsed
mod body {
    #![allow(dead_code, reason = "only their schemas are used")]
    use utoipa::ToSchema;

    /// A new role
    #[derive(ToSchema)]
    #[schema(as = mlflow::NewRole)]
    pub(crate) struct NewRole {
        workspace: String,
        name: String,
        description: Option<String>,
    }
    /// Changes of a role
    #[derive(ToSchema)]
    #[schema(as = mlflow::RoleChange)]
    pub(crate) struct RoleChange {
        role_id: i64,
        name: Option<String>,
        description: Option<String>,
    }
    /// A role's number
    #[derive(ToSchema)]
    #[schema(as = mlflow::RoleId)]
    pub(crate) struct RoleId {
        role_id: i64,
    }
    /// A new permission
    #[derive(ToSchema)]
    #[schema(as = mlflow::NewRolePermission)]
    pub(crate) struct NewPermission {
        role_id: i64,
        resource_type: String,
        resource_pattern: String,
        permission: String,
    }
    /// A permission's number
    #[derive(ToSchema)]
    #[schema(as = mlflow::RolePermissionId)]
    pub(crate) struct PermissionId {
        role_permission_id: i64,
    }
    /// Another level
    #[derive(ToSchema)]
    #[schema(as = mlflow::RolePermissionChange)]
    pub(crate) struct PermissionChange {
        role_permission_id: i64,
        permission: String,
    }
    /// Who gets or loses a role
    #[derive(ToSchema)]
    #[schema(as = mlflow::RoleOfUser)]
    pub(crate) struct RoleOfUser {
        username: String,
        role_id: i64,
    }
}
pub(crate) use body::*;

impl Hub {
    /// The caller, who must administer the workspace of the role `role_id`; to others it is as if it did not exist.
    async fn manager(&self, who: Identity, role_id: i64) -> Result<Caller> {
        let caller = self.caller(who).await?;
        if !caller.identity.admin {
            caller.require_manager(&self.role(role_id).await.map_err(|_| denied())?.workspace)?;
        }
        Ok(caller)
    }

    /// The caller, who must have a role in the workspace of this one.
    async fn viewer(&self, who: Identity, role_id: i64) -> Result<Caller> {
        let caller = self.caller(who).await?;
        if !caller.identity.admin {
            let workspace = self.role(role_id).await.map_err(|_| denied())?.workspace;
            let present = store::roles_of(&self.db, &caller.identity.name).await?.iter().any(|r| r.workspace == workspace);
            caller.require(present)?;
        }
        Ok(caller)
    }

    async fn role_answer(&self, role: Role) -> Result<Json<RoleAnswer>> {
        let role = self.role_wires(vec![role]).await?.pop().ok_or_else(|| Error::internal("a role was lost"))?;
        Ok(Json(RoleAnswer { role }))
    }
}

fn filled<'a>(text: &'a str, message: &str) -> Result<&'a str> {
    if text.trim().is_empty() { Err(Error::invalid(message)) } else { Ok(text) }
}

/// Create a role
#[utoipa::path(post, path = "/api/3.0/mlflow/roles/create", tag = "access", request_body = NewRole,
    responses((status = 200, body = RoleAnswer), (status = 400, description = "The name is taken or cannot be used"), (status = 403, description = "The caller does not administer the workspace")),
    security(("artel" = ["tokens"])))]
pub(crate) async fn create(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<RoleAnswer>> {
    let caller = hub.caller(who).await?;
    if !caller.identity.admin {
        caller.require_manager(params.text("workspace")?)?;
    }
    let (name, workspace) = (params.text("name")?, params.text("workspace")?);
    filled(name, "Role name cannot be empty.")?;
    filled(workspace, "Workspace cannot be empty.")?;
    let description = params.optional("description", "Role description must be a string or null.")?;
    hub.role_answer(hub.create_role(workspace, name, description).await?).await
}

/// Read a role
#[utoipa::path(get, path = "/api/3.0/mlflow/roles/get", tag = "access", params(("role_id" = i64, Query)),
    responses((status = 200, body = RoleAnswer), (status = 403, description = "The caller has no role in the workspace"), (status = 404, description = "There is no such role")),
    security(("artel" = ["read:users"])))]
pub(crate) async fn get(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<RoleAnswer>> {
    let id = params.number("role_id")?;
    hub.viewer(who, id).await?;
    hub.role_answer(hub.role(id).await?).await
}

/// List the roles of one or several workspaces; of all, for administrators
#[utoipa::path(get, path = "/api/3.0/mlflow/roles/list", tag = "access", params(("workspace" = Option<Vec<String>>, Query)),
    responses((status = 200, body = RoleList), (status = 403, description = "The caller has no role in one of the workspaces")),
    security(("artel" = ["read:users"])))]
pub(crate) async fn list(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<RoleList>> {
    let workspaces = params.each("workspace");
    let caller = hub.caller(who).await?;
    let mine = store::roles_of(&hub.db, &caller.identity.name).await?;
    caller.require(!workspaces.is_empty() && workspaces.iter().all(|w| mine.iter().any(|r| r.workspace == *w)))?;
    if workspaces.iter().any(String::is_empty) {
        return Err(Error::invalid("Parameter 'workspace' must be a non-empty string when provided."));
    }
    let roles = store::roles(&hub.db, if workspaces.is_empty() { None } else { Some(&workspaces) }).await?;
    Ok(Json(RoleList { roles: hub.role_wires(roles).await? }))
}

/// Change a role's name or description
#[utoipa::path(patch, path = "/api/3.0/mlflow/roles/update", tag = "access", request_body = RoleChange,
    responses((status = 200, body = RoleAnswer), (status = 400, description = "The name is taken or cannot be used"), (status = 403, description = "The caller does not administer the workspace"), (status = 404, description = "There is no such role")),
    security(("artel" = ["tokens"])))]
pub(crate) async fn update(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<RoleAnswer>> {
    let id = params.number("role_id")?;
    hub.manager(who, id).await?;
    let name = params.optional("name", "Role name cannot be empty.")?;
    let description = params.optional("description", "Role description must be a string.")?;
    if name.is_none() && description.is_none() {
        return Err(Error::invalid("At least one of 'name' or 'description' must be provided to update a role."));
    }
    if let Some(name) = &name {
        filled(name, "Role name cannot be empty.")?;
    }
    hub.role_answer(hub.update_role(id, name.as_deref(), description).await?).await
}

/// Delete a role
#[utoipa::path(delete, path = "/api/3.0/mlflow/roles/delete", tag = "access", request_body = RoleId,
    responses((status = 200, body = Nothing), (status = 403, description = "The caller does not administer the workspace"), (status = 404, description = "There is no such role")),
    security(("artel" = ["tokens"])))]
pub(crate) async fn delete(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<Nothing>> {
    let id = params.number("role_id")?;
    hub.manager(who, id).await?;
    hub.delete_role(id).await?;
    Ok(Json(Nothing {}))
}

/// Add a permission to a role
#[utoipa::path(post, path = "/api/3.0/mlflow/roles/permissions/add", tag = "access", request_body = NewPermission,
    responses((status = 200, body = PermissionAnswer), (status = 400, description = "The role has one for the resource, or there is no such type or level"), (status = 403, description = "The caller does not administer the workspace"), (status = 404, description = "There is no such role")),
    security(("artel" = ["tokens"])))]
pub(crate) async fn add_permission(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<PermissionAnswer>> {
    let id = params.number("role_id")?;
    hub.manager(who, id).await?;
    let (kind, pattern, permission) = (params.text("resource_type")?, params.text("resource_pattern")?, params.text("permission")?);
    let added = hub.add_role_permission(id, kind, pattern, permission).await?;
    Ok(Json(PermissionAnswer { role_permission: added.into() }))
}

/// Take a permission from a role
#[utoipa::path(delete, path = "/api/3.0/mlflow/roles/permissions/remove", tag = "access", request_body = PermissionId,
    responses((status = 200, body = Nothing), (status = 403, description = "The caller does not administer the workspace"), (status = 404, description = "There is no such permission")),
    security(("artel" = ["tokens"])))]
pub(crate) async fn remove_permission(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<Nothing>> {
    let id = params.number("role_permission_id")?;
    manager_of_permission(&hub, who, id).await?;
    hub.change_role_permission(id, None).await?;
    Ok(Json(Nothing {}))
}

/// The permissions of a role
#[utoipa::path(get, path = "/api/3.0/mlflow/roles/permissions/list", tag = "access", params(("role_id" = i64, Query)),
    responses((status = 200, body = PermissionList), (status = 403, description = "The caller has no role in the workspace"), (status = 404, description = "There is no such role")),
    security(("artel" = ["read:users"])))]
pub(crate) async fn list_permissions(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<PermissionList>> {
    let id = params.number("role_id")?;
    hub.viewer(who, id).await?;
    hub.role(id).await?;
    let found = store::permissions(&hub.db, &[id]).await?;
    Ok(Json(PermissionList { role_permissions: found.into_iter().map(Into::into).collect() }))
}

/// Set a permission of a role to another level
#[utoipa::path(patch, path = "/api/3.0/mlflow/roles/permissions/update", tag = "access", request_body = PermissionChange,
    responses((status = 200, body = PermissionAnswer), (status = 400, description = "There is no such level"), (status = 403, description = "The caller does not administer the workspace"), (status = 404, description = "There is no such permission")),
    security(("artel" = ["tokens"])))]
pub(crate) async fn update_permission(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<PermissionAnswer>> {
    let id = params.number("role_permission_id")?;
    manager_of_permission(&hub, who, id).await?;
    let changed = hub.change_role_permission(id, Some(params.text("permission")?)).await?;
    Ok(Json(PermissionAnswer { role_permission: changed.into() }))
}

async fn manager_of_permission(hub: &Hub, who: Identity, id: i64) -> Result<()> {
    if who.admin {
        return Ok(());
    }
    let permission = hub.role_permission(id).await.map_err(|_| denied())?;
    hub.manager(who, permission.role_id).await.map(drop)
}

/// Give a user a role
#[utoipa::path(post, path = "/api/3.0/mlflow/roles/assign", tag = "access", request_body = RoleOfUser,
    responses((status = 200, body = AssignmentAnswer), (status = 400, description = "The user has it"), (status = 403, description = "The caller does not administer the workspace"), (status = 404, description = "There is no such user or role")),
    security(("artel" = ["tokens"])))]
pub(crate) async fn assign(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<AssignmentAnswer>> {
    let role_id = params.number("role_id")?;
    hub.manager(who, role_id).await?;
    let user = hub.known_user(params.text("username")?).await?.name;
    let id = hub.assign_role(&user, role_id).await?;
    Ok(Json(AssignmentAnswer { assignment: AssignmentWire { id, user_id: hub.user_number(&user).await?, role_id } }))
}

/// Take a role from a user
#[utoipa::path(delete, path = "/api/3.0/mlflow/roles/unassign", tag = "access", request_body = RoleOfUser,
    responses((status = 200, body = Nothing), (status = 403, description = "The caller does not administer the workspace"), (status = 404, description = "There is no such user, or they do not have the role")),
    security(("artel" = ["tokens"])))]
pub(crate) async fn unassign(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<Nothing>> {
    let role_id = params.number("role_id")?;
    hub.manager(who, role_id).await?;
    let user = hub.known_user(params.text("username")?).await?.name;
    hub.unassign_role(&user, role_id).await?;
    Ok(Json(Nothing {}))
}

/// Who has a role
#[utoipa::path(get, path = "/api/3.0/mlflow/roles/users/list", tag = "access", params(("role_id" = i64, Query)),
    responses((status = 200, body = AssignmentList), (status = 403, description = "The caller does not administer the workspace"), (status = 404, description = "There is no such role")),
    security(("artel" = ["read:users"])))]
pub(crate) async fn list_users(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<AssignmentList>> {
    let role_id = params.number("role_id")?;
    hub.manager(who, role_id).await?;
    hub.role(role_id).await?;
    let found = store::assignments(&hub.db, role_id).await?;
    let assignments = found.into_iter().map(|a| AssignmentWire { id: a.id, user_id: a.user_number, role_id: a.role_id }).collect();
    Ok(Json(AssignmentList { assignments }))
}

/// The roles of a user, as far as the caller may see them
#[utoipa::path(get, path = "/api/3.0/mlflow/users/roles/list", tag = "access", params(("username" = String, Query)),
    responses((status = 200, body = RoleList), (status = 403, description = "The caller administers no workspace of the user"), (status = 404, description = "There is no such user")),
    security(("artel" = ["read:users"])))]
pub(crate) async fn list_of_user(hub: web::Data<Hub>, who: Identity, params: Params) -> Result<Json<RoleList>> {
    let caller = hub.caller(who).await?;
    let name = params.text("username")?;
    let roles = super::grants::visible_roles(&hub, &caller, name).await?;
    Ok(Json(RoleList { roles: hub.role_wires(roles).await? }))
}
