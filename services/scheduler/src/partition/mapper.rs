//! How a key of what a DAG takes becomes keys of what it makes (airflow/partition_mappers).

use super::keys::native;
use super::window::{Part, WaitPolicy, Window};
use super::{format_key, parse_key};
use crate::timetable::{Time, Zone};
use artel_platform::{Error, Result};
use chrono::{Datelike, NaiveDateTime, TimeDelta, Timelike};
use serde_json::Value;
use std::collections::BTreeSet;

/// Keys that one key may become, unless the mapper says otherwise (`scheduler.partition_mapper_max_downstream_keys`).
const MOST: usize = 1000;

/// A rule.
#[derive(Debug, Clone)]
pub struct Mapper {
    kind: Kind,
    most: usize,
}

#[derive(Debug, Clone)]
enum Kind {
    Identity,
    Allowed(Vec<String>),
    Fixed(String),
    Chain(Vec<Mapper>),
    Product {
        mappers: Vec<Mapper>,
        delimiter: String,
    },
    Begin(Begin),
    FanOut {
        upstream: Box<Mapper>,
        window: Window,
        downstream: Box<Mapper>,
    },
    Rollup {
        upstream: Box<Mapper>,
        window: Window,
        policy: WaitPolicy,
    },
    /// A class of a plug-in: it maps nothing.
    Unknown(String),
}

/// To the begin of a period.
#[derive(Debug, Clone)]
struct Begin {
    period: Period,
    zone: Zone,
    input: String,
    output: String,
}

#[derive(Debug, Clone, Copy)]
enum Period {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Mapper {
    /// Reads `{"__type": …, "__var": …}`.
    pub fn read(value: &Value) -> Result<Self> {
        let class = value["__type"].as_str().ok_or_else(|| Error::invalid("a partition mapper without __type"))?;
        let var = &value["__var"];
        let texts = |key: &str| var[key].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect();
        let mappers = || var["mappers"].as_array().into_iter().flatten().map(Self::read).collect::<Result<Vec<_>>>();
        let inner = |key: &str| Self::read(&var[key]).map(Box::new);
        let text = |key: &str| var[key].as_str().unwrap_or_default().to_owned();
        let built_in = class.strip_prefix("airflow.partition_mappers.").and_then(|rest| rest.split('.').nth(1));
        let kind = match built_in {
            Some("IdentityMapper") => Kind::Identity,
            Some("AllowedKeyMapper") => Kind::Allowed(texts("allowed_keys")),
            Some("FixedKeyMapper") => Kind::Fixed(text("downstream_key")),
            Some("ChainMapper") => Kind::Chain(mappers()?),
            Some("ProductMapper") => Kind::Product { mappers: mappers()?, delimiter: var["delimiter"].as_str().unwrap_or("|").to_owned() },
            Some("FanOutMapper") => Kind::FanOut {
                upstream: inner("upstream_mapper")?,
                window: Window::read(&var["window"])?,
                downstream: inner("downstream_mapper")?,
            },
            Some("RollupMapper") => Kind::Rollup {
                upstream: inner("upstream_mapper")?,
                window: Window::read(&var["window"])?,
                policy: WaitPolicy::read(&var["wait_policy"])?,
            },
            Some(name) => match Period::of(name) {
                Some(period) => Kind::Begin(Begin {
                    period,
                    zone: Zone::read(&var["timezone"])?,
                    input: text("input_format"),
                    output: text("output_format"),
                }),
                None => Kind::Unknown(class.to_owned()),
            },
            None => Kind::Unknown(class.to_owned()),
        };
        Ok(Self { kind, most: var["max_downstream_keys"].as_u64().map_or(MOST, |n| n as usize) })
    }

    /// The keys that a key becomes; an error for a key that does not fit, and for too many.
    pub fn to_downstream(&self, key: &str) -> Result<Vec<String>> {
        let keys = self.mapped(key)?;
        if keys.len() > self.most {
            return Err(Error::invalid(format!("partition key {key:?} becomes {} keys, more than {}", keys.len(), self.most)));
        }
        Ok(keys)
    }

