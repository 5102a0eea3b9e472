//! `[registry]` of artel.toml.

use serde::Deserialize;

/// The registry's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Webhooks may go to `http://` and to addresses that are not public (loopback, private, link-local).
    pub webhook_private_targets: bool,
    /// Seconds that a receiver has to answer.
    pub webhook_timeout_seconds: u64,
    /// How often a delivery is tried.
    pub webhook_attempts: u32,
    /// Seconds before the second attempt; each further one waits twice as long, at most an hour.
    pub webhook_retry_seconds: f64,
    /// Days that finished deliveries stay in the log.
    pub webhook_log_days: u32,
}
