//! `--metrics-port`: counters in Prometheus' text form, under CHP's names.

use super::workers::{Handler, Peer};
use super::{Shared, answers};
use crate::proxy::Body;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// HTTP statuses are below.
const STATUSES: usize = 1000;

pub(super) struct Metrics {
    route_get: AtomicU64,
    route_add: AtomicU64,
    route_delete: AtomicU64,
    websockets: AtomicU64,
    requests: AtomicU64,
    passed: Vec<AtomicU64>,
    api: Vec<AtomicU64>,
    found: AtomicU64,
    finding_nanos: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        let by_status = || (0..STATUSES).map(|_| AtomicU64::new(0)).collect();
        Self {
            route_get: AtomicU64::new(0),
            route_add: AtomicU64::new(0),
            route_delete: AtomicU64::new(0),
            websockets: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            passed: by_status(),
            api: by_status(),
            found: AtomicU64::new(0),
            finding_nanos: AtomicU64::new(0),
        }
    }
}

/// Measures until dropped.
pub(super) struct Finding<'a>(&'a Metrics, Instant);

impl Drop for Finding<'_> {
    fn drop(&mut self) {
        self.0.found.fetch_add(1, Relaxed);
        self.0.finding_nanos.fetch_add(self.1.elapsed().as_nanos() as u64, Relaxed);
    }
}

impl Metrics {
    pub(super) fn route_get(&self) {
        self.route_get.fetch_add(1, Relaxed);
    }

    pub(super) fn route_add(&self) {
        self.route_add.fetch_add(1, Relaxed);
    }

    pub(super) fn route_delete(&self) {
        self.route_delete.fetch_add(1, Relaxed);
    }

    /// A request of the public.
    pub(super) fn request(&self, websocket: bool) {
        let counter = if websocket { &self.websockets } else { &self.requests };
        counter.fetch_add(1, Relaxed);
    }

    /// Answered, by the target or by an error page.
    pub(super) fn passed(&self, status: StatusCode) {
        count(&self.passed, status);
    }

    pub(super) fn api(&self, status: StatusCode) {
        count(&self.api, status);
    }

    pub(super) fn finding(&self) -> Finding<'_> {
        Finding(self, Instant::now())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let head = |text: &mut String, name: &str, help: &str, kind: &str| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        };
        for (name, help, counter) in [
            ("api_route_get", "Requests for the routing table", &self.route_get),
            ("api_route_add", "Routes set", &self.route_add),
            ("api_route_delete", "Requests to remove a route", &self.route_delete),
            ("requests_ws", "WebSockets asked for", &self.websockets),
            ("requests_web", "Requests to pass on", &self.requests),
        ] {
            head(&mut text, name, help, "counter");
            let _ = writeln!(text, "{name} {}", counter.load(Relaxed));
        }
        for (name, help, counters) in
            [("requests_proxy", "Passed requests by status", &self.passed), ("requests_api", "API requests by status", &self.api)]
        {
            head(&mut text, name, help, "counter");
            for (status, counter) in counters.iter().enumerate() {
                let value = counter.load(Relaxed);
                if value > 0 {
                    let _ = writeln!(text, "{name}{{status=\"{status}\"}} {value}");
                }
            }
        }
        head(&mut text, "find_target_for_req", "Seconds to find a request's route", "summary");
        let _ = writeln!(text, "find_target_for_req_sum {}", self.finding_nanos.load(Relaxed) as f64 / 1e9);
        let _ = writeln!(text, "find_target_for_req_count {}", self.found.load(Relaxed));
        text
    }
}

fn count(counters: &[AtomicU64], status: StatusCode) {
    if let Some(counter) = counters.get(usize::from(status.as_u16())) {
        counter.fetch_add(1, Relaxed);
    }
}

/// Serves them at `/metrics`.
#[derive(Clone)]
pub(super) struct Page {
    shared: Arc<Shared>,
}

impl Page {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Handler for Page {
    async fn answer(&self, request: Request<Incoming>, _: Peer) -> Response<Body> {
        if request.uri().path() != "/metrics" {
            return answers::text(StatusCode::NOT_FOUND, answers::reason(StatusCode::NOT_FOUND));
        }
        answers::typed(StatusCode::OK, TEXT, self.shared.metrics.text())
    }
}
