//! Asks the provider now and then whether who has signed in may still be here (upstream's `refresh_user`).

use crate::Hub;
use crate::oidc::{Checked, Oidc, SignedIn};
use crate::store::identities::{self, Identity};
use crate::store::sessions;
use artel_platform::{Code, Result, ResultExt};
use std::sync::Arc;
use std::time::Duration;

/// How many users are asked for at a time, and in one round.
const AT_A_TIME: usize = 8;
const ROUND: i64 = 500;
/// After this long, in milliseconds, a provider that did not answer is asked again.
const AGAIN: i64 = 30_000;

impl Hub {
    /// Asks for everybody in turn, until the hub ends.
    pub(crate) async fn follow_identities(self: Arc<Self>) {
        let Some(oidc) = &self.oidc else { return };
        let life = oidc.settings.refresh_seconds;
        let pause = Duration::from_secs((life / 10).clamp(1, 15));
        loop {
            tokio::select! {
                () = self.cx.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            if let Err(error) = self.refresh_round(oidc).await {
                tracing::warn!(error = %error.chain(), "users of the sign-in provider were not looked at");
            }
        }
    }

    async fn refresh_round(self: &Arc<Self>, oidc: &Oidc) -> Result<()> {
        let before = self.cx.clock.now() - life(oidc);
        let due = identities::due(&self.db, &oidc.settings.issuer, before, ROUND).await?;
        for some in due.chunks(AT_A_TIME) {
            futures::future::join_all(some.iter().map(|identity| self.clone().refresh(identity.clone()))).await;
        }
        Ok(())
    }

    async fn refresh(self: Arc<Self>, identity: Identity) {
        let Some(oidc) = &self.oidc else { return };
        let user = identity.user.clone();
        if let Err(error) = self.refresh_one(oidc, identity).await {
            tracing::warn!(user, error = %error.chain(), "the sign-in provider was not asked for this user");
        }
    }

    async fn refresh_one(self: &Arc<Self>, oidc: &Oidc, identity: Identity) -> Result<()> {
        let now = self.cx.clock.now();
        let mut tx = self.db.begin().await?;
        // a refresh token is good for one replica, once
        let mine = identities::claim(&mut tx, &identity, now).await?;
        tx.commit().await?;
        if !mine {
            return Ok(());
        }
        let state = self.open_state(&identity).and_then(|state| serde_json::from_value(state).ok());
        let checked = match state {
            Some(state) => oidc.ask_again(state, now).await,
            // nothing is kept, or the installation's secret is another: they have to come themselves
            None => Ok(Checked::Unknown),
        };
        match checked {
            Ok(Checked::Still(found)) => self.still_here(&identity, *found).await,
            Ok(Checked::Gone(why)) => {
                // who has signed in anew meanwhile is there
                let same = identities::find(&self.db, &identity.provider, &identity.subject).await?.is_some_and(|i| i.checked == now);
                if same { self.gone(&identity.user, &why).await } else { Ok(()) }
            }
            Ok(Checked::Unknown) => self.sign_in_again(&identity).await,
            Err(error) => {
                let mut tx = self.db.begin().await?;
                identities::set_checked(&mut tx, &identity.provider, &identity.subject, now, now - life(oidc) + AGAIN).await?;
                tx.commit().await?;
                Err(error)
            }
        }
    }

    async fn still_here(self: &Arc<Self>, identity: &Identity, found: SignedIn) -> Result<()> {
        let state = serde_json::to_value(&found.state).or_internal("a sign-in cannot be kept")?;
        match self.admit(&found.who, Some(&state)).await {
            Ok(_) => Ok(()),
            // they are there, but may not be here any more
            Err(error) if error.code == Code::PermissionDenied => self.gone(&identity.user, &error.message).await,
            Err(error) => Err(error),
        }
    }

    async fn gone(self: &Arc<Self>, user: &str, why: &str) -> Result<()> {
        tracing::warn!(user, why, "shut out: the sign-in provider does not vouch for them any more");
        self.dismissed_by_provider(user).await
    }

    /// Ends the browser sessions that the provider has opened; tokens stay.
    async fn sign_in_again(&self, identity: &Identity) -> Result<()> {
        for session in sessions::of_provider(&self.db, &identity.user, &identity.provider).await? {
            self.log_out(&session).await?;
        }
        Ok(())
    }
}

/// In milliseconds.
fn life(oidc: &Oidc) -> i64 {
    i64::try_from(oidc.settings.refresh_seconds).unwrap_or(i64::MAX / 2000).saturating_mul(1000)
}
