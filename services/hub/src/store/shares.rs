//! Access to servers that their owners have given away, and the codes for it.

use super::access::next;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use artel_platform::{Result, args};

/// A row of `shares`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    pub id: i64,
    pub owner: String,
    pub server: String,
    /// `user` or `group`.
    pub kind: String,
    pub grantee: String,
    pub scopes: Vec<String>,
    pub created: i64,
}

/// A row of `share_codes`, without the code's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShareCode {
    pub id: i64,
    pub owner: String,
    pub server: String,
    pub scopes: Vec<String>,
    pub created: i64,
    pub expires: i64,
    pub exchange_count: i64,
    pub last_exchanged: Option<i64>,
}

/// Which shares or codes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of<'a> {
    Owner(&'a str),
    Server(&'a str, &'a str),
}

impl Of<'_> {
    fn condition(self) -> (&'static str, Vec<Value>) {
        match self {
            Self::Owner(owner) => ("owner_name = $1", args![owner]),
            Self::Server(owner, server) => ("owner_name = $1 AND server_name = $2", args![owner, server]),
        }
    }
}

const SHARE: &str = "id, owner_name, server_name, grantee_kind, grantee_name, scopes, created";
const CODE: &str = "id, owner_name, server_name, scopes, created, expires, exchange_count, last_exchanged";

fn share(row: &Row) -> Result<Share> {
    Ok(Share {
        id: row.get("id")?,
        owner: row.get("owner_name")?,
        server: row.get("server_name")?,
        kind: row.get("grantee_kind")?,
        grantee: row.get("grantee_name")?,
        scopes: serde_json::from_str(&row.get::<String>("scopes")?)?,
        created: row.get("created")?,
    })
}

fn code(row: &Row) -> Result<ShareCode> {
    Ok(ShareCode {
        id: row.get("id")?,
        owner: row.get("owner_name")?,
        server: row.get("server_name")?,
        scopes: serde_json::from_str(&row.get::<String>("scopes")?)?,
        created: row.get("created")?,
        expires: row.get("expires")?,
        exchange_count: row.get("exchange_count")?,
        last_exchanged: row.opt("last_exchanged")?,
    })
}

async fn select(db: &Db, condition: &str, args: Vec<Value>) -> Result<Vec<Share>> {
    let sql = format!("SELECT {SHARE} FROM shares WHERE {condition} ORDER BY id");
    db.fetch_all(AssertSqlSafe(sql), args).await?.iter().map(share).collect()
}

pub(crate) async fn list(db: &Db, of: Of<'_>) -> Result<Vec<Share>> {
    let (condition, args) = of.condition();
    select(db, condition, args).await
}

/// What was given to this group.
pub(crate) async fn with_group(db: &Db, group: &str) -> Result<Vec<Share>> {
    select(db, "grantee_kind = 'group' AND grantee_name = $1", args![group]).await
}

/// What was given to this user or to a group of theirs.
pub(crate) async fn with_user(db: &Db, user: &str) -> Result<Vec<Share>> {
    let condition = "(grantee_kind = 'user' AND grantee_name = $1) OR (grantee_kind = 'group' AND grantee_name IN (SELECT group_name FROM group_members WHERE user_name = $1))";
    select(db, condition, args![user]).await
}

pub(crate) async fn find(db: &Db, owner: &str, server: &str, grantee: (&str, &str)) -> Result<Option<Share>> {
    let condition = "owner_name = $1 AND server_name = $2 AND grantee_kind = $3 AND grantee_name = $4";
    Ok(select(db, condition, args![owner, server, grantee.0, grantee.1]).await?.pop())
}

/// The share, made without scopes where there is none. Whoever changes it too waits for this transaction.
pub(crate) async fn hold_or_make(tx: &mut Tx, owner: &str, server: &str, grantee: (&str, &str), now: i64) -> Result<Share> {
    let id = next(tx, "share").await?;
    let sql = format!(
        "INSERT INTO shares ({SHARE}) VALUES ($1, $2, $3, $4, $5, '[]', $6)
         ON CONFLICT (owner_name, server_name, grantee_kind, grantee_name) DO UPDATE SET scopes = shares.scopes RETURNING {SHARE}"
    );
    share(&tx.fetch_one(AssertSqlSafe(sql), args![id, owner, server, grantee.0, grantee.1, now]).await?)
}