    fn mapped(&self, key: &str) -> Result<Vec<String>> {
        Ok(match &self.kind {
            Kind::Identity => vec![key.to_owned()],
            Kind::Fixed(fixed) => vec![fixed.clone()],
            Kind::Allowed(allowed) if allowed.iter().any(|a| a == key) => vec![key.to_owned()],
            Kind::Allowed(allowed) => return Err(Error::invalid(format!("partition key {key:?} is none of {}", allowed.join(", ")))),
            Kind::Chain(mappers) => {
                let mut keys = vec![key.to_owned()];
                for mapper in mappers {
                    let next: Result<Vec<_>> = keys.iter().map(|k| mapper.mapped(k)).collect();
                    keys = next?.concat();
                }
                keys
            }
            Kind::Product { mappers, delimiter } => {
                let segments: Vec<&str> = key.split(delimiter.as_str()).collect();
                if segments.len() != mappers.len() {
                    return Err(Error::invalid(format!("partition key {key:?} has {} segments, not {}", segments.len(), mappers.len())));
                }
                let each: Result<Vec<String>> = mappers.iter().zip(segments).map(|(m, s)| m.single(s)).collect();
                vec![each?.join(delimiter.as_str())]
            }
            Kind::Begin(begin) => vec![begin.format(begin.of(begin.zone_wall(key)?))?],
            Kind::FanOut { upstream, window, downstream } => {
                let coarse = upstream.decoded(&upstream.single(key)?)?;
                window.parts(&coarse)?.iter().map(|part| downstream.formatted(part)).collect::<Result<_>>()?
            }
            Kind::Rollup { upstream, .. } => upstream.mapped(key)?,
            Kind::Unknown(class) => return Err(Error::invalid(format!("partition mapper {class} is not built in"))),
        })
    }

    fn single(&self, key: &str) -> Result<String> {
        match self.mapped(key)?.as_slice() {
            [one] => Ok(one.clone()),
            many => Err(Error::invalid(format!("partition key {key:?} becomes {} keys where one is needed", many.len()))),
        }
    }

    /// What a key that it made stands for.
    fn decoded(&self, key: &str) -> Result<Part> {
        match &self.kind {
            Kind::Begin(begin) => Ok(Part::At(parse_key(key, &begin.output)?)),
            _ => Ok(Part::Named(key.to_owned())),
        }
    }

    /// A part of a period in the form of its own keys.
    fn formatted(&self, part: &Part) -> Result<String> {
        match (&self.kind, part) {
            (Kind::Begin(begin), Part::At(at)) => begin.format(*at),
            (_, Part::At(at)) => format_key(*at, "%Y-%m-%dT%H:%M:%S"),
            (_, Part::Named(name)) => Ok(name.clone()),
        }
    }

    /// A part of a period in the form of the keys that come in.
    fn encoded(&self, part: &Part) -> Result<String> {
        match (&self.kind, part) {
            (Kind::Begin(begin), Part::At(at)) => format_key(begin.zone.wall(begin.zone.instant(*at)), &begin.input),
            (_, part) => self.formatted(part),
        }
    }

    /// The begin of the period that one of its keys names; `None` where the key names no time, or more than one.
    pub fn partition_date(&self, key: &str) -> Result<Option<Time>> {
        match &self.kind {
            Kind::Begin(begin) => Ok(Some(begin.zone.instant(begin.of(parse_key(key, &begin.output)?)))),
            Kind::Chain(mappers) => mappers.last().map_or(Ok(None), |m| m.partition_date(key)),
            Kind::FanOut { downstream, .. } => downstream.partition_date(key),
            Kind::Rollup { upstream, .. } => upstream.partition_date(key),
            Kind::Product { mappers, delimiter } => {
                let segments: Vec<&str> = key.split(delimiter.as_str()).collect();
                if segments.len() != mappers.len() {
                    return Ok(None);
                }
                let each: Result<Vec<Option<Time>>> = mappers.iter().zip(segments).map(|(m, s)| m.partition_date(s)).collect();
                let dates: Vec<Time> = each?.into_iter().flatten().collect();
                Ok(if let [one] = dates.as_slice() { Some(*one) } else { None })
            }
            Kind::Identity | Kind::Allowed(_) | Kind::Fixed(_) | Kind::Unknown(_) => Ok(None),
        }
    }

