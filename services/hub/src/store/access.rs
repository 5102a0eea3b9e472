//! Roles, their permissions, and who has them. The grants that one user has by themselves are the permissions of a
//! role of their own, as upstream keeps them (mlflow/server/auth/sqlalchemy_store.py).

use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use artel_platform::{Result, args};
use std::collections::HashMap;

/// A row of `roles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    pub id: i64,
    pub workspace: String,
    pub name: String,
    pub description: Option<String>,
    /// The user whose own grants it holds.
    pub owner: Option<String>,
}

/// A row of `role_permissions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RolePermission {
    pub id: i64,
    pub role_id: i64,
    pub resource_type: String,
    pub resource_pattern: String,
    pub permission: String,
}

/// A row of `role_assignments`, with the user's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub id: i64,
    pub user: String,
    pub user_number: i64,
    pub role_id: i64,
}

const ROLE: &str = "r.id, r.workspace, r.name, r.description, r.owner";
const PERMISSION: &str = "p.id, p.role_id, p.resource_type, p.resource_pattern, p.permission";

fn role(row: &Row) -> Result<Role> {
    Ok(Role {
        id: row.get("id")?,
        workspace: row.get("workspace")?,
        name: row.get("name")?,
        description: row.opt("description")?,
        owner: row.opt("owner")?,
    })
}

fn permission(row: &Row) -> Result<RolePermission> {
    Ok(RolePermission {
        id: row.get("id")?,
        role_id: row.get("role_id")?,
        resource_type: row.get("resource_type")?,
        resource_pattern: row.get("resource_pattern")?,
        permission: row.get("permission")?,
    })
}

/// The next number of a kind. Writers of one kind wait for each other here, so numbers are never given twice.
pub(crate) async fn next(tx: &mut Tx, kind: &str) -> Result<i64> {
    last_of(tx, kind, 1).await
}

/// The last of the next `count` numbers of a kind.
async fn last_of(tx: &mut Tx, kind: &str, count: usize) -> Result<i64> {
    let sql = "UPDATE counters SET last = last + $2 WHERE name = $1 RETURNING last";
    tx.fetch_one(sql, args![kind, count as i64]).await?.get("last")
}

/// Gives new users numbers, in this order.
pub(crate) async fn number<'a>(tx: &mut Tx, users: impl ExactSizeIterator<Item = &'a str>) -> Result<()> {
    let count = users.len();
    let before = last_of(tx, "user", count).await? - count as i64;
    let rows = users.zip(before + 1..).map(|(user, number)| args![user, number]).collect();
    tx.insert_many("INSERT INTO user_numbers (user_name, number)", "ON CONFLICT DO NOTHING", rows).await.map(drop)
}

/// Gives a new user a number with the commit.
pub(crate) fn number_along(tx: &mut Tx, user: &str) {
    tx.along("UPDATE counters SET last = last + 1 WHERE name = 'user'", vec![]);
    let insert = "INSERT INTO user_numbers (user_name, number) SELECT $1, last FROM counters WHERE name = 'user' ON CONFLICT DO NOTHING";
    tx.along(insert, args![user]);
}

/// The users' numbers.
pub(crate) async fn numbers(db: &Db) -> Result<HashMap<String, i64>> {
    let rows = db.fetch_all("SELECT user_name, number FROM user_numbers", vec![]).await?;
    rows.iter().map(|row| Ok((row.get("user_name")?, row.get("number")?))).collect()
}

/// One user's number.
pub(crate) async fn number_of(db: &Db, user: &str) -> Result<i64> {
    db.fetch_one("SELECT number FROM user_numbers WHERE user_name = $1", args![user]).await?.get("number")
}

pub(crate) async fn insert_role(tx: &mut Tx, new: &Role) -> Result<bool> {
    let sql = "INSERT INTO roles (id, workspace, name, description, owner) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let args = args![new.id, &new.workspace, &new.name, new.description.clone(), new.owner.clone()];
    Ok(tx.execute(sql, args).await? > 0)
}

pub(crate) async fn find_role(db: &Db, id: i64) -> Result<Option<Role>> {
    let sql = format!("SELECT {ROLE} FROM roles r WHERE r.id = $1");
    db.fetch_optional(AssertSqlSafe(sql), args![id]).await?.as_ref().map(role).transpose()
}

pub(crate) async fn find_role_named(tx: &mut Tx, workspace: &str, name: &str) -> Result<Option<Role>> {
    let sql = format!("SELECT {ROLE} FROM roles r WHERE r.workspace = $1 AND r.name = $2");
    tx.fetch_optional(AssertSqlSafe(sql), args![workspace, name]).await?.as_ref().map(role).transpose()
}

