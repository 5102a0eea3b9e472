//! Who may do what with experiments, models and workspaces: roles and grants, in MLflow's words and with its messages
//! (mlflow/server/auth/sqlalchemy_store.py, mlflow/server/auth/permissions.py).

use crate::Hub;
use crate::store::access::{self as store, Role, RolePermission};
use crate::store::users;
use artel_platform::db::Tx;
use artel_platform::identity::{Grant, Grants, Permission, resource};
use artel_platform::{Error, Result};
use artel_proto::artel::hub::v1 as wire;
use artel_proto::artel::hub::v1::change_grants_request::Change;

/// Names of roles that hold one user's own grants begin so.
const OWN: &str = "__user_";

/// The roles of every new workspace: name, description, what it gives (mlflow/server/auth/__init__.py
/// `_DEFAULT_WORKSPACE_ROLES`).
const WORKSPACE_ROLES: &[(&str, &str, Permission)] = &[
    ("admin", "Administers the workspace: everything in it, its roles and who has them.", Permission::Manage),
    ("user", "Works in the workspace: makes experiments and models, and manages those; other people's are theirs.", Permission::Use),
];

impl Hub {
    /// Must somebody be asked about what this user does? Not for administrators, and not while everybody shares
    /// everything and nothing is refused to this user.
    pub(crate) async fn is_restricted(&self, user: &str, admin: bool) -> Result<bool> {
        if admin {
            return Ok(false);
        }
        Ok(self.default_permission != Permission::Manage || self.workspaces || store::has_refusal(&self.db, user).await?)
    }

    /// Everything that is granted to a user. A user who is gone has nothing.
    pub(crate) async fn list_grants(&self, user: &str) -> Result<wire::ListGrantsResponse> {
        let Some(found) = users::find(&self.db, user).await? else {
            let none = Permission::NoPermissions.name().into();
            return Ok(wire::ListGrantsResponse { default_permission: none, admin: false, grants: vec![] });
        };
        let grants = store::grants(&self.db, user).await?.into_iter().map(|(role, granted)| wire::Grant {
            workspace: role.workspace,
            resource_type: granted.resource_type,
            resource_pattern: granted.resource_pattern,
            permission: granted.permission,
            role: role.name,
        });
        Ok(wire::ListGrantsResponse {
            default_permission: self.default_permission.name().into(),
            admin: found.admin,
            grants: grants.collect(),
        })
    }

    /// The same, to decide by.
    pub(crate) async fn grants_of(&self, user: &str) -> Result<Grants> {
        let grants = store::grants(&self.db, user).await?.into_iter().filter_map(|(role, granted)| {
            let permission = Permission::parse(&granted.permission)?;
            Some(Grant { workspace: role.workspace, resource_type: granted.resource_type, pattern: granted.resource_pattern, permission })
        });
        Ok(Grants { default: self.default_permission, workspaces: self.workspaces, grants: grants.collect() })
    }

    /// Something was made, renamed or removed by another service.
    pub(crate) async fn change_grants(&self, request: wire::ChangeGrantsRequest) -> Result<()> {
        let wire::ChangeGrantsRequest { workspace, resource_types, resource, change } = request;
        let mut tx = self.db.begin().await?;
        for kind in &resource_types {
            match &change {
                Some(Change::Owner(user)) => self.give_to_owner(&mut tx, &workspace, user, (kind, &resource)).await?,
                Some(Change::NewName(new)) if *new == resource => {}
                Some(Change::NewName(new)) => drop(store::rename_resource(&mut tx, &workspace, kind, &resource, new).await?),
                Some(Change::Removed(_)) => drop(store::forget_resource(&mut tx, &workspace, kind, &resource).await?),
                Some(Change::WorkspaceRemoved(_) | Change::WorkspaceCreated(_)) | None => {}
            }
        }
        if matches!(change, Some(Change::WorkspaceCreated(true))) {
            for (name, description, permission) in WORKSPACE_ROLES {
                let id = store::next(&mut tx, "role").await?;
                let description = Some((*description).to_owned());
                let role = Role { id, workspace: workspace.clone(), name: (*name).into(), description, owner: None };
                if store::insert_role(&mut tx, &role).await? {
                    self.put(&mut tx, id, (resource::WORKSPACE, "*"), *permission).await?;
                }
            }
        }
        if matches!(change, Some(Change::WorkspaceRemoved(true))) {
            let roles: Vec<i64> = store::roles(&self.db, Some(&[workspace])).await?.iter().map(|r| r.id).collect();
            store::delete_roles(&mut tx, &roles).await?;
        }
        tx.commit().await
    }

