//! Users.

use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use std::collections::HashSet;

/// A row of `users`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub name: String,
    pub admin: bool,
    /// argon2id in PHC form.
    pub password: Option<String>,
    pub created: i64,
    pub last_activity: Option<i64>,
    /// Why they may not be here, whatever they show: `blocked` or `provider`.
    pub suspended: Option<String>,
}

/// Which users, in which order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// `Some(true)`: only users with a server that is running or changing; `Some(false)`: only those without.
    pub active: Option<bool>,
    /// Only users with a ready server.
    pub ready: bool,
    /// Part of the name, without regard to case.
    pub name: Option<String>,
    /// Only these users and the members of these groups; `None`: all.
    pub only: Option<(Vec<String>, Vec<String>)>,
    pub sort: Sort,
    pub descending: bool,
}

/// Upstream's three orders. Its `id` is the order of creation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    #[default]
    Id,
    Name,
    LastActivity,
}

const COLUMNS: &str = "name, admin, password, created, last_activity, suspended";

fn user(row: &Row) -> Result<User> {
    Ok(User {
        name: row.get("name")?,
        admin: row.get("admin")?,
        password: row.opt("password")?,
        created: row.get("created")?,
        last_activity: row.opt("last_activity")?,
        suspended: row.opt("suspended")?,
    })
}

pub(crate) async fn find(db: &Db, name: &str) -> Result<Option<User>> {
    let sql = AssertSqlSafe(format!("SELECT {COLUMNS} FROM users WHERE name = $1"));
    db.fetch_optional(sql, args![name]).await?.as_ref().map(user).transpose()
}

pub(crate) async fn any(db: &Db) -> Result<bool> {
    Ok(db.fetch_optional("SELECT name FROM users LIMIT 1", vec![]).await?.is_some())
}

/// A page of users and how many there are in all pages. Paged by offset because upstream's API is.
pub(crate) async fn page(db: &Db, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<User>, i64)> {
    let (condition, mut args) = condition(filter);
    let total =
        db.fetch_one(AssertSqlSafe(format!("SELECT COUNT(*) AS total FROM users WHERE {condition}")), args.clone()).await?.get("total")?;
    let direction = if filter.descending { "DESC" } else { "ASC" };
    let order = match filter.sort {
        Sort::Id => format!("created {direction}, name {direction}"),
        Sort::Name => format!("name {direction}"),
        // upstream puts users who were never active first when ascending, last when descending
        Sort::LastActivity if filter.descending => "last_activity DESC NULLS LAST, name DESC".into(),
        Sort::LastActivity => "last_activity ASC NULLS FIRST, name ASC".into(),
    };
    args.extend(args![limit, offset]);
    let (limit, offset) = (args.len() - 1, args.len());
    let sql = format!("SELECT {COLUMNS} FROM users WHERE {condition} ORDER BY {order} LIMIT ${limit} OFFSET ${offset}");
    let rows = db.fetch_all(AssertSqlSafe(sql), args).await?;
    Ok((rows.iter().map(user).collect::<Result<_>>()?, total))
}

fn condition(filter: &Filter) -> (String, Vec<Value>) {
    const ACTIVE: &str = "(SELECT user_name FROM servers WHERE state IN ('pending', 'ready', 'stopping'))";
    const READY: &str = "(SELECT user_name FROM servers WHERE state = 'ready')";
    let mut terms = vec!["1 = 1".to_owned()];
    let mut args = Vec::new();
    match filter.active {
        Some(true) => terms.push(format!("name IN {ACTIVE}")),
        Some(false) => terms.push(format!("name NOT IN {ACTIVE}")),
        None => {}
    }
    if filter.ready {
        terms.push(format!("name IN {READY}"));
    }
    if let Some(part) = &filter.name {
        let escaped = part.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        args.push(format!("%{escaped}%").into());
        terms.push(format!("name LIKE ${} ESCAPE '\\'", args.len()));
    }
    if let Some((users, groups)) = &filter.only {
        let mut places = |names: &[String]| {
            let place = |name: &String| {
                args.push(name.into());
                format!("${}", args.len())
            };
            // no name is empty: an empty list is a list of nobody
            if names.is_empty() { "''".to_owned() } else { names.iter().map(place).collect::<Vec<_>>().join(", ") }
        };
        let (users, groups) = (places(users), places(groups));
        terms.push(format!("(name IN ({users}) OR name IN (SELECT user_name FROM group_members WHERE group_name IN ({groups})))"));
    }
    (terms.join(" AND "), args)
}

/// Adds a user; `false` when the name is taken.
pub(crate) async fn insert(tx: &mut Tx, new: &User) -> Result<bool> {
    Ok(!insert_all(tx, vec![new.clone()]).await?.is_empty())
}

/// Adds a user with the commit, which fails when the name is taken.
pub(crate) fn insert_along(tx: &mut Tx, new: &User) {
    let insert = "INSERT INTO users (name, admin, password, created) VALUES ($1, $2, $3, $4)";
    tx.along(insert, args![&new.name, new.admin, new.password.clone(), new.created]);
    super::access::number_along(tx, &new.name);
}

