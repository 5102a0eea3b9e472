//! `Range` of RFC 9110, one range of bytes.

/// What part of a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it: no range, or one that is not understood or has several parts, which a server may ignore.
    Whole,
    /// `length` bytes from `offset`.
    Some { offset: u64, length: u64 },
    /// The range lies outside the file.
    None,
}

/// Reads a `Range` header for a file of `size` bytes.
pub(crate) fn part(header: Option<&str>, size: u64) -> Part {
    let Some((first, last)) = header.and_then(|h| h.trim().strip_prefix("bytes=")).and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    match (first.trim(), last.trim()) {
        ("", last) => match last.parse::<u64>() {
            Ok(0) => Part::None,
            Ok(_) if size == 0 => Part::None,
            Ok(length) => Part::Some { offset: size.saturating_sub(length), length: length.min(size) },
            Err(_) => Part::Whole,
        },
        (first, last) => {
            let Ok(offset) = first.parse::<u64>() else { return Part::Whole };
            let end = if last.is_empty() { Ok(u64::MAX) } else { last.parse::<u64>() };
            match end {
                Ok(end) if end < offset => Part::Whole,
                Ok(_) if offset >= size => Part::None,
                Ok(end) => Part::Some { offset, length: end.min(size - 1) - offset + 1 },
                Err(_) => Part::Whole,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, part};

    #[test]
    fn ranges_of_ten_bytes() {
        let some = |offset, length| Part::Some { offset, length };
        for (header, expected) in [
            (None, Part::Whole),
            (Some("bytes=0-3"), some(0, 4)),
            (Some("bytes=4-"), some(4, 6)),
            (Some("bytes=4-99"), some(4, 6)),
            (Some("bytes=-3"), some(7, 3)),
            (Some("bytes=-99"), some(0, 10)),
            (Some("bytes=9-9"), some(9, 1)),
            (Some("bytes=10-"), Part::None),
            (Some("bytes=-0"), Part::None),
            (Some("bytes=5-2"), Part::Whole),
            (Some("bytes=0-1,3-4"), Part::Whole),
            (Some("lines=0-1"), Part::Whole),
            (Some("bytes=a-b"), Part::Whole),
            (Some("bytes=0-18446744073709551615"), some(0, 10)),
        ] {
            assert_eq!(part(header, 10), expected, "{header:?}");
        }
        assert_eq!(part(Some("bytes=0-"), 0), Part::None);
        assert_eq!(part(Some("bytes=-1"), 0), Part::None);
    }
}
