//! One task per notebook server, from its start to its end. What it finds goes into the table; whoever wants to know
//! reads it there.

use crate::servers::changed;
use crate::spawner::{Exit, Launch, Process};
use crate::store::servers::{self, Ended, Server, State, Step};
use crate::store::tokens;
use crate::tokens::tell_revoked;
use crate::{Hub, names};
use artel_platform::db::Tx;
use artel_platform::python::Environment;
use artel_platform::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often steps of a build are written down at most.
const STEP_EVERY: Duration = Duration::from_millis(250);
/// How many steps are kept.
const STEPS: usize = 60;
/// Between the first two tries to reach a starting server; each pause is half as long again as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Why a launch is over.
enum End {
    Stopped,
    Failed(String),
    /// It runs on without us.
    Left,
}

impl Hub {
    /// Starts the process of a claimed launch and keeps it until it ends or is to end.
    pub(crate) async fn keep(self: Arc<Self>, launch: Launch, order: CancellationToken) {
        let mut process = None;
        let end = tokio::select! {
            biased;
            () = order.cancelled() => End::Stopped,
            () = self.cx.stop.cancelled() => End::Stopped,
            up = self.metrics.spawn(self.bring_up(&launch, &mut process)) => match (up, &mut process) {
                (Err(error), _) => End::Failed(error.message),
                (Ok(()), Some(process)) => self.hold(&launch.id, process, &order).await,
                (Ok(()), None) => End::Stopped,
            },
        };
        self.close(&launch.id, process, end).await;
    }

    /// Keeps a process that an earlier run has left.
    pub(crate) async fn keep_adopted(self: Arc<Self>, launch: String, mut process: Process) {
        let order = self.spawner.enter(&launch);
        self.spawner.note_in_table(&launch);
        let end = self.hold(&launch, &mut process, &order).await;
        self.close(&launch, Some(process), end).await;
    }

    /// Until the process ends, is ordered to, or the hub does.
    async fn hold(&self, launch: &str, process: &mut Process, order: &CancellationToken) -> End {
        tokio::select! {
            biased;
            () = order.cancelled() => End::Stopped,
            () = self.cx.stop.cancelled() => if self.stop_servers_on_exit.load(Ordering::Relaxed) { End::Stopped } else { End::Left },
            exit = process.wait() => match exit {
                // people end their server in JupyterLab's menu; that is no failure
                Exit::Code(0) | Exit::Unknown => End::Stopped,
                other => End::Failed(format!("the notebook server {}", self.said(other, launch))),
            },
        }
    }

    async fn close(&self, launch: &str, process: Option<Process>, end: End) {
        if !matches!(end, End::Left) {
            match process {
                Some(mut process) => self.metrics.stop(self.spawner.end(&mut process, launch)).await,
                None => self.spawner.clean(launch).await,
            }
            let failure = match &end {
                End::Failed(message) => Some(message.as_str()),
                _ => None,
            };
            if let Err(error) = self.finish(launch, failure).await {
                tracing::error!(launch, error = %error.chain(), "the end of a notebook server was not noted; the next start of the hub will");
            }
        }
        self.spawner.leave(launch);
    }

    /// Notes the end of a launch and makes its tokens useless.
    pub(crate) async fn finish(&self, launch: &str, failure: Option<&str>) -> Result<()> {
        let state = if failure.is_some() { State::Failed } else { State::Stopped };
        let Some(server) = servers::find_launch(&self.db, launch).await? else { return Ok(()) };
        let log = failure.map(|_| self.spawner.log_tail(&server.user, &server.name));
        self.spawner.after_stop(&server.user, &server.name, &server.user_options).await;
        let mut tx = self.db.begin().await?;
        let now = self.cx.clock.now();
        let Some(server) = servers::set_ended(&mut tx, launch, &Ended { state, failure, log_tail: log.as_deref() }, now).await? else {
            return Ok(());
        };
        let client = names::oauth_client(&server.user, &server.name);
        let revoked = tokens::delete_of_server(&mut tx, &server.user, &server.name, &client).await?;
        tell_revoked(&mut tx, &revoked);
        tx.emit(&changed(&server));
        tx.commit().await?;
        self.announce();
        let called = names::full(&server.user, &server.name);
        match failure {
            Some(failure) => tracing::warn!(server = called, failure, "notebook server failed"),
            None => tracing::info!(server = called, "notebook server stopped"),
        }
        Ok(())
    }