/// The roles of these workspaces (of all when `None`), by number.
pub(crate) async fn roles(db: &Db, workspaces: Option<&[String]>) -> Result<Vec<Role>> {
    let mut args: Vec<Value> = Vec::new();
    let condition = match workspaces {
        None => "1 = 1".to_owned(),
        Some(names) => {
            args.extend(names.iter().map(Value::from));
            format!("r.workspace IN ({})", places(1, names.len()))
        }
    };
    let sql = format!("SELECT {ROLE} FROM roles r WHERE {condition} ORDER BY r.id");
    db.fetch_all(AssertSqlSafe(sql), args).await?.iter().map(role).collect()
}

pub(crate) async fn roles_of(db: &Db, user: &str) -> Result<Vec<Role>> {
    let sql = format!("SELECT {ROLE} FROM roles r JOIN role_assignments a ON a.role_id = r.id WHERE a.user_name = $1 ORDER BY r.id");
    db.fetch_all(AssertSqlSafe(sql), args![user]).await?.iter().map(role).collect()
}

/// Every role of every user.
pub(crate) async fn roles_by_user(db: &Db) -> Result<Vec<(String, Role)>> {
    let sql = format!("SELECT a.user_name, {ROLE} FROM roles r JOIN role_assignments a ON a.role_id = r.id ORDER BY r.id");
    let rows = db.fetch_all(AssertSqlSafe(sql), vec![]).await?;
    rows.iter().map(|row| Ok((row.get("user_name")?, role(row)?))).collect()
}

pub(crate) async fn update_role(tx: &mut Tx, id: i64, name: &str, description: Option<&str>) -> Result<()> {
    tx.execute("UPDATE roles SET name = $1, description = $2 WHERE id = $3", args![name, description, id]).await.map(drop)
}

/// Removes roles with their permissions and assignments.
pub(crate) async fn delete_roles(tx: &mut Tx, ids: &[i64]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let list = places(1, ids.len());
    for (table, column) in [("role_permissions", "role_id"), ("role_assignments", "role_id"), ("roles", "id")] {
        let sql = format!("DELETE FROM {table} WHERE {column} IN ({list})");
        tx.execute(AssertSqlSafe(sql), ids.iter().map(|id| Value::from(*id)).collect()).await?;
    }
    Ok(())
}

/// The permissions of these roles, by number.
pub(crate) async fn permissions(db: &Db, roles: &[i64]) -> Result<Vec<RolePermission>> {
    if roles.is_empty() {
        return Ok(vec![]);
    }
    let sql = format!("SELECT {PERMISSION} FROM role_permissions p WHERE p.role_id IN ({}) ORDER BY p.id", places(1, roles.len()));
    let rows = db.fetch_all(AssertSqlSafe(sql), roles.iter().map(|id| Value::from(*id)).collect()).await?;
    rows.iter().map(permission).collect()
}

pub(crate) async fn find_permission(db: &Db, id: i64) -> Result<Option<RolePermission>> {
    let sql = format!("SELECT {PERMISSION} FROM role_permissions p WHERE p.id = $1");
    db.fetch_optional(AssertSqlSafe(sql), args![id]).await?.as_ref().map(permission).transpose()
}

/// Adds a permission; `None` when the role has one for that resource.
pub(crate) async fn insert_permission(
    tx: &mut Tx,
    role_id: i64,
    resource: (&str, &str),
    permission: &str,
) -> Result<Option<RolePermission>> {
    let new = RolePermission {
        id: next(tx, "permission").await?,
        role_id,
        resource_type: resource.0.into(),
        resource_pattern: resource.1.into(),
        permission: permission.into(),
    };
    let sql = "INSERT INTO role_permissions (id, role_id, resource_type, resource_pattern, permission) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let args = args![new.id, new.role_id, &new.resource_type, &new.resource_pattern, &new.permission];
    Ok((tx.execute(sql, args).await? > 0).then_some(new))
}

pub(crate) async fn set_permission(tx: &mut Tx, role_id: i64, resource: (&str, &str), permission: &str) -> Result<()> {
    let sql = "UPDATE role_permissions SET permission = $1 WHERE role_id = $2 AND resource_type = $3 AND resource_pattern = $4";
    tx.execute(sql, args![permission, role_id, resource.0, resource.1]).await.map(drop)
}

/// Takes a permission from a role; `false` when it has none.
pub(crate) async fn delete_permission(tx: &mut Tx, role_id: i64, resource: (&str, &str)) -> Result<bool> {
    let sql = "DELETE FROM role_permissions WHERE role_id = $1 AND resource_type = $2 AND resource_pattern = $3";
    Ok(tx.execute(sql, args![role_id, resource.0, resource.1]).await? > 0)
}

const OWN_ROLES: &str = "role_id IN (SELECT id FROM roles WHERE workspace = $1 AND owner IS NOT NULL)";

