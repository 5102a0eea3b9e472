//! Which routes are looked through for a request. A path with parameters is matched by an expression, which takes long, and each
//! request goes through the list until one fits: so those that begin alike stand in a scope, and the others are passed over.

/// The part of `path` before its first parameter, without the slash at its end.
fn fixed_part(path: &str) -> &str {
    let before = path.split('{').next().unwrap_or_default();
    before.rsplit_once('/').map_or("", |(fixed, _)| fixed)
}

/// Does `path` lie at or below `prefix`?
pub(super) fn is_within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the scopes of these paths begin with, where at least so many share it: a scope has its own price. No scope lies within
/// another: a request is for one of them at most.
pub(super) fn prefixes<'a>(paths: impl Iterator<Item = &'a str>, at_least: usize) -> Vec<&'a str> {
    let mut fixed: Vec<&str> = paths.filter(|path| path.contains('{')).map(fixed_part).collect();
    fixed.sort_unstable_by_key(|prefix| prefix.len());
    let mut groups: Vec<(&str, usize)> = Vec::new();
    for prefix in fixed {
        match groups.iter_mut().find(|(shorter, _)| is_within(prefix, shorter)) {
            Some((_, count)) => *count += 1,
            None => groups.push((prefix, 1)),
        }
    }
    groups.into_iter().filter(|(_, count)| *count >= at_least).map(|(prefix, _)| prefix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_begin_alike_share_a_scope() {
        let paths = ["/a/b/{x}/c/{y}", "/a/b/{x}", "/a/b/c/{y}", "/a/bc/{x}", "/d/e", "/f/{rest:.*}", "/g-{x}/h"];
        assert_eq!(prefixes(paths[..6].iter().copied(), 1), ["/f", "/a/b", "/a/bc"]);
        assert_eq!(prefixes(paths[..6].iter().copied(), 2), ["/a/b"]);
        assert_eq!(prefixes(paths.into_iter(), 1), [""], "one that may be anywhere takes all into its own");
    }

    #[test]
    fn a_prefix_ends_with_a_name() {
        assert!(is_within("/a/b", "/a/b") && is_within("/a/b/c", "/a/b") && is_within("/a", ""));
        assert!(!is_within("/a/bc", "/a/b") && !is_within("/a", "/a/b"));
    }
}
