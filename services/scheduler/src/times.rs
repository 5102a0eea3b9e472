//! Times as they are stored (milliseconds), as Python prints them and as the REST API shows them.

use crate::timetable::Time;
use artel_platform::{Error, Result};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

/// Milliseconds → instant.
pub fn at(millis: i64) -> Time {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// Python's `isoformat()` of a UTC time: `2026-01-01T00:00:00+00:00`, six digits where there is a fraction.
pub fn iso(time: Time) -> String {
    let format = if time.timestamp_subsec_micros() == 0 { "%Y-%m-%dT%H:%M:%S+00:00" } else { "%Y-%m-%dT%H:%M:%S%.6f+00:00" };
    time.format(format).to_string()
}

/// As the REST API shows a time: `2026-01-01T00:00:00Z`, six digits where there is a fraction (pydantic).
pub fn shown(millis: i64) -> String {
    let time = at(millis);
    let digits = if time.timestamp_subsec_micros() == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    time.to_rfc3339_opts(digits, true)
}

/// [`shown`], of a time that may be missing.
pub fn shown_opt(millis: Option<i64>) -> Option<String> {
    millis.map(shown)
}

/// Reads an ISO 8601 time; one without an offset is UTC. A `+` that a URL turned into a blank is understood.
pub fn parse(text: &str) -> Result<i64> {
    let fixed = text.trim().replacen(' ', if text.contains('T') { "+" } else { "T" }, 1);
    if let Ok(time) = DateTime::parse_from_rfc3339(&fixed) {
        return Ok(time.timestamp_millis());
    }
    let naive = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"].iter().find_map(|f| chrono::NaiveDateTime::parse_from_str(&fixed, f).ok());
    let naive = naive.or_else(|| chrono::NaiveDate::parse_from_str(&fixed, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0));
    naive.map(|n| n.and_utc().timestamp_millis()).ok_or_else(|| Error::invalid(format!("{text:?} is no ISO 8601 time")))
}

/// What the clock showed where an ISO 8601 time was written.
pub fn wall(text: &str) -> Option<chrono::NaiveDateTime> {
    let (written, utc) = (DateTime::parse_from_rfc3339(text.trim()).ok()?, Utc);
    Some(written.with_timezone(&utc).naive_utc() + chrono::Duration::seconds(i64::from(written.offset().local_minus_utc())))
}

/// Python's `str()` of a UTC time: `2026-01-01 00:00:00+00:00`.
pub fn python_str(time: DateTime<Utc>) -> String {
    iso(time).replacen('T', " ", 1)
}

/// Seconds between two stored times, where both are known.
pub fn duration(start: Option<i64>, end: Option<i64>) -> Option<f64> {
    Some((end? - start?) as f64 / 1000.0)
}

/// A span in ISO 8601, as pydantic writes it: `P1DT2H`.
pub fn iso_span(span: chrono::TimeDelta) -> String {
    let seconds = span.num_seconds();
    let days = if seconds >= 86_400 { format!("{}D", seconds / 86_400) } else { String::new() };
    let rest = seconds % 86_400;
    let parts = [(rest / 3600, 'H'), (rest / 60 % 60, 'M'), (rest % 60, 'S')];
    let time: String = parts.iter().filter(|p| p.0 > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    format!("P{days}{}{time}", if time.is_empty() { "" } else { "T" })
}

/// A span in milliseconds, as pydantic takes one: ISO 8601 (`P1DT2H3M4.5S`) or seconds.
pub fn span(value: &Value) -> Option<i64> {
    let Value::String(text) = value else { return Some((value.as_f64()? * 1000.0).round() as i64) };
    let (sign, rest) = text.strip_prefix('-').map_or((1.0, text.as_str()), |rest| (-1.0, rest));
    let mut seconds = 0.0;
    let mut number = String::new();
    let mut in_day = false;
    for c in rest.strip_prefix('P')?.chars() {
        let unit = match c {
            '0'..='9' | '.' => {
                number.push(c);
                continue;
            }
            'T' if number.is_empty() && !in_day => {
                in_day = true;
                continue;
            }
            'W' if !in_day => 604_800.0,
            'D' if !in_day => 86_400.0,
            'H' if in_day => 3600.0,
            'M' if in_day => 60.0,
            'S' if in_day => 1.0,
            _ => return None,
        };
        seconds += std::mem::take(&mut number).parse::<f64>().ok()? * unit;
    }
    number.is_empty().then_some((sign * seconds * 1000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_and_json_show_fractions_only_where_there_are_some() {
        assert_eq!(iso(at(1_767_225_600_000)), "2026-01-01T00:00:00+00:00");
        assert_eq!(iso(at(1_767_225_600_123)), "2026-01-01T00:00:00.123000+00:00");
        assert_eq!(shown(1_767_225_600_000), "2026-01-01T00:00:00Z");
        assert_eq!(shown(1_767_225_600_120), "2026-01-01T00:00:00.120000Z");
        assert_eq!(python_str(at(1_767_225_600_000)), "2026-01-01 00:00:00+00:00");
    }

    #[test]
    fn spans_are_read_as_pydantic_writes_them() {
        let cases = [("PT90.5S", 90_500), ("P1DT2H3M4S", 93_784_000), ("-PT1S", -1000), ("P2W", 1_209_600_000), ("PT0S", 0)];
        for (text, millis) in cases {
            assert_eq!(span(&text.into()), Some(millis), "{text}");
        }
        assert_eq!(span(&serde_json::json!(1.5)), Some(1500));
        for text in ["", "5", "P1M", "PT1D", "PT5", "PT1SX"] {
            assert_eq!(span(&text.into()), None, "{text}");
        }
    }

    #[test]
    fn times_are_read_in_the_forms_that_clients_send() {
        for text in [
            "2026-01-01T00:00:00Z",
            "2026-01-01T03:00:00+03:00",
            "2026-01-01T03:00:00 03:00",
            "2026-01-01 00:00:00",
            "2026-01-01",
            "2026-01-01T00:00:00.000000",
        ] {
            assert_eq!(parse(text).unwrap(), 1_767_225_600_000, "{text}");
        }
        assert!(parse("yesterday").is_err());
    }

    #[test]
    fn spans_are_written_as_pydantic_does() {
        use chrono::TimeDelta;
        assert_eq!(iso_span(TimeDelta::hours(2)), "PT2H");
        assert_eq!(iso_span(TimeDelta::seconds(90_061)), "P1DT1H1M1S");
        assert_eq!(iso_span(TimeDelta::days(1)), "P1D");
    }
}
