//! The section `[scheduler]` of the settings.

use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// See artel.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    dags: String,
    pub(crate) bundles: Vec<crate::bundles::BundleSettings>,
    pub(crate) paused_at_creation: bool,
    parsers: usize,
    pub(crate) parse_timeout_seconds: f64,
    rescan_seconds: u64,
    pub(crate) warm_parser: bool,
    lease_seconds: u64,
    reconcile_seconds: u64,
    task_token_hours: u64,
    pub(crate) max_map_length: i64,
    pub(crate) trigger_capacity: i64,
    pub(crate) xcom_inline_bytes: usize,
    pub(crate) keep_events_days: u32,
    task_memory_mib: u64,
    task_cpu_seconds: u64,
    task_processes: u64,
}

impl Settings {
    /// Limits of a task's process, as the zygote takes them; none for what is 0.
    pub(crate) fn task_limits(&self) -> HashMap<&'static str, u64> {
        let all = [("memory", self.task_memory_mib << 20), ("cpu_seconds", self.task_cpu_seconds), ("processes", self.task_processes)];
        all.into_iter().filter(|(_, value)| *value > 0).collect()
    }

    /// Where DAG files are.
    pub(crate) fn dags(&self, data: &Path) -> PathBuf {
        if self.dags.is_empty() { data.join("dags") } else { data.join(&self.dags) }
    }

    pub(crate) fn parsers(&self) -> usize {
        self.parsers.max(1)
    }

    pub(crate) fn rescan(&self) -> Duration {
        Duration::from_secs(self.rescan_seconds.max(1))
    }

    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds.max(3))
    }

    pub(crate) fn reconcile(&self) -> Duration {
        Duration::from_secs(self.reconcile_seconds.max(1))
    }

    pub(crate) fn task_token_life(&self) -> Duration {
        Duration::from_secs(self.task_token_hours.max(1) * 3600)
    }
}
