//! The table of services, and the one place that turns settings into the values that services stand on.

use artel_platform::blob::Blobs;
use artel_platform::bus::Bus;
use artel_platform::clock::{Clock, Ids};
use artel_platform::config::Config;
use artel_platform::http::Routes;
use artel_platform::identity::Keys;
use artel_platform::python::Environments;
use artel_platform::rpc::Peers;
use artel_platform::{Context, Error, Result, Service};
use futures::future::LocalBoxFuture;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How to start a service, and what it serves.
pub struct Entry {
    pub name: &'static str,
    pub start: fn(Context) -> LocalBoxFuture<'static, Result<Service>>,
    pub routes: fn() -> Routes,
}

macro_rules! services {
    ($($name:literal => $module:ident),+ $(,)?) => {
        /// Every service, in the order of the banner.
        pub const SERVICES: &[Entry] = &[$(Entry { name: $name, start: |cx| Box::pin($module::start(cx)), routes: $module::routes }),+];
        /// Their names.
        pub const NAMES: &[&str] = &[$($name),+];
    };
}

services! {
    "hub" => artel_hub,
    "tracking" => artel_tracking,
    "registry" => artel_registry,
    "artifact" => artel_artifact,
    "scheduler" => artel_scheduler,
    "serving" => artel_serving,
}

/// The keys of an installation: from its secret, or from the file in its data folder.
pub fn keys(config: &Config) -> Result<Keys> {
    match config.security.secret.as_str() {
        "" => Keys::load_or_create(&config.data.join("secret")),
        secret => Keys::derive(secret.as_bytes()),
    }
}

/// What the services `local` of this process stand on. The shape of the installation is decided here and nowhere else.
pub async fn context(config: Config, local: &[&str], stop: CancellationToken) -> Result<Context> {
    make_data_folder(&config)?;
    let keys = keys(&config)?;
    let peers = Peers::new(&config, local, &keys)?;
    standing_on(config, keys, peers, stop).await
}

/// What a worker stands on that has a token in place of the installation's secret: it knows the scheduler alone, and
/// its own keys open nothing.
pub async fn worker_context(config: Config, token: &str, stop: CancellationToken) -> Result<Context> {
    make_data_folder(&config)?;
    let peers = Peers::by_token(&config, "scheduler", token)?;
    standing_on(config, Keys::derive(Ids::random().secret().as_bytes())?, peers, stop).await
}

fn make_data_folder(config: &Config) -> Result<()> {
    std::fs::create_dir_all(&config.data)
        .map_err(|e| Error::invalid(format!("cannot make the data folder {}", config.data.display())).because(e))
}

async fn standing_on(config: Config, keys: Keys, peers: Peers, stop: CancellationToken) -> Result<Context> {
    Ok(Context {
        bus: Bus::open(&config.bus)?,
        blobs: Blobs::open(&config.artifacts, &config.s3).await?,
        peers,
        python: Environments::open(&config)?,
        keys,
        clock: Clock::system(),
        ids: Ids::random(),
        stop,
        tasks: Default::default(),
        config: Arc::new(config),
    })
}

/// The OpenAPI document of the whole suite, wherever its services run.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let services = SERVICES.iter().map(|s| (s.routes)().openapi());
    artel_gateway::merge_openapi(env!("CARGO_PKG_VERSION"), std::iter::once(artel_gateway::openapi()).chain(services))
}
