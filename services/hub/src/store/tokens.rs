//! Tokens.

use artel_platform::db::{AssertSqlSafe, Db, Row, Tx};
use artel_platform::{Error, Result, args};

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Asked for by somebody.
    Api,
    /// Given to the page of a notebook server.
    Oauth,
    /// A notebook server's own.
    Server,
    /// For the code that runs in a notebook server.
    Kernel,
    /// A service's own.
    Service,
}

const KINDS: &[(Kind, &str)] =
    &[(Kind::Api, "api"), (Kind::Oauth, "oauth"), (Kind::Server, "server"), (Kind::Kernel, "kernel"), (Kind::Service, "service")];

impl Kind {
    fn name(self) -> &'static str {
        KINDS.iter().find(|row| row.0 == self).map_or("api", |row| row.1)
    }

    fn parse(text: &str) -> Result<Self> {
        KINDS
            .iter()
            .find(|row| row.1 == text)
            .map(|row| row.0)
            .ok_or_else(|| Error::internal(format!("a token of the unknown kind {text}")))
    }
}

/// A row of `tokens`, without the secret's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub id: String,
    pub kind: Kind,
    /// Whose it is; empty for a service's.
    pub user: String,
    pub server: Option<String>,
    pub service: Option<String>,
    pub client_id: Option<String>,
    pub note: String,
    /// As asked for, not expanded.
    pub scopes: Vec<String>,
    pub session_id: Option<String>,
    pub created: i64,
    pub expires: Option<i64>,
    pub last_activity: Option<i64>,
}

/// A token with what is asked of its owner at each use.
pub(crate) struct Owned {
    pub token: Token,
    pub admin: bool,
}

const COLUMNS: &str =
    "id, kind, user_name, server_name, service_name, client_id, note, scopes, session_id, created, expires, last_activity";

fn token(row: &Row) -> Result<Token> {
    Ok(Token {
        id: row.get("id")?,
        kind: Kind::parse(&row.get::<String>("kind")?)?,
        user: row.get("user_name")?,
        server: row.opt("server_name")?,
        service: row.opt("service_name")?,
        client_id: row.opt("client_id")?,
        note: row.get("note")?,
        scopes: serde_json::from_str(&row.get::<String>("scopes")?)?,
        session_id: row.opt("session_id")?,
        created: row.get("created")?,
        expires: row.opt("expires")?,
        last_activity: row.opt("last_activity")?,
    })
}

pub(crate) async fn insert(tx: &mut Tx, hash: &str, new: &Token) -> Result<()> {
    let sql =
        AssertSqlSafe(format!("INSERT INTO tokens ({COLUMNS}, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"));
    let scopes = serde_json::to_string(&new.scopes)?;
    let values = args![
        &new.id,
        new.kind.name(),
        &new.user,
        new.server.clone(),
        new.service.clone(),
        new.client_id.clone(),
        &new.note,
        scopes,
        new.session_id.clone(),
        new.created,
        new.expires,
        new.last_activity,
        hash
    ];
    tx.execute(sql, values).await.map(drop)
}

/// The token with that hash, if it has not expired.
pub(crate) async fn find_by_hash(db: &Db, hash: &str, now: i64) -> Result<Option<Owned>> {
    find_valid(db, "hash", hash, now).await
}

/// The token with that id, if it has not expired.
pub(crate) async fn find_by_id(db: &Db, id: &str, now: i64) -> Result<Option<Owned>> {
    find_valid(db, "id", id, now).await
}

async fn find_valid(db: &Db, by: &str, value: &str, now: i64) -> Result<Option<Owned>> {
    let columns = COLUMNS.split(", ").map(|c| format!("t.{c}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT {columns}, COALESCE(u.admin, 0) AS admin FROM tokens t LEFT JOIN users u ON u.name = t.user_name
         WHERE t.{by} = $1 AND (t.expires IS NULL OR t.expires > $2) AND ((u.name IS NOT NULL AND u.suspended IS NULL) OR t.kind = 'service')"
    );
    let Some(row) = db.fetch_optional(AssertSqlSafe(sql), args![value, now]).await? else { return Ok(None) };
    Ok(Some(Owned { token: token(&row)?, admin: row.get("admin")? }))
}

pub(crate) async fn find(db: &Db, user: &str, id: &str) -> Result<Option<Token>> {
    let sql = AssertSqlSafe(format!("SELECT {COLUMNS} FROM tokens WHERE id = $1 AND user_name = $2"));
    db.fetch_optional(sql, args![id, user]).await?.as_ref().map(token).transpose()
}

/// Tokens of a user that have not expired, the least recently used first (upstream's order).
pub(crate) async fn of_user(db: &Db, user: &str, now: i64) -> Result<Vec<Token>> {
    let sql = AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM tokens WHERE user_name = $1 AND (expires IS NULL OR expires > $2) ORDER BY COALESCE(last_activity, created), id"
    ));
    db.fetch_all(sql, args![user, now]).await?.iter().map(token).collect()
}

