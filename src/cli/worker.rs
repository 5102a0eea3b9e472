//! `artel worker`: runs tasks for a scheduler elsewhere.

use super::Settings;
use crate::assemble;
use artel_platform::Result;
use clap::Args;
use tokio_util::sync::CancellationToken;

/// Run tasks of DAG runs for a scheduler in another process. Start as many as you like, on any host.
///
/// The worker finds the scheduler by [peers.scheduler] of its settings or by --server. It proves who it is by a token
/// (`artel token worker`), which is good for nothing else, or by the installation's secret (security.secret or
/// security.secret_file). It needs the DAG folder, unless the DAGs are of git bundles.
#[derive(Args)]
pub struct Worker {
    #[command(flatten)]
    settings: Settings,
    /// The scheduler's gRPC address, http://HOST:PORT
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// A worker's token, in place of the installation's secret
    #[arg(long, value_name = "TOKEN", env = "ARTEL_WORKER_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Queues to take tasks from
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "default")]
    queues: Vec<String>,
    /// Tasks at a time; 0 means twice the number of cores
    #[arg(long, value_name = "N", default_value_t = 0)]
    slots: usize,
}

impl Worker {
    pub(super) async fn run(self) -> Result<()> {
        let mut config = self.settings.load(&[])?;
        artel_platform::telemetry::start(&config.log)?;
        if let Some(server) = self.server {
            config
                .peers
                .entry("scheduler".into())
                .and_modify(|p| p.grpc = server.clone())
                .or_insert(artel_platform::config::Peer { http: String::new(), grpc: server });
        }
        let stop = CancellationToken::new();
        let cx = match &self.token {
            Some(token) => assemble::worker_context(config, token, stop.clone()).await?,
            None => assemble::context(config, &[], stop.clone()).await?,
        };
        let on_signal = stop.clone();
        tokio::spawn(async move {
            crate::serve::signalled().await;
            on_signal.cancel();
        });
        artel_scheduler::worker::run(cx, artel_scheduler::worker::Options { queues: self.queues, slots: self.slots }).await
    }
}