    /// Who makes something may do everything with it. What makes things without being a user has no grants.
    async fn give_to_owner(&self, tx: &mut Tx, workspace: &str, user: &str, resource: (&str, &str)) -> Result<()> {
        if users::find(&self.db, user).await?.is_none() {
            return Ok(());
        }
        let role = own_role(tx, workspace, user, self.user_number(user).await?).await?;
        self.put(tx, role, resource, Permission::Manage).await
    }

    async fn put(&self, tx: &mut Tx, role_id: i64, (kind, pattern): (&str, &str), permission: Permission) -> Result<()> {
        if store::insert_permission(tx, role_id, (kind, pattern), permission.name()).await?.is_none() {
            store::set_permission(tx, role_id, (kind, pattern), permission.name()).await?;
        }
        Ok(())
    }

    pub(crate) async fn user_number(&self, user: &str) -> Result<i64> {
        store::number_of(&self.db, user).await
    }

    /// Grants one thing to a user. `RESOURCE_ALREADY_EXISTS` when they have a grant on it.
    pub(crate) async fn grant_to(&self, workspace: &str, user: &str, kind: &str, pattern: &str, permission: &str) -> Result<()> {
        not_workspace(kind)?;
        check_pattern(pattern, kind)?;
        check_permission(permission, kind)?;
        let number = self.user_number(user).await?;
        let mut tx = self.db.begin().await?;
        let role_id = own_role(&mut tx, workspace, user, number).await?;
        if store::insert_permission(&mut tx, role_id, (kind, pattern), permission).await?.is_none() {
            return Err(Error::exists(format!(
                "Permission for user={user} on resource_type={kind}, resource_id={pattern} already exists."
            )));
        }
        tell(&mut tx, [user]).await?;
        tx.commit().await
    }

    /// Takes a grant back.
    pub(crate) async fn revoke(&self, workspace: &str, user: &str, kind: &str, pattern: &str) -> Result<()> {
        not_workspace(kind)?;
        check_type(kind)?;
        let number = self.user_number(user).await?;
        let mut tx = self.db.begin().await?;
        let role = store::find_role_named(&mut tx, workspace, &own_name(number)).await?;
        let removed = match role {
            Some(role) => store::delete_permission(&mut tx, role.id, (kind, pattern)).await?,
            None => false,
        };
        if !removed {
            return Err(Error::not_found(format!("Permission for user={user} on resource_type={kind}, resource_id={pattern} not found.")));
        }
        tell(&mut tx, [user]).await?;
        tx.commit().await
    }

    /// Makes a role.
    pub(crate) async fn create_role(&self, workspace: &str, name: &str, description: Option<String>) -> Result<Role> {
        not_own_name(name)?;
        let mut tx = self.db.begin().await?;
        let id = store::next(&mut tx, "role").await?;
        let role = Role { id, workspace: workspace.into(), name: name.into(), description, owner: None };
        if !store::insert_role(&mut tx, &role).await? {
            return Err(Error::exists(format!("Role (name={name}, workspace={workspace}) already exists.")));
        }
        tx.commit().await?;
        Ok(role)
    }

    pub(crate) async fn role(&self, id: i64) -> Result<Role> {
        store::find_role(&self.db, id).await?.ok_or_else(|| Error::not_found(format!("Role with id={id} not found")))
    }

