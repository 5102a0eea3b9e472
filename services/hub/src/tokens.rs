//! Tokens that somebody asks for.

use crate::Hub;
use crate::authenticate::{Owner, hash};
use crate::store::tokens::{self, Kind, Token};
use crate::store::users;
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use artel_proto::artel::hub::v1::CredentialRevoked;

/// A token with its secret, which is shown this once.
pub struct NewToken {
    /// Its id, for revoking it.
    pub id: String,
    /// The secret that a client sends.
    pub secret: String,
}

/// What somebody asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    pub note: String,
    /// `None`: all that the owner has.
    pub scopes: Option<Vec<String>>,
    /// Seconds; `None`: for ever.
    pub expires_in: Option<i64>,
}

impl Hub {
    /// A token of `user` with `scopes` (empty: all of the user's), good for `expires_in` seconds (`None`: for ever).
    pub async fn create_token(&self, user: &str, scopes: &[String], expires_in: Option<i64>, note: &str) -> Result<NewToken> {
        let scopes = (!scopes.is_empty()).then(|| scopes.to_vec());
        let (token, secret) = self.issue_token(user, &Wish { note: note.into(), scopes, expires_in }).await?;
        Ok(NewToken { id: token.id, secret })
    }

    /// Makes a token for `user`. `INVALID_ARGUMENT` when it would exceed what they have.
    pub(crate) async fn issue_token(&self, user: &str, wish: &Wish) -> Result<(Token, String)> {
        let owner = users::find(&self.db, user).await?.ok_or_else(|| Error::not_found(format!("No such user: {user}")))?;
        let scopes = match &wish.scopes {
            Some(scopes) => scopes.clone(),
            // what the role `token` gives, which the settings may have narrowed
            None => self.scopes_of_role("token").await?,
        };
        self.check_assignable(&scopes, &Owner::User { name: user, admin: owner.admin }).await?;
        let expires_in = self.life(wish.expires_in)?;
        let (new, secret) = self.new_token(Kind::Api, user, &wish.note, scopes);
        let new = Token { expires: expires_in.map(|s| new.created.saturating_add(s.saturating_mul(1000))), ..new };
        let mut tx = self.db.begin().await?;
        tokens::insert(&mut tx, &hash(&secret), &new).await?;
        tx.commit().await?;
        tracing::info!(user, token = %new.id, "token made");
        Ok((new, secret))
    }

    /// Seconds that a new token is good for, within the settings' limit.
    fn life(&self, wanted: Option<i64>) -> Result<Option<i64>> {
        let most = self.settings.token_expires_in_max_seconds;
        match wanted {
            Some(seconds) if seconds <= 0 => Err(Error::invalid(format!("expires_in must be a positive integer or null, not {seconds}"))),
            Some(seconds) if most > 0 && seconds > most => {
                Err(Error::invalid(format!("token expires_in: {seconds} must not exceed {most}")))
            }
            Some(seconds) => Ok(Some(seconds)),
            None => Ok((most > 0).then_some(most)),
        }
    }

    /// A token that is not stored yet, and its secret.
    pub(crate) fn new_token(&self, kind: Kind, user: &str, note: &str, scopes: Vec<String>) -> (Token, String) {
        let token = Token {
            id: format!("a{}", self.cx.ids.hex32()),
            kind,
            user: user.into(),
            server: None,
            service: None,
            client_id: None,
            note: note.into(),
            scopes,
            session_id: None,
            created: self.cx.clock.now(),
            expires: None,
            last_activity: None,
        };
        (token, self.cx.ids.secret())
    }

    /// Makes a token useless. Of a notebook page's, all that the user has given to that page.
    pub(crate) async fn revoke_token(&self, user: &str, id: &str) -> Result<()> {
        let token = self.token(user, id).await?;
        let mut tx = self.db.begin().await?;
        let revoked = tokens::delete(&mut tx, &token).await?;
        tell_revoked(&mut tx, &revoked);
        tx.commit().await
    }

    pub(crate) async fn token(&self, user: &str, id: &str) -> Result<Token> {
        tokens::find(&self.db, user, id).await?.ok_or_else(|| Error::not_found(format!("No such token {id} for user {user}")))
    }
}

/// The events of tokens that were removed.
pub(crate) fn tell_revoked(tx: &mut Tx, revoked: &[Token]) {
    for token in revoked {
        let session_id = token.session_id.clone().unwrap_or_default();
        tx.emit(&CredentialRevoked { user: token.user.clone(), token_id: token.id.clone(), session_id });
    }
}
