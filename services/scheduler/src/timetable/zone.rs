//! A time zone as serialized DAGs name it, and upstream's rule for wall-clock times that do not exist or exist twice.

use super::Time;
use artel_platform::{Error, Result};
use chrono::{FixedOffset, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use serde_json::Value;

/// A time zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Zone {
    /// From the zone database.
    Named(chrono_tz::Tz),
    /// A fixed distance to UTC.
    Fixed(FixedOffset),
}

impl Zone {
    /// UTC.
    pub const UTC: Self = Self::Named(chrono_tz::Tz::UTC);

    /// A name of the zone database, or seconds east of UTC.
    pub fn read(value: &Value) -> Result<Self> {
        if let Some(name) = value.as_str() {
            return name.parse().map(Self::Named).map_err(|_| Error::invalid(format!("unknown time zone {name:?}")));
        }
        let seconds = value.as_f64().map(|s| s as i32).and_then(FixedOffset::east_opt);
        seconds.map(Self::Fixed).ok_or_else(|| Error::invalid(format!("unknown time zone {value}")))
    }

    /// The wall clock at an instant.
    pub fn wall(self, at: Time) -> NaiveDateTime {
        match self {
            Self::Named(zone) => at.with_timezone(&zone).naive_local(),
            Self::Fixed(zone) => at.with_timezone(&zone).naive_local(),
        }
    }

    /// The instant of a wall-clock time. Of a time that exists twice the later instant, and a time that was skipped
    /// moves on by what was skipped (airflow's `make_aware`, pendulum's `convert` with fold=1).
    pub fn instant(self, wall: NaiveDateTime) -> Time {
        match self {
            Self::Fixed(zone) => resolve(zone, wall),
            Self::Named(zone) => resolve(zone, wall),
        }
    }
}

fn resolve<Z: TimeZone>(zone: Z, wall: NaiveDateTime) -> Time {
    match zone.from_local_datetime(&wall) {
        MappedLocalTime::Single(at) => at.to_utc(),
        MappedLocalTime::Ambiguous(_, later) => later.to_utc(),
        MappedLocalTime::None => {
            // the offset that was valid before the gap
            let before = (wall - TimeDelta::days(1)).and_utc();
            let offset = zone.offset_from_utc_datetime(&before.naive_utc()).fix();
            Utc.from_utc_datetime(&(wall - offset))
        }
    }
}
