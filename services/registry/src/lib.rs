//! The model registry: registered models, their versions, aliases, stages and tags.
//!
//! Owns the tables `registered_models`, `model_versions`, their tags and `registered_model_aliases`; and `webhooks`,
//! what each wants to hear of, and `webhook_deliveries`. Serves MLflow's registry and webhooks APIs and the gRPC service
//! `artel.registry.v1`; tells of every change on `registry.registered_models` and `registry.model_versions`. Asks
//! tracking where runs and logged models lie, and the artifact service for files of versions.

#![deny(missing_docs)]

mod aliases;
mod artifacts;
mod compare;
mod config;
mod grpc;
mod mlmodel;
mod model_versions;
mod permissions;
mod registered_models;
mod resolve;
mod rest;
mod search;
mod source;
mod stages;
mod store;
mod uri;
mod validate;
mod webhooks;

pub use config::Config;
pub use model_versions::NewVersion;
pub use resolve::Selector;
pub use search::SearchRequest;

use artel_platform::clock::{Clock, Ids};
use artel_platform::db::{Db, Migrations};
use artel_platform::http::{Gate, workspaces_enabled};
use artel_platform::identity::Vault;
use artel_platform::rpc::Peers;
use artel_platform::{Context, Result, Service, migrations};
use artel_proto::artel::registry::v1::registry_server::RegistryServer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use webhooks::Sender;

/// The service's tables.
pub static MIGRATIONS: Migrations = migrations!("0001_models", "0002_webhooks");

/// The models of every workspace.
pub struct Registry {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) peers: Peers,
    pub(crate) config: Config,
    pub(crate) vault: Vault,
    pub(crate) sender: Sender,
    /// There are workspaces beside the default one: then deliveries say theirs.
    pub(crate) workspaces: bool,
    /// There may be something for a webhook.
    pub(crate) wake: Arc<Notify>,
}

impl Registry {
    /// Over an open database, with the settings, the clock and the peers of `cx`.
    pub fn new(cx: &Context, db: Db) -> Result<Self> {
        let config: Config = cx.config.section("registry")?;
        let sender = Sender::new(config.webhook_private_targets, Duration::from_secs(config.webhook_timeout_seconds))?;
        Ok(Self {
            db,
            clock: cx.clock.clone(),
            ids: cx.ids.clone(),
            peers: cx.peers.clone(),
            vault: Vault::new(cx.keys.storage())?,
            sender,
            workspaces: workspaces_enabled(cx)?,
            wake: Arc::default(),
            config,
        })
    }
}

/// Every REST route of the service, without its state.
pub fn routes() -> artel_platform::http::Routes {
    rest::routes()
}

/// Starts the service.
pub async fn start(cx: Context) -> Result<Service> {
    let db = cx.database("registry", MIGRATIONS).await?;
    let registry = Arc::new(Registry::new(&cx, db.clone())?);
    cx.spawn("webhooks", webhooks::deliver(registry.clone(), cx.stop.clone()));
    Ok(Service {
        name: "registry",
        rest: rest::routes()
            .without_document()
            .gate(&Gate::new(&cx, Arc::new(permissions::RegistryGuard(registry.clone())))?)
            .state(registry.clone()),
        grpc: tonic::service::Routes::new(RegistryServer::new(grpc::Grpc(registry))),
        db,
    })
}
