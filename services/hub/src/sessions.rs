//! Logging in and out with a browser.

use crate::Hub;
use crate::authenticate::{Principal, hash};
use crate::store::{sessions, tokens};
use artel_platform::Result;
use artel_proto::artel::hub::v1::CredentialRevoked;
use std::sync::Arc;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// A fresh session with the secrets for its cookies.
pub(crate) struct Opened {
    pub user: Principal,
    /// Value of `artel-session`.
    pub secret: String,
    /// Value of `jupyterhub-session-id`.
    pub id: String,
    /// Value of `_xsrf`.
    pub csrf: String,
    /// Seconds that the session lasts.
    pub seconds: i64,
}

impl Hub {
    /// Opens a session for who has this name and password.
    pub(crate) async fn log_in(self: &Arc<Self>, name: &str, password: &str, address: &str) -> Result<Opened> {
        let user = self.metrics.login(self.by_password(name, password, address)).await?;
        self.open_session(user, None).await
    }

    /// Opens a session for who is known, by `provider` or by a password.
    pub(crate) async fn open_session(&self, user: Principal, provider: Option<&str>) -> Result<Opened> {
        let (secret, id, csrf) = (self.cx.ids.secret(), self.cx.ids.hex32(), self.cx.ids.secret());
        let now = self.cx.clock.now();
        let life = i64::from(self.settings.session_days) * DAY;
        let mut tx = self.db.begin().await?;
        let new =
            sessions::New { hash: &hash(&secret), id: &id, user: &user.name, csrf: &csrf, created: now, expires: now + life, provider };
        sessions::insert(&mut tx, &new).await?;
        tx.commit().await?;
        tracing::info!(user = %user.name, provider, "logged in");
        Ok(Opened { user, secret, id, csrf, seconds: life / 1000 })
    }

    /// Ends a session with every token that was given out in it.
    pub(crate) async fn log_out(&self, session_id: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let revoked = tokens::delete_of_session(&mut tx, session_id).await?;
        let user = sessions::delete(&mut tx, session_id).await?;
        for token in &revoked {
            tx.emit(&CredentialRevoked { user: token.user.clone(), token_id: token.id.clone(), session_id: session_id.into() });
        }
        if let Some(user) = user {
            tracing::info!(user, "logged out");
            tx.emit(&CredentialRevoked { user, token_id: String::new(), session_id: session_id.into() });
        }
        tx.commit().await
    }
}
