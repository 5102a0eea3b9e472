//! Bundles of git repositories: runs stay with their commit, old files go when nobody needs them.

use super::bench::{Bench, bench_with, dag};
use crate::store::{bundles, runs, versions};
use artel_proto::artel::scheduler::v1::Workload;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A repository with a folder `dags`, removed at the end.
struct Remote(PathBuf);

impl Remote {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("artel-remote-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("dags")).unwrap();
        let remote = Self(folder);
        remote.git(&["init", "--quiet", "--initial-branch", "main"]);
        remote
    }

    fn git(&self, args: &[&str]) -> String {
        let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
        let output = Command::new("git").current_dir(&self.0).args(identity).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Writes a file and returns the commit.
    fn commit(&self, file: &str, text: &str) -> String {
        std::fs::write(self.0.join(file), text).unwrap();
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", text]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn settings(&self) -> String {
        format!("bundles = [{{ name = \"team\", git = {:?}, subfolder = \"dags\" }}]", self.0.display().to_string())
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Bench {
    /// Fetches, and takes in the file `d.py` with these tasks.
    async fn pull(&self, tasks: &[&str]) -> String {
        let commit = self.s.refresh(self.s.bundles.get("team").unwrap()).await.unwrap();
        let tasks: Vec<_> = tasks.iter().map(|id| (*id, &[][..], json!({}))).collect();
        let answer = json!({"dags": {"d": dag("d", &tasks, json!({"relative_fileloc": "d.py"}))}, "source": {}, "seconds": 0.1});
        self.s.take_in_from("team", &self.s.checkout("team", None).await.unwrap(), "d.py", answer).await;
        commit
    }

    fn folder_of(&self, commit: &str) -> PathBuf {
        self.s.cx.config.data.join("bundles/team/versions").join(commit)
    }

    /// As if a version had not been used for long.
    fn age(&self, commit: &str) {
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        std::fs::File::open(self.folder_of(commit)).unwrap().set_modified(long_ago).unwrap();
    }
}

fn bundle_info(workload: &Workload) -> Value {
    serde_json::from_str::<Value>(&workload.execute_task_json).unwrap()["bundle_info"].clone()
}

#[tokio::test]
async fn a_run_stays_with_the_commit_that_it_began_with() {
    let remote = Remote::new("pinned");
    let settings = remote.settings();
    bench_with(&settings, |b| {
        let remote = &remote;
        async move {
            let text = format!("first of {}", b.s.cx.config.data.display());
            let first = remote.commit("dags/d.py", &text);
            assert_eq!(b.pull(&["a", "b"]).await, first);
            b.trigger("d", "r1").await;
            let second = remote.commit("dags/d.py", &format!("second {text}"));
            assert_eq!(b.pull(&["c"]).await, second);
            b.trigger("d", "r2").await;

            let mut work = b.claim("w", 10).await;
            work.sort_by_key(|w| w.bundle_version != first);
            let places: Vec<_> = work.iter().map(|w| (w.bundle_version.as_str(), PathBuf::from(&w.bundle_path))).collect();
            let at = |commit: &str| b.folder_of(commit).join("dags");
            assert_eq!(places, [(first.as_str(), at(&first)), (first.as_str(), at(&first)), (second.as_str(), at(&second))]);
            assert_eq!(bundle_info(&work[0]), json!({"name": "team", "version": first}));
            assert_eq!(std::fs::read_to_string(at(&first).join("d.py")).unwrap(), text);
            assert_eq!(runs::get(&b.s.db, "d", "r1").await.unwrap().unwrap().bundle_version, Some(first.clone()));

            b.age(&first);
            b.pull(&["c"]).await;
            assert!(b.folder_of(&first).exists(), "a run that goes on needs it");
            b.s.set_run_state("d", "r1", crate::states::RunState::Success).await.unwrap();
            b.age(&first);
            b.pull(&["c"]).await;
            assert!(!b.folder_of(&first).exists() && b.folder_of(&second).exists());
            // the run may be cleared: its files can come back, also when its branch was written anew
            remote.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
            remote.git(&["commit", "--quiet", "--amend", "--message", &format!("anew {text}")]);
            b.pull(&["c"]).await;
            let back = b.s.checkout("team", Some(&first)).await.unwrap();
            assert_eq!(std::fs::read_to_string(back.path.join("d.py")).unwrap(), text);
        }
    })
    .await;
}

#[tokio::test]
async fn a_dag_whose_file_is_the_same_moves_on_with_its_bundle() {
    let remote = Remote::new("advance");
    let settings = remote.settings();
    bench_with(&settings, |b| {
        let remote = &remote;
        async move {
            let text = b.s.cx.config.data.display().to_string();
            let first = remote.commit("dags/d.py", &text);
            b.pull(&["a"]).await;
            b.trigger("d", "r1").await;
            let second = remote.commit("dags/other.py", &text);
            b.s.refresh(b.s.bundles.get("team").unwrap()).await.unwrap();
            let mut tx = b.s.db.begin().await.unwrap();
            bundles::advance(&mut tx, "team", &second, "/v2/dags/").await.unwrap();
            tx.commit().await.unwrap();
            let row = b.s.dag_row("d").await.unwrap();
            assert_eq!((row.bundle_version.as_deref(), row.fileloc.as_str()), (Some(second.as_str()), "/v2/dags/d.py"));
            assert_eq!(versions::latest(&b.s.db, "d").await.unwrap().unwrap().bundle_version, Some(second.clone()));
            assert_eq!(versions::of_dag(&b.s.db, "d").await.unwrap().len(), 1, "the same form is the same version");
            b.trigger("d", "r2").await;
            let pinned: BTreeSet<_> = b.claim("w", 10).await.iter().map(|w| w.bundle_version.clone()).collect();
            assert_eq!(pinned, BTreeSet::from([first, second]));
        }
    })
    .await;
}

#[tokio::test]
async fn a_worker_elsewhere_is_sent_the_files_of_a_version() {
    let remote = Remote::new("archive");
    let settings = remote.settings();
    bench_with(&settings, |b| {
        let remote = &remote;
        async move {
            let text = b.s.cx.config.data.display().to_string();
            std::fs::write(remote.0.join("shared.sql"), "select 1").unwrap();
            let commit = remote.commit("dags/d.py", &text);
            b.pull(&["a"]).await;
            let (send, mut receive) = tokio::sync::mpsc::channel(4);
            b.s.send_bundle("team", &commit, send).await.unwrap();
            assert_eq!(receive.recv().await.unwrap().unwrap().subfolder, "dags");
            let mut archive = Vec::new();
            while let Some(chunk) = receive.recv().await {
                archive.extend_from_slice(&chunk.unwrap().data);
            }
            assert_eq!(names(&archive), ["./dags/d.py", "./shared.sql"]);
        }
    })
    .await;
}

/// Two processes on one database, each with files of its own: whichever is told of a push, both look.
#[tokio::test]
async fn a_push_is_seen_by_every_scheduler() {
    let remote = Remote::new("both");
    let first = remote.commit("dags/d.py", "first");
    let settings =
        format!("bundles = [{{ name = \"team\", git = {:?}, subfolder = \"dags\", poll_seconds = 0 }}]", remote.0.display().to_string());
    let commits = std::sync::Mutex::new(vec![first]);
    bench_with(&settings, |b| {
        let (remote, commits) = (&remote, &commits);
        async move {
            let config = artel_platform::config::Config { data: b.s.cx.config.data.join("another"), ..(*b.s.cx.config).clone() };
            let other = crate::Scheduler::open(&artel_platform::Context { config: Arc::new(config), ..b.s.cx.clone() }).await.unwrap();
            let both = [&b.s, &other];
            both.iter().for_each(|scheduler| scheduler.start_bundles());
            let newest = commits.lock().unwrap().last().unwrap().clone();
            all_at(&both, &newest).await;
            let text = format!("second of {}", b.s.cx.config.data.display());
            let second = remote.commit("dags/d.py", &text);
            commits.lock().unwrap().push(second.clone());
            other.pushed(other.bundles.get("team").unwrap()).await.unwrap();
            all_at(&both, &second).await;
            for scheduler in both {
                let files = scheduler.checkout("team", None).await.unwrap();
                assert_eq!(std::fs::read_to_string(files.path.join("d.py")).unwrap(), text);
                assert!(files.path.starts_with(&scheduler.cx.config.data));
            }
            b.s.cx.stop.cancel();
        }
    })
    .await;
}

/// Until all of them have that commit of the bundle.
async fn all_at(schedulers: &[&Arc<crate::Scheduler>], commit: &str) {
    let began = std::time::Instant::now();
    let version = |s: &&Arc<crate::Scheduler>| s.bundles.get("team").unwrap().current().and_then(|c| c.version);
    while !schedulers.iter().all(|s| version(s).as_deref() == Some(commit)) {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}, not {commit}", schedulers.iter().map(version).collect::<Vec<_>>());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Files in a tar archive.
fn names(archive: &[u8]) -> Vec<String> {
    use std::io::Write;
    let mut child = Command::new("tar").args(["-tf", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(archive).unwrap();
    let output = child.wait_with_output().unwrap();
    let mut names: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().filter(|l| !l.ends_with('/')).map(str::to_owned).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_is_wrong_with_a_repository_is_said_without_its_secrets() {
    let remote = Remote::new("wrong");
    remote.commit("dags/d.py", "x");
    let settings = format!(
        "bundles = [{{ name = \"gone\", git = \"http://ada:s3cr3t-token@127.0.0.1:9/x.git\" }}, \
         {{ name = \"branch\", git = {:?}, ref = \"nowhere\" }}, {{ name = \"login\", git = \"https://h/x\", connection = \"missing\" }}, \
         {{ name = \"folder\", git = {:?}, subfolder = \"none\" }}]",
        path(&remote.0),
        path(&remote.0)
    );
    bench_with(&settings, |b| async move {
        let refresh = async |name: &str| b.s.refresh(b.s.bundles.get(name).unwrap()).await.unwrap_err().chain();
        let gone = refresh("gone").await;
        assert!(gone.contains("127.0.0.1") && !gone.contains("s3cr3t"), "{gone}");
        assert!(refresh("branch").await.contains("no branch or tag \"nowhere\""));
        assert!(refresh("login").await.contains("connection \"missing\""));
        assert!(refresh("folder").await.contains("no folder \"none\""));
        assert!(b.s.checkout("gone", None).await.unwrap_err().message.contains("not been fetched"));
        assert!(b.s.checkout("branch", Some("--help")).await.is_err());
    })
    .await;
}

fn path(folder: &Path) -> String {
    folder.display().to_string()
}
