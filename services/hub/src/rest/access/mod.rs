//! MLflow's API of users, roles and permissions (mlflow/server/auth), over the hub's own users.

pub(super) mod accounts;
pub(super) mod grants;
mod params;
pub(super) mod roles;

use crate::Hub;
use crate::store::access::{Role, RolePermission};
use crate::store::users::User;
use artel_platform::http::denied;
use artel_platform::identity::Grants;
use artel_platform::{Error, Identity, Result};
use params::Params;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::User)]
pub(crate) struct UserWire {
    id: i64,
    username: String,
    is_admin: bool,
}

/// A role.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::Role)]
pub(crate) struct RoleWire {
    id: i64,
    name: String,
    workspace: String,
    description: Option<String>,
    permissions: Vec<PermissionWire>,
}

/// A permission of a role.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::RolePermission)]
pub(crate) struct PermissionWire {
    id: i64,
    role_id: i64,
    resource_type: String,
    resource_pattern: String,
    permission: String,
}

/// Nothing.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::Nothing)]
pub(crate) struct Nothing {}

impl From<RolePermission> for PermissionWire {
    fn from(p: RolePermission) -> Self {
        let RolePermission { id, role_id, resource_type, resource_pattern, permission } = p;
        Self { id, role_id, resource_type, resource_pattern, permission }
    }
}

/// Who asks, and what they administer.
struct Caller {
    identity: Identity,
    grants: Grants,
}

impl Caller {
    fn is(&self, user: &str) -> bool {
        self.identity.name == user
    }

    /// Passes administrators and who administers the workspace.
    fn require_manager(&self, workspace: &str) -> Result<()> {
        self.require(self.grants.manages(workspace))
    }

    /// Passes administrators, and others when `allowed`.
    fn require(&self, allowed: bool) -> Result<()> {
        if self.identity.admin || allowed { Ok(()) } else { Err(denied()) }
    }

    /// Workspaces that the caller administers by a role.
    fn manages_any(&self) -> bool {
        self.grants.grants.iter().any(|g| self.grants.manages(&g.workspace))
    }
}

impl Hub {
    async fn caller(&self, identity: Identity) -> Result<Caller> {
        let grants = self.grants_of(&identity.name).await?;
        Ok(Caller { identity, grants })
    }

    /// The user with that name, or upstream's words that there is none.
    async fn known_user(&self, name: &str) -> Result<User> {
        self.user(name).await.map_err(|_| Error::not_found(format!("User with username={name} not found")))
    }

    async fn user_wire(&self, user: &User) -> Result<UserWire> {
        Ok(UserWire { id: self.user_number(&user.name).await?, username: user.name.clone(), is_admin: user.admin })
    }

    /// The roles with their permissions.
    async fn role_wires(&self, roles: Vec<Role>) -> Result<Vec<RoleWire>> {
        let mut by_role: BTreeMap<i64, Vec<PermissionWire>> = BTreeMap::new();
        let ids: Vec<i64> = roles.iter().map(|r| r.id).collect();
        for permission in crate::store::access::permissions(&self.db, &ids).await? {
            by_role.entry(permission.role_id).or_default().push(permission.into());
        }
        let wire = |role: Role| {
            let permissions = by_role.remove(&role.id).unwrap_or_default();
            RoleWire { id: role.id, name: role.name, workspace: role.workspace, description: role.description, permissions }
        };
        Ok(roles.into_iter().map(wire).collect())
    }
}
