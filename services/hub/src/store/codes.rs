//! OAuth authorization codes.

use artel_platform::Result;
use artel_platform::args;
use artel_platform::db::Tx;

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    pub client_id: String,
    pub user: String,
    pub redirect_uri: String,
    /// PKCE, S256.
    pub challenge: Option<String>,
    pub session_id: Option<String>,
    pub scopes: Vec<String>,
    pub expires: i64,
}

pub(crate) async fn insert(tx: &mut Tx, hash: &str, code: &Code) -> Result<()> {
    tx.execute(
        "INSERT INTO oauth_codes (hash, client_id, user_name, redirect_uri, challenge, session_id, scopes, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![hash, &code.client_id, &code.user, &code.redirect_uri, code.challenge.clone(), code.session_id.clone(), serde_json::to_string(&code.scopes)?, code.expires],
    )
    .await
    .map(drop)
}

/// Takes a code out: the second caller finds nothing.
pub(crate) async fn take(tx: &mut Tx, hash: &str) -> Result<Option<Code>> {
    let sql =
        "DELETE FROM oauth_codes WHERE hash = $1 RETURNING client_id, user_name, redirect_uri, challenge, session_id, scopes, expires";
    let Some(row) = tx.fetch_optional(sql, args![hash]).await? else { return Ok(None) };
    Ok(Some(Code {
        client_id: row.get("client_id")?,
        user: row.get("user_name")?,
        redirect_uri: row.get("redirect_uri")?,
        challenge: row.opt("challenge")?,
        session_id: row.opt("session_id")?,
        scopes: serde_json::from_str(&row.get::<String>("scopes")?)?,
        expires: row.get("expires")?,
    }))
}

pub(crate) async fn delete_expired(tx: &mut Tx, now: i64) -> Result<u64> {
    tx.execute("DELETE FROM oauth_codes WHERE expires <= $1", args![now]).await
}
