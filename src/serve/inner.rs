//! The HTTP side of a process without the gateway: it believes only identities that the gateway signed.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, HttpResponse, HttpServer, web};
use artel_gateway::Readiness;
use artel_platform::http::{Dialect, Listening, Routes, accept_internal};
use artel_platform::identity::Keys;
use artel_platform::{Context, Result};
use tokio_util::sync::CancellationToken;

const BODY: usize = 128 * 1024 * 1024;

/// Starts serving the services' routes; returns the handle to stop it and the future that ends with it.
pub fn start(
    cx: &Context,
    routes: Routes,
    readiness: Readiness,
    listening: Listening,
) -> Result<(ServerHandle, impl Future<Output = std::io::Result<()>> + use<>)> {
    let keys = web::Data::new(cx.keys.clone());
    let health = web::Data::new(Health { readiness, stop: cx.stop.clone() });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(keys.clone())
            .app_data(health.clone())
            .app_data(web::PayloadConfig::new(BODY))
            .app_data(web::JsonConfig::default().limit(BODY))
            .app_data(web::FormConfig::default().limit(BODY))
            .wrap(from_fn(identify))
            .route("/healthz", web::get().to(async || "ok\n"))
            .route("/readyz", web::get().to(ready))
            .configure(|config| routes.configure(config))
    })
    .tcp_nodelay(true)
    .listen(listening.socket)?
    .workers(std::thread::available_parallelism().map_or(2, Into::into))
    .shutdown_timeout(cx.config.server.drain_seconds)
    .disable_signals()
    .run();
    Ok((server.handle(), server))
}

struct Health {
    readiness: Readiness,
    stop: CancellationToken,
}

async fn identify(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let keys = request.app_data::<web::Data<Keys>>().expect("the keys are mounted").clone();
    match accept_internal(&request, &keys) {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Err(error) => Ok(request.into_response(Dialect::Artel.render(&error))),
    }
}

async fn ready(health: web::Data<Health>) -> HttpResponse {
    if health.stop.is_cancelled() {
        return HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE).body("stopping\n");
    }
    match (health.readiness)().await {
        Ok(()) => HttpResponse::Ok().body("ready\n"),
        Err(error) => HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE).body(format!("{}\n", error.message)),
    }
}
