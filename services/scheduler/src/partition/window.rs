//! What makes up a period: the keys of its parts (airflow/partition_mappers/window.py), and how many of them are enough
//! (wait_policy.py).

use artel_platform::{Error, Result};
use chrono::{Datelike, Months, NaiveDateTime, TimeDelta};
use serde_json::Value;
use std::collections::BTreeSet;

/// A period.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Window {
    /// So many equal steps.
    Steps { step: TimeDelta, count: i32, backward: bool },
    /// The days of a month, or those that lead to its first one.
    Month { backward: bool },
    /// So many months.
    Months { count: i32, backward: bool },
    /// Names, whatever the period.
    Segments(BTreeSet<String>),
}

/// What a period decodes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    At(NaiveDateTime),
    Named(String),
}

impl Window {
    pub(super) fn read(value: &Value) -> Result<Self> {
        let class = value["__type"].as_str().unwrap_or_default();
        let var = &value["__var"];
        let backward = var["direction"] == "backward";
        let steps = |step, count| Self::Steps { step, count, backward };
        Ok(match class.strip_prefix("airflow.partition_mappers.window.").unwrap_or(class) {
            "HourWindow" => steps(TimeDelta::minutes(1), 60),
            "DayWindow" => steps(TimeDelta::hours(1), 24),
            "WeekWindow" => steps(TimeDelta::days(1), 7),
            "MonthWindow" => Self::Month { backward },
            "QuarterWindow" => Self::Months { count: 3, backward },
            "YearWindow" => Self::Months { count: 12, backward },
            "SegmentWindow" => {
                Self::Segments(var["segments"].as_array().into_iter().flatten().filter_map(|s| s.as_str().map(Into::into)).collect())
            }
            other => return Err(Error::invalid(format!("partition window {other} is not built in"))),
        })
    }

    /// The parts of the period that begins (backward: ends) with this.
    pub(super) fn parts(&self, period: &Part) -> Result<Vec<Part>> {
        let at = match (self, period) {
            (Self::Segments(names), _) => return Ok(names.iter().cloned().map(Part::Named).collect()),
            (_, Part::At(at)) => *at,
            (_, Part::Named(name)) => return Err(Error::invalid(format!("{name:?} is no time, and its window is one of times"))),
        };
        if !matches!(self, Self::Steps { .. }) && at.day() != 1 {
            return Err(Error::invalid(format!("a window of months begins on day 1, not at {at}")));
        }
        let first = |count: i32, backward: bool| if backward { 1 - count } else { 0 };
        Ok(match self {
            Self::Steps { step, count, backward } => {
                let begin = first(*count, *backward);
                (begin..begin + count).map(|i| Part::At(at + *step * i)).collect()
            }
            Self::Months { count, backward } => {
                let begin = first(*count, *backward);
                (begin..begin + count).map(|i| shifted(at, i).map(Part::At)).collect::<Result<_>>()?
            }
            Self::Month { backward: false } => days(at, shifted(at, 1)?),
            Self::Month { backward: true } => days(shifted(at, -1)? + TimeDelta::days(1), at + TimeDelta::days(1)),
            Self::Segments(_) => Vec::new(),
        })
    }
}

fn shifted(at: NaiveDateTime, months: i32) -> Result<NaiveDateTime> {
    let by = Months::new(months.unsigned_abs());
    let there = if months < 0 { at.checked_sub_months(by) } else { at.checked_add_months(by) };
    there.ok_or_else(|| Error::invalid(format!("{at} is too far away")))
}

fn days(from: NaiveDateTime, to: NaiveDateTime) -> Vec<Part> {
    (0..(to - from).num_days()).map(|i| Part::At(from + TimeDelta::days(i))).collect()
}

/// How much of what is expected is enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum WaitPolicy {
    All,
    /// At least so many; below 0 all but so many.
    Minimum(i64),
}

impl WaitPolicy {
    pub(super) fn read(value: &Value) -> Result<Self> {
        let class = value["__type"].as_str().unwrap_or_default();
        match class.rsplit('.').next().unwrap_or_default() {
            "" | "WaitForAll" => Ok(Self::All),
            "MinimumCount" => Ok(Self::Minimum(value["__var"]["n"].as_i64().unwrap_or(1))),
            other => Err(Error::invalid(format!("wait policy {other} is not built in"))),
        }
    }

    pub(super) fn is_satisfied(self, arrived: &BTreeSet<String>, expected: &BTreeSet<String>) -> bool {
        let (matched, all) = (arrived.intersection(expected).count() as i64, expected.len() as i64);
        match self {
            Self::All => matched == all,
            Self::Minimum(n) if n > 0 => matched >= n,
            Self::Minimum(n) => matched >= (all + n).max(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parts(class: &str, direction: &str, at: &str) -> Vec<String> {
        let window = json!({"__type": format!("airflow.partition_mappers.window.{class}"), "__var": {"direction": direction}});
        let at = NaiveDateTime::parse_from_str(&format!("{at}:00"), "%Y-%m-%d %H:%M").unwrap();
        let all = Window::read(&window).unwrap().parts(&Part::At(at)).unwrap();
        all.iter().map(|p| if let Part::At(at) = p { at.format("%m-%d %H:%M").to_string() } else { String::new() }).collect()
    }

    /// Counts, first and last members as upstream's classes give them.
    #[test]
    fn windows_have_upstreams_members() {
        for (class, direction, at, count, first, last) in [
            ("HourWindow", "forward", "2024-03-01 05", 60, "03-01 05:00", "03-01 05:59"),
            ("DayWindow", "forward", "2024-03-01 00", 24, "03-01 00:00", "03-01 23:00"),
            ("DayWindow", "backward", "2024-03-01 00", 24, "02-29 01:00", "03-01 00:00"),
            ("WeekWindow", "forward", "2024-02-26 00", 7, "02-26 00:00", "03-03 00:00"),
            ("MonthWindow", "forward", "2024-02-01 00", 29, "02-01 00:00", "02-29 00:00"),
            ("MonthWindow", "backward", "2024-03-01 00", 29, "02-02 00:00", "03-01 00:00"),
            ("QuarterWindow", "forward", "2024-10-01 00", 3, "10-01 00:00", "12-01 00:00"),
            ("YearWindow", "backward", "2024-01-01 00", 12, "02-01 00:00", "01-01 00:00"),
        ] {
            let all = parts(class, direction, at);
            assert_eq!((all.len(), all[0].as_str(), all[count - 1].as_str()), (count, first, last), "{class} {direction}");
        }
        assert!(Window::Month { backward: false }.parts(&Part::At(NaiveDateTime::MIN + TimeDelta::days(1))).is_err());
        assert!(Window::Month { backward: false }.parts(&Part::Named("eu".into())).is_err());
    }

    #[test]
    fn policies_say_when_it_is_enough() {
        let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
        let (expected, some) = (set(&["a", "b", "c"]), set(&["a", "b", "x"]));
        for (policy, enough) in
            [(WaitPolicy::All, false), (WaitPolicy::Minimum(2), true), (WaitPolicy::Minimum(3), false), (WaitPolicy::Minimum(-1), true)]
        {
            assert_eq!(policy.is_satisfied(&some, &expected), enough, "{policy:?}");
        }
        assert!(WaitPolicy::All.is_satisfied(&expected, &expected));
        assert!(WaitPolicy::All.is_satisfied(&some, &set(&[])));
    }
}
