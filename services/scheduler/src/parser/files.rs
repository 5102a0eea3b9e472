//! Which files of a folder may hold DAGs, and which of them changed since they were parsed.

use super::ignore::Ignore;
use crate::store::files::{self, DagFile};
use artel_platform::db::Db;
use artel_platform::{Result, ResultExt};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// A file to parse.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) relative: String,
    /// Of its own contents and of the files that it imported last time.
    pub(super) stamp: Stamp,
}

/// What tells a changed file from an unchanged one without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
}

/// What a look at the folder gave.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) changed: Vec<Found>,
    pub(super) gone: Vec<String>,
    /// How many files may hold DAGs.
    pub(super) files: usize,
}

/// What a walk found: every Python file and archive, and whether it may hold DAGs.
type Present = HashMap<String, (Stamp, bool)>;

/// The folder, and how each of its files was last parsed.
pub(super) struct Files {
    path: PathBuf,
    parsed: HashMap<String, DagFile>,
    /// As they were when their contents were last compared.
    stamps: HashMap<String, Stamp>,
    /// The last walk: a file whose stamp is the same is not read again.
    present: Arc<Present>,
}

/// Which way of parsing the rows of the store come from: another one parses everything anew.
pub(super) const PARSER: &str = concat!("3/", env!("CARGO_PKG_VERSION"));

impl Files {
    pub(super) async fn open(db: &Db, bundle: &str) -> Result<Self> {
        let rows = files::all(db, bundle).await?;
        let parsed = rows.into_iter().map(|row| (row.relative_path.clone(), row)).collect();
        Ok(Self { path: PathBuf::new(), parsed, stamps: HashMap::new(), present: Arc::default() })
    }

    /// The same files in another folder, where each is compared by its contents once.
    pub(super) fn move_to(&mut self, path: PathBuf) {
        self.path = path;
        self.stamps.clear();
        self.present = Arc::default();
    }

    /// Looks at every file. Those of `named` are compared by their contents in any case, those that are `forced` or
    /// that asked for one of `settings` have changed in any case.
    pub(super) async fn look(&mut self, named: &HashSet<String>, forced: &HashSet<String>, settings: &BTreeSet<String>) -> Result<Look> {
        let (root, before) = (self.path.clone(), self.present.clone());
        let walked = tokio::task::spawn_blocking(move || walk(&root, &before)).await.or_internal("the folder could not be read")??;
        self.present = Arc::new(walked);
        let present = self.present.clone();
        let candidates = || present.iter().filter(|f| f.1.1).map(|f| (f.0, f.1.0));
        let mut look = Look { files: candidates().count(), ..Look::default() };
        for (relative, stamp) in candidates() {
            let asked = self.parsed.get(relative).is_some_and(|row| row.asked.iter().any(|a| settings.contains(a)));
            let surely = asked || forced.contains(relative);
            if surely || named.contains(relative) || self.stamps.get(relative) != Some(&stamp) || self.dependency_changed(relative) {
                if surely || self.contents_changed(relative).await {
                    look.changed.push(Found { path: self.path.join(relative), relative: relative.clone(), stamp });
                }
                self.stamps.insert(relative.clone(), stamp);
            }
        }
        let holds_dags = |relative: &String| present.get(relative).is_some_and(|f| f.1);
        look.gone = self.parsed.keys().filter(|relative| !holds_dags(relative)).cloned().collect();
        look.changed.sort_by(|a, b| a.relative.cmp(&b.relative));
        // stamps of imported files are remembered last: every file that depends on them has seen the change
        for relative in self.parsed.values().flat_map(|row| &row.depends_on) {
            if let Some(stamp) = stamp(&self.path.join(relative)) {
                self.stamps.insert(format!("import:{relative}"), stamp);
            }
        }
        Ok(look)
    }

    fn dependency_changed(&self, relative: &str) -> bool {
        let Some(row) = self.parsed.get(relative) else { return false };
        row.depends_on.iter().any(|other| {
            let now = self.present.get(other).map(|f| f.0).or_else(|| stamp(&self.path.join(other)));
            self.stamps.get(&format!("import:{other}")).copied() != now
        })
    }

    async fn contents_changed(&self, relative: &str) -> bool {
        match self.parsed.get(relative) {
            Some(row) if row.parser == PARSER => content_hash(&self.path, relative, &row.depends_on).await != row.content_hash,
            _ => true,
        }
    }

