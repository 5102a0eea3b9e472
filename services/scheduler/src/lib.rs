//! The scheduler: DAG files parsed by Airflow itself, run by a native scheduler, worked off by any number of workers.
//!
//! It owns bundles of DAG files, DAGs with their versions, DAG runs, task instances and their tries, XComs, assets and their
//! events, variables, connections, pools, workers and task logs. It speaks Airflow's REST API v2 and its Task Execution API,
//! and gRPC to workers.
//!
//! Tables: see migrations/. Topics: `scheduler.dags`, `scheduler.dag_runs`, `scheduler.task_instances`. It acts on aliases
//! that the registry sets (`assets::own`).
//! How a task runs: a change of state wakes its run (`scheduling::wake`), a decision is made (`scheduling::decide`) and
//! written, what may run is queued (`scheduling::admit`) and claimed by a worker under a lease (`claims`), which runs it
//! in a process forked from a warm Airflow (`worker`); what the process asks and tells comes in by `execution`. A task that
//! waits for a trigger or a person has no process meanwhile (`deferral`, `triggers`, `hitl`).

#![deny(missing_docs)]

mod assets;
mod backfills;
mod bulk;
mod bundles;
mod callbacks;
mod claims;
mod clear;
mod config;
pub mod dag;
mod deadlines;
mod deferral;
mod event_log;
mod events;
mod execution;
mod grpc;
mod hitl;
mod integrity;
mod jobs;
mod log_keeper;
mod logs;
mod mark;
mod objects;
mod params;
mod parser;
pub mod partition;
mod python_json;
mod python_text;
mod relatives;
mod reports;
mod rest;
mod runs;
mod scheduling;
mod sensitive;
pub mod states;
mod store;
#[cfg(test)]
mod tests;
mod times;
pub mod timetable;
mod tries;
mod triggers;
mod unclaimed;
mod variables;
mod versions;
mod waiting;
pub mod worker;

use artel_platform::db::{Db, Migrations};
use artel_platform::identity::Vault;
use artel_platform::{Context, Result, Service, migrations};
use artel_proto::artel::scheduler::v1::scheduler_server::SchedulerServer;
use bundles::Bundles;
use parser::Parser;
use std::sync::Arc;
use tokio::sync::Notify;
use unclaimed::Unclaimed;

static MIGRATIONS: Migrations = migrations!(
    "0001_scheduler",
    "0002_assets",
    "0003_execution",
    "0004_backfills",
    "0005_bundles",
    "0006_asset_state_store",
    "0007_asset_watchers",
    "0008_backfills_of_partitions",
    "0009_pushes",
    "0010_events_and_jobs",
    "0011_what_the_loop_reads",
    "0012_what_lists_show",
);

/// Airflow's release whose API this is.
pub const AIRFLOW_VERSION: &str = "3.3.2";

/// The domain: every operation of the scheduler.
pub(crate) struct Scheduler {
    cx: Context,
    db: Db,
    settings: config::Settings,
    bundles: Bundles,
    parser: Arc<Parser>,
    versions: versions::VersionCache,
    vault: Vault,
    wake: scheduling::Wake,
    /// Something is due at another time than it was.
    timer: Notify,
    assets_due: assets::AssetsDue,
    /// There is work for workers.
    unclaimed: Unclaimed,
    /// Workers that wait for it.
    waiting: Arc<waiting::Waiting>,
    /// There are callbacks to be called.
    callbacks: Arc<Notify>,
    /// There are more triggers to run.
    triggers: Notify,
    jobs: jobs::Jobs,
    event_numbers: event_log::Numbers,
    /// A task's log has come to its end.
    log_complete: Notify,
    /// Some task's log has grown.
    log_grew: Notify,
}

impl Scheduler {
    /// The domain on its database, without background tasks.
    pub(crate) async fn open(cx: &Context) -> Result<Arc<Self>> {
        let settings: config::Settings = cx.config.section("scheduler")?;
        let bundles = Bundles::open(settings.dags(&cx.config.data), &settings.bundles, &cx.config.data)?;
        Ok(Arc::new(Self {
            cx: cx.clone(),
            db: cx.database("scheduler", MIGRATIONS).await?,
            settings,
            bundles,
            parser: Arc::default(),
            versions: versions::VersionCache::default(),
            vault: Vault::new(cx.keys.storage())?,
            wake: scheduling::Wake::default(),
            timer: Notify::new(),
            assets_due: assets::AssetsDue::default(),
            unclaimed: Unclaimed::default(),
            waiting: Arc::default(),
            callbacks: Arc::default(),
            triggers: Notify::new(),
            jobs: jobs::Jobs::default(),
            event_numbers: event_log::Numbers::default(),
            log_complete: Notify::new(),
            log_grew: Notify::new(),
        }))
    }
}

/// Starts the service.
pub async fn start(cx: Context) -> Result<Service> {
    let scheduler = Scheduler::open(&cx).await?;
    scheduler.wake_all().await?;
    cx.bus.consume("scheduler", &scheduler.db, events::handlers(&scheduler));
    scheduler.start_evaluators();
    scheduler.start_timer();
    scheduler.start_log_keeper();
    scheduler.start_event_sweeper();
    scheduler.start_bundles();
    scheduler.start_parser();
    scheduler.start_trigger_host();
    scheduler.start_callbacks();
    let server = SchedulerServer::new(grpc::Grpc(scheduler.clone())).max_decoding_message_size(artel_platform::rpc::MAX_MESSAGE);
    Ok(Service {
        name: "scheduler",
        rest: routes().without_document().state(scheduler.clone()),
        grpc: tonic::service::Routes::new(server),
        db: scheduler.db.clone(),
    })
}

/// The REST side without a running service, for its OpenAPI document.
pub fn routes() -> artel_platform::http::Routes {
    rest::routes()
}
