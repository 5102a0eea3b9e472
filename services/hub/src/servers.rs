//! Starting and stopping notebook servers, and following them.

use crate::authenticate::hash;
use crate::profiles::Plan;
use crate::scopes::SUITE;
use crate::spawner::Launch;
use crate::store::servers::{self, Server, State};
use crate::store::tokens::{self, Kind, Token};
use crate::{Hub, names};
use artel_platform::{Error, Result};
use artel_proto::artel::hub::v1::ServerChanged;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// How often a follower looks at the table although nothing was announced: another process may have written.
const LOOK: Duration = Duration::from_secs(2);

/// Seconds after which to try again where there are too many servers: upstream says a few minutes.
const ACTIVE_RETRY: u64 = 120;
/// Seconds that a server waits at most after starts that have failed.
const LONGEST_PAUSE: u64 = 3600;

/// What a start may bring along.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub display_name: Option<String>,
    pub user_options: Option<Value>,
}

/// The event of a server's present state.
pub(crate) fn changed(server: &Server) -> ServerChanged {
    let message = match server.state {
        State::Pending => server.steps.last().map(|s| s.message.clone()),
        _ => server.failure.clone(),
    };
    ServerChanged {
        user: server.user.clone(),
        server: server.name.clone(),
        state: server.state.name().into(),
        message: message.unwrap_or_default(),
        progress: server.progress as i32,
        url: if server.state == State::Ready { names::prefix(&server.user, &server.name) } else { String::new() },
    }
}

impl Hub {
    /// Starts a server; returns at once. One that is starting already goes on as it is; `INVALID_ARGUMENT` when it
    /// runs or is stopping (upstream's answers).
    pub(crate) async fn start_server(self: &Arc<Self>, user: &str, name: &str, wanted: &Wanted) -> Result<Server> {
        let user = self.user(user).await?.name;
        names::check_server(name)?;
        let before = servers::find(&self.db, &user, name).await?;
        self.check_failures(before.as_ref())?;
        let options = wanted.user_options.as_ref().or(before.as_ref().map(|server| &server.user_options)).unwrap_or(&Value::Null);
        let plan = Plan::chosen(&self.settings, &self.groups_of(&user).await?, options)?;
        let (own, server_token) = self.server_token(&user, name);
        let (kernel, kernel_token) = self.kernel_token(&user, name);
        let launch = Launch { id: self.cx.ids.hex32(), user, name: name.into(), server_token, kernel_token, plan };
        // known before it is in the table: nobody may take it for a leftover
        let order = self.spawner.enter(&launch.id);
        let claimed = self.claim_server(&launch, wanted, &[(&own, &launch.server_token), (&kernel, &launch.kernel_token)]).await;
        let server = match claimed {
            Ok(Some(server)) => server,
            other => {
                self.spawner.leave(&launch.id);
                other?;
                return self.already(&launch.user, name).await;
            }
        };
        self.spawner.note_in_table(&launch.id);
        let hub = self.clone();
        self.spawn(hub.keep(launch, order));
        Ok(server)
    }

    async fn claim_server(&self, launch: &Launch, wanted: &Wanted, credentials: &[(&Token, &str)]) -> Result<Option<Server>> {
        let mut tx = self.db.begin().await?;
        self.check_limits(&mut tx, launch).await?;
        let claim = self.claim(&launch.user, &launch.name, &launch.id, wanted);
        let Some(server) = servers::claim(&mut tx, &claim).await? else { return Ok(None) };
        for (token, secret) in credentials {
            tokens::insert(&mut tx, &hash(secret), token).await?;
        }
        tx.emit(&changed(&server));
        tx.commit().await?;
        self.announce();
        Ok(Some(server))
    }

    async fn check_limits(&self, tx: &mut artel_platform::db::Tx, launch: &Launch) -> Result<()> {
        let settings = &self.settings;
        if settings.concurrent_spawn_limit > 0 && servers::count_pending(tx).await? >= settings.concurrent_spawn_limit {
            let wait = self.throttle();
            let message = format!("too many notebook servers are starting now (hub.concurrent_spawn_limit); try again in {wait} seconds");
            return Err(Error::exhausted(message).retry_after(wait));
        }
        if settings.active_server_limit > 0 && servers::count_active(tx).await? >= settings.active_server_limit {
            return Err(Error::exhausted(format!(
                "there are {} notebook servers already (hub.active_server_limit); stop one, or try again in a few minutes",
                settings.active_server_limit
            ))
            .retry_after(ACTIVE_RETRY));
        }
        self.check_named(tx, &launch.user, &launch.name).await
    }