    pub(super) fn parsed(&mut self, file: Found, row: DagFile) {
        self.stamps.insert(file.relative.clone(), file.stamp);
        for relative in &row.depends_on {
            if let Some(stamp) = stamp(&self.path.join(relative)) {
                self.stamps.insert(format!("import:{relative}"), stamp);
            }
        }
        self.parsed.insert(file.relative, row);
    }

    /// It was to be parsed and was not: the next look tries again.
    pub(super) fn unparsed(&mut self, relative: &str) {
        self.stamps.remove(relative);
    }

    pub(super) fn forget(&mut self, relative: &str) {
        self.parsed.remove(relative);
        self.stamps.remove(relative);
    }
}

/// SHA-256 over a file and what it depends on: other files, and, with a slash at the end, what is in a folder. What
/// lies outside the bundle has an absolute path. What is not there counts as empty.
pub(super) async fn content_hash(root: &Path, relative: &str, depends_on: &[String]) -> String {
    let mut hash = Sha256::new();
    for name in std::iter::once(relative).chain(depends_on.iter().map(String::as_str)) {
        hash.update(name.as_bytes());
        hash.update([0]);
        let path = root.join(name);
        hash.update(if name.ends_with('/') { names_in(&path) } else { tokio::fs::read(path).await.unwrap_or_default() });
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

fn names_in(folder: &Path) -> Vec<u8> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).filter(|n| n != "__pycache__").collect();
    names.sort();
    names.join("\n").into_bytes()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some(Stamp { modified: meta.modified().ok(), size: meta.len() })
}

/// Python files and archives at any depth that `.airflowignore` does not name. `before` is the last walk's result.
fn walk(root: &Path, before: &Present) -> Result<Present> {
    let mut found = HashMap::new();
    let mut folders = vec![(root.to_path_buf(), Ignore::default())];
    let mut seen = HashSet::new();
    while let Some((folder, above)) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if folder == root => return Err(error).or_unavailable(&format!("cannot read the DAG folder {}", root.display())),
            Err(_) => continue,
        };
        if !folder.canonicalize().is_ok_and(|real| seen.insert(real)) {
            continue; // a link leads back
        }
        let ignore = above.with_file_of(&folder);
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let is_folder = path.is_dir();
            if name.starts_with('.') || name == "__pycache__" || ignore.names(&path, is_folder) {
                continue;
            }
            if is_folder {
                folders.push((path, ignore.clone()));
            } else if let Some(stamp) = stamp(&path)
                && let Ok(relative) = path.strip_prefix(root)
            {
                let relative = relative.to_string_lossy().into_owned();
                let known = before.get(&relative).filter(|f| f.0 == stamp).map(|f| f.1);
                let verdict = known.unwrap_or_else(|| may_hold_dags(&path));
                if matches!(path.extension().and_then(|e| e.to_str()), Some("py" | "zip")) {
                    found.insert(relative, (stamp, verdict));
                }
            }
        }
    }
    Ok(found)
}

/// Upstream's heuristic (`might_contain_dag`): the words `dag` and `airflow` in any case, somewhere in the file.
fn may_hold_dags(path: &Path) -> bool {
    match path.extension().and_then(|e| e.to_str()) {
        Some("zip") => true,
        Some("py") => std::fs::read(path).is_ok_and(|content| {
            let lower = content.to_ascii_lowercase();
            let has = |word: &[u8]| lower.windows(word.len()).any(|w| w == word);
            (has(b"dag") || has(b"asset")) && has(b"airflow")
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_speak_of_dags_and_airflow_are_parsed() {
        let folder = std::env::temp_dir().join(format!("artel-walk-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("team/__pycache__")).unwrap();
        std::fs::create_dir_all(folder.join("old/deep")).unwrap();
        for (name, text) in [
            ("a.py", "from airflow.sdk import DAG"),
            ("team/b.py", "import airflow\n@dag\ndef f(): ..."),
            ("team/draft_b.py", "import airflow\n@dag\ndef f(): ..."),
            ("old/deep/d.py", "airflow dag"),
            ("helpers.py", "X = 1"),
            ("notes.txt", "airflow dag"),
            ("team/__pycache__/c.py", "airflow dag"),
            (".hidden.py", "airflow dag"),
            (".airflowignore", "# drafts\ndraft_*\nold/\n"),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        std::os::unix::fs::symlink(&folder, folder.join("team/back")).unwrap();
        let present = walk(&folder, &Present::new()).unwrap();
        let mut found: Vec<&str> = present.iter().filter(|f| f.1.1).map(|f| f.0.as_str()).collect();
        found.sort();
        assert_eq!(found, ["a.py", "team/b.py"]);
        assert_eq!(walk(&folder, &present).unwrap(), present);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