/// The same where it is only wanted if it is there.
pub(crate) async fn hold(tx: &mut Tx, owner: &str, server: &str, grantee: (&str, &str)) -> Result<Option<Share>> {
    let sql = format!(
        "UPDATE shares SET scopes = scopes WHERE owner_name = $1 AND server_name = $2 AND grantee_kind = $3 AND grantee_name = $4 RETURNING {SHARE}"
    );
    tx.fetch_optional(AssertSqlSafe(sql), args![owner, server, grantee.0, grantee.1]).await?.as_ref().map(share).transpose()
}

pub(crate) async fn set_scopes(tx: &mut Tx, id: i64, scopes: &[String]) -> Result<()> {
    tx.execute("UPDATE shares SET scopes = $1 WHERE id = $2", args![serde_json::to_string(scopes)?, id]).await.map(drop)
}

pub(crate) async fn delete(tx: &mut Tx, id: i64) -> Result<()> {
    tx.execute("DELETE FROM shares WHERE id = $1", args![id]).await.map(drop)
}

pub(crate) async fn delete_all(tx: &mut Tx, of: Of<'_>) -> Result<()> {
    let (condition, args) = of.condition();
    tx.execute(AssertSqlSafe(format!("DELETE FROM shares WHERE {condition}")), args).await.map(drop)
}

/// Codes that have not expired.
pub(crate) async fn codes(db: &Db, of: Of<'_>, now: i64) -> Result<Vec<ShareCode>> {
    let (condition, mut args) = of.condition();
    args.push(now.into());
    let sql = format!("SELECT {CODE} FROM share_codes WHERE {condition} AND expires > ${} ORDER BY id", args.len());
    db.fetch_all(AssertSqlSafe(sql), args).await?.iter().map(code).collect()
}

pub(crate) async fn find_code(db: &Db, hash: &str, now: i64) -> Result<Option<ShareCode>> {
    let sql = format!("SELECT {CODE} FROM share_codes WHERE hash = $1 AND expires > $2");
    db.fetch_optional(AssertSqlSafe(sql), args![hash, now]).await?.as_ref().map(code).transpose()
}

/// A new code; its id is given here.
pub(crate) async fn insert_code(tx: &mut Tx, hash: &str, new: &ShareCode) -> Result<ShareCode> {
    let id = next(tx, "share_code").await?;
    let sql = format!("INSERT INTO share_codes ({CODE}, hash) VALUES ($1, $2, $3, $4, $5, $6, 0, NULL, $7)");
    let args = args![id, &new.owner, &new.server, serde_json::to_string(&new.scopes)?, new.created, new.expires, hash];
    tx.execute(AssertSqlSafe(sql), args).await?;
    Ok(ShareCode { id, ..new.clone() })
}

pub(crate) async fn exchanged(tx: &mut Tx, id: i64, now: i64) -> Result<()> {
    let sql = "UPDATE share_codes SET exchange_count = exchange_count + 1, last_exchanged = $1 WHERE id = $2";
    tx.execute(sql, args![now, id]).await.map(drop)
}

/// Removes a code of a server by its id; `false` when there is none.
pub(crate) async fn delete_code(tx: &mut Tx, of: Of<'_>, id: i64) -> Result<bool> {
    let (condition, mut args) = of.condition();
    args.push(id.into());
    let sql = format!("DELETE FROM share_codes WHERE {condition} AND id = ${}", args.len());
    Ok(tx.execute(AssertSqlSafe(sql), args).await? > 0)
}

pub(crate) async fn delete_codes(tx: &mut Tx, of: Of<'_>) -> Result<()> {
    let (condition, args) = of.condition();
    tx.execute(AssertSqlSafe(format!("DELETE FROM share_codes WHERE {condition}")), args).await.map(drop)
}

pub(crate) async fn delete_expired(tx: &mut Tx, now: i64) -> Result<u64> {
    tx.execute("DELETE FROM share_codes WHERE expires <= $1", args![now]).await
}

/// Takes from a user what was shared with them, and what they have shared.
pub(crate) async fn forget_user(tx: &mut Tx, user: &str) -> Result<()> {
    tx.execute("DELETE FROM shares WHERE grantee_kind = 'user' AND grantee_name = $1", args![user]).await?;
    delete_all(tx, Of::Owner(user)).await?;
    delete_codes(tx, Of::Owner(user)).await
}
