//! A git repository as a bundle: one bare mirror, and one folder per commit that is or was the newest. The work is done
//! by the `git` program, each time as a child process whose time is bounded.

use super::access::Access;
use super::{BundleSettings, Checkout};
use artel_platform::{Error, Result, ResultExt, process};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::Mutex;

/// Variables that would point git at another repository, or at settings of the caller.
const REMOVED: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_COMMON_DIR",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
];
/// Transports that a URL may name. `ext` and the like run programs.
const PROTOCOLS: &str = "file:git:http:https:ssh";
/// Last bytes of git's messages that are kept.
const SAID: usize = 4096;
/// A folder that was the newest so recently may still be used by a task that is about to start.
const GRACE: Duration = Duration::from_secs(600);

/// The repository of a bundle.
pub(crate) struct Repository {
    pub(crate) settings: BundleSettings,
    pub(crate) url: String,
    /// The branch, tag or commit that is followed.
    pub(crate) reference: String,
    subfolder: PathBuf,
    folder: PathBuf,
    timeout: Duration,
    /// One change of the mirror at a time.
    turn: Mutex<()>,
}

impl Repository {
    pub(super) fn new(settings: BundleSettings, url: &str, reference: &str, subfolder: &Path, folder: &Path, timeout: Duration) -> Self {
        let (url, reference) = (url.to_owned(), reference.to_owned());
        Self { settings, url, reference, subfolder: subfolder.into(), folder: folder.into(), timeout, turn: Mutex::new(()) }
    }

