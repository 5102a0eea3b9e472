//! Tracking: experiments, runs and what is logged to them (metrics, params, tags, datasets, logged models), spoken as
//! MLflow's tracking API. Tables: `migrations/`. Topics: `tracking.experiments`, `tracking.runs`,
//! `tracking.logged_models`. Asks the artifact service for the files of runs and models.

#![deny(missing_docs)]

mod artifacts;
mod config;
mod datasets;
mod events;
mod experiments;
mod gc;
mod graphql;
mod grpc;
mod history;
mod journal;
mod keys;
mod live;
mod local_files;
mod logged_models;
mod logging;
mod name_parts;
mod names;
mod permissions;
mod presigned;
mod rest;
mod runs;
mod search;
mod store;
mod traces;
mod validate;
mod workspaces;

use crate::config::Settings;
use artel_platform::clock::{Clock, Ids};
use artel_platform::db::{Db, Migrations};
use artel_platform::http::Gate;
use artel_platform::rpc::Peers;
use artel_platform::{Context, Result, Service, migrations};
use artel_proto::artel::tracking::v1::tracking_server::TrackingServer;
use std::sync::Arc;

/// This crate's tables.
pub static MIGRATIONS: Migrations = migrations!(
    "0001_tracking",
    "0002_traces",
    "0003_search",
    "0004_workspaces",
    "0005_order",
    "0006_journal",
    "0007_leaves",
    "0008_journal",
    "0009_name_start",
    "0010_name_parts"
);

/// What every operation needs.
pub struct Tracking {
    db: Db,
    settings: Settings,
    clock: Clock,
    ids: Ids,
    peers: Peers,
    s3: artel_platform::config::S3,
    keys: keys::MetricKeys,
    run_numbers: store::sequences::Sequence,
    live: live::Live,
    journal: journal::Journal,
}

/// What the service serves, for documents and tests that need no running service.
pub fn routes() -> artel_platform::http::Routes {
    rest::routes()
}

/// Starts the service: opens its database, makes sure that the experiment "Default" exists.
pub async fn start(cx: Context) -> Result<Service> {
    let db = cx.database("tracking", MIGRATIONS).await?;
    let tracking = Arc::new(Tracking {
        settings: cx.config.section("tracking")?,
        clock: cx.clock.clone(),
        ids: cx.ids.clone(),
        peers: cx.peers.clone(),
        s3: cx.config.s3.clone(),
        keys: keys::MetricKeys::default(),
        run_numbers: store::sequences::Sequence::new("run", 100),
        live: live::Live::default(),
        journal: journal::Journal::default(),
        db: db.clone(),
    });
    tracking.create_default_experiment().await?;
    tracking.move_rows().await?;
    cx.bus.consume("tracking", &db, events::handlers());
    cx.spawn("metric journal", journal::run(tracking.clone(), cx.stop.clone()));
    let grpc = TrackingServer::new(grpc::TrackingGrpc(tracking.clone()));
    let gate = Gate::new(&cx, Arc::new(permissions::TrackingGuard(tracking.clone())))?;
    let rest = rest::routes().without_document().gate(&gate).state(tracking);
    Ok(Service { name: "tracking", rest, grpc: tonic::service::Routes::new(grpc), db })
}
