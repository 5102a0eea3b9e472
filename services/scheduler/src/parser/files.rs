//! Which files of the folder may hold DAGs, and which of them changed since they were parsed.

use super::DagsFolder;
use crate::store::files::{self, DagFile};
use artel_platform::db::Db;
use artel_platform::{Result, ResultExt};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
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

/// The folder, and how each of its files was last parsed.
pub(super) struct Bundle {
    path: PathBuf,
    parsed: HashMap<String, DagFile>,
    stamps: HashMap<String, Stamp>,
}

/// Which way of parsing the rows of the store come from: another one parses everything anew.
pub(super) const PARSER: &str = concat!("2/", env!("CARGO_PKG_VERSION"));

impl Bundle {
    pub(super) async fn open(db: &Db, folder: &DagsFolder) -> Result<Self> {
        let rows = files::all(db, folder.name).await?;
        let parsed = rows.into_iter().map(|row| (row.relative_path.clone(), row)).collect();
        Ok(Self { path: folder.path.clone(), parsed, stamps: HashMap::new() })
    }

    /// Looks at the named files and at those that depend on them, or at every file; those that asked for one of
    /// `settings` have changed in any case.
    pub(super) async fn look(&mut self, named: &BTreeSet<String>, settings: &BTreeSet<String>) -> Result<Look> {
        let root = self.path.clone();
        let present = tokio::task::spawn_blocking(move || walk(&root)).await.or_internal("the folder could not be read")??;
        let mut look = Look { files: present.len(), ..Look::default() };
        for (relative, stamp) in &present {
            let asked = self.parsed.get(relative).is_some_and(|row| row.asked.iter().any(|a| settings.contains(a)));
            let is_named = named.contains(relative);
            if asked || is_named || self.stamps.get(relative) != Some(stamp) || self.dependency_changed(relative, &present) {
                let path = self.path.join(relative);
                if asked || self.contents_changed(relative).await {
                    look.changed.push(Found { path, relative: relative.clone(), stamp: *stamp });
                }
                self.stamps.insert(relative.clone(), *stamp);
            }
        }
        look.gone = self.parsed.keys().filter(|relative| !present.contains_key(*relative)).cloned().collect();
        look.changed.sort_by(|a, b| a.relative.cmp(&b.relative));
        // stamps of imported files are remembered last: every file that depends on them has seen the change
        for relative in self.parsed.values().flat_map(|row| &row.depends_on) {
            if let Some(stamp) = stamp(&self.path.join(relative)) {
                self.stamps.insert(format!("import:{relative}"), stamp);
            }
        }
        Ok(look)
    }

    fn dependency_changed(&self, relative: &str, present: &HashMap<String, Stamp>) -> bool {
        let Some(row) = self.parsed.get(relative) else { return false };
        row.depends_on.iter().any(|other| {
            let now = present.get(other).copied().or_else(|| stamp(&self.path.join(other)));
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

    pub(super) fn forget(&mut self, relative: &str) {
        self.parsed.remove(relative);
        self.stamps.remove(relative);
    }
}

/// SHA-256 over a file and those that it depends on; a file that is not there counts as empty.
pub(super) async fn content_hash(root: &Path, relative: &str, depends_on: &[String]) -> String {
    let mut hash = Sha256::new();
    for name in std::iter::once(relative).chain(depends_on.iter().map(String::as_str)) {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(tokio::fs::read(root.join(name)).await.unwrap_or_default());
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some(Stamp { modified: meta.modified().ok(), size: meta.len() })
}

/// Python files and archives that may hold DAGs, at any depth.
fn walk(root: &Path) -> Result<HashMap<String, Stamp>> {
    let mut found = HashMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if folder == root => return Err(error).or_unavailable(&format!("cannot read the DAG folder {}", root.display())),
            Err(_) => continue,
        };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if name.starts_with('.') || name == "__pycache__" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Some(stamp) = stamp(&path)
                && let Ok(relative) = path.strip_prefix(root)
                && may_hold_dags(&path)
            {
                found.insert(relative.to_string_lossy().into_owned(), stamp);
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
        for (name, text) in [
            ("a.py", "from airflow.sdk import DAG"),
            ("team/b.py", "import airflow\n@dag\ndef f(): ..."),
            ("helpers.py", "X = 1"),
            ("notes.txt", "airflow dag"),
            ("team/__pycache__/c.py", "airflow dag"),
            (".hidden.py", "airflow dag"),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let mut found: Vec<String> = walk(&folder).unwrap().into_keys().collect();
        found.sort();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, ["a.py", "team/b.py"]);
    }
}
