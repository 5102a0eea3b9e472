//! Paths of artifacts: relative, `/` between names, never outside their tree.

use artel_platform::{Error, Result};
use percent_encoding::percent_decode_str;
use std::fmt;

/// Longest path in bytes: what an index entry of both engines holds with room to spare.
const MAX_LENGTH: usize = 2000;

/// How often a client may have encoded a path (mlflow/utils/uri.py `_decode`).
const MAX_DECODINGS: usize = 10;

/// A path that is safe to use: no empty names, no `.` or `..`, no backslash, no control characters. May be empty: the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactPath(String);

impl ArtifactPath {
    /// A path as another service names it: a leading or trailing `/` is dropped, nothing is decoded.
    pub fn new(text: &str) -> Result<Self> {
        Self::checked(text.trim_matches('/'))
    }

    /// A path as a client sends it: decoded as long as it changes, so that `%252e%252e` is seen as `..`
    /// (mlflow/utils/uri.py `validate_path_is_safe`).
    pub fn from_client(text: &str) -> Result<Self> {
        let decoded = decode(text)?;
        let bytes = decoded.as_bytes();
        let drive = bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes.get(2).is_none_or(|b| *b == b'/');
        let file_uri = decoded.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("file:"));
        if decoded.starts_with('/') || decoded.contains('#') || drive || file_uri {
            return Err(refused());
        }
        Self::checked(&decoded)
    }

    fn checked(text: &str) -> Result<Self> {
        if text.contains('\\') {
            return Err(refused());
        }
        let mut path = String::with_capacity(text.len());
        for name in text.split('/') {
            match name {
                "" | "." => continue,
                ".." => return Err(refused()),
                _ => {}
            }
            if !path.is_empty() {
                path.push('/');
            }
            escape_controls(name, &mut path);
        }
        if path.len() > MAX_LENGTH {
            return Err(Error::invalid(format!("Invalid path: an artifact path may have {MAX_LENGTH} bytes, this one has {}", path.len())));
        }
        Ok(Self(path))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is it the root?
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last name.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// What every path below this one begins with.
    pub(crate) fn prefix(&self) -> String {
        if self.is_root() { String::new() } else { format!("{}/", self.0) }
    }

    /// Every folder that this path lies in, outermost first, without the root.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Upstream's message, which clients compare.
fn refused() -> Error {
    Error::invalid("Invalid path")
}

fn decode(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for _ in 0..MAX_DECODINGS {
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            return Ok(text);
        }
        text = decoded;
    }
    Err(refused())
}

/// Control characters stay visible (mlflow/utils/uri.py `_escape_control_characters`).
fn escape_controls(name: &str, out: &mut String) {
    for c in name.chars() {
        if c.is_ascii_control() {
            out.push_str(&format!("%{:02x}", c as u32));
        } else {
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ArtifactPath;
    use proptest::prelude::*;

    #[test]
    fn what_leaves_the_tree_is_refused() {
        for bad in [
            "..",
            "../a",
            "a/../b",
            "a/..",
            "%2e%2e/a",
            "%252e%252e/a",
            "a/%2e%2e%2fb",
            "/etc/passwd",
            "%2fetc/passwd",
            "//a",
            "file:///etc/passwd",
            "FILE:x",
            "file%3a///etc",
            "C:/x",
            "c:",
            "C:\\x",
            "..\\a",
            "a\\..\\b",
            "%5c%5chost",
            "a#b",
            "a%23b",
        ] {
            assert!(ArtifactPath::from_client(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_stays_inside_is_tidied() {
        for (given, path) in [
            ("a//b/./c/", "a/b/c"),
            ("a%20b/50%25", "a b/50%"),
            ("..a/b..", "..a/b.."),
            ("п/模", "п/模"),
            ("", ""),
            (".", ""),
            ("a%0ab", "a%0ab"),
            ("time 12:30", "time 12:30"),
            ("a%00b", "a%00b"),
            ("..%00/x", "..%00/x"),
        ] {
            assert_eq!(ArtifactPath::from_client(given).unwrap().as_str(), path, "{given}");
        }
        assert_eq!(ArtifactPath::new("/1/abc/").unwrap().as_str(), "1/abc");
        assert!(ArtifactPath::new("/a/../b").is_err());
    }

    #[test]
    fn ancestors_are_the_folders_above() {
        let path = ArtifactPath::new("a/b/c").unwrap();
        assert_eq!(path.ancestors().collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!((path.name(), path.prefix().as_str()), ("c", "a/b/c/"));
    }

    proptest! {
        #[test]
        fn no_encoding_hides_a_way_out(before in "[a-z]{0,3}(/[a-z]{1,3}){0,2}", after in "(/[a-z]{0,3}){0,2}", times in 0usize..6, mask: u16) {
            let hidden = |c: char, at: usize| mask >> at & 1 == 1 || c == '%';
            let mut text = if before.is_empty() { format!("..{after}") } else { format!("{before}/..{after}") };
            for _ in 0..times {
                let letters = text.chars().enumerate();
                text = letters.map(|(at, c)| if hidden(c, at % 16) { format!("%{:02x}", c as u32) } else { c.to_string() }).collect();
            }
            prop_assert!(ArtifactPath::from_client(&text).is_err(), "{text}");
        }

        #[test]
        fn no_input_gets_out(text in "\\PC{0,40}|([./\\\\%a2e5f]{0,24})") {
            if let Ok(path) = ArtifactPath::from_client(&text) {
                prop_assert!(!path.as_str().starts_with('/'));
                prop_assert!(path.as_str().split('/').all(|name| name != ".." && name != "."));
                prop_assert!(!path.as_str().contains('\\'));
                prop_assert_eq!(ArtifactPath::new(path.as_str()).unwrap(), path);
            }
        }
    }
}