    /// Its keys mean what they meant where they came from.
    pub fn carries_date(&self) -> bool {
        matches!(self.kind, Kind::Identity)
    }

    /// Have enough keys arrived for the key that it made of them?
    pub fn is_satisfied(&self, key: &str, arrived: &BTreeSet<String>) -> Result<bool> {
        let Kind::Rollup { upstream, window, policy } = &self.kind else { return Ok(true) };
        let parts = window.parts(&upstream.decoded(key)?)?;
        let expected: BTreeSet<String> = parts.iter().map(|part| upstream.encoded(part)).collect::<Result<_>>()?;
        Ok(policy.is_satisfied(arrived, &expected))
    }
}

impl Period {
    fn of(class: &str) -> Option<Self> {
        Some(match class {
            "StartOfHourMapper" => Self::Hour,
            "StartOfDayMapper" => Self::Day,
            "StartOfWeekMapper" => Self::Week,
            "StartOfMonthMapper" => Self::Month,
            "StartOfQuarterMapper" => Self::Quarter,
            "StartOfYearMapper" => Self::Year,
            _ => return None,
        })
    }
}

impl Begin {
    /// The wall-clock time of a key that came in.
    fn zone_wall(&self, key: &str) -> Result<NaiveDateTime> {
        if self.input.contains("%z") {
            let at = chrono::DateTime::parse_from_str(key, &native(&self.input))
                .map_err(|_| Error::invalid(format!("partition key {key:?} does not match the format {:?}", self.input)))?;
            return Ok(self.zone.wall(at.to_utc()));
        }
        Ok(self.zone.wall(self.zone.instant(parse_key(key, &self.input)?)))
    }

