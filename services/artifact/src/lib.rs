//! The artifact service: bytes by path, each content stored once.
//!
//! Owns the tables `objects` (path → content), `blobs` (content → place in the object store, counted) and `orphans`
//! (places to be freed). Serves MLflow's artifact proxy and the gRPC service `artel.artifact.v1`; tells of every
//! write on `artifact.artifacts`.

#![deny(missing_docs)]

mod config;
mod grpc;
mod objects;
mod path;
mod rest;
mod store;
mod sweep;

pub use config::Config;
pub use objects::{Artifacts, Content, Entry};
pub use path::ArtifactPath;

use artel_platform::migrate::Migrator;
use artel_platform::{Context, Result, Service};
use artel_proto::artel::artifact::v1::artifact_server::ArtifactServer;
use std::sync::Arc;

/// The service's tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// Every REST route of the service, without its state.
pub fn routes() -> artel_platform::http::Routes {
    rest::routes()
}

/// Starts the service.
pub async fn start(cx: Context) -> Result<Service> {
    let db = cx.database("artifact", &MIGRATIONS).await?;
    let artifacts = Arc::new(Artifacts::new(&cx, db.clone())?);
    cx.spawn("artifact sweep", sweep::run(artifacts.clone(), cx.stop.clone()));
    Ok(Service {
        name: "artifact",
        rest: rest::routes().state(artifacts.clone()),
        grpc: tonic::service::Routes::new(
            ArtifactServer::new(grpc::Grpc(artifacts)).max_decoding_message_size(artel_platform::rpc::MAX_MESSAGE),
        ),
        db,
    })
}
