//! Users who sign in elsewhere.

use artel_platform::db::{Db, Row, Tx};
use artel_platform::{Result, args};

/// A row of `identities`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub provider: String,
    pub subject: String,
    pub user: String,
    /// Sealed.
    pub state: Option<String>,
    pub checked: i64,
}

fn identity(row: &Row) -> Result<Identity> {
    Ok(Identity {
        provider: row.get("provider")?,
        subject: row.get("subject")?,
        user: row.get("user_name")?,
        state: row.opt("state")?,
        checked: row.get("checked")?,
    })
}

/// Whom the provider means by `subject`.
pub(crate) async fn find(db: &Db, provider: &str, subject: &str) -> Result<Option<Identity>> {
    let sql = "SELECT provider, subject, user_name, state, checked FROM identities WHERE provider = $1 AND subject = $2";
    db.fetch_optional(sql, args![provider, subject]).await?.as_ref().map(identity).transpose()
}

/// The identities of a user.
pub(crate) async fn of_user(db: &Db, user: &str) -> Result<Vec<Identity>> {
    let sql = "SELECT provider, subject, user_name, state, checked FROM identities WHERE user_name = $1 ORDER BY checked DESC";
    db.fetch_all(sql, args![user]).await?.iter().map(identity).collect()
}

/// The provider's users of whom it was not asked since `before` and who could be here: they have a session, a token or a
/// server, and are not suspended.
pub(crate) async fn due(db: &Db, provider: &str, before: i64, limit: i64) -> Result<Vec<Identity>> {
    let sql = "SELECT i.provider, i.subject, i.user_name, i.state, i.checked FROM identities i JOIN users u ON u.name = i.user_name \
               WHERE i.provider = $1 AND i.checked <= $2 AND u.suspended IS NULL AND (\
               EXISTS (SELECT 1 FROM sessions s WHERE s.user_name = i.user_name) \
               OR EXISTS (SELECT 1 FROM tokens t WHERE t.user_name = i.user_name) \
               OR EXISTS (SELECT 1 FROM servers v WHERE v.user_name = i.user_name AND v.state IN ('pending', 'ready'))) \
               ORDER BY i.checked LIMIT $3";
    db.fetch_all(sql, args![provider, before, limit]).await?.iter().map(identity).collect()
}

/// Adds an identity or brings it up to date.
pub(crate) async fn put(tx: &mut Tx, new: &Identity) -> Result<()> {
    let sql = "INSERT INTO identities (provider, subject, user_name, state, checked) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (provider, subject) DO UPDATE SET user_name = $3, state = $4, checked = $5";
    tx.execute(sql, args![&new.provider, &new.subject, &new.user, new.state.clone(), new.checked]).await.map(drop)
}

/// Takes the turn to ask the provider; `false` when another replica has.
pub(crate) async fn claim(tx: &mut Tx, known: &Identity, now: i64) -> Result<bool> {
    set_checked(tx, &known.provider, &known.subject, known.checked, now).await
}

/// Notes another time of the last question, if it is `from` still.
pub(crate) async fn set_checked(tx: &mut Tx, provider: &str, subject: &str, from: i64, to: i64) -> Result<bool> {
    let sql = "UPDATE identities SET checked = $4 WHERE provider = $1 AND subject = $2 AND checked = $3";
    Ok(tx.execute(sql, args![provider, subject, from, to]).await? > 0)
}
