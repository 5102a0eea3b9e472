//! Roles of scopes that somebody made, and who has which role.

use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use artel_platform::{Result, args};

/// A row of `scope_roles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    pub name: String,
    pub description: String,
    pub scopes: Vec<String>,
}

/// A row of `scope_role_holders`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub role: String,
    /// `user`, `group` or `service`.
    pub kind: String,
    pub holder: String,
}

fn role(row: &Row) -> Result<Role> {
    Ok(Role { name: row.get("name")?, description: row.get("description")?, scopes: serde_json::from_str(&row.get::<String>("scopes")?)? })
}

pub(crate) async fn all(db: &Db) -> Result<Vec<Role>> {
    db.fetch_all("SELECT name, description, scopes FROM scope_roles ORDER BY name", vec![]).await?.iter().map(role).collect()
}

pub(crate) async fn find(db: &Db, name: &str) -> Result<Option<Role>> {
    let sql = "SELECT name, description, scopes FROM scope_roles WHERE name = $1";
    db.fetch_optional(sql, args![name]).await?.as_ref().map(role).transpose()
}

/// Adds a role or replaces what it was.
pub(crate) async fn put(tx: &mut Tx, role: &Role) -> Result<()> {
    let sql = "INSERT INTO scope_roles (name, description, scopes) VALUES ($1, $2, $3)
               ON CONFLICT (name) DO UPDATE SET description = $2, scopes = $3";
    tx.execute(sql, args![&role.name, &role.description, serde_json::to_string(&role.scopes)?]).await.map(drop)
}

/// Removes a role and takes it from everybody.
pub(crate) async fn delete(tx: &mut Tx, name: &str) -> Result<bool> {
    tx.execute("DELETE FROM scope_role_holders WHERE role_name = $1", args![name]).await?;
    Ok(tx.execute("DELETE FROM scope_roles WHERE name = $1", args![name]).await? > 0)
}

pub(crate) async fn assign(tx: &mut Tx, held: &Held) -> Result<()> {
    let sql = "INSERT INTO scope_role_holders (role_name, holder_kind, holder_name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, args![&held.role, &held.kind, &held.holder]).await.map(drop)
}

pub(crate) async fn unassign(tx: &mut Tx, held: &Held) -> Result<bool> {
    let sql = "DELETE FROM scope_role_holders WHERE role_name = $1 AND holder_kind = $2 AND holder_name = $3";
    Ok(tx.execute(sql, args![&held.role, &held.kind, &held.holder]).await? > 0)
}

/// Takes every role from who is going.
pub(crate) async fn forget_holder(tx: &mut Tx, kind: &str, holder: &str) -> Result<()> {
    tx.execute("DELETE FROM scope_role_holders WHERE holder_kind = $1 AND holder_name = $2", args![kind, holder]).await.map(drop)
}

/// Who has which role, of these holders of one kind (of all of them when `None`).
pub(crate) async fn held(db: &Db, kind: &str, holders: Option<&[&str]>) -> Result<Vec<Held>> {
    let mut args: Vec<Value> = args![kind];
    let condition = match holders {
        None => "1 = 1".to_owned(),
        Some([]) => return Ok(vec![]),
        Some(names) => {
            args.extend(names.iter().map(|n| Value::from(*n)));
            format!("holder_name IN ({})", (2..names.len() + 2).map(|n| format!("${n}")).collect::<Vec<_>>().join(", "))
        }
    };
    let sql = format!(
        "SELECT role_name, holder_kind, holder_name FROM scope_role_holders WHERE holder_kind = $1 AND {condition} ORDER BY role_name, holder_name"
    );
    let read = |row: &Row| Ok(Held { role: row.get("role_name")?, kind: row.get("holder_kind")?, holder: row.get("holder_name")? });
    db.fetch_all(AssertSqlSafe(sql), args).await?.iter().map(read).collect()
}