    /// Changes a role's name or description.
    pub(crate) async fn update_role(&self, id: i64, name: Option<&str>, description: Option<String>) -> Result<Role> {
        if let Some(name) = name {
            not_own_name(name)?;
        }
        let role = self.role(id).await?;
        let new = Role { name: name.unwrap_or(&role.name).into(), description: description.or(role.description), ..role };
        let mut tx = self.db.begin().await?;
        if store::find_role_named(&mut tx, &new.workspace, &new.name).await?.is_some_and(|other| other.id != id) {
            return Err(Error::exists(format!("Role with name={} already exists in workspace={}", new.name, new.workspace)));
        }
        store::update_role(&mut tx, id, &new.name, new.description.as_deref()).await?;
        tx.commit().await?;
        Ok(new)
    }

    /// Removes a role; who had it has its permissions no more.
    pub(crate) async fn delete_role(&self, id: i64) -> Result<()> {
        self.role(id).await?;
        let had = store::assignments(&self.db, id).await?;
        let mut tx = self.db.begin().await?;
        store::delete_roles(&mut tx, &[id]).await?;
        tell(&mut tx, had.iter().map(|a| a.user.as_str())).await?;
        tx.commit().await
    }

    /// Adds a permission to a role.
    pub(crate) async fn add_role_permission(&self, role_id: i64, kind: &str, pattern: &str, permission: &str) -> Result<RolePermission> {
        check_permission(permission, kind)?;
        check_pattern(pattern, kind)?;
        self.role(role_id).await?;
        let have = store::assignments(&self.db, role_id).await?;
        let mut tx = self.db.begin().await?;
        let Some(new) = store::insert_permission(&mut tx, role_id, (kind, pattern), permission).await? else {
            return Err(Error::exists(format!(
                "Role permission (role_id={role_id}, resource_type={kind}, resource_pattern={pattern}) already exists."
            )));
        };
        tell(&mut tx, have.iter().map(|a| a.user.as_str())).await?;
        tx.commit().await?;
        Ok(new)
    }

    pub(crate) async fn role_permission(&self, id: i64) -> Result<RolePermission> {
        store::find_permission(&self.db, id).await?.ok_or_else(|| Error::not_found(format!("Role permission with id={id} not found")))
    }

