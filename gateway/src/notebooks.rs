//! The routes to notebook servers and the hub's services, kept up to date from the hub, and their last activity on the way back.

use crate::proxy::Prefixes;
use artel_platform::clock::Clock;
use artel_platform::rpc::Peers;
use artel_proto::artel::hub::v1::{ListRoutesRequest, ReportActivityRequest, Route, RouteActivity};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often activity is told to the hub.
const REPORT: Duration = Duration::from_secs(30);

/// Prefix → target. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Notebooks(Arc<Inner>);

struct Inner {
    routes: RwLock<Prefixes<Route>>,
    active: Mutex<HashMap<String, i64>>,
    clock: Clock,
    peers: Peers,
}

impl Notebooks {
    pub(crate) fn new(peers: Peers, clock: Clock) -> Self {
        Self(Arc::new(Inner { routes: RwLock::default(), active: Mutex::default(), clock, peers }))
    }

    /// Where `path` goes, when it is a notebook server's. The hub tells of a new server in the moment in which it tells
    /// the user, whose browser may be faster than the news: for a server that is not known here the hub is asked.
    pub(crate) async fn target(&self, path: &str) -> Option<Route> {
        if !path.starts_with("/user/") && !path.starts_with("/services/") {
            return None;
        }
        let path = path.replace("%40", "@");
        if let Some(route) = self.0.routes.read().expect("not poisoned").longest(&path) {
            return Some(route.clone());
        }
        let now = self.0.peers.hub().list_routes(ListRoutesRequest {}).await.ok()?;
        // not kept: what the hub tells by itself may be newer by now
        by_prefix(now.into_inner().routes).longest(&path).cloned()
    }

    /// A person or kernel did something on this route: a request that succeeded, not the bytes of an open socket.
    pub(crate) fn touch(&self, prefix: &str) {
        self.0.active.lock().expect("not poisoned").insert(prefix.to_owned(), self.0.clock.now());
    }

    /// Follows the hub until `stop`.
    pub(crate) async fn follow(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.watch() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
            }
        }
    }

    async fn watch(&self) {
        let Ok(answer) = self.0.peers.hub().watch_routes(ListRoutesRequest {}).await else { return };
        let mut changes = answer.into_inner();
        while let Ok(Some(all)) = changes.message().await {
            *self.0.routes.write().expect("not poisoned") = by_prefix(all.routes);
        }
    }

    /// Reports activity until `stop`.
    pub(crate) async fn report(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(REPORT) => {}
            }
            let active = std::mem::take(&mut *self.0.active.lock().expect("not poisoned"));
            if active.is_empty() {
                continue;
            }
            let routes = active.into_iter().map(|(prefix, last_activity)| RouteActivity { prefix, last_activity }).collect();
            if let Err(error) = self.0.peers.hub().report_activity(ReportActivityRequest { routes }).await {
                tracing::debug!(%error, "activity not reported");
            }
        }
    }
}

fn by_prefix(routes: Vec<Route>) -> Prefixes<Route> {
    routes.into_iter().map(|route| (route.prefix.clone(), route)).collect()
}
