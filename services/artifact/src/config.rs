//! `[artifact]` of artel.toml.

use serde::Deserialize;

/// Settings of the artifact service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How long bytes that no path points to any more are kept, in seconds: readers under way finish in that time.
    pub grace_seconds: i64,
    /// How long an upload may take before its bytes count as left behind, in seconds.
    pub upload_seconds: i64,
    /// How often what is due is freed, in seconds.
    pub sweep_seconds: u64,
}
