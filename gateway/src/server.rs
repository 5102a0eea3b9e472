//! The gateway's listener: one actix application that holds the services of this process and passes on the rest.

use crate::authenticate::Authenticator;
use crate::environments::Known;
use crate::events::Events;
use crate::handler::{self, Front};
use crate::native::{self, Gateway, Readiness};
use crate::notebooks::Notebooks;
use crate::proxy::{Connector, Proxy, Target};
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use artel_platform::config::Config;
use artel_platform::http::{Listening, Routes};
use artel_platform::rpc::{Replicas, addresses};
use artel_platform::{Context, Error, Result};
use artel_proto::artel::hub::v1::{CredentialRevoked, UserAdded};
use artel_proto::event::Event;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use utoipa_swagger_ui::SwaggerUi;

/// Largest body that a handler reads whole; streams have no limit.
const BODY: usize = 128 * 1024 * 1024;

/// What the gateway is built from.
pub struct Parts {
    /// The process's context.
    pub cx: Context,
    /// Routes of the services in this process.
    pub mounted: Routes,
    /// The merged document of all services, wherever they are.
    pub openapi: fn() -> utoipa::openapi::OpenApi,
    /// What `/readyz` asks.
    pub readiness: Readiness,
    /// Version of the suite.
    pub version: &'static str,
}

/// Starts serving on `listening`; returns the handle to stop it and the future that ends with it.
pub fn start(parts: Parts, listening: Listening) -> Result<(ServerHandle, impl Future<Output = std::io::Result<()>>)> {
    let Parts { cx, mounted, openapi, readiness, version } = parts;
    let open = cx.config.security.auth == "none";
    let front = web::Data::new(Front {
        authenticator: Authenticator::new(cx.peers.clone(), cx.keys.clone(), open),
        notebooks: Notebooks::new(cx.peers.clone(), cx.clock.clone()),
        config: cx.config.clone(),
        services: services(&cx.config)?,
        keys: cx.keys.clone(),
        clock: cx.clock.clone(),
    });
    let (events, environments) = (Events::new(), Known::default());
    let gateway = Gateway {
        events: events.clone(),
        environments: environments.clone(),
        stop: cx.stop.clone(),
        readiness,
        openapi,
        document: OnceLock::new(),
        version,
    };
    let routes = native::routes().without_document().state(Arc::new(gateway)).merge(mounted);
    follow(&cx, &front, events, environments);
    let (drain, stop) = (cx.config.server.drain_seconds, cx.stop.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(front.clone())
            .app_data(Proxy::new(Connector::new(None), stop.clone()))
            .app_data(web::PayloadConfig::new(BODY))
            .app_data(web::JsonConfig::default().limit(BODY))
            .app_data(web::FormConfig::default().limit(BODY))
            .wrap(from_fn(handler::around))
            .configure(|config| routes.configure(config))
            .service(
                SwaggerUi::new("/docs/{_:.*}")
                    .url("/openapi.json", utoipa::openapi::OpenApi::default())
                    .config(utoipa_swagger_ui::Config::from("/openapi.json")),
            )
            .service(web::redirect("/docs", "/docs/"))
            .default_service(web::to(handler::elsewhere))
    })
    .tcp_nodelay(true)
    .listen(listening.socket)?
    .workers(std::thread::available_parallelism().map_or(2, Into::into))
    .keep_alive(std::time::Duration::from_secs(75))
    .shutdown_timeout(drain)
    .disable_signals()
    .run();
    Ok((server.handle(), server))
}

/// The REST sides of the services that `[peers]` names.
fn services(config: &Config) -> Result<HashMap<String, Replicas<Target>>> {
    let mut known = HashMap::new();
    for (name, peer) in &config.peers {
        let targets = addresses(&peer.http).into_iter().map(Target::parse).collect::<Result<Vec<_>>>()?;
        if targets.is_empty() {
            return Err(Error::invalid(format!("peers.{name}.http is empty: the gateway must know where {name} takes requests")));
        }
        known.insert(name.clone(), Replicas::new(targets));
    }
    Ok(known)
}

/// The gateway's background tasks.
fn follow(cx: &Context, front: &web::Data<Front>, events: Events, environments: Known) {
    let notebooks = front.notebooks.clone();
    cx.spawn("notebook routes", notebooks.clone().follow(cx.stop.clone()));
    cx.spawn("notebook activity", notebooks.report(cx.stop.clone()));
    let front = front.clone().into_inner();
    let each = move |event: &artel_platform::bus::Envelope| {
        environments.note(event);
        if event.topic == CredentialRevoked::TOPIC && event.kind != UserAdded::TYPE {
            front.authenticator.forget();
        }
    };
    cx.spawn("events", events.follow(cx.bus.live(), cx.stop.clone(), each));
}