    /// Sets a permission of a role to another level, or removes it.
    pub(crate) async fn change_role_permission(&self, id: i64, permission: Option<&str>) -> Result<RolePermission> {
        let mut found = self.role_permission(id).await?;
        let have = store::assignments(&self.db, found.role_id).await?;
        let mut tx = self.db.begin().await?;
        let about = (found.resource_type.as_str(), found.resource_pattern.as_str());
        match permission {
            None => drop(store::delete_permission(&mut tx, found.role_id, about).await?),
            Some(permission) => {
                check_permission(permission, &found.resource_type)?;
                store::set_permission(&mut tx, found.role_id, about, permission).await?;
                found.permission = permission.into();
            }
        }
        tell(&mut tx, have.iter().map(|a| a.user.as_str())).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// Gives a user a role; returns the assignment's number.
    pub(crate) async fn assign_role(&self, user: &str, role_id: i64) -> Result<i64> {
        self.role(role_id).await?;
        let number = self.user_number(user).await?;
        let mut tx = self.db.begin().await?;
        let id = store::next(&mut tx, "assignment").await?;
        if !store::assign(&mut tx, id, user, role_id).await? {
            return Err(Error::exists(format!("User role assignment (user_id={number}, role_id={role_id}) already exists")));
        }
        tell(&mut tx, [user]).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Takes a role from a user.
    pub(crate) async fn unassign_role(&self, user: &str, role_id: i64) -> Result<()> {
        let number = self.user_number(user).await?;
        let mut tx = self.db.begin().await?;
        if !store::unassign(&mut tx, user, role_id).await? {
            return Err(Error::not_found(format!("User role assignment (user_id={number}, role_id={role_id}) not found")));
        }
        tell(&mut tx, [user]).await?;
        tx.commit().await
    }
}

fn own_name(number: i64) -> String {
    format!("{OWN}{number}__")
}

/// The role that holds the user's own grants in a workspace, made where there is none.
async fn own_role(tx: &mut Tx, workspace: &str, user: &str, number: i64) -> Result<i64> {
    let name = own_name(number);
    if let Some(role) = store::find_role_named(tx, workspace, &name).await? {
        return Ok(role.id);
    }
    let id = store::next(tx, "role").await?;
    let new = Role { id, workspace: workspace.into(), name: name.clone(), description: None, owner: Some(user.into()) };
    // the counter made this writer wait: another one may have made the role meanwhile
    if !store::insert_role(tx, &new).await? {
        let made = store::find_role_named(tx, workspace, &name).await?;
        return made.map(|role| role.id).ok_or_else(|| Error::unavailable("the role is being made by another request; try again"));
    }
    let assignment = store::next(tx, "assignment").await?;
    store::assign(tx, assignment, user, id).await?;
    Ok(id)
}

/// What these users may do has changed: nobody shall remember what they might.
async fn tell(tx: &mut Tx, users: impl IntoIterator<Item = &str>) -> Result<()> {
    for user in users {
        tx.emit(&wire::UserChanged { name: user.into(), removed: false });
    }
    Ok(())
}

fn not_own_name(name: &str) -> Result<()> {
    if name.starts_with(OWN) {
        return Err(Error::invalid(format!(
            "Role name '{name}' uses the reserved '__user_' prefix, which is held for the per-user permission representation. Choose a different name."
        )));
    }
    Ok(())
}

/// Membership of a workspace is given by roles.
pub(crate) fn not_workspace(kind: &str) -> Result<()> {
    if kind == resource::WORKSPACE {
        return Err(Error::invalid(
            "resource_type 'workspace' is not supported by the per-user permission convenience APIs. Use set_workspace_permission / delete_workspace_permission for workspace-wide grants.",
        ));
    }
    Ok(())
}

/// Fails unless grants can be about this type.
pub(crate) fn check_type(kind: &str) -> Result<()> {
    let mut valid: Vec<&str> = resource::NAMED.iter().chain(resource::WHOLE).copied().collect();
    if valid.contains(&kind) {
        return Ok(());
    }
    valid.sort_unstable();
    Err(Error::invalid(format!("Invalid resource type '{kind}'. Valid resource types are: {}", tuple(&valid))))
}

fn check_pattern(pattern: &str, kind: &str) -> Result<()> {
    check_type(kind)?;
    if pattern == "*" || resource::NAMED.contains(&kind) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "Invalid resource_pattern '{pattern}' for resource_type='{kind}'. This resource type supports only wildcard ('*') grants."
    )))
}

fn check_permission(permission: &str, kind: &str) -> Result<()> {
    if Permission::parse(permission).is_none() {
        let names: Vec<&str> = Permission::names().collect();
        return Err(Error::invalid(format!("Invalid permission '{permission}'. Valid permissions are: {}", tuple(&names))));
    }
    check_type(kind)?;
    let (what, valid): (_, &[&str]) = if kind == resource::WORKSPACE {
        ("Workspace-wide", &["MANAGE", "USE"])
    } else {
        ("Resource-level", &["DENY", "EDIT", "MANAGE", "READ", "USE"])
    };
    if valid.contains(&permission) {
        return Ok(());
    }
    let valid = tuple(valid);
    Err(Error::invalid(format!("Invalid permission '{permission}' for resource_type='{kind}'. {what} grants accept only: {valid}.")))
}

/// As Python writes a tuple of strings.
fn tuple(items: &[&str]) -> String {
    format!("({})", items.iter().map(|item| format!("'{item}'")).collect::<Vec<_>>().join(", "))
}
