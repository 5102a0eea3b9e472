//! From a credential to who presents it and what they may do.

use crate::scopes::{ALL, Holder};
use crate::store::{groups, sessions, tokens, users};
use crate::{Hub, names};
use artel_platform::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How often a credential's use is written down, in milliseconds.
const NOTE_EVERY: i64 = 60_000;

/// Whose scopes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner<'a> {
    User { name: &'a str, admin: bool },
    Service { name: &'a str },
}

impl<'a> Owner<'a> {
    /// The owner of a token, who is an administrator or not.
    pub(crate) fn of(token: &'a tokens::Token, admin: bool) -> Self {
        match &token.service {
            Some(name) => Self::Service { name },
            None => Self::User { name: &token.user, admin },
        }
    }

    /// `user` or `service`, and the name.
    pub(crate) fn kind_and_name(&self) -> (&'static str, &'a str) {
        match self {
            Self::User { name, .. } => ("user", name),
            Self::Service { name } => ("service", name),
        }
    }

    /// For whom its scopes are expanded.
    pub(crate) fn holder(&self) -> Holder<'a> {
        match self {
            Self::User { name, .. } => Holder { user: Some(name), ..Default::default() },
            Self::Service { name } => Holder { service: Some(name), ..Default::default() },
        }
    }
}

/// Who presents a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    /// `user`, `service`, or `server` for a notebook server's own token.
    pub kind: &'static str,
    pub name: String,
    /// May do everything: a token of narrow scopes does not make its bearer an administrator.
    pub admin: bool,
    pub groups: Vec<String>,
    pub scopes: BTreeSet<String>,
    pub session_id: Option<String>,
    pub token_id: Option<String>,
    pub csrf: Option<String>,
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
        let principal = self.as_user(&session.user, session.admin).await?;
        Ok(Principal { session_id: Some(session.id), csrf: Some(session.csrf), ..principal })
    }

    /// A user with all that they have.
    pub(crate) async fn as_user(&self, name: &str, admin: bool) -> Result<Principal> {
        let groups = self.groups_of(name).await?;
        let scopes = self.scopes_in(&Owner::User { name, admin }, &groups).await?;
        Ok(Principal {
            kind: "user",
            name: name.into(),
            admin: scopes.contains(ALL),
            groups,
            scopes,
            session_id: None,
            token_id: None,
            csrf: None,
        })
    }

    /// Whoever bears `token`, whose owner is an administrator or not.
    pub(crate) async fn bearer(&self, token: tokens::Token, admin: bool) -> Result<Principal> {
        let owner = Owner::of(&token, admin);
        let groups = self.groups_of_owner(&owner).await?;
        let scopes = self.scopes_of_token_in(&token, &owner, &groups).await?;
        let (kind, name) = owner.kind_and_name();
        Ok(Principal {
            kind: if token.kind == tokens::Kind::Server { "server" } else { kind },
            admin: scopes.contains(ALL),
            groups,
            name: name.into(),
            scopes,
            session_id: token.session_id,
            token_id: Some(token.id),
            csrf: None,
        })
    }

    /// The groups that an owner of tokens is in: services are in none.
    pub(crate) async fn groups_of_owner(&self, owner: &Owner<'_>) -> Result<Vec<String>> {
        match owner {
            Owner::User { name, .. } => self.groups_of(name).await,
            Owner::Service { .. } => Ok(vec![]),
        }
    }

    /// The groups that a user is in.
    pub(crate) async fn groups_of(&self, user: &str) -> Result<Vec<String>> {
        let found = groups::of_users(&self.db, &[user]).await?.remove(user);
        Ok(found.unwrap_or_default().into_iter().collect())
    }

    /// Who has this token.
    pub(crate) async fn by_token(self: &Arc<Self>, secret: &str) -> Result<Principal> {
        let now = self.cx.clock.now();
        let tokens::Owned { token, admin } = tokens::find_by_hash(&self.db, &hash(secret), now).await?.ok_or_else(unknown)?;
        self.note_use(&token.user, Some(&token.id), token.last_activity, now);
        self.bearer(token, admin).await
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
        if stored.is_none()
            && let Some(principal) = self.by_directory(&name, password, address).await?
        {
            self.note_use(&principal.name, None, user.as_ref().and_then(|u| u.last_activity), self.cx.clock.now());
            return Ok(principal);
        }
        let now = self.cx.clock.now();
        let fits = self.passwords.verify(&name, address, password, stored, now).await?;
        let Some(user) = user.filter(|_| fits) else { return Err(wrong()) };
        if user.suspended.is_some() {
            return Err(Error::denied(format!("{name} may not log in here; ask an administrator")));
        }
        self.note_use(&user.name, None, user.last_activity, now);
        self.as_user(&user.name, user.admin).await
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
        if !user.is_empty() {
            users::active(&mut tx, user, now).await?;
        }
        if let Some(id) = token {
            tokens::used(&mut tx, id, now).await?;
        }
        tx.commit().await
    }
}