/// Takes from every user their own grant on a resource that is gone. Roles that somebody made keep theirs, as upstream.
pub(crate) async fn forget_resource(tx: &mut Tx, workspace: &str, resource_type: &str, name: &str) -> Result<u64> {
    let sql = format!("DELETE FROM role_permissions WHERE {OWN_ROLES} AND resource_type = $2 AND resource_pattern = $3");
    tx.execute(AssertSqlSafe(sql), args![workspace, resource_type, name]).await
}

/// Moves every user's own grant on a resource to its new name.
pub(crate) async fn rename_resource(tx: &mut Tx, workspace: &str, resource_type: &str, name: &str, new_name: &str) -> Result<u64> {
    forget_resource(tx, workspace, resource_type, new_name).await?;
    let sql =
        format!("UPDATE role_permissions SET resource_pattern = $4 WHERE {OWN_ROLES} AND resource_type = $2 AND resource_pattern = $3");
    tx.execute(AssertSqlSafe(sql), args![workspace, resource_type, name, new_name]).await
}

/// Gives a user a role; `false` when they have it.
pub(crate) async fn assign(tx: &mut Tx, id: i64, user: &str, role_id: i64) -> Result<bool> {
    let sql = "INSERT INTO role_assignments (id, user_name, role_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, args![id, user, role_id]).await? > 0)
}

pub(crate) async fn unassign(tx: &mut Tx, user: &str, role_id: i64) -> Result<bool> {
    Ok(tx.execute("DELETE FROM role_assignments WHERE user_name = $1 AND role_id = $2", args![user, role_id]).await? > 0)
}

/// Who has a role, in the order in which they got it.
pub(crate) async fn assignments(db: &Db, role_id: i64) -> Result<Vec<Assignment>> {
    let sql = "SELECT a.id, a.user_name, n.number, a.role_id FROM role_assignments a JOIN user_numbers n ON n.user_name = a.user_name WHERE a.role_id = $1 ORDER BY a.id";
    let read = |row: &Row| {
        Ok(Assignment { id: row.get("id")?, user: row.get("user_name")?, user_number: row.get("number")?, role_id: row.get("role_id")? })
    };
    db.fetch_all(sql, args![role_id]).await?.iter().map(read).collect()
}

/// Every permission that a user has, with its role.
pub(crate) async fn grants(db: &Db, user: &str) -> Result<Vec<(Role, RolePermission)>> {
    let sql = format!(
        "SELECT {ROLE}, p.id AS permission_id, p.resource_type, p.resource_pattern, p.permission FROM role_assignments a
         JOIN roles r ON r.id = a.role_id JOIN role_permissions p ON p.role_id = r.id WHERE a.user_name = $1 ORDER BY r.id, p.id"
    );
    let read = |row: &Row| {
        let role = role(row)?;
        let granted = RolePermission {
            id: row.get("permission_id")?,
            role_id: role.id,
            resource_type: row.get("resource_type")?,
            resource_pattern: row.get("resource_pattern")?,
            permission: row.get("permission")?,
        };
        Ok((role, granted))
    };
    db.fetch_all(AssertSqlSafe(sql), args![user]).await?.iter().map(read).collect()
}

/// Is something refused to this user by one of their roles?
pub(crate) async fn has_refusal(db: &Db, user: &str) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM role_assignments a JOIN role_permissions p ON p.role_id = a.role_id
               WHERE a.user_name = $1 AND p.permission = 'DENY' LIMIT 1";
    Ok(db.fetch_optional(sql, args![user]).await?.is_some())
}

/// Takes everything from a user who is going.
pub(crate) async fn forget_user(tx: &mut Tx, user: &str) -> Result<()> {
    let rows = tx.fetch_all("SELECT id FROM roles WHERE owner = $1", args![user]).await?;
    let own: Vec<i64> = rows.iter().map(|row| row.get("id")).collect::<Result<_>>()?;
    delete_roles(tx, &own).await?;
    tx.execute("DELETE FROM role_assignments WHERE user_name = $1", args![user]).await?;
    tx.execute("DELETE FROM user_numbers WHERE user_name = $1", args![user]).await.map(drop)
}

/// Moves everything that a user has to their new name.
pub(crate) async fn rename_user(tx: &mut Tx, user: &str, new: &str) -> Result<()> {
    tx.execute("UPDATE roles SET owner = $2 WHERE owner = $1", args![user, new]).await?;
    tx.execute("UPDATE role_assignments SET user_name = $2 WHERE user_name = $1", args![user, new]).await?;
    tx.execute("UPDATE user_numbers SET user_name = $2 WHERE user_name = $1", args![user, new]).await.map(drop)
}

fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}
