//! Times in keys, in Python's format language (`strftime`, `strptime`).

use artel_platform::{Error, Result};
use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{NaiveDate, NaiveDateTime};
use std::fmt::Write;

/// The wall-clock time in this format. `{quarter}` is the quarter of the year.
pub fn format_key(at: NaiveDateTime, format: &str) -> Result<String> {
    let mut text = String::new();
    // chrono fails while it writes, for what it does not know
    write!(text, "{}", at.and_utc().format(&native(format))).map_err(|_| Error::invalid(format!("format {format:?} is not understood")))?;
    Ok(text)
}

/// The time that a key names: what the format leaves out is the least there is. Weeks (`%V`) are passed over: the date
/// stands beside them.
pub fn parse_key(key: &str, format: &str) -> Result<NaiveDateTime> {
    let wrong = || Error::invalid(format!("partition key {key:?} does not match the format {format:?}"));
    let native = native(format);
    let items: Vec<Item<'_>> = StrftimeItems::new(&native).collect();
    let mut parsed = Parsed::new();
    parse(&mut parsed, key, items.iter()).map_err(|_| wrong())?;
    let month = parsed.month().or(parsed.quarter().map(|q| q * 3 - 2)).unwrap_or(1);
    let date = NaiveDate::from_ymd_opt(parsed.year().unwrap_or(1900), month, parsed.day().unwrap_or(1)).ok_or_else(wrong)?;
    let hour = parsed.hour_div_12().unwrap_or(0) * 12 + parsed.hour_mod_12().unwrap_or(0);
    let (minute, second) = (parsed.minute().unwrap_or(0), parsed.second().unwrap_or(0));
    date.and_hms_nano_opt(hour, minute, second, parsed.nanosecond().unwrap_or(0)).ok_or_else(wrong)
}

/// Python's directives as chrono has them: its fractions are microseconds.
pub(super) fn native(format: &str) -> String {
    format.replace("%f", "%6f").replace("{quarter}", "%q")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
    }

    #[test]
    fn keys_are_pythons_and_come_back_as_the_begin_of_what_they_name() {
        let time = at("2024-05-13 10:42:15");
        for (format, key, begin) in [
            ("%Y-%m-%dT%H:%M:%S", "2024-05-13T10:42:15", "2024-05-13 10:42:15"),
            ("%Y-%m-%dT%H", "2024-05-13T10", "2024-05-13 10:00:00"),
            ("%Y-%m-%d", "2024-05-13", "2024-05-13 00:00:00"),
            ("%Y-%m", "2024-05", "2024-05-01 00:00:00"),
            ("%Y-Q{quarter}", "2024-Q2", "2024-04-01 00:00:00"),
            ("%Y", "2024", "2024-01-01 00:00:00"),
            ("%Y-%m-%d (W%V)", "2024-05-13 (W20)", "2024-05-13 00:00:00"),
            ("%Y%m%dT%H%M%S.%f", "20240513T104215.000000", "2024-05-13 10:42:15"),
        ] {
            assert_eq!(format_key(time, format).unwrap(), key);
            assert_eq!(parse_key(key, format).unwrap(), at(begin), "{format}");
        }
        for (key, format) in
            [("2024-13", "%Y-%m"), ("2024-01-01x", "%Y-%m-%d"), ("eu", "%Y"), ("2024-Q5", "%Y-Q{quarter}"), ("2024-02-30", "%Y-%m-%d")]
        {
            assert!(parse_key(key, format).is_err(), "{key}");
        }
        assert!(format_key(time, "%!").is_err());
    }
}