    /// Seconds after which somebody who has to wait shall try again: not all at the same time (upstream's
    /// `spawn_throttle_retry_range`).
    fn throttle(&self) -> u64 {
        let [least, most] = self.settings.spawn_throttle_retry_range;
        least + self.cx.ids.uuid().as_u64_pair().1 % (most - least + 1)
    }

    /// Fails for a server whose starts have failed again and again, until some time has passed.
    fn check_failures(&self, before: Option<&Server>) -> Result<()> {
        let limit = self.settings.consecutive_failure_limit;
        let Some(server) = before.filter(|server| limit > 0 && server.failures >= limit && !server.state.is_active()) else {
            return Ok(());
        };
        let doublings = u32::try_from(server.failures - limit).unwrap_or(u32::MAX);
        let pause = self.settings.failure_pause_seconds.saturating_mul(2u64.saturating_pow(doublings)).min(LONGEST_PAUSE);
        let passed = u64::try_from(self.cx.clock.now() - server.changed).unwrap_or(0) / 1000;
        if passed >= pause {
            return Ok(());
        }
        let wait = pause - passed;
        let why = server.failure.as_deref().unwrap_or("the reason is not known");
        Err(Error::exhausted(format!(
            "{} has failed to start {} times in a row; try again in {wait} seconds. The last time: {why}",
            names::full(&server.user, &server.name),
            server.failures
        ))
        .retry_after(wait))
    }

    /// Fails when the user may not have (one more) server of that name.
    async fn check_named(&self, tx: &mut artel_platform::db::Tx, user: &str, name: &str) -> Result<()> {
        let settings = &self.settings;
        if name.is_empty() {
            return Ok(());
        }
        if !settings.allow_named_servers {
            return Err(Error::invalid("Named servers are not enabled."));
        }
        let limit = settings.named_server_limit_per_user;
        if limit > 0 && servers::count_named(tx, user, name).await? >= limit {
            return Err(Error::invalid(format!(
                "User {user} already has the maximum of {limit} named servers. One must be deleted before a new server can be created"
            )));
        }
        Ok(())
    }

    /// The answer to a start of a server that is not stopped.
    async fn already(&self, user: &str, name: &str) -> Result<Server> {
        let server = self.server(user, name).await?;
        let called = names::full(user, name);
        match server.state {
            State::Ready => Err(Error::invalid(format!("{called} is already running"))),
            State::Stopping => Err(Error::invalid(format!("{called} is pending stop"))),
            _ => Ok(server),
        }
    }

    fn server_token(&self, user: &str, name: &str) -> (Token, String) {
        let note = format!("Server at {}", names::prefix(user, name));
        let (token, secret) = self.new_token(Kind::Server, user, &note, self.fixed.scopes("server"));
        (Token { server: Some(name.into()), client_id: Some(names::oauth_client(user, name)), ..token }, secret)
    }

    fn kernel_token(&self, user: &str, name: &str) -> (Token, String) {
        let note = format!("Kernels of the server at {}", names::prefix(user, name));
        let (token, secret) = self.new_token(Kind::Kernel, user, &note, SUITE.iter().map(|s| (*s).into()).collect());
        (Token { server: Some(name.into()), ..token }, secret)
    }

