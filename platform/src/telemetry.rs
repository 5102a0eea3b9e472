//! Logs: human lines on a terminal, one JSON object per line elsewhere. And the process's metrics.

use crate::config::Log;
use crate::error::{Error, Result};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging to standard error. Once per process.
pub fn start(log: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|e| Error::invalid(format!("setting log.filter: {e}")))?;
    let human = match log.format.as_str() {
        "human" => true,
        "json" => false,
        "auto" => std::io::stderr().is_terminal(),
        other => return Err(Error::invalid(format!("setting log.format: {other:?} is none of auto, human, json"))),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started =
        if human { builder.with_target(false).try_init() } else { builder.json().flatten_event(true).with_current_span(false).try_init() };
    started.map_err(|_| Error::internal("logging was started twice"))
}

/// The process's metrics in Prometheus' text form.
pub fn metrics() -> String {
    let families = prometheus::gather();
    prometheus::TextEncoder::new().encode_to_string(&families).unwrap_or_default()
}
