//! The model registry: registered models, their versions, aliases, stages and tags.
//!
//! Owns the tables `registered_models`, `model_versions`, their tags and `registered_model_aliases`. Serves MLflow's
//! registry API and the gRPC service `artel.registry.v1`; tells of every change on `registry.registered_models` and
//! `registry.model_versions`. Asks tracking where runs and logged models lie.

#![deny(missing_docs)]

mod aliases;
mod config;
mod grpc;
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

pub use config::Config;
pub use model_versions::NewVersion;
pub use resolve::Selector;
pub use search::SearchRequest;

use artel_platform::clock::Clock;
use artel_platform::db::Db;
use artel_platform::http::Gate;
use artel_platform::migrate::Migrator;
use artel_platform::rpc::Peers;
use artel_platform::{Context, Result, Service};
use artel_proto::artel::registry::v1::registry_server::RegistryServer;
use std::sync::Arc;

/// The service's tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// The models of every workspace.
pub struct Registry {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) peers: Peers,
}

impl Registry {
    /// Over an open database, with the clock and the peers of `cx`.
    pub fn new(cx: &Context, db: Db) -> Self {
        Self { db, clock: cx.clock.clone(), peers: cx.peers.clone() }
    }
}

/// Every REST route of the service, without its state.
pub fn routes() -> artel_platform::http::Routes {
    rest::routes()
}

/// Starts the service.
pub async fn start(cx: Context) -> Result<Service> {
    let _: Config = cx.config.section("registry")?;
    let db = cx.database("registry", &MIGRATIONS).await?;
    let registry = Arc::new(Registry::new(&cx, db.clone()));
    Ok(Service {
        name: "registry",
        rest: rest::routes().gate(&Gate::new(&cx, Arc::new(permissions::RegistryGuard(registry.clone())))?).state(registry.clone()),
        grpc: tonic::service::Routes::new(RegistryServer::new(grpc::Grpc(registry))),
        db,
    })
}
