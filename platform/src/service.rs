//! What a service gets at its start and what it gives back.

use crate::blob::Blobs;
use crate::bus::Bus;
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::db::{Db, Migrations};
use crate::error::Result;
use crate::http::Routes;
use crate::identity::Keys;
use crate::python::Environments;
use crate::rpc::Peers;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Everything that the shape of the installation decides, built once at start. A service never asks which shape it is.
#[derive(Clone)]
pub struct Context {
    /// Effective settings.
    pub config: Arc<Config>,
    /// The process's event bus.
    pub bus: Bus,
    /// Object store. Only the artifact service uses it; the others ask that service.
    pub blobs: Blobs,
    /// The other services.
    pub peers: Peers,
    /// Signing and storage keys.
    pub keys: Keys,
    /// Time.
    pub clock: Clock,
    /// Ids and secrets.
    pub ids: Ids,
    /// Python environments and the embedded Python files.
    pub python: Environments,
    /// Cancelled when the process is to stop.
    pub stop: CancellationToken,
    /// Background tasks; the process waits for them (bounded) before it ends.
    pub tasks: TaskTracker,
}

impl Context {
    /// The database of `service`, its tables up to date, its events attached to the bus.
    pub async fn database(&self, service: &str, migrations: Migrations) -> Result<Db> {
        let db = Db::open(&self.config.database, service, migrations).await?;
        self.bus.attach(&db);
        Ok(db)
    }

    /// Runs a background task until it ends by itself or the process stops. A loop should watch `self.stop` and
    /// finish its step; what does not is cut off after the drain time.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        use tracing::Instrument;
        self.tasks.spawn(task.instrument(tracing::info_span!("task", name)));
    }
}

/// A started service.
pub struct Service {
    /// `hub`, `tracking`, …
    pub name: &'static str,
    /// Its REST side.
    pub rest: Routes,
    /// Its gRPC side.
    pub grpc: tonic::service::Routes,
    /// Its database, for readiness.
    pub db: Db,
}
