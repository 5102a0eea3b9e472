//! Upstream's way to write time: ISO 8601 with microseconds and a Z.

use artel_platform::{Error, Result};
use chrono::{DateTime, NaiveDateTime, Utc};

/// How far in the future a client's clock may be (upstream's limit).
const AHEAD: i64 = 59 * 60 * 1000;

/// Milliseconds as upstream shows them, e.g. `2025-11-23T06:20:04.120000Z`.
pub(crate) fn iso(millis: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(millis).unwrap_or_default().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// A client's timestamp in milliseconds; without a zone it is UTC. Fails when it cannot be read or lies ahead of `now`.
pub(crate) fn parse(text: &str, now: i64) -> Result<i64> {
    let zoned = DateTime::parse_from_rfc3339(text).map(|t| t.timestamp_millis());
    let parsed = zoned.or_else(|_| text.parse::<NaiveDateTime>().map(|t| t.and_utc().timestamp_millis()));
    let millis = parsed.map_err(|_| Error::invalid(format!("Not a valid timestamp: {text:?}")))?;
    if millis - now > AHEAD {
        return Err(Error::invalid(format!("Rejecting activity from more than an hour in the future: {text}")));
    }
    Ok(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        assert_eq!(iso(1_700_000_000_120), "2023-11-14T22:13:20.120000Z");
        assert_eq!(parse("2023-11-14T22:13:20.120000Z", i64::MAX / 2).unwrap(), 1_700_000_000_120);
        assert_eq!(parse("2023-11-14T23:13:20.120+01:00", i64::MAX / 2).unwrap(), 1_700_000_000_120);
        assert_eq!(parse("2023-11-14T22:13:20.120000", i64::MAX / 2).unwrap(), 1_700_000_000_120);
        assert!(parse("yesterday", 0).is_err());
        assert!(parse("2023-11-14T22:13:20Z", 0).is_err());
    }
}