/// Gives a service its token, which replaces those that it had. Several replicas may do so at once with the same one.
pub(crate) async fn replace_of_service(tx: &mut Tx, hash: &str, new: &Token) -> Result<()> {
    let service = new.service.clone();
    tx.execute("DELETE FROM tokens WHERE kind = 'service' AND service_name = $1 AND hash <> $2", args![service, hash]).await?;
    let known = tx.fetch_optional("SELECT id FROM tokens WHERE hash = $1", args![hash]).await?;
    if known.is_none() { insert(tx, hash, new).await } else { Ok(()) }
}

/// Services that have a token.
pub(crate) async fn services(db: &Db) -> Result<Vec<String>> {
    let rows = db.fetch_all("SELECT DISTINCT service_name FROM tokens WHERE kind = 'service'", vec![]).await?;
    rows.iter().map(|row| row.get("service_name")).collect()
}

/// The tokens of a service, and those that browsers hold for its pages.
pub(crate) async fn delete_of_service(tx: &mut Tx, service: &str, client_id: &str) -> Result<Vec<Token>> {
    let condition = "(service_name = $1 AND kind = 'service') OR (client_id = $2 AND kind = 'oauth')";
    delete_where(tx, condition, args![service, client_id]).await
}

/// Server tokens that authenticate this OAuth client.
pub(crate) async fn of_client(db: &Db, client_id: &str) -> Result<Vec<Token>> {
    let sql = AssertSqlSafe(format!("SELECT {COLUMNS} FROM tokens WHERE client_id = $1 AND kind = 'server'"));
    db.fetch_all(sql, args![client_id]).await?.iter().map(token).collect()
}

/// The tokens of this user that a client has got: the user has agreed to their scopes before.
pub(crate) async fn granted(db: &Db, user: &str, client_id: &str, now: i64) -> Result<Vec<Token>> {
    let sql = AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM tokens WHERE user_name = $1 AND client_id = $2 AND kind = 'oauth' AND (expires IS NULL OR expires > $3)"
    ));
    db.fetch_all(sql, args![user, client_id, now]).await?.iter().map(token).collect()
}

async fn delete_where(tx: &mut Tx, condition: &str, args: Vec<artel_platform::db::Value>) -> Result<Vec<Token>> {
    let sql = AssertSqlSafe(format!("DELETE FROM tokens WHERE {condition} RETURNING {COLUMNS}"));
    tx.fetch_all(sql, args).await?.iter().map(token).collect()
}

/// Removes one token; of an OAuth client's, all that the user has given to that client.
pub(crate) async fn delete(tx: &mut Tx, token: &Token) -> Result<Vec<Token>> {
    match (&token.kind, &token.client_id) {
        (Kind::Oauth, Some(client)) => {
            delete_where(tx, "user_name = $1 AND client_id = $2 AND kind = 'oauth'", args![&token.user, client]).await
        }
        _ => delete_where(tx, "id = $1", args![&token.id]).await,
    }
}

/// The tokens that pages of notebook servers and services hold for a user.
pub(crate) async fn delete_of_pages(tx: &mut Tx, user: &str) -> Result<Vec<Token>> {
    delete_where(tx, "user_name = $1 AND kind = 'oauth'", args![user]).await
}

pub(crate) async fn delete_of_session(tx: &mut Tx, session_id: &str) -> Result<Vec<Token>> {
    delete_where(tx, "session_id = $1", args![session_id]).await
}

/// The tokens that a server and its code hold, and those that browsers hold for its pages (upstream forgets the OAuth
/// client of a stopped server).
pub(crate) async fn delete_of_server(tx: &mut Tx, user: &str, server: &str, client_id: &str) -> Result<Vec<Token>> {
    let condition = "(user_name = $1 AND server_name = $2 AND kind IN ('server', 'kernel')) OR (client_id = $3 AND kind = 'oauth')";
    delete_where(tx, condition, args![user, server, client_id]).await
}

pub(crate) async fn delete_expired(tx: &mut Tx, now: i64) -> Result<u64> {
    tx.execute("DELETE FROM tokens WHERE expires <= $1", args![now]).await
}

pub(crate) async fn used(tx: &mut Tx, id: &str, at: i64) -> Result<()> {
    tx.execute("UPDATE tokens SET last_activity = $1 WHERE id = $2", args![at, id]).await.map(drop)
}
