//! The routes to notebook servers and the hub's services, kept up to date from the hub, and their last activity on the way back.

use crate::proxy::{Prefixes, Target};
use artel_platform::Result;
use artel_platform::clock::Clock;
use artel_platform::rpc::Peers;
use artel_proto::artel::hub::v1::{ListRoutesRequest, ReportActivityRequest, Route, RouteActivity};
use std::borrow::Cow;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often activity is told to the hub.
const REPORT: Duration = Duration::from_secs(30);

/// Prefix → target. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Notebooks(Arc<Inner>);

struct Inner {
    places: RwLock<Places>,
    clock: Clock,
    peers: Peers,
}

/// Where a prefix leads.
pub(crate) struct Place {
    prefix: String,
    pub(crate) target: Target,
    /// When something was last done there that was not reported yet, milliseconds; 0: nothing.
    active: AtomicI64,
}

type Places = Prefixes<Arc<Place>>;

impl Notebooks {
    pub(crate) fn new(peers: Peers, clock: Clock) -> Self {
        Self(Arc::new(Inner { places: RwLock::default(), clock, peers }))
    }

    /// Where `path` goes, when it is a notebook server's. The hub tells of a new server in the moment in which it tells
    /// the user, whose browser may be faster than the news: for a server that is not known here the hub is asked.
    /// `UNAVAILABLE` when it does not answer: then nobody knows whether there is one.
    pub(crate) async fn place(&self, path: &str) -> Result<Option<Arc<Place>>> {
        if !path.starts_with("/user/") && !path.starts_with("/services/") {
            return Ok(None);
        }
        let path = if path.contains("%40") { Cow::Owned(path.replace("%40", "@")) } else { Cow::Borrowed(path) };
        if let Some(place) = self.0.places.read().expect("not poisoned").longest(&path) {
            return Ok(Some(place.clone()));
        }
        let now = self.0.peers.hub().list_routes(ListRoutesRequest {}).await?;
        // not kept: what the hub tells by itself may be newer by now
        Ok(places(now.into_inner().routes).longest(&path).cloned())
    }

    /// A person or kernel did something there: a request that succeeded, not the bytes of an open socket.
    pub(crate) fn touch(&self, place: &Place) {
        place.active.store(self.0.clock.now(), Ordering::Relaxed);
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
            self.replace(places(all.routes));
        }
    }

    fn replace(&self, new: Places) {
        let mut places = self.0.places.write().expect("not poisoned");
        for place in new.values() {
            if let Some(old) = places.get(&place.prefix) {
                place.active.store(old.active.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
        *places = new;
    }

    /// Reports activity until `stop`.
    pub(crate) async fn report(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(REPORT) => {}
            }
            let routes = self.unreported();
            if routes.is_empty() {
                continue;
            }
            if let Err(error) = self.0.peers.hub().report_activity(ReportActivityRequest { routes }).await {
                tracing::debug!(%error, "activity not reported");
            }
        }
    }

    fn unreported(&self) -> Vec<RouteActivity> {
        let places = self.0.places.read().expect("not poisoned");
        let taken = places.values().map(|place| (place, place.active.swap(0, Ordering::Relaxed)));
        taken.filter(|(_, at)| *at > 0).map(|(place, at)| RouteActivity { prefix: place.prefix.clone(), last_activity: at }).collect()
    }
}

/// The hub's routes as they are used. One whose target is none is left out.
fn places(routes: Vec<Route>) -> Places {
    let place = |Route { prefix, target, .. }: Route| match Target::parse(&target) {
        Ok(target) => Some((prefix.clone(), Arc::new(Place { prefix, target, active: AtomicI64::new(0) }))),
        Err(error) => {
            tracing::warn!(prefix, error = error.message, "a route that leads nowhere");
            None
        }
    };
    routes.into_iter().filter_map(place).collect()
}
