//! From a credential to who presents it and what they may do.

use crate::roles::{self, Owner};
use crate::store::{sessions, tokens, users};
use crate::{Hub, names};
use artel_platform::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How often a credential's use is written down, in milliseconds.
const NOTE_EVERY: i64 = 60_000;

/// Who presents a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    /// `user`, or `server` for a notebook server's own token.
    pub kind: &'static str,
    pub name: String,
    pub admin: bool,
    pub scopes: BTreeSet<String>,
    pub session_id: Option<String>,
    pub token_id: Option<String>,
    pub csrf: Option<String>,
}

impl Principal {
    /// Whoever bears `token`, whose user is an administrator or not.
    pub(crate) fn by(token: tokens::Token, admin: bool) -> Self {
        let scopes = token_scopes(&token, admin);
        Self {
            kind: if token.kind == tokens::Kind::Server { "server" } else { "user" },
            // a token of narrow scopes does not make its bearer an administrator
            admin: admin && scopes.contains("*"),
            scopes,
            name: token.user,
            session_id: token.session_id,
            token_id: Some(token.id),
            csrf: None,
        }
    }
}

/// How secrets are stored: they are random and long, so a plain hash hides them. Looking one up by its hash leaks
/// nothing by time: what an attacker varies is the hash's preimage.
pub(crate) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

fn unknown() -> Error {
    Error::unauthenticated("this credential is not valid or has expired")
}

impl Hub {
    /// Who has the browser session with this cookie.
    pub(crate) async fn by_session(self: &Arc<Self>, cookie: &str) -> Result<Principal> {
        let now = self.cx.clock.now();
        let session = sessions::find(&self.db, &hash(cookie), now).await?.ok_or_else(unknown)?;
        self.note_use(&session.user, None, session.last_activity, now);
        Ok(Principal {
            kind: "user",
            scopes: roles::of_owner(&Owner { user: &session.user, admin: session.admin, server: None }),
            name: session.user,
            admin: session.admin,
            session_id: Some(session.id),
            token_id: None,
            csrf: Some(session.csrf),
        })
    }

    /// Who has this token.
    pub(crate) async fn by_token(self: &Arc<Self>, secret: &str) -> Result<Principal> {
        let now = self.cx.clock.now();
        let tokens::Owned { token, admin } = tokens::find_by_hash(&self.db, &hash(secret), now).await?.ok_or_else(unknown)?;
        self.note_use(&token.user, Some(&token.id), token.last_activity, now);
        Ok(Principal::by(token, admin))
    }

    /// Who has this name and password, or this name and a token in the password's place: some clients know Basic only.
    pub(crate) async fn by_basic(self: &Arc<Self>, name: &str, password: &str, address: &str) -> Result<Principal> {
        match self.by_token(password).await {
            Ok(principal) if names::user(name).is_ok_and(|name| name == principal.name) => Ok(principal),
            Err(error) if error.code != artel_platform::Code::Unauthenticated => Err(error),
            _ => self.by_password(name, password, address).await,
        }
    }

    /// Who has this name and password. `address` is the client's, for the limit on wrong ones.
    pub(crate) async fn by_password(self: &Arc<Self>, name: &str, password: &str, address: &str) -> Result<Principal> {
        let wrong = || Error::unauthenticated("Invalid username or password");
        let name = names::user(name).map_err(|_| wrong())?;
        let user = users::find(&self.db, &name).await?;
        let stored = user.as_ref().and_then(|u| u.password.as_deref());
        let now = self.cx.clock.now();
        let fits = self.passwords.verify(&name, address, password, stored, now).await?;
        let Some(user) = user.filter(|_| fits) else { return Err(wrong()) };
        self.note_use(&user.name, None, user.last_activity, now);
        Ok(Principal {
            kind: "user",
            scopes: roles::of_owner(&Owner { user: &user.name, admin: user.admin, server: None }),
            name: user.name,
            admin: user.admin,
            session_id: None,
            token_id: None,
            csrf: None,
        })
    }

    /// Writes down the use of a credential now and then, without making its user wait.
    pub(crate) fn note_use(self: &Arc<Self>, user: &str, token: Option<&str>, last: Option<i64>, now: i64) {
        if last.is_some_and(|last| now - last < NOTE_EVERY) {
            return;
        }
        let (hub, user, token) = (self.clone(), user.to_owned(), token.map(str::to_owned));
        tokio::spawn(async move {
            if let Err(error) = hub.write_use(&user, token.as_deref(), now).await {
                tracing::warn!(user, error = %error.chain(), "activity not noted");
            }
        });
    }

    async fn write_use(&self, user: &str, token: Option<&str>, now: i64) -> Result<()> {
        let mut tx = self.db.begin().await?;
        users::active(&mut tx, user, now).await?;
        if let Some(id) = token {
            tokens::used(&mut tx, id, now).await?;
        }
        tx.commit().await
    }
}

/// What a token may do now.
pub(crate) fn token_scopes(token: &tokens::Token, owner_is_admin: bool) -> BTreeSet<String> {
    roles::of_token(&token.scopes, &Owner { user: &token.user, admin: owner_is_admin, server: token.server.as_deref() })
}