    /// Everything of it on this disk.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn mirror(&self) -> PathBuf {
        self.folder.join("mirror.git")
    }

    fn versions(&self) -> PathBuf {
        self.folder.join("versions")
    }

    /// The whole repository at a commit.
    pub(super) fn tree(&self, commit: &str) -> PathBuf {
        self.versions().join(commit)
    }

    /// Its files at a commit, whether they are there or not.
    pub(crate) fn at(&self, commit: &str) -> Checkout {
        Checkout { version: Some(commit.to_owned()), path: self.tree(commit).join(&self.subfolder) }
    }

    /// The path of the DAG files below [`Repository::tree`].
    pub(super) fn subfolder(&self) -> &Path {
        &self.subfolder
    }

    /// A name below its folder that nobody else has.
    pub(super) fn scratch(&self, unique: &str) -> PathBuf {
        self.folder.join(format!("tmp-{unique}"))
    }

    /// Brings the mirror up to date. A tag or branch that was moved is taken as it is now.
    pub(super) async fn fetch(&self, access: &Access) -> Result<()> {
        let _turn = self.turn.lock().await;
        let mirror = self.mirror();
        if !mirror.join("HEAD").exists() {
            std::fs::create_dir_all(&self.folder).or_internal(&format!("cannot make {}", self.folder.display()))?;
            self.git(access, &["init", "--quiet", "--bare", &mirror.display().to_string()]).await?;
        }
        let fetch = ["fetch", "--quiet", "--force", "--prune", "--no-auto-gc", "--end-of-options", &access.url];
        let everything = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        self.in_mirror(access, &[&fetch[..], &everything].concat()).await.map(drop)
    }

    /// The commit that the reference names in the mirror; `None` when there is none.
    pub(super) async fn resolve(&self) -> Result<Option<String>> {
        if !self.mirror().join("HEAD").exists() {
            return Ok(None);
        }
        let reference = &self.reference;
        let hex = reference.len() >= 7 && reference.chars().all(|c| c.is_ascii_hexdigit());
        let mut names = vec![format!("refs/heads/{reference}"), format!("refs/tags/{reference}")];
        names.extend(hex.then(|| reference.clone()));
        for name in names {
            let found = self.in_mirror(&Access::default(), &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]).await;
            if let Ok(commit) = found {
                return Ok(Some(commit.trim().to_owned()));
            }
        }
        Ok(None)
    }

    pub(super) fn is_checked_out(&self, commit: &str) -> bool {
        self.tree(commit).is_dir()
    }

    /// Puts the files of a commit into a folder of their own, if they are not there. Other processes see all of it or
    /// nothing. A reference keeps the commit in the mirror when the branch that it was on is written anew.
    pub(super) async fn check_out(&self, commit: &str, unique: &str) -> Result<()> {
        let _turn = self.turn.lock().await;
        if self.is_checked_out(commit) {
            return Ok(());
        }
        let none = Access::default();
        self.in_mirror(&none, &["update-ref", &format!("refs/artel/{commit}"), commit]).await?;
        let scratch = self.scratch(unique);
        let tree = scratch.join("tree");
        std::fs::create_dir_all(&tree).or_internal(&format!("cannot make {}", tree.display()))?;
        std::fs::create_dir_all(self.versions())?;
        let index = Access { env: vec![("GIT_INDEX_FILE".into(), scratch.join("index").display().to_string())], ..Access::default() };
        let work_tree = format!("--work-tree={}", tree.display());
        let result = async {
            self.in_mirror(&index, &[&work_tree, "read-tree", "--reset", "-u", commit]).await?;
            match std::fs::rename(&tree, self.tree(commit)) {
                // another process was quicker
                Err(_) if self.is_checked_out(commit) => Ok(()),
                result => result.or_internal("cannot move the files of a commit to their place"),
            }
        };
        let result = result.await;
        let _ = tokio::fs::remove_dir_all(&scratch).await;
        result
    }

    /// Asks the server for one commit that no branch or tag reaches any more. Not every server gives it.
    pub(super) async fn fetch_commit(&self, access: &Access, commit: &str) -> Result<()> {
        let _turn = self.turn.lock().await;
        let keep = format!("+{commit}:refs/artel/{commit}");
        self.in_mirror(access, &["fetch", "--quiet", "--no-auto-gc", "--end-of-options", &access.url, &keep]).await.map(drop)
    }

    pub(super) async fn has(&self, commit: &str) -> bool {
        let name = format!("{commit}^{{commit}}");
        self.mirror().join("HEAD").exists() && self.in_mirror(&Access::default(), &["cat-file", "-e", &name]).await.is_ok()
    }

    /// Removes the folders of commits that are not among `keep` and have not been used lately, and lets go of commits
    /// that are not among `remembered`.
    pub(super) async fn prune(&self, keep: &HashSet<String>, remembered: &HashSet<String>) -> Result<Vec<String>> {
        let _turn = self.turn.lock().await;
        let mut removed = Vec::new();
        for entry in std::fs::read_dir(self.versions()).into_iter().flatten().flatten() {
            let commit = entry.file_name().to_string_lossy().into_owned();
            if keep.contains(&commit) || used_lately(&entry.path()) {
                continue;
            }
            tokio::fs::remove_dir_all(entry.path()).await.or_internal(&format!("cannot remove {}", entry.path().display()))?;
            if !remembered.contains(&commit) {
                let _ = self.in_mirror(&Access::default(), &["update-ref", "-d", &format!("refs/artel/{commit}")]).await;
            }
            removed.push(commit);
        }
        Ok(removed)
    }

    /// Notes that the files of a commit are wanted now.
    pub(super) fn touch(&self, commit: &str) {
        if let Ok(folder) = std::fs::File::open(self.tree(commit)) {
            let _ = folder.set_modified(SystemTime::now());
        }
    }

    async fn in_mirror(&self, access: &Access, args: &[&str]) -> Result<String> {
        let mirror = format!("--git-dir={}", self.mirror().display());
        self.git(access, &[&[mirror.as_str()], args].concat()).await
    }

    /// Runs git and returns what it printed; fails with its last words, secrets masked.
    async fn git(&self, access: &Access, args: &[&str]) -> Result<String> {
        let mut command = Command::new("git");
        process::group(&mut command).args(["-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0"]).args(args);
        for name in REMOVED {
            command.env_remove(name);
        }
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ALLOW_PROTOCOL", PROTOCOLS).env("LC_ALL", "C");
        command.envs(access.env.iter().map(|(name, value)| (name, value))).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| Error::unavailable("cannot run git; is it installed?").because(e))?;
        let (mut out, mut said) = (String::new(), Vec::new());
        let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
        let talk = async {
            let read_out = async {
                if let Some(pipe) = &mut stdout {
                    let _ = pipe.read_to_string(&mut out).await;
                }
            };
            let read_err = async {
                if let Some(pipe) = &mut stderr {
                    let _ = pipe.read_to_end(&mut said).await;
                }
            };
            tokio::join!(read_out, read_err);
            child.wait().await
        };
        let Ok(status) = tokio::time::timeout(self.timeout, talk).await else {
            process::end(&mut child, Duration::from_secs(1)).await;
            return Err(Error::timeout(format!("git {} took longer than {} s", action(args), self.timeout.as_secs())));
        };
        if status?.success() {
            return Ok(out);
        }
        let last = &said[said.len().saturating_sub(SAID)..];
        let why = access.masked(String::from_utf8_lossy(last).trim());
        Err(Error::unavailable(format!("git {} failed: {why}", action(args))))
    }
}

/// The word that says what git was to do.
fn action<'a>(args: &[&'a str]) -> &'a str {
    args.iter().find(|a| !a.starts_with('-')).copied().unwrap_or("")
}

fn used_lately(folder: &Path) -> bool {
    let modified = std::fs::metadata(folder).and_then(|m| m.modified());
    modified.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age < GRACE))
}

impl Repository {
    /// The settings' poll interval.
    pub(super) fn poll(&self) -> Option<Duration> {
        self.settings.poll()
    }
}