/// Adds users; returns those whose names were not taken.
pub(crate) async fn insert_all(tx: &mut Tx, new: Vec<User>) -> Result<Vec<User>> {
    let rows = new.iter().map(|user| args![&user.name, user.admin, user.password.clone(), user.created]).collect();
    let head = "INSERT INTO users (name, admin, password, created)";
    let added = tx.fetch_many(head, "ON CONFLICT DO NOTHING RETURNING name", rows).await?;
    let mut added: HashSet<String> = added.iter().map(|row| row.get("name")).collect::<Result<_>>()?;
    let new: Vec<User> = new.into_iter().filter(|user| added.remove(&user.name)).collect();
    if !new.is_empty() {
        super::access::number(tx, new.iter().map(|user| user.name.as_str())).await?;
    }
    Ok(new)
}

pub(crate) async fn set_admin(tx: &mut Tx, name: &str, admin: bool) -> Result<()> {
    tx.execute("UPDATE users SET admin = $1 WHERE name = $2", args![admin, name]).await.map(drop)
}

/// Shuts a user out, or lets them in again (`None`).
pub(crate) async fn set_suspended(tx: &mut Tx, name: &str, why: Option<&str>) -> Result<()> {
    tx.execute("UPDATE users SET suspended = $1 WHERE name = $2", args![why, name]).await.map(drop)
}

/// Users who are shut out for this reason.
pub(crate) async fn suspended(db: &Db, why: &str) -> Result<Vec<String>> {
    let rows = db.fetch_all("SELECT name FROM users WHERE suspended = $1", args![why]).await?;
    rows.iter().map(|row| row.get("name")).collect()
}

pub(crate) async fn set_password(tx: &mut Tx, name: &str, hash: &str) -> Result<()> {
    tx.execute("UPDATE users SET password = $1 WHERE name = $2", args![hash, name]).await.map(drop)
}

/// Removes a user with all that is theirs; returns whether there was one.
pub(crate) async fn delete(tx: &mut Tx, name: &str) -> Result<bool> {
    for sql in [
        "DELETE FROM tokens WHERE user_name = $1",
        "DELETE FROM sessions WHERE user_name = $1",
        "DELETE FROM oauth_codes WHERE user_name = $1",
        "DELETE FROM servers WHERE user_name = $1",
        "DELETE FROM group_members WHERE user_name = $1",
        "DELETE FROM identities WHERE user_name = $1",
    ] {
        tx.execute(sql, args![name]).await?;
    }
    super::roles::forget_holder(tx, "user", name).await?;
    super::shares::forget_user(tx, name).await?;
    super::access::forget_user(tx, name).await?;
    Ok(tx.execute("DELETE FROM users WHERE name = $1", args![name]).await? > 0)
}

/// Gives a user another name, everywhere in the hub's tables.
pub(crate) async fn rename(tx: &mut Tx, name: &str, new: &str) -> Result<()> {
    for sql in [
        "UPDATE users SET name = $2 WHERE name = $1",
        "UPDATE tokens SET user_name = $2 WHERE user_name = $1",
        "UPDATE sessions SET user_name = $2 WHERE user_name = $1",
        "UPDATE oauth_codes SET user_name = $2 WHERE user_name = $1",
        "UPDATE servers SET user_name = $2 WHERE user_name = $1",
        "UPDATE group_members SET user_name = $2 WHERE user_name = $1",
        "UPDATE identities SET user_name = $2 WHERE user_name = $1",
        "UPDATE scope_role_holders SET holder_name = $2 WHERE holder_name = $1 AND holder_kind = 'user'",
        "UPDATE shares SET grantee_name = $2 WHERE grantee_name = $1 AND grantee_kind = 'user'",
        "UPDATE shares SET owner_name = $2, scopes = REPLACE(scopes, '!server=' || $1 || '/', '!server=' || $2 || '/') WHERE owner_name = $1",
        "UPDATE share_codes SET owner_name = $2, scopes = REPLACE(scopes, '!server=' || $1 || '/', '!server=' || $2 || '/') WHERE owner_name = $1",
    ] {
        tx.execute(sql, args![name, new]).await?;
    }
    super::access::rename_user(tx, name, new).await
}

/// How many users there are, and how many were active since.
pub(crate) async fn count(db: &Db, since: Option<i64>) -> Result<i64> {
    let row = match since {
        None => db.fetch_one("SELECT COUNT(*) AS n FROM users", vec![]).await?,
        Some(since) => db.fetch_one("SELECT COUNT(*) AS n FROM users WHERE last_activity >= $1", args![since]).await?,
    };
    row.get("n")
}

/// Notes activity unless a later one is known.
pub(crate) async fn active(tx: &mut Tx, name: &str, at: i64) -> Result<()> {
    let sql = "UPDATE users SET last_activity = $1 WHERE name = $2 AND (last_activity IS NULL OR last_activity < $1)";
    tx.execute(sql, args![at, name]).await.map(drop)
}
