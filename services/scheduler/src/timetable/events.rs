//! Runs at the times of a list (airflow/timetables/events.py).

use super::{DagRunInfo, DataInterval, Time, TimeRestriction};
use artel_platform::{Error, Result};
use serde_json::Value;

/// The list.
#[derive(Debug, Clone)]
pub struct Events {
    /// In order.
    dates: Vec<Time>,
    /// Runs by hand are for one of the dates too.
    restricted: bool,
    pub(super) summary: String,
}

impl Events {
    pub(super) fn read(var: &Value) -> Result<Self> {
        let texts = var["event_dates"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let read = |text: &str| {
            crate::times::parse(text).map(crate::times::at).map_err(|e| Error::invalid(format!("an event at {text:?}: {}", e.message)))
        };
        let mut dates = texts.map(read).collect::<Result<Vec<_>>>()?;
        dates.sort();
        let summary = var["_summary"].as_str().unwrap_or_default().to_owned();
        Ok(Self { dates, restricted: var["restrict_to_events"] == true, summary })
    }

    pub(super) fn next(&self, last: Option<DataInterval>, restriction: &TimeRestriction, now: Time) -> Option<DagRunInfo> {
        let earliest = if restriction.catchup { restriction.earliest } else { Some(restriction.earliest.map_or(now, |at| at.max(now))) };
        let fits = |at: &&Time| earliest.is_none_or(|earliest| **at >= earliest) && last.is_none_or(|last| **at > last.end);
        let at = *self.dates.iter().find(fits)?;
        let over = restriction.latest.is_some_and(|latest| at > latest);
        (!over).then(|| DagRunInfo { run_after: at, interval: DataInterval::exact(at) })
    }

    pub(super) fn manual(&self, run_after: Time) -> DataInterval {
        let past = || self.dates.iter().rev().find(|at| **at <= run_after);
        let date = if self.restricted { past().or(self.dates.first()) } else { None };
        DataInterval::exact(date.copied().unwrap_or(run_after))
    }
}
