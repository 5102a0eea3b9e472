//! The end: requests under way are finished, background tasks end their step, databases are closed; all within the
//! drain time. A second signal ends at once.

use actix_web::dev::ServerHandle;
use artel_platform::{Context, Error, Result, Service};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

type Serving = JoinHandle<std::io::Result<()>>;

/// Waits for a signal, for a part that asks for the end (the hub's API), or for the listener to fail; then ends everything.
pub async fn wait(
    cx: &Context,
    server: ServerHandle,
    serving: Serving,
    grpc: Option<JoinHandle<()>>,
    services: Vec<Service>,
) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut serving = serving;
    let failed = tokio::select! {
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        () = cx.stop.cancelled() => None,
        ended = &mut serving => Some(ended),
    };
    tracing::info!("stopping");
    cx.stop.cancel();
    let drain = Duration::from_secs(cx.config.server.drain_seconds);
    let orderly = async {
        let ended = async {
            server.stop(true).await;
            cx.tasks.close();
            cx.tasks.wait().await;
            if let Some(grpc) = grpc {
                let _ = grpc.await;
            }
        };
        if tokio::time::timeout(drain + Duration::from_secs(2), ended).await.is_err() {
            tracing::warn!("some work did not end within {} s and is cut off", drain.as_secs());
        }
        for service in &services {
            service.db.close().await;
        }
    };
    tokio::select! {
        () = orderly => {}
        _ = interrupt.recv() => tracing::warn!("stopped at once"),
    }
    match failed {
        Some(Ok(Err(e))) => Err(Error::internal("the listener failed").because(e)),
        Some(Err(e)) => Err(Error::internal("the listener failed").because(e)),
        _ => Ok(()),
    }
}

/// Returns at SIGINT or SIGTERM.
pub async fn signalled() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else { return };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