    fn of(&self, at: NaiveDateTime) -> NaiveDateTime {
        let day = at.date();
        let hour = at
            - TimeDelta::minutes(i64::from(at.minute()))
            - TimeDelta::seconds(i64::from(at.second()))
            - TimeDelta::nanoseconds(i64::from(at.nanosecond()));
        let first = match self.period {
            Period::Hour => return hour,
            Period::Day => Some(day),
            Period::Week => Some(day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday()))),
            Period::Month => day.with_day(1),
            Period::Quarter => day.with_day(1).and_then(|d| d.with_month0(d.month0() / 3 * 3)),
            Period::Year => chrono::NaiveDate::from_ymd_opt(day.year(), 1, 1),
        };
        first.unwrap_or(day).and_time(chrono::NaiveTime::MIN)
    }

    fn format(&self, at: NaiveDateTime) -> Result<String> {
        format_key(at, &self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn begin(class: &str, output: &str, zone: &str) -> Value {
        json!({"__type": format!("airflow.partition_mappers.temporal.{class}"),
            "__var": {"timezone": zone, "input_format": "%Y-%m-%dT%H:%M:%S", "output_format": output}})
    }

    fn mapped(mapper: &Value, key: &str) -> Vec<String> {
        Mapper::read(mapper).unwrap().to_downstream(key).unwrap()
    }

    #[test]
    fn times_go_to_the_begin_of_their_period() {
        for (class, output, key) in [
            ("StartOfHourMapper", "%Y-%m-%dT%H", "2024-03-13T10"),
            ("StartOfDayMapper", "%Y-%m-%d", "2024-03-13"),
            ("StartOfWeekMapper", "%Y-%m-%d (W%V)", "2024-03-11 (W11)"),
            ("StartOfMonthMapper", "%Y-%m", "2024-03"),
            ("StartOfQuarterMapper", "%Y-Q{quarter}", "2024-Q1"),
            ("StartOfYearMapper", "%Y", "2024"),
        ] {
            assert_eq!(mapped(&begin(class, output, "UTC"), "2024-03-13T10:42:15"), [key]);
        }
        let zoned = Mapper::read(&begin("StartOfDayMapper", "%Y-%m-%d", "Europe/Berlin")).unwrap();
        assert_eq!(zoned.partition_date("2024-07-01").unwrap().unwrap().to_rfc3339(), "2024-06-30T22:00:00+00:00");
        assert!(zoned.to_downstream("2024-03-13").is_err());
    }

    #[test]
    fn keys_are_checked_chained_multiplied_and_fanned_out() {
        let allowed = json!({"__type": "airflow.partition_mappers.allowed_key.AllowedKeyMapper", "__var": {"allowed_keys": ["eu", "us"]}});
        assert_eq!(mapped(&allowed, "eu"), ["eu"]);
        assert!(Mapper::read(&allowed).unwrap().to_downstream("mars").is_err());
        let day = begin("StartOfDayMapper", "%Y-%m-%d", "UTC");
        let product =
            json!({"__type": "airflow.partition_mappers.product.ProductMapper", "__var": {"delimiter": "|", "mappers": [allowed, day]}});
        assert_eq!(mapped(&product, "eu|2024-03-13T10:42:15"), ["eu|2024-03-13"]);
        let product = Mapper::read(&product).unwrap();
        assert_eq!(product.partition_date("eu|2024-03-13").unwrap().unwrap().to_rfc3339(), "2024-03-13T00:00:00+00:00");
        assert!(product.to_downstream("eu").is_err());
        let window = json!({"__type": "airflow.partition_mappers.window.WeekWindow", "__var": {"direction": "forward"}});
        let fan = json!({"__type": "airflow.partition_mappers.temporal.FanOutMapper", "__var": {
            "upstream_mapper": begin("StartOfWeekMapper", "%Y-%m-%d (W%V)", "UTC"), "window": window, "downstream_mapper": day}});
        let days = mapped(&fan, "2024-03-13T10:42:15");
        assert_eq!((days.len(), days[0].as_str(), days[6].as_str()), (7, "2024-03-11", "2024-03-17"));
        let mut few = fan.clone();
        few["__var"]["max_downstream_keys"] = json!(6);
        assert!(Mapper::read(&few).unwrap().to_downstream("2024-03-13T10:42:15").unwrap_err().message.contains("7 keys, more than 6"));
        assert!(Mapper::read(&json!({"__type": "mine.Mapper", "__var": {}})).unwrap().to_downstream("x").is_err());
    }

    #[test]
    fn a_rollup_waits_for_the_keys_of_its_window() {
        let window = json!({"__type": "airflow.partition_mappers.window.QuarterWindow", "__var": {"direction": "forward"}});
        let rollup = json!({"__type": "airflow.partition_mappers.base.RollupMapper", "__var": {
            "upstream_mapper": begin("StartOfQuarterMapper", "%Y-Q{quarter}", "UTC"), "window": window,
            "wait_policy": {"__type": "airflow.partition_mappers.wait_policy.WaitForAll", "__var": {}}}});
        let rollup = Mapper::read(&rollup).unwrap();
        let months = ["2024-04-01T00:00:00", "2024-05-01T00:00:00", "2024-06-01T00:00:00"];
        assert_eq!(rollup.to_downstream(months[1]).unwrap(), ["2024-Q2"]);
        let arrived = |n: usize| months[..n].iter().map(|m| (*m).to_owned()).collect::<BTreeSet<_>>();
        assert!(!rollup.is_satisfied("2024-Q2", &arrived(2)).unwrap());
        assert!(rollup.is_satisfied("2024-Q2", &arrived(3)).unwrap());
        assert!(rollup.is_satisfied("nonsense", &arrived(3)).is_err());
        let segments = json!({"__type": "airflow.partition_mappers.base.RollupMapper", "__var": {
            "upstream_mapper": {"__type": "airflow.partition_mappers.fixed_key.FixedKeyMapper", "__var": {"downstream_key": "all"}},
            "window": {"__type": "airflow.partition_mappers.window.SegmentWindow", "__var": {"segments": ["eu", "us"]}},
            "wait_policy": {"__type": "airflow.partition_mappers.wait_policy.MinimumCount", "__var": {"n": -1}}}});
        let segments = Mapper::read(&segments).unwrap();
        assert_eq!(segments.to_downstream("eu").unwrap(), ["all"]);
        assert!(segments.is_satisfied("all", &["us".to_owned()].into()).unwrap());
        assert!(!segments.is_satisfied("all", &["mars".to_owned()].into()).unwrap());
    }
}
