//! A cron schedule whose runs have partition keys instead of data intervals (airflow/timetables/trigger.py
//! `CronPartitionTimetable`).

use super::trigger::{self, CronTrigger};
use super::{CronSchedule, DataInterval, Ticks, Time, TimeRestriction};
use crate::partition::{format_key, parse_key};
use artel_platform::Result;
use serde_json::{Value, json};

/// The schedule.
#[derive(Debug, Clone)]
pub struct CronPartition {
    trigger: CronTrigger,
    /// How many ticks a partition lies after the tick that it runs at.
    offset: i64,
    format: String,
}

impl CronPartition {
    pub(super) fn read(var: &Value) -> Result<Self> {
        let mut with_interval = var.clone();
        with_interval["interval"] = json!(0.0);
        Ok(Self {
            trigger: CronTrigger::read(&with_interval, &var["expression"])?,
            offset: var["run_offset"].as_i64().unwrap_or(0),
            format: var["key_format"].as_str().unwrap_or("%Y-%m-%dT%H:%M:%S").to_owned(),
        })
    }

    /// Its cron expression.
    pub fn cron(&self) -> &CronSchedule {
        self.trigger.cron()
    }

    /// When the run after `last` is due.
    pub fn next(&self, last: Option<Time>, restriction: &TimeRestriction, now: Time) -> Result<Option<Time>> {
        Ok(trigger::next(&self.trigger, last.map(DataInterval::exact), restriction, now)?.map(|info| info.run_after))
    }

    /// The partition of the run that is due at a tick: the time and its key.
    pub fn partition(&self, run_after: Time) -> Result<(Time, String)> {
        let mut date = run_after;
        for _ in 0..self.offset.abs() {
            date = if self.offset > 0 { self.cron().next(date)? } else { self.cron().prev(date)? };
        }
        Ok((date, format_key(self.cron().zone().wall(date), &self.format)?))
    }

    /// The partitions whose time lies between two, both included: each with its time and key.
    pub fn between(&self, earliest: Time, latest: Time) -> Result<Vec<(Time, String)>> {
        let mut found = Vec::new();
        let mut date = self.cron().align_to_next(earliest)?;
        while date <= latest {
            super::few_enough(found.len(), earliest, latest)?;
            found.push((date, format_key(self.cron().zone().wall(date), &self.format)?));
            date = self.cron().next(date)?;
        }
        Ok(found)
    }

    /// The time that a key names.
    pub fn date_of(&self, key: &str) -> Result<Time> {
        Ok(self.cron().zone().instant(parse_key(key, &self.format)?))
    }
}
