//! Spans of time: seconds, or dateutil's `relativedelta` with months and years.

use super::{Ticks, Time};
use artel_platform::{Error, Result};
use chrono::{Months, TimeDelta};
use serde_json::Value;
use std::fmt;

/// A span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delta {
    months: i64,
    rest: TimeDelta,
    /// Months and years step from the start date, other spans from a grid that begins in 1970.
    relative: bool,
}

/// Keys of a serialized `relativedelta` and the milliseconds of one unit.
const UNITS: &[(&str, f64)] = &[
    ("weeks", 604_800_000.0),
    ("days", 86_400_000.0),
    ("hours", 3_600_000.0),
    ("minutes", 60_000.0),
    ("seconds", 1000.0),
    ("microseconds", 0.001),
];

impl Delta {
    /// Seconds, or a map of units.
    pub fn read(value: &Value) -> Result<Self> {
        if let Some(seconds) = value.as_f64() {
            return Ok(Self { months: 0, rest: TimeDelta::milliseconds((seconds * 1000.0).round() as i64), relative: false });
        }
        let map = value.as_object().ok_or_else(|| Error::invalid(format!("a span of time is not understood: {value}")))?;
        let mut delta = Self { relative: true, ..Self::default() };
        for (key, value) in map {
            let amount = value.as_f64().unwrap_or_default();
            match key.as_str() {
                "years" => delta.months += amount as i64 * 12,
                "months" => delta.months += amount as i64,
                _ => match UNITS.iter().find(|u| u.0 == key) {
                    Some((_, millis)) => delta.rest += TimeDelta::milliseconds((amount * millis).round() as i64),
                    None => return Err(Error::invalid(format!("a relativedelta with {key} is not supported in a schedule"))),
                },
            }
        }
        Ok(delta)
    }

    /// `at` plus the span.
    pub fn after(&self, at: Time) -> Time {
        shift_months(at, self.months) + self.rest
    }

    /// `at` minus the span.
    pub fn before(&self, at: Time) -> Time {
        shift_months(at, -self.months) - self.rest
    }

    /// The last boundary at or before `at` (airflow/timetables/interval.py `_round`).
    fn round(&self, at: Time, anchor: Time) -> Time {
        if self.relative && self.months != 0 {
            let mut boundary = anchor;
            while self.after(boundary) <= at && self.after(boundary) > boundary {
                boundary = self.after(boundary);
            }
            return boundary;
        }
        let step = self.rest.num_milliseconds().max(1);
        at - TimeDelta::milliseconds(at.timestamp_millis().rem_euclid(step))
    }
}

/// By whole months, the day held within the month as dateutil does.
fn shift_months(at: Time, months: i64) -> Time {
    let count = Months::new(months.unsigned_abs() as u32);
    let shifted = if months < 0 { at.checked_sub_months(count) } else { at.checked_add_months(count) };
    shifted.unwrap_or(at)
}

impl Ticks for Delta {
    fn next(&self, at: Time) -> Result<Time> {
        Ok(self.after(at))
    }

    fn prev(&self, at: Time) -> Result<Time> {
        Ok(self.before(at))
    }

    fn align_to_next(&self, at: Time) -> Result<Time> {
        Ok(at)
    }

    fn align_to_prev(&self, at: Time) -> Result<Time> {
        Ok(at)
    }

    fn skip_to_latest(&self, earliest: Option<Time>, now: Time) -> Result<Time> {
        let start = self.before(self.round(now, earliest.unwrap_or(now)));
        Ok(earliest.map_or(start, |earliest| start.max(earliest)))
    }
}

/// As Python prints a `timedelta` or a `relativedelta`.
impl fmt::Display for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.rest.num_seconds();
        let (days, seconds) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        if self.relative {
            let parts = [
                ("years", self.months / 12),
                ("months", self.months % 12),
                ("days", days),
                ("hours", seconds / 3600),
                ("minutes", seconds / 60 % 60),
                ("seconds", seconds % 60),
            ];
            let shown: Vec<String> = parts.iter().filter(|p| p.1 != 0).map(|(unit, n)| format!("{unit}={n:+}")).collect();
            return write!(f, "relativedelta({})", shown.join(", "));
        }
        match days {
            0 => {}
            1 => write!(f, "1 day, ")?,
            n => write!(f, "{n} days, ")?,
        }
        write!(f, "{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}
