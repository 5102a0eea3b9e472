//! Upstream's metrics (jupyterhub/metrics.py), with its names, for dashboards that know them. What the hub's tables say
//! is read when somebody asks.

use crate::Hub;
use crate::store::{servers, users};
use artel_platform::{Result, ResultExt};
use prometheus::{Encoder, GaugeVec, HistogramOpts, HistogramVec, IntGauge, Opts, Registry, TextEncoder};
use std::time::Instant;

const DAY: i64 = 24 * 60 * 60 * 1000;
/// Upstream's periods of `active_users`, in days.
const PERIODS: &[(&str, i64)] = &[("24h", 1), ("7d", 7), ("30d", 30)];
/// A start takes seconds, not milliseconds (upstream's buckets).
const SPAWN_BUCKETS: &[f64] = &[0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0];

/// What is counted.
pub(crate) struct Metrics {
    registry: Registry,
    running: IntGauge,
    total_users: IntGauge,
    active_users: GaugeVec,
    spawns: HistogramVec,
    stops: HistogramVec,
    logins: HistogramVec,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self> {
        let histogram = |name: &str, help: &str, labels: &[&str], buckets: &[f64]| {
            let options = HistogramOpts::new(name, help).namespace("jupyterhub").buckets(buckets.to_vec());
            HistogramVec::new(options, labels).or_internal("a metric is wrong")
        };
        let gauge = |name: &str, help: &str| Opts::new(name, help).namespace("jupyterhub");
        let metrics = Self {
            registry: Registry::new(),
            running: IntGauge::with_opts(gauge("running_servers", "The number of user servers currently running"))
                .or_internal("a metric is wrong")?,
            total_users: IntGauge::with_opts(gauge("total_users", "Total number of users")).or_internal("a metric is wrong")?,
            active_users: GaugeVec::new(gauge("active_users", "Number of users who were active in the given time period"), &["period"])
                .or_internal("a metric is wrong")?,
            spawns: histogram("server_spawn_duration_seconds", "Time taken for server spawning operation", &["status"], SPAWN_BUCKETS)?,
            stops: histogram("server_stop_seconds", "Time taken for server stopping operation", &["status"], SPAWN_BUCKETS)?,
            logins: histogram("login_duration_seconds", "Duration of authentication attempts", &["status"], prometheus::DEFAULT_BUCKETS)?,
        };
        let all: [Box<dyn prometheus::core::Collector>; 6] = [
            Box::new(metrics.running.clone()),
            Box::new(metrics.total_users.clone()),
            Box::new(metrics.active_users.clone()),
            Box::new(metrics.spawns.clone()),
            Box::new(metrics.stops.clone()),
            Box::new(metrics.logins.clone()),
        ];
        for collector in all {
            metrics.registry.register(collector).or_internal("a metric is wrong")?;
        }
        Ok(metrics)
    }

    /// Measures the start of a server.
    pub(crate) async fn spawn<T>(&self, start: impl Future<Output = Result<T>>) -> Result<T> {
        timed(&self.spawns, start).await
    }

    /// Measures a login.
    pub(crate) async fn login<T>(&self, login: impl Future<Output = Result<T>>) -> Result<T> {
        timed(&self.logins, login).await
    }

    /// Measures the end of a server.
    pub(crate) async fn stop(&self, stop: impl Future<Output = ()>) {
        let _ = timed(&self.stops, async {
            stop.await;
            Ok(())
        })
        .await;
    }
}

async fn timed<T>(into: &HistogramVec, what: impl Future<Output = Result<T>>) -> Result<T> {
    let started = Instant::now();
    let done = what.await;
    let status = if done.is_ok() { "success" } else { "failure" };
    into.with_label_values(&[status]).observe(started.elapsed().as_secs_f64());
    done
}

impl Hub {
    /// The metrics in Prometheus' text form.
    pub(crate) async fn metrics_text(&self) -> Result<String> {
        let metrics = &self.metrics;
        let (_, running) = servers::count_running(&self.db).await?;
        metrics.running.set(running);
        metrics.total_users.set(users::count(&self.db, None).await?);
        let now = self.cx.clock.now();
        for (period, days) in PERIODS {
            let active = users::count(&self.db, Some(now - days * DAY)).await?;
            metrics.active_users.with_label_values(&[period]).set(active as f64);
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&metrics.registry.gather(), &mut text).or_internal("metrics cannot be written")?;
        String::from_utf8(text).or_internal("metrics are no text")
    }
}
