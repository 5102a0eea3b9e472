//! Notebook servers of an earlier run: those that still run are kept on, with their routes and tokens; what is left of
//! the others is cleaned away.

use crate::Hub;
use crate::spawner::Process;
use crate::store::servers::{self, Server, State};
use artel_platform::Result;
use std::sync::Arc;
use std::time::Duration;

/// How long a server of another process may be on its way before it counts as lost, in milliseconds. Building an
/// environment writes steps all along.
const LOST_AFTER: i64 = 15 * 60 * 1000;

/// How long a server of an earlier run may be silent, as long as upstream's `http_timeout`.
const SILENT: Duration = Duration::from_secs(30);
/// Between two tries to reach one.
const AGAIN: Duration = Duration::from_millis(500);

impl Hub {
    /// The servers that the table says run. Read before any request is served.
    pub(crate) async fn left_by_earlier_run(&self) -> Result<Vec<Server>> {
        servers::active(&self.db).await
    }

    /// Keeps on or cleans up each of them.
    pub(crate) async fn adopt(self: Arc<Self>, left: Vec<Server>) {
        let each = left.into_iter().map(|server| self.clone().adopt_one(server));
        futures::future::join_all(each).await;
    }

    async fn adopt_one(self: Arc<Self>, server: Server) {
        let called = crate::names::full(&server.user, &server.name);
        if server.node != self.spawner.node {
            return self.look_at_foreign(&server).await;
        }
        let process = server.pid.and_then(|pid| Process::adopt(pid, server.pid_started));
        let (Some(mut process), Some(url), State::Ready) = (process, &server.url, server.state) else {
            return self.end_stray(&server).await;
        };
        if !self.answers_soon(&mut process, url).await {
            return self.end_stray(&server).await;
        }
        tracing::info!(server = called, pid = process.pid, "notebook server found again");
        let hub = self.clone();
        self.spawn(hub.keep_adopted(server.launch, process));
    }

    /// A server that is busy, or on a busy machine, is given time: its kernels are at stake.
    async fn answers_soon(&self, process: &mut Process, url: &str) -> bool {
        let answers = async {
            while !self.spawner.answers(url).await {
                tokio::time::sleep(AGAIN).await;
            }
        };
        tokio::select! {
            _ = process.wait() => false,
            answered = tokio::time::timeout(SILENT, answers) => answered.is_ok(),
        }
    }

    /// Ends what is left of a launch that nobody keeps, and says so in the table.
    pub(crate) async fn end_stray(&self, server: &Server) {
        match server.pid.and_then(|pid| Process::adopt(pid, server.pid_started)) {
            Some(mut process) => self.spawner.end(&mut process, &server.launch).await,
            None => self.spawner.clean(&server.launch).await,
        }
        let failure = (server.state == State::Pending).then_some("the hub was restarted while the server was starting; start it again");
        self.note_end(&server.launch, failure).await;
    }

    /// A server of another machine or container: another replica's, or a lost one's.
    async fn look_at_foreign(&self, server: &Server) {
        let alive = match &server.url {
            Some(url) if server.state == State::Ready => self.spawner.answers(url).await,
            _ => self.cx.clock.now() - server.changed < LOST_AFTER,
        };
        if !alive {
            self.note_end(&server.launch, None).await;
        }
    }

    async fn note_end(&self, launch: &str, failure: Option<&str>) {
        if let Err(error) = self.finish(launch, failure).await {
            tracing::error!(launch, error = %error.chain(), "the end of a notebook server was not noted");
        }
    }
}