    /// Environment, process, first answer. The process is put into `slot` as soon as it exists, so that it is ended
    /// wherever this is cut off. Returns when the server is ready, or when the launch is no longer wanted.
    async fn bring_up(&self, launch: &Launch, slot: &mut Option<Process>) -> Result<()> {
        // the claim has written it down
        let mut steps = Steps { hub: self, launch: &launch.id, taken: vec![Step::first()] };
        self.prepare(launch, &mut steps).await?;
        let environment = match launch.plan.command.as_slice() {
            [] => Some(self.build_environment(&mut steps).await?),
            _ => None,
        };
        let program = launch.plan.command.first().map_or("jupyterhub-singleuser", String::as_str);
        steps.note(50, &format!("Starting {program}"));
        let (process, url) = self.spawner.start(environment.as_ref(), launch).await?;
        let process = slot.insert(process);
        let pid = process.pid;
        steps.note(60, "Waiting for the server to answer");
        let started = servers::Started { pid, at: process.started, url: &url };
        let mut tx = self.db.begin().await?;
        let server = servers::set_process(&mut tx, &launch.id, &started, &steps.taken, self.cx.clock.now()).await?;
        self.commit_change(tx, server).await?;
        self.first_answer(process, &url, launch).await?;
        tracing::info!(server = names::full(&launch.user, &launch.name), pid, "notebook server ready");
        let mut tx = self.db.begin().await?;
        let server = servers::set_ready(&mut tx, &launch.id, self.cx.clock.now()).await?;
        self.commit_change(tx, server).await
    }

    /// Runs the hook of the settings.
    async fn prepare(&self, launch: &Launch, steps: &mut Steps<'_>) -> Result<()> {
        if self.settings.pre_spawn_hook.is_empty() {
            return Ok(());
        }
        steps.take(3, "Preparing (hub.pre_spawn_hook)").await?;
        let server = servers::find_launch(&self.db, &launch.id).await?;
        let options = server.map_or(serde_json::Value::Null, |server| server.user_options);
        self.spawner.before_start(&launch.user, &launch.name, &options).await
    }

    /// The notebook environment; the lines of a build become steps.
    async fn build_environment(&self, steps: &mut Steps<'_>) -> Result<Environment> {
        let mut builds = self.spawner.builds();
        let build = self.spawner.environment();
        tokio::pin!(build);
        loop {
            tokio::select! {
                biased;
                built = &mut build => return built,
                changed = builds.changed() => if changed.is_err() { return build.await },
            }
            let line = builds.borrow_and_update().iter().find(|b| b.name == "notebook" && b.state == "building").map(|b| b.message.clone());
            if let Some(line) = line {
                steps.take_line(5, 45, &line).await?;
            }
            // lines come faster than anybody reads them
            tokio::select! {
                biased;
                built = &mut build => return built,
                () = tokio::time::sleep(STEP_EVERY) => {}
            }
        }
    }

    async fn first_answer(&self, process: &mut Process, url: &str, launch: &Launch) -> Result<()> {
        let limit = launch.plan.start_timeout;
        let answers = async {
            let mut pause = FIRST_PAUSE;
            while !self.spawner.answers(url).await {
                tokio::time::sleep(pause).await;
                pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            }
        };
        let last_line = || {
            let tail = self.spawner.log_tail(&launch.user, &launch.name);
            tail.lines().rev().find(|l| !l.trim().is_empty()).map(|l| format!("; its last words: {}", l.trim())).unwrap_or_default()
        };
        tokio::select! {
            biased;
            exit = process.wait() => Err(Error::conflict(format!("the notebook server {} before it answered{}", self.said(exit, &launch.id), last_line()))),
            answered = tokio::time::timeout(limit, answers) => answered.map_err(|_| {
                let seconds = limit.as_secs();
                Error::timeout(format!("the notebook server did not answer within {seconds} s (hub.start_timeout_seconds){}", last_line()))
            }),
        }
    }

    /// How a server's process ended, and why, where that is known.
    fn said(&self, exit: Exit, launch: &str) -> String {
        match exit {
            Exit::Code(code) => format!("ended with exit code {code}"),
            Exit::Signal(9) => {
                let why = self.spawner.verdict(launch).unwrap_or_else(|| "perhaps the machine ran out of memory".into());
                format!("was killed (signal 9); {why}")
            }
            Exit::Signal(signal) => format!("was ended by signal {signal}"),
            Exit::Unknown => "ended".into(),
        }
    }

    /// Commits a change of a launch's row with its event. A launch that is no longer wanted has changed nothing: the
    /// order to stop is on its way.
    async fn commit_change(&self, mut tx: Tx, server: Option<Server>) -> Result<()> {
        let Some(server) = server else { return Ok(()) };
        tx.emit(&changed(&server));
        tx.commit().await?;
        self.announce();
        Ok(())
    }
}

/// The steps of a start as far as it has got.
struct Steps<'a> {
    hub: &'a Hub,
    launch: &'a str,
    taken: Vec<Step>,
}

impl Steps<'_> {
    /// A step that is written down with what comes next.
    fn note(&mut self, progress: i64, message: &str) {
        if self.taken.len() >= STEPS {
            self.taken.remove(1);
        }
        self.taken.push(Step { progress, message: message.into() });
    }

    async fn take(&mut self, progress: i64, message: &str) -> Result<()> {
        self.note(progress, message);
        let mut tx = self.hub.db.begin().await?;
        let server = servers::set_steps(&mut tx, self.launch, &self.taken, self.hub.cx.clock.now()).await?;
        self.hub.commit_change(tx, server).await
    }

    /// A step of which nobody knows how many will follow: it covers a part of the way that is left to `to`.
    async fn take_line(&mut self, from: i64, to: i64, message: &str) -> Result<()> {
        let at = self.taken.last().map_or(from, |s| s.progress).max(from);
        self.take(at + (to - at) / 8, message).await
    }
}
