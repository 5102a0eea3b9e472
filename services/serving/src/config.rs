//! The section `[serving]` of the settings.

use serde::Deserialize;
use std::time::Duration;

/// Settings of the serving service; defaults and meaning are in artel.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Model workers (processes) per endpoint.
    pub workers: usize,
    /// Requests that may wait for a worker of one endpoint.
    pub queue: usize,
    /// Seconds that a request may take, waiting included.
    pub timeout_seconds: u64,
    /// Seconds that a model gets to load.
    pub start_timeout_seconds: u64,
    /// Largest request body, in MiB.
    pub max_request_mib: usize,
    /// Seconds between two looks whether every endpoint serves what it should.
    pub reconcile_seconds: u64,
}

impl Settings {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.max(1))
    }

    pub(crate) fn start_timeout(&self) -> Duration {
        Duration::from_secs(self.start_timeout_seconds.max(1))
    }

    pub(crate) fn max_request(&self) -> usize {
        self.max_request_mib.saturating_mul(1024 * 1024)
    }

    pub(crate) fn repair_every(&self) -> Duration {
        Duration::from_secs(self.reconcile_seconds.max(1))
    }
}
