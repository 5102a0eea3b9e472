//! Groups and who is in them.

use super::access::next;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use artel_platform::{Result, args};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeSet, HashMap};

/// A row of `user_groups`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub name: String,
    pub properties: Map<String, Json>,
}

fn group(row: &Row) -> Result<Group> {
    Ok(Group { name: row.get("name")?, properties: serde_json::from_str(&row.get::<String>("properties")?)? })
}

fn places(count: usize) -> String {
    (1..=count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

pub(crate) async fn find(db: &Db, name: &str) -> Result<Option<Group>> {
    db.fetch_optional("SELECT name, properties FROM user_groups WHERE name = $1", args![name]).await?.as_ref().map(group).transpose()
}

/// A page of groups and how many there are in all pages; `only`: of these names.
pub(crate) async fn page(db: &Db, only: Option<&[String]>, offset: i64, limit: i64) -> Result<(Vec<Group>, i64)> {
    let mut args: Vec<Value> = only.unwrap_or_default().iter().map(Value::from).collect();
    let condition = match only {
        None => "1 = 1".to_owned(),
        Some([]) => "1 = 0".to_owned(),
        Some(names) => format!("name IN ({})", places(names.len())),
    };
    let total = db.fetch_one(AssertSqlSafe(format!("SELECT COUNT(*) AS total FROM user_groups WHERE {condition}")), args.clone()).await?;
    args.extend(args![limit, offset]);
    let sql = format!(
        "SELECT name, properties FROM user_groups WHERE {condition} ORDER BY number LIMIT ${} OFFSET ${}",
        args.len() - 1,
        args.len()
    );
    let rows = db.fetch_all(AssertSqlSafe(sql), args).await?;
    Ok((rows.iter().map(group).collect::<Result<_>>()?, total.get("total")?))
}

/// Adds a group; `false` when there is one of that name.
pub(crate) async fn insert(tx: &mut Tx, new: &Group, now: i64) -> Result<bool> {
    let number = next(tx, "group").await?;
    let sql = "INSERT INTO user_groups (name, number, properties, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, args![&new.name, number, serde_json::to_string(&new.properties)?, now]).await? > 0)
}

pub(crate) async fn set_properties(tx: &mut Tx, name: &str, properties: &Map<String, Json>) -> Result<()> {
    tx.execute("UPDATE user_groups SET properties = $1 WHERE name = $2", args![serde_json::to_string(properties)?, name]).await.map(drop)
}

/// Removes a group with its memberships, roles and shares.
pub(crate) async fn delete(tx: &mut Tx, name: &str) -> Result<bool> {
    for sql in [
        "DELETE FROM group_members WHERE group_name = $1",
        "DELETE FROM scope_role_holders WHERE holder_kind = 'group' AND holder_name = $1",
        "DELETE FROM shares WHERE grantee_kind = 'group' AND grantee_name = $1",
    ] {
        tx.execute(sql, args![name]).await?;
    }
    Ok(tx.execute("DELETE FROM user_groups WHERE name = $1", args![name]).await? > 0)
}

pub(crate) async fn add_member(tx: &mut Tx, name: &str, user: &str) -> Result<()> {
    let number = next(tx, "member").await?;
    let sql = "INSERT INTO group_members (group_name, user_name, number) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, args![name, user, number]).await.map(drop)
}

pub(crate) async fn remove_member(tx: &mut Tx, name: &str, user: &str) -> Result<()> {
    tx.execute("DELETE FROM group_members WHERE group_name = $1 AND user_name = $2", args![name, user]).await.map(drop)
}

/// Puts a user into these groups and no other; returns whether anything has changed.
pub(crate) async fn set_of_user(tx: &mut Tx, user: &str, names: &[String]) -> Result<bool> {
    let rows = tx.fetch_all("SELECT group_name FROM group_members WHERE user_name = $1", args![user]).await?;
    let before: BTreeSet<String> = rows.iter().map(|row| row.get("group_name")).collect::<Result<_>>()?;
    let after: BTreeSet<String> = names.iter().cloned().collect();
    for name in before.difference(&after) {
        remove_member(tx, name, user).await?;
    }
    for name in after.difference(&before) {
        add_member(tx, name, user).await?;
    }
    Ok(before != after)
}

/// The members of these groups, each in the order in which they came.
pub(crate) async fn members(db: &Db, names: &[&str]) -> Result<HashMap<String, Vec<String>>> {
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    if names.is_empty() {
        return Ok(found);
    }
    let sql = format!("SELECT group_name, user_name FROM group_members WHERE group_name IN ({}) ORDER BY number", places(names.len()));
    for row in db.fetch_all(AssertSqlSafe(sql), names.iter().map(|n| (*n).into()).collect()).await? {
        found.entry(row.get("group_name")?).or_default().push(row.get("user_name")?);
    }
    Ok(found)
}

/// The groups of these users, by name.
pub(crate) async fn of_users(db: &Db, users: &[&str]) -> Result<HashMap<String, BTreeSet<String>>> {
    let mut found: HashMap<String, BTreeSet<String>> = HashMap::new();
    if users.is_empty() {
        return Ok(found);
    }
    let sql = format!("SELECT group_name, user_name FROM group_members WHERE user_name IN ({})", places(users.len()));
    for row in db.fetch_all(AssertSqlSafe(sql), users.iter().map(|n| (*n).into()).collect()).await? {
        found.entry(row.get("user_name")?).or_default().insert(row.get("group_name")?);
    }
    Ok(found)
}