    /// Stops a server, also one that is still starting; returns at once. One that does not run stays as it is.
    pub(crate) async fn stop_server(self: &Arc<Self>, user: &str, name: &str) -> Result<()> {
        let Some(server) = servers::find(&self.db, user, name).await? else { return Ok(()) };
        if !matches!(server.state, State::Pending | State::Ready) {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let Some(server) = servers::set_stopping(&mut tx, &server.launch, self.cx.clock.now()).await? else { return Ok(()) };
        tx.emit(&changed(&server));
        tx.commit().await?;
        self.announce();
        // a replica that keeps it sees the row within seconds
        if !self.spawner.order_stop(&server.launch) && server.node == self.spawner.node {
            let hub = self.clone();
            self.spawn(async move { hub.end_stray(&server).await });
        }
        Ok(())
    }

    /// Makes a named server that does not run yet. `ALREADY_EXISTS` when there is one.
    pub(crate) async fn create_server(&self, user: &str, name: &str, wanted: &Wanted) -> Result<Server> {
        names::check_server(name)?;
        let mut tx = self.db.begin().await?;
        let launch = self.cx.ids.hex32();
        self.check_named(&mut tx, user, name).await?;
        let made = servers::create(&mut tx, &self.claim(user, name, &launch, wanted)).await?;
        let server = made.ok_or_else(|| Error::exists(format!("User {user} already has server {name}")))?;
        tx.emit(&changed(&server));
        tx.commit().await?;
        Ok(server)
    }

    /// Changes a server that does not run: its name, what it is called, what it is started with.
    pub(crate) async fn change_server(&self, user: &str, name: &str, renamed: Option<&str>, wanted: &Wanted) -> Result<Server> {
        if !self.settings.allow_named_servers {
            return Err(Error::invalid("Named servers are not enabled."));
        }
        let server = self.server_or_default(user, name).await?;
        if server.state.is_active() {
            return Err(Error::invalid(format!("{} is active. Please stop it before modifying it.", names::full(user, name))));
        }
        let mut tx = self.db.begin().await?;
        let renamed = renamed.filter(|renamed| *renamed != name);
        if let Some(renamed) = renamed {
            names::check_server(renamed)?;
            // the default server is always there: moving it away makes one more named server
            if name.is_empty() {
                self.check_named(&mut tx, user, renamed).await?;
            }
            if renamed.is_empty() || servers::find(&self.db, user, renamed).await?.is_some() {
                return Err(Error::exists(format!("User {user} already has server '{renamed}'")));
            }
        }
        let launch = self.cx.ids.hex32();
        let base = Wanted { display_name: Some(server.display_name.clone()), user_options: None };
        // a default server that was never started has no row yet
        servers::create(&mut tx, &self.claim(user, name, &launch, &base)).await?;
        let changes = servers::Changes {
            name: renamed,
            display_name: wanted.display_name.as_deref(),
            user_options: wanted.user_options.as_ref(),
            now: self.cx.clock.now(),
        };
        let changed = servers::change(&mut tx, user, name, &changes).await?;
        let changed =
            changed.ok_or_else(|| Error::invalid(format!("{} has been started meanwhile; stop it first", names::full(user, name))))?;
        tx.emit(&self::changed(&changed));
        tx.commit().await?;
        Ok(changed)
    }

    fn claim<'a>(&'a self, user: &'a str, name: &'a str, launch: &'a str, wanted: &'a Wanted) -> servers::Claim<'a> {
        servers::Claim {
            user,
            name,
            launch,
            node: &self.spawner.node,
            display_name: wanted.display_name.as_deref(),
            user_options: wanted.user_options.as_ref(),
            now: self.cx.clock.now(),
        }
    }

    /// The server of that name; a user's default server is there also when it was never started, as upstream has it.
    pub(crate) async fn server_or_default(&self, user: &str, name: &str) -> Result<Server> {
        let user = self.user(user).await?;
        match servers::find(&self.db, &user.name, name).await? {
            None if name.is_empty() => Ok(Server::never_started(&user.name, user.created)),
            found => found.ok_or_else(|| Error::not_found(format!("{} has no server named '{name}'", user.name))),
        }
    }

    /// Forgets a named server that does not run.
    pub(crate) async fn remove_server(&self, user: &str, name: &str) -> Result<()> {
        let Some(server) = servers::find(&self.db, user, name).await? else { return Ok(()) };
        let mut tx = self.db.begin().await?;
        if servers::delete(&mut tx, user, name).await? {
            tx.emit(&changed(&server));
        }
        tx.commit().await
    }

    /// Forgets a named server as soon as it has stopped.
    pub(crate) async fn remove_when_stopped(&self, user: &str, name: &str) {
        let limit = self.patience() + Duration::from_secs(2 * self.settings.stop_grace_seconds);
        let removed = match self.follow_server(user, name, limit, |s| !s.state.is_active()).await {
            Ok(_) => self.remove_server(user, name).await,
            Err(error) => Err(error),
        };
        if let Err(error) = removed {
            tracing::warn!(server = names::full(user, name), error = %error.chain(), "a stopped server was not forgotten");
        }
    }

    /// The server of that name. `NOT_FOUND` when it was never started.
    pub(crate) async fn server(&self, user: &str, name: &str) -> Result<Server> {
        let found = servers::find(&self.db, user, name).await?;
        found.ok_or_else(|| Error::not_found(format!("{user} has no server named '{name}'")))
    }

    /// Waits until `done` holds of the server (`None`: it is gone), at most `limit`; returns it as it is then.
    pub(crate) async fn follow_server(
        &self,
        user: &str,
        name: &str,
        limit: Duration,
        done: impl Fn(&Server) -> bool,
    ) -> Result<Option<Server>> {
        let mut changes = self.changes.subscribe();
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let server = servers::find(&self.db, user, name).await?;
            if server.as_ref().is_none_or(&done) {
                return Ok(server);
            }
            let wait = async { tokio::time::timeout(LOOK, changes.changed()).await };
            if tokio::time::timeout_at(deadline, wait).await.is_err() || self.cx.stop.is_cancelled() {
                return Ok(server);
            }
        }
    }

    /// How long requests wait for a start or stop.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.settings.slow_seconds)
    }
}
