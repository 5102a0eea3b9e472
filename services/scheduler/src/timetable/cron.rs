//! Cron expressions as Airflow reads them: five fields on the wall clock of a time zone, day of month OR day of week.
//! The search is croner's; this adds croniter's spellings that croner does not know and Airflow's rule for the hour
//! that a clock change repeats (airflow/timetables/_cron.py).

use super::{Ticks, Time, Zone};
use artel_platform::{Error, Result};
use chrono::{NaiveDateTime, Timelike};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde_json::Value;

/// A cron expression in a time zone.
#[derive(Debug, Clone)]
pub struct CronSchedule {
    expression: String,
    cron: Cron,
    zone: Zone,
    every_hour: bool,
}

/// airflow/utils/dates.py `cron_presets`.
const PRESETS: &[(&str, &str)] = &[
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@quarterly", "0 0 1 */3 *"),
    ("@yearly", "0 0 1 1 *"),
];

/// Lowest and highest value of minute, hour, day, month, weekday.
const FIELDS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];

impl CronSchedule {
    /// From the `expression` and `timezone` of a serialized timetable.
    pub fn read(expression: &Value, timezone: &Value) -> Result<Self> {
        let expression = expression.as_str().ok_or_else(|| Error::invalid("a cron timetable without expression"))?;
        Self::new(expression, Zone::read(timezone)?)
    }

    /// Fails with `INVALID_ARGUMENT` for an expression that is none.
    pub fn new(expression: &str, zone: Zone) -> Result<Self> {
        let expanded = PRESETS.iter().find(|p| p.0 == expression).map_or(expression, |p| p.1);
        let wrong = |why: String| Error::invalid(format!("cron expression {expression:?} is not understood: {why}"));
        let normal = normalize(expanded).map_err(wrong)?;
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).sloppy_ranges(true).build();
        let cron = parser.parse(&normal).map_err(|e| wrong(e.to_string()))?;
        let every_hour = (0..24).all(|hour| cron.pattern.hour_match(hour).unwrap_or(false));
        Ok(Self { expression: expanded.to_owned(), cron, zone, every_hour })
    }

    /// As written, presets spelled out.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// Where its clock stands.
    pub(crate) fn zone(&self) -> Zone {
        self.zone
    }

    /// Carries a tick that was found on the wall clock back to an instant.
    fn carry(&self, from: Time, wall: NaiveDateTime, found: NaiveDateTime) -> Time {
        // a schedule of every hour also runs in the hour that the clock repeats: count on from the instant
        if self.every_hour { from + (found - wall) } else { self.zone.instant(found) }
    }

    fn none(&self) -> Error {
        Error::invalid(format!("cron expression {:?} never matches a date", self.expression))
    }
}

impl Ticks for CronSchedule {
    fn next(&self, at: Time) -> Result<Time> {
        let wall = self.zone.wall(at);
        let found = self.cron.find_next_occurrence(&whole_second(wall), false).map_err(|_| self.none())?;
        Ok(self.carry(at, wall, found))
    }

    fn prev(&self, at: Time) -> Result<Time> {
        let wall = self.zone.wall(at);
        let inclusive = wall.nanosecond() != 0;
        let found = self.cron.find_previous_occurrence(&whole_second(wall), inclusive).map_err(|_| self.none())?;
        Ok(self.carry(at, wall, found))
    }

    fn align_to_next(&self, at: Time) -> Result<Time> {
        let next = self.next(at)?;
        Ok(if self.prev(next)? == at { at } else { next })
    }

    fn align_to_prev(&self, at: Time) -> Result<Time> {
        let prev = self.prev(at)?;
        Ok(if self.next(prev)? == at { at } else { prev })
    }

    fn skip_to_latest(&self, earliest: Option<Time>, now: Time) -> Result<Time> {
        let last_start = self.prev(now)?;
        let next_start = self.next(last_start)?;
        let start = if next_start == now { last_start } else { self.prev(last_start)? };
        Ok(match earliest {
            None => start,
            Some(earliest) => start.max(self.align_to_next(earliest)?),
        })
    }
}

fn whole_second(wall: NaiveDateTime) -> NaiveDateTime {
    wall.with_nanosecond(0).unwrap_or(wall)
}

/// croniter's spelling → croner's: a sixth field holds seconds and comes last, ranges may wrap around (`fri-mon`),
/// and a field that lists everything is `*`, which decides whether day of month and day of week are both restricted.
fn normalize(expression: &str) -> Result<String, String> {
    let lower = expression.to_lowercase();
    let mut fields: Vec<&str> = lower.split_whitespace().collect();
    let seconds = if fields.len() == 6 { fields.pop() } else { None };
    if fields.len() != 5 {
        return Err(format!("it has {} fields, not 5", fields.len()));
    }
    let normal: Result<Vec<String>, String> =
        fields.iter().zip(FIELDS).enumerate().map(|(i, (field, bounds))| normalize_field(field, i, bounds)).collect();
    let mut normal = normal?;
    if let Some(seconds) = seconds {
        normal.insert(0, seconds.to_owned());
    }
    Ok(normal.join(" "))
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

fn normalize_field(field: &str, index: usize, (low, high): (u32, u32)) -> Result<String, String> {
    if field == "?" {
        return Ok("*".into());
    }
    let number = |text: &str| -> Option<u32> {
        let named = match index {
            3 => MONTHS.iter().position(|m| *m == text).map(|p| p as u32 + 1),
            4 => WEEKDAYS.iter().position(|d| *d == text).map(|p| p as u32),
            _ => None,
        };
        named.or_else(|| text.parse().ok())
    };
    let mut values = std::collections::BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let ends = match range.split_once('-') {
            _ if range == "*" => Some((low, high)),
            Some((from, to)) => number(from).zip(number(to)),
            None if part.contains('/') => number(range).map(|n| (n, high)),
            None => number(range).map(|n| (n, n)),
        };
        // what is neither number nor range (`L`, `5#2`) is left to croner as it stands
        let (Some((from, to)), Some(step)) = (ends, step.parse::<u32>().ok().filter(|s| *s > 0)) else {
            return Ok(field.to_uppercase());
        };
        let highest = if index == 4 { 7 } else { high };
        if from < low || from > highest || to < low || to > highest {
            return Err(format!("{part} is out of {low}-{highest}"));
        }
        let last = if from > to { to + (high - low + 1) } else { to };
        values.extend((from..=last).step_by(step as usize).map(|v| if v > high { v - (high - low + 1) } else { v }));
    }
    if values.len() as u32 == high - low + 1 {
        return Ok("*".into());
    }
    Ok(values.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
}
