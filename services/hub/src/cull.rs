//! Stops servers that nobody uses, and those that have run for as long as they may (the work of upstream's
//! jupyterhub-idle-culler, whose rules these are).

use crate::authenticate::hash;
use crate::config::Settings;
use crate::profiles::{Overrides, Plan, Profile};
use crate::store::servers::{self, Server};
use crate::store::tokens::{self, Kind, Token};
use crate::{Hub, names};
use artel_platform::Result;
use std::sync::Arc;
use std::time::Duration;

/// How long the token lives by which a server is asked what it does, in milliseconds.
const QUESTION: i64 = 60_000;

/// Why a server is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Seconds that it has run.
    TooOld(i64),
    /// Seconds without activity.
    Idle(i64),
}

/// What a server says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Doing {
    pub busy: bool,
    /// When somebody or a kernel last did something, milliseconds.
    pub last_activity: Option<i64>,
}

fn verdict(server: &Server, plan: &Plan, now: i64) -> Option<Verdict> {
    let limit = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    let started = server.started.unwrap_or(server.changed);
    let age = (now - started) / 1000;
    let idle = (now - server.last_activity.unwrap_or(started).max(started)) / 1000;
    if plan.cull_max_age_seconds > 0 && age >= limit(plan.cull_max_age_seconds) {
        return Some(Verdict::TooOld(age));
    }
    (plan.cull_idle_seconds > 0 && idle >= limit(plan.cull_idle_seconds)).then_some(Verdict::Idle(idle))
}

/// Is there any limit, for whatever profile?
fn is_wanted(settings: &Settings) -> bool {
    let culls = |over: &Overrides| over.cull_idle_seconds.unwrap_or(0) > 0 || over.cull_max_age_seconds.unwrap_or(0) > 0;
    let chosen = |profile: &Profile| profile.options.iter().any(|option| option.choices.iter().any(|choice| culls(&choice.overrides)));
    let profiles = settings.profiles.iter().any(|profile| culls(&profile.overrides) || chosen(profile));
    settings.cull_idle_seconds > 0 || settings.cull_max_age_seconds > 0 || profiles
}

impl Hub {
    /// Looks at every server now and then, until the hub ends.
    pub(crate) async fn cull_servers(self: Arc<Self>) {
        if !is_wanted(&self.settings) {
            return;
        }
        loop {
            tokio::select! {
                () = self.cx.stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(self.settings.cull_every_seconds)) => {}
            }
            if let Err(error) = self.cull_round().await {
                tracing::warn!(error = %error.chain(), "servers were not looked at; the next round is soon");
            }
        }
    }

    async fn cull_round(self: &Arc<Self>) -> Result<()> {
        for server in servers::ready(&self.db).await? {
            if let Err(error) = self.cull_one(&server).await {
                let called = names::full(&server.user, &server.name);
                tracing::warn!(server = called, error = %error.chain(), "a server was not looked at");
            }
        }
        Ok(())
    }

    async fn cull_one(self: &Arc<Self>, server: &Server) -> Result<()> {
        let plan = Plan::of_running(&self.settings, &self.groups_of(&server.user).await?, &server.user_options);
        let now = self.cx.clock.now();
        let Some(verdict) = verdict(server, &plan, now) else { return Ok(()) };
        let called = names::full(&server.user, &server.name);
        match verdict {
            Verdict::TooOld(seconds) => tracing::info!(server = called, seconds, "stopped: it has run as long as it may"),
            Verdict::Idle(seconds) => {
                // a server tells of itself every five minutes only, and of a long silent computation never
                let doing = self.ask_server(server).await?;
                let active = if doing.busy && !self.settings.cull_busy { Some(now) } else { doing.last_activity };
                if active > server.last_activity {
                    let at = active.unwrap_or(now);
                    let seen = crate::activity::Seen { user: &server.user, server: &server.name, at };
                    self.note_activity(None, &[seen]).await?;
                    let known = Server { last_activity: Some(at), ..server.clone() };
                    if self::verdict(&known, &plan, now).is_none() {
                        return Ok(());
                    }
                }
                tracing::info!(server = called, seconds, "stopped: nobody uses it");
            }
        }
        self.stop_server(&server.user, &server.name).await?;
        if self.settings.cull_removes_named_servers && !server.name.is_empty() {
            let (hub, user, name) = (self.clone(), server.user.clone(), server.name.clone());
            self.spawn(async move { hub.remove_when_stopped(&user, &name).await });
        }
        Ok(())
    }

    /// Asks a server what it does, by a token that is good for this alone. One that does not answer does nothing.
    async fn ask_server(&self, server: &Server) -> Result<Doing> {
        let Some(url) = &server.url else { return Ok(Doing::default()) };
        let scopes = vec![format!("access:servers!server={}", names::full(&server.user, &server.name))];
        let (token, secret) = self.new_token(Kind::Api, &server.user, "Is the server idle?", scopes);
        // its use is no sign of its owner
        let token = Token { expires: Some(token.created + QUESTION), last_activity: Some(token.created + QUESTION), ..token };
        let mut tx = self.db.begin().await?;
        tokens::insert(&mut tx, &hash(&secret), &token).await?;
        tx.commit().await?;
        let doing = self.spawner.doing(url, &secret).await;
        let mut tx = self.db.begin().await?;
        tokens::delete(&mut tx, &token).await?;
        tx.commit().await?;
        Ok(doing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_idle_from_its_last_activity_and_old_from_its_start() {
        let settings: crate::config::Settings =
            artel_platform::config::Config::load(None, &toml::Table::new()).unwrap().section("hub").unwrap();
        let mut plan = Plan::new(&settings);
        let mut server = Server::never_started("ada", 0);
        server.started = Some(1_000_000);
        let at = |server: &Server, plan: &Plan, seconds: i64| verdict(server, plan, 1_000_000 + seconds * 1000);
        assert_eq!(at(&server, &plan, 1_000_000), None, "there is no limit");
        plan.cull_idle_seconds = 60;
        assert_eq!(at(&server, &plan, 59), None);
        assert_eq!(at(&server, &plan, 60), Some(Verdict::Idle(60)));
        server.last_activity = Some(1_030_000);
        assert_eq!(at(&server, &plan, 89), None);
        assert_eq!(at(&server, &plan, 95), Some(Verdict::Idle(65)));
        // of an earlier run
        server.last_activity = Some(1);
        assert_eq!(at(&server, &plan, 30), None);
        plan.cull_max_age_seconds = 100;
        server.last_activity = Some(1_100_000);
        assert_eq!(at(&server, &plan, 100), Some(Verdict::TooOld(100)));
    }
}
