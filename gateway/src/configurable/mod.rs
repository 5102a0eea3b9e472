//! `artel proxy`: the proxy that a hub sets up over HTTP, one route after the other. Its flags and its REST API are those of
//! configurable-http-proxy 5 (CHP), so that JupyterHub uses it unchanged. What passes requests on is the gateway's own
//! proxy (`crate::proxy`); here are the routes, their API, the error pages and the listeners.
//!
//! Rules without another source are CHP's, as read from its 5.3 and tried out on it.

mod address;
mod answers;
mod api;
mod errors;
mod front;
mod idle;
mod listen;
mod metrics;
mod options;
mod redirect;
mod rewrite;
mod routes;
mod tls;
mod watch;
mod workers;

#[cfg(test)]
mod tests;

pub use listen::Listen;
pub use options::{ClientTls, Options, Redirect, ServerTls};

use crate::proxy::{Connector, Proxy, Target};
use artel_platform::clock::Clock;
use artel_platform::{Error, Result};
use errors::Errors;
use http::HeaderMap;
use listen::Listener;
use metrics::Metrics;
use routes::Routes;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use workers::Workers;

/// What all threads share.
struct Shared {
    routes: Routes,
    options: Options,
    /// `--custom-header`.
    extra: HeaderMap,
    errors: Errors,
    metrics: Metrics,
}

/// A proxy that listens.
pub struct Configurable {
    listeners: Vec<(Listener, Part)>,
    shared: Arc<Shared>,
    tls: Arc<rustls::ClientConfig>,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Public,
    Api,
    Metrics,
    Redirect,
}

impl Configurable {
    /// Takes its addresses. A flag that makes no sense, a file that cannot be read, an address that is taken: an error that
    /// names it.
    pub async fn listen(options: Options) -> Result<Self> {
        options.check()?;
        let tls = tls::client(&options.client_tls, options.insecure)?;
        let wanted = [
            (Some(&options.public), Part::Public),
            (Some(&options.api), Part::Api),
            (options.metrics.as_ref(), Part::Metrics),
            (options.redirect.as_ref().map(|r| &r.listen), Part::Redirect),
        ];
        let mut listeners = Vec::new();
        for (address, part) in wanted {
            let Some(address) = address else { continue };
            let tls = match part {
                Part::Public => options.tls.as_ref(),
                Part::Api => options.api_tls.as_ref(),
                Part::Metrics | Part::Redirect => None,
            };
            let tls = tls.map(tls::server).transpose()?;
            for listener in address.bind(tls).await? {
                listeners.push((listener, part));
            }
        }
        let routes = Routes::new(Clock::system(), options.host_routing, options.prepend_path);
        if let Some(target) = &options.default_target {
            routes.add("/", serde_json::Map::from_iter([("target".to_owned(), target.as_str().into())]))?;
        }
        let errors =
            Errors::new(options.error_target.as_deref().map(Target::parse).transpose()?, options.error_path.clone(), options.proxy_timeout);
        let extra = options.custom_headers()?;
        Ok(Self { listeners, shared: Arc::new(Shared { routes, extra, errors, metrics: Metrics::default(), options }), tls })
    }

    /// The addresses that serve the public, the API, and so on; for tests and the log.
    #[cfg(test)]
    fn address(&self, part: Part) -> std::net::SocketAddr {
        let mut found = self.listeners.iter().filter(|(_, p)| *p == part).filter_map(|(listener, _)| listener.local());
        found.next().expect("it listens")
    }

    /// Serves until `stop`, then ends at once, as CHP does: the hub restarts it, and clients connect again.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<()> {
        let Self { listeners, shared, tls } = self;
        shared.told();
        let _pid = shared.options.pid_file.as_deref().map(PidFile::write).transpose()?;
        let connection = workers::Connection::of(&shared.options);
        let connector = Connector::new(Some(tls));
        let public = {
            let shared = shared.clone();
            // each thread has its own connections to the targets: a request never changes threads
            Workers::start(connection.clone(), move || {
                front::Front::new(shared.clone(), Proxy::new(connector.clone(), CancellationToken::new()))
            })?
        };
        let public = Arc::new(public);
        let mut tasks = tokio::task::JoinSet::new();
        for (listener, part) in listeners {
            let (shared, connection, public) = (shared.clone(), connection.clone(), public.clone());
            tasks.spawn(async move {
                match part {
                    Part::Public => listener.accept(|stream| public.give(stream)).await,
                    Part::Api => listener.accept(|stream| connection.spawn(stream, api::Api::new(shared.clone()))).await,
                    Part::Metrics => listener.accept(|stream| connection.spawn(stream, metrics::Page::new(shared.clone()))).await,
                    Part::Redirect => listener.accept(|stream| connection.spawn(stream, redirect::ToHttps::new(&shared.options))).await,
                }
            });
        }
        stop.await;
        tracing::warn!("terminated");
        tasks.shutdown().await;
        Ok(())
    }
}

impl Shared {
    fn told(&self) {
        let options = &self.options;
        let scheme = |tls: &Option<ServerTls>| if tls.is_some() { "https" } else { "http" };
        if options.auth_token.is_none() {
            tracing::warn!("REST API is not authenticated: set CONFIGPROXY_AUTH_TOKEN");
        }
        let target = self.routes.find("/").map_or_else(|| "(no default)".to_owned(), |route| route.target.to_string());
        tracing::info!("proxying {}://{} to {target}", scheme(&options.tls), options.public);
        tracing::info!("proxy API at {}://{}/api/routes", scheme(&options.api_tls), options.api);
        if let Some(metrics) = &options.metrics {
            tracing::info!("metrics at http://{metrics}/metrics");
        }
        if let Some(redirect) = &options.redirect {
            tracing::info!("redirecting http://{} to port {}", redirect.listen, redirect.to);
        }
    }
}

/// The file with the process's number, as long as it runs.
struct PidFile(std::path::PathBuf);

impl PidFile {
    fn write(path: &std::path::Path) -> Result<Self> {
        std::fs::write(path, std::process::id().to_string())
            .map_err(|e| Error::invalid(format!("--pid-file: cannot write {}: {e}", path.display())))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
