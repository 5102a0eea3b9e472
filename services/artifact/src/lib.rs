//! The artifact service: bytes by path, each content stored once.
//!
//! Owns the tables `objects` (path → content), `dvc_objects` (the same for DVC remotes), `blobs` (content → place in the
//! object store, counted), `direct_uploads` (clients' own transfers to the store) and `orphans` (places to be freed).
//! `s3_buckets`, `s3_objects`, `s3_uploads` and `s3_pieces` are the S3 endpoint's own tree over the same blobs.
//! Serves MLflow's artifact proxy, DVC's HTTP remotes, S3 and the gRPC service `artel.artifact.v1`; tells of every write on
//! `artifact.artifacts`.

#![deny(missing_docs)]

mod config;
mod contents;
mod direct;
mod dvc;
mod grpc;
mod many;
mod objects;
mod path;
mod permissions;
mod rest;
mod s3;
mod store;
mod sweep;
mod unread;

pub use config::Config;
pub use many::SmallFile;
pub use objects::{Artifacts, Content, Entry};
pub use path::ArtifactPath;

use artel_platform::db::Migrations;
use artel_platform::http::Gate;
use artel_platform::{Context, Result, Service, migrations};
use artel_proto::artel::artifact::v1::artifact_server::ArtifactServer;
use std::sync::Arc;

/// The service's tables.
pub static MIGRATIONS: Migrations = migrations!("0001_objects", "0002_md5_and_remotes", "0003_s3", "0004_no_md5");

/// Every REST route of the service, without its state.
pub fn routes() -> artel_platform::http::Routes {
    rest::routes().merge(s3::routes())
}

/// Starts the service.
pub async fn start(cx: Context) -> Result<Service> {
    let db = cx.database("artifact", MIGRATIONS).await?;
    let artifacts = Arc::new(Artifacts::new(&cx, db.clone())?);
    config::check(&cx, &artifacts.config)?;
    let s3 = Arc::new(s3::S3::new(artifacts.clone(), cx.peers.clone()));
    s3.ensure_bucket().await?;
    cx.spawn("artifact sweep", sweep::run(artifacts.clone(), cx.stop.clone()));
    cx.spawn("artifact reading", unread::run(artifacts.clone(), cx.stop.clone()));
    Ok(Service {
        name: "artifact",
        rest: routes().without_document().gate(&Gate::new(&cx, Arc::new(permissions::ArtifactGuard))?).state(artifacts.clone()).state(s3),
        grpc: tonic::service::Routes::new(
            ArtifactServer::new(grpc::Grpc(artifacts)).max_decoding_message_size(artel_platform::rpc::MAX_MESSAGE),
        ),
        db,
    })
}
