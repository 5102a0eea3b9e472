//! The routing table: values by path prefix, the longest wins. A prefix ends at a slash or at the end of the path.

use std::collections::HashMap;

/// Values by path prefix. Slashes at either end of a prefix do not count: `/user/ada`, `user/ada/` are one.
#[derive(Debug)]
pub(crate) struct Prefixes<T> {
    values: HashMap<String, T>,
    /// Segments of the longest prefix there ever was: paths are looked at no further, however long they are.
    deepest: usize,
}

impl<T> Default for Prefixes<T> {
    fn default() -> Self {
        Self { values: HashMap::new(), deepest: 0 }
    }
}

impl<T> FromIterator<(String, T)> for Prefixes<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(all: I) -> Self {
        let mut prefixes = Self::default();
        for (prefix, value) in all {
            prefixes.insert(&prefix, value);
        }
        prefixes
    }
}

impl<T> Prefixes<T> {
    /// Sets the value of a prefix; returns the one it had.
    pub(crate) fn insert(&mut self, prefix: &str, value: T) -> Option<T> {
        let prefix = key(prefix);
        self.deepest = self.deepest.max(prefix.split('/').count());
        self.values.insert(prefix.to_owned(), value)
    }

    pub(crate) fn remove(&mut self, prefix: &str) -> Option<T> {
        self.values.remove(key(prefix))
    }

    /// The value of exactly this prefix.
    pub(crate) fn get(&self, prefix: &str) -> Option<&T> {
        self.values.get(key(prefix))
    }

    /// All, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.values.values()
    }

    /// The value of the longest prefix that `path` has.
    pub(crate) fn longest(&self, path: &str) -> Option<&T> {
        let whole = key(path);
        let end = whole.match_indices('/').nth(self.deepest.saturating_sub(1)).map_or(whole.len(), |(at, _)| at);
        let mut rest = &whole[..end];
        loop {
            if let Some(value) = self.values.get(rest) {
                return Some(value);
            }
            if rest.is_empty() {
                return None;
            }
            rest = rest.rfind('/').map_or("", |at| &rest[..at]);
        }
    }
}

fn key(prefix: &str) -> &str {
    prefix.trim_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the table should do, said as plainly as can be.
    fn model(prefixes: &[(String, usize)], path: &str) -> Option<usize> {
        let segments = |text: &str| -> Vec<String> {
            let text = text.trim_matches('/');
            if text.is_empty() { vec![] } else { text.split('/').map(Into::into).collect() }
        };
        let path = segments(path);
        let matching = prefixes.iter().filter(|(prefix, _)| path.starts_with(&segments(prefix)));
        // of the same prefix, the one that was set last
        matching.enumerate().max_by_key(|(at, (prefix, _))| (segments(prefix).len(), *at)).map(|(_, (_, value))| *value)
    }

    fn path() -> impl Strategy<Value = String> {
        "(/?(a|b|ab|c d|@|%40|ü|)){0,5}/{0,2}"
    }

    proptest! {
        #[test]
        fn the_longest_prefix_wins(all in prop::collection::vec(path(), 0..12), removed in prop::collection::vec(path(), 0..3), asked in prop::collection::vec(path(), 1..20)) {
            let mut listed: Vec<(String, usize)> = all.into_iter().enumerate().map(|(i, prefix)| (prefix, i)).collect();
            let mut table: Prefixes<usize> = listed.iter().cloned().collect();
            for gone in &removed {
                table.remove(gone);
                listed.retain(|(prefix, _)| key(prefix) != key(gone));
            }
            for path in asked {
                prop_assert_eq!(table.longest(&path).copied(), model(&listed, &path), "{}", path);
            }
        }
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        let table: Prefixes<u8> =
            [("/user/ada/".to_owned(), 1), ("/".to_owned(), 0), ("/user/ada/lab".to_owned(), 2)].into_iter().collect();
        for (path, value) in [("/user/ada", 1), ("/user/adam", 0), ("/user/ada/x/y", 1), ("/user/ada/lab/tree", 2), ("//", 0)] {
            assert_eq!(table.longest(path), Some(&value), "{path}");
        }
    }

    #[test]
    fn an_endless_path_costs_no_time() {
        let table: Prefixes<u8> = [("/a/b/c".to_owned(), 1)].into_iter().collect();
        let path = "/a/b".to_owned() + &"/x".repeat(1_000_000);
        let began = std::time::Instant::now();
        assert_eq!(table.longest(&path), None);
        assert!(began.elapsed() < std::time::Duration::from_secs(1));
    }
}
