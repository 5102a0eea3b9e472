//! `artel serve`: starts the chosen services and the gateway in one process, and ends them in order.

mod banner;
mod inner;
mod shutdown;

pub use shutdown::signalled;

use crate::assemble::{self, Entry};
use crate::cli::Settings;
use artel_platform::config::Config;
use artel_platform::http::Routes;
use artel_platform::{Context, Error, Result, Service};
use clap::Args;
use futures::future::try_join_all;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Start Artel: the gateway and every service, or those that --only names.
///
/// Everything lives in the data folder unless told otherwise. Example for a laptop: `artel serve`; for one service of
/// an installation on several machines: `artel serve --only tracking --config artel.toml`.
#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    settings: Settings,
    /// Parts to run in this process: gateway, hub, tracking, registry, artifact, scheduler, serving
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Address to listen on
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// password, or none: everybody is the administrator (loopback only)
    #[arg(long, value_name = "KIND")]
    auth: Option<String>,
    /// Build the Python environments of notebooks, DAG files and models now, in the background, not at first use
    #[arg(long)]
    prepare: bool,
}

/// Which parts run here.
struct Selection {
    gateway: bool,
    services: Vec<&'static Entry>,
}

impl Serve {
    /// Serves until told to stop.
    pub async fn run(self) -> Result<()> {
        let started = Instant::now();
        let flags = [("server", "listen", self.listen.as_deref()), ("security", "auth", self.auth.as_deref())];
        let config = self.settings.load(&flags)?;
        artel_platform::telemetry::start(&config.log)?;
        let selection = Selection::from_names(&self.only)?;
        check_auth(&config)?;
        let listening = artel_platform::http::bind(&config.server.listen)?;
        let config = with_real_address(config, listening.address);

        let stop = CancellationToken::new();
        let names: Vec<&'static str> = selection.services.iter().map(|s| s.name).collect();
        let cx = assemble::context(config, &names, stop.clone()).await?;
        let services = try_join_all(selection.services.iter().map(|s| (s.start)(cx.clone()))).await?;
        for service in &services {
            cx.peers.provide(service.name, service.grpc.clone());
        }
        let grpc = start_grpc(&cx, &services).await?;
        cx.bus.run(&cx.tasks, &stop, selection.gateway);
        if let Some(service) = services.first() {
            cx.spawn(
                "environment events",
                artel_platform::python::announce(cx.python.clone(), service.db.clone(), service.name, stop.clone()),
            );
        }
        if selection.services.len() == assemble::SERVICES.len() {
            cx.spawn("worker", artel_scheduler::worker::run_inside(cx.clone()));
        }
        if self.prepare {
            cx.spawn("prepare environments", prepare(cx.clone(), names.clone()));
        }
        let mounted = services.iter().fold(Routes::default(), |all, s| all.merge(s.rest.clone()));
        let readiness = readiness(&services);
        let (server, serving) = if selection.gateway {
            let openapi = assemble::openapi;
            let parts = artel_gateway::Parts { cx: cx.clone(), mounted, openapi, readiness, version: env!("CARGO_PKG_VERSION") };
            let (handle, future) = artel_gateway::start(parts, listening)?;
            (handle, tokio::spawn(future))
        } else {
            let (handle, future) = inner::start(&cx, mounted, readiness, listening)?;
            (handle, tokio::spawn(future))
        };
        banner::print(&cx, &names, selection.gateway, started.elapsed());
        shutdown::wait(&cx, server, serving, grpc, services).await
    }
}

/// Builds what the services `names` will need of Python, until it is there or the process stops.
async fn prepare(cx: Context, names: Vec<&'static str>) {
    let needed = [("scheduler", "airflow"), ("hub", "notebook"), ("serving", "model")];
    let sets: Vec<&'static str> = needed.iter().filter(|(service, _)| names.contains(service)).map(|(_, set)| *set).collect();
    tokio::select! {
        () = cx.python.prepare(&sets) => {}
        () = cx.stop.cancelled() => {}
    }
}

impl Selection {
    fn from_names(only: &[String]) -> Result<Self> {
        if only.is_empty() {
            return Ok(Self { gateway: true, services: assemble::SERVICES.iter().collect() });
        }
        for name in only {
            if name != "gateway" && !assemble::NAMES.contains(&name.as_str()) {
                return Err(Error::invalid(format!(
                    "--only {name}: there is no such part; parts are gateway, {}",
                    assemble::NAMES.join(", ")
                )));
            }
        }
        let named = |name: &str| only.iter().any(|n| n == name);
        Ok(Self { gateway: named("gateway"), services: assemble::SERVICES.iter().filter(|s| named(s.name)).collect() })
    }
}

/// Without passwords only this machine may call.
fn check_auth(config: &Config) -> Result<()> {
    match config.security.auth.as_str() {
        "password" => Ok(()),
        "none" => {
            let host = config.server.listen.rsplit_once(':').map_or("", |(host, _)| host);
            let loopback =
                host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
            if loopback {
                Ok(())
            } else {
                Err(Error::invalid(format!(
                    "--auth none lets everybody in and is only for loopback addresses, not {}; listen on 127.0.0.1 or use passwords",
                    config.server.listen
                )))
            }
        }
        other => Err(Error::invalid(format!("setting security.auth: {other:?} is none of password, none"))),
    }
}

/// `--listen 127.0.0.1:0` takes any port: children and clients must be told which.
fn with_real_address(mut config: Config, address: std::net::SocketAddr) -> Config {
    if config.server.public_url == format!("http://{}", config.server.listen) {
        let host = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        config.server.public_url = format!("http://{host}:{}", address.port());
    }
    config
}

/// The gRPC listener, where other processes must reach this one.
async fn start_grpc(cx: &Context, services: &[Service]) -> Result<Option<tokio::task::JoinHandle<()>>> {
    let address = &cx.config.server.grpc_listen;
    if address.is_empty() || services.is_empty() {
        return Ok(None);
    }
    let mut router = tonic::service::Routes::default().into_axum_router();
    for service in services {
        router = router.merge(service.grpc.clone().into_axum_router().reset_fallback());
    }
    let serving = artel_platform::rpc::serve(address, router.into(), cx.keys.clone(), cx.stop.clone()).await?;
    Ok(Some(tokio::spawn(serving)))
}

fn readiness(services: &[Service]) -> artel_gateway::Readiness {
    let databases: Arc<[_]> = services.iter().map(|s| s.db.clone()).collect();
    Arc::new(move || {
        let databases = databases.clone();
        Box::pin(async move { try_join_all(databases.iter().map(|db| db.ping())).await.map(drop) })
    })
}
