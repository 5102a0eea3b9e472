//! `.airflowignore`, in upstream's default syntax: that of `.gitignore` (airflow/_shared/module_loading/file_discovery.py
//! `_GlobIgnoreRule`). A folder's rules hold for what is below it, after those of the folders above; the last that fits decides.

use std::path::{Path, PathBuf};
use std::sync::Arc;

const FILE: &str = ".airflowignore";

/// The rules that hold in a folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Ignore(Vec<Arc<Rule>>);

#[derive(Debug)]
struct Rule {
    /// Matched against the path from here; against the name alone without it.
    relative_to: Option<PathBuf>,
    segments: Vec<String>,
    only_folders: bool,
    /// It takes back what earlier rules said.
    negated: bool,
}

impl Ignore {
    /// These rules and those of the folder's own file.
    pub(super) fn with_file_of(&self, folder: &Path) -> Self {
        let Ok(text) = std::fs::read_to_string(folder.join(FILE)) else { return self.clone() };
        let own = text.lines().filter_map(|line| Rule::read(line, folder)).map(Arc::new);
        Self(self.0.iter().cloned().chain(own).collect())
    }

    /// Is this path to be left out?
    pub(super) fn names(&self, path: &Path, is_folder: bool) -> bool {
        let deciding = self.0.iter().rev().find(|rule| (is_folder || !rule.only_folders) && rule.fits(path, is_folder));
        deciding.is_some_and(|rule| !rule.negated)
    }
}

impl Rule {
    fn read(line: &str, folder: &Path) -> Option<Self> {
        // unlike git, upstream lets a comment begin anywhere
        let pattern = line.split('#').next().unwrap_or_default().trim();
        let (negated, pattern) = pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest));
        let inner = pattern.trim_end_matches('/');
        if inner.is_empty() {
            return None;
        }
        let anchored = inner.contains('/');
        Some(Self {
            relative_to: anchored.then(|| folder.to_path_buf()),
            segments: inner.trim_start_matches('/').split('/').map(str::to_owned).collect(),
            only_folders: pattern.ends_with('/'),
            negated,
        })
    }

    fn fits(&self, path: &Path, is_folder: bool) -> bool {
        let path = match &self.relative_to {
            Some(folder) => path.strip_prefix(folder).ok(),
            None => path.file_name().map(Path::new),
        };
        let Some(path) = path else { return false };
        let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        fits(&self.segments, &parts, is_folder)
    }
}

/// `**` stands for any number of segments; at the end for what is inside a folder, and for the folder.
fn fits(pattern: &[String], path: &[String], is_folder: bool) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "**" => {
            let least = usize::from(rest.is_empty() && !is_folder);
            (least..=path.len()).any(|n| fits(rest, &path[n..], is_folder))
        }
        (Some((first, rest)), Some((part, below))) => {
            segment_fits(&first.chars().collect::<Vec<_>>(), &part.chars().collect::<Vec<_>>()) && fits(rest, below, is_folder)
        }
        _ => false,
    }
}

/// `*`, `?`, `[…]` and `\` within one segment.
fn segment_fits(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|n| segment_fits(rest, &text[n..])),
        Some(('?', rest)) => !text.is_empty() && segment_fits(rest, &text[1..]),
        Some(('[', rest)) if text.first().is_some_and(|c| class(rest, *c).is_some()) => match class(rest, text[0]) {
            Some((true, after)) => segment_fits(&rest[after..], &text[1..]),
            _ => false,
        },
        Some(('\\', [escaped, rest @ ..])) => text.first() == Some(escaped) && segment_fits(rest, &text[1..]),
        Some((c, rest)) => text.first() == Some(c) && segment_fits(rest, &text[1..]),
    }
}

/// Whether `c` is in the class that begins here, and where it ends; `None` when it has no end.
fn class(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let start = usize::from(negated);
    // a bracket right at the beginning is meant as such
    let end = start + 1 + pattern.get(start + 1..)?.iter().position(|p| *p == ']')?;
    let members = &pattern[start..end];
    let mut found = false;
    let mut i = 0;
    while i < members.len() {
        if i + 2 < members.len() && members[i + 1] == '-' {
            found |= (members[i]..=members[i + 2]).contains(&c);
            i += 3;
        } else {
            found |= members[i] == c;
            i += 1;
        }
    }
    Some((found != negated, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checked against upstream's `_GlobIgnoreRule` with the same patterns and paths.
    #[test]
    fn patterns_are_gits() {
        let root = Path::new("/dags");
        let ignored = |patterns: &str, path: &str| {
            let rules = Ignore(patterns.lines().filter_map(|l| Rule::read(l, root)).map(Arc::new).collect());
            rules.names(&root.join(path.trim_end_matches('/')), path.ends_with('/'))
        };
        for (patterns, path, expected) in [
            ("draft.py", "draft.py", true),
            ("draft.py", "team/draft.py", true),
            ("/draft.py", "team/draft.py", false),
            ("/draft.py", "draft.py", true),
            ("*.py", "a.py", true),
            ("test_*", "team/test_x.py", true),
            ("team/*.py", "team/a.py", true),
            ("team/*.py", "other/team/a.py", false),
            ("team/*.py", "team/sub/a.py", false),
            ("team/**", "team/sub/a.py", true),
            ("team/**", "team/", true),
            ("**/old/*.py", "old/a.py", true),
            ("**/old/*.py", "x/y/old/a.py", true),
            ("a/**/b.py", "a/b.py", true),
            ("a/**/b.py", "a/x/y/b.py", true),
            ("old/", "old/", true),
            ("old/", "old", false),
            ("*.py\n!keep.py", "keep.py", false),
            ("*.py\n!keep.py\nkeep.py", "keep.py", true),
            ("a?.py", "ab.py", true),
            ("a?.py", "a.py", false),
            ("[a-c]x.py", "bx.py", true),
            ("[!a-c]x.py", "bx.py", false),
            ("[!a-c]x.py", "dx.py", true),
            ("name # why", "name", true),
            ("# only this", "only", false),
            ("/", "a.py", false),
        ] {
            assert_eq!(ignored(patterns, path), expected, "{patterns:?} on {path:?}");
        }
    }
}
