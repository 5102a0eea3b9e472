//! `Range` of a read (Amazon S3 API reference, "GetObject"): one range of bytes; anything else reads the whole object.

use artel_platform::{Error, Result};

/// Offset and length of what is asked for; `None`: everything. Fails with `InvalidRange` when it lies outside.
pub(super) fn range(header: Option<&str>, size: u64) -> Result<Option<(u64, u64)>> {
    let Some((first, last)) = header.and_then(|h| h.strip_prefix("bytes=")).and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let found = match (number(first), number(last)) {
        (Some(first), None) if last.trim().is_empty() => first..=u64::MAX,
        (Some(first), Some(last)) if first <= last => first..=last,
        (None, Some(0)) if first.trim().is_empty() => return Err(outside(size)),
        (None, Some(length)) if first.trim().is_empty() => size.saturating_sub(length)..=u64::MAX,
        _ => return Ok(None),
    };
    match size.checked_sub(1).map(|end| (*found.start(), end.min(*found.end()))) {
        Some((first, last)) if first <= last => Ok(Some((first, last - first + 1))),
        _ => Err(outside(size)),
    }
}

pub(super) fn outside(size: u64) -> Error {
    Error::invalid(format!("the range lies outside the object of {size} bytes")).reason("InvalidRange")
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_of_ten_bytes() {
        for (header, expected) in [
            (None, None),
            (Some("bytes=0-3"), Some((0, 4))),
            (Some("bytes=4-"), Some((4, 6))),
            (Some("bytes=4-99"), Some((4, 6))),
            (Some("bytes=-3"), Some((7, 3))),
            (Some("bytes=-99"), Some((0, 10))),
            (Some("bytes=9-9"), Some((9, 1))),
            (Some("bytes=5-2"), None),
            (Some("bytes=0-1,3-4"), None),
            (Some("lines=0-1"), None),
            (Some("bytes=a-b"), None),
            (Some("bytes=0-18446744073709551615"), Some((0, 10))),
        ] {
            assert_eq!(range(header, 10).unwrap(), expected, "{header:?}");
        }
        for (header, size) in [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-1", 0)] {
            assert_eq!(range(Some(header), size).unwrap_err().reason, Some("InvalidRange"), "{header}");
        }
    }
}
