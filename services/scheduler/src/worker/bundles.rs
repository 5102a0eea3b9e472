//! Where a task's DAG files are. On the scheduler's own disk, or on one that is shared, the worker uses them there;
//! else it fetches the version of a git bundle once from the scheduler and keeps it while tasks use it.

use artel_platform::{Context, Error, Result, ResultExt, process};
use artel_proto::artel::scheduler::v1::{FetchBundleRequest, Workload};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Mutex;

/// A version that no task asked for in so long is removed.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Holds the path of the DAG files in the version; written last.
const COMPLETE: &str = "subfolder";

/// The versions that this worker has fetched.
pub(super) struct Fetched {
    cx: Context,
    folder: PathBuf,
    /// One fetch at a time: tasks that start together wait for the same files.
    turn: Mutex<()>,
}

impl Fetched {
    pub(super) fn new(cx: &Context) -> Self {
        Self { cx: cx.clone(), folder: cx.config.data.join("fetched-bundles"), turn: Mutex::new(()) }
    }

    /// The folder of the DAG files for this task.
    pub(super) async fn folder(&self, workload: &Workload) -> Result<PathBuf> {
        let shared = Path::new(&workload.bundle_path);
        if shared.is_dir() {
            return Ok(shared.to_path_buf());
        }
        let (name, version) = (&workload.bundle_name, &workload.bundle_version);
        if version.is_empty() {
            return Err(Error::unavailable(format!(
                "the worker does not see the DAG folder {}; share it with the worker's host, or use a git bundle",
                workload.bundle_path
            )));
        }
        let strange = |part: &str| part.starts_with('.') || part.contains('/');
        if strange(name) || strange(version) {
            return Err(Error::invalid(format!("{name:?} at {version:?} is no version of a bundle")));
        }
        let place = self.folder.join(name).join(version);
        let _turn = self.turn.lock().await;
        if !place.join(COMPLETE).exists() {
            self.remove_old().await;
            self.fetch(name, version, &place).await?;
        }
        if let Ok(folder) = std::fs::File::open(&place) {
            let _ = folder.set_modified(SystemTime::now());
        }
        Ok(place.join("files").join(std::fs::read_to_string(place.join(COMPLETE))?))
    }

    async fn fetch(&self, name: &str, version: &str, place: &Path) -> Result<()> {
        let files = place.join("files");
        let _ = tokio::fs::remove_dir_all(place).await;
        tokio::fs::create_dir_all(&files).await.or_internal(&format!("cannot make {}", files.display()))?;
        let request = FetchBundleRequest { bundle_name: name.into(), bundle_version: version.into() };
        let mut chunks = self.cx.peers.scheduler().fetch_bundle(request).await?.into_inner();
        let mut command = Command::new("tar");
        process::group(&mut command).arg("-C").arg(&files).args(["-xf", "-"]).stdin(Stdio::piped());
        let mut child = command.spawn().or_unavailable("cannot run tar")?;
        let mut input = child.stdin.take().ok_or_else(|| Error::internal("tar has no input"))?;
        let mut subfolder = None;
        while let Some(chunk) = chunks.message().await? {
            subfolder.get_or_insert(chunk.subfolder);
            input.write_all(&chunk.data).await.or_internal("tar did not take the bundle")?;
        }
        drop(input);
        if !child.wait().await?.success() {
            return Err(Error::internal(format!("the files of bundle {name} at {version} could not be unpacked")));
        }
        std::fs::write(place.join(COMPLETE), subfolder.unwrap_or_default())?;
        tracing::info!(bundle = name, version, "bundle fetched from the scheduler");
        Ok(())
    }

    async fn remove_old(&self) {
        let folders = |of: &Path| std::fs::read_dir(of).into_iter().flatten().flatten().map(|e| e.path()).collect::<Vec<_>>();
        for version in folders(&self.folder).iter().flat_map(|bundle| folders(bundle)) {
            let used = std::fs::metadata(&version).and_then(|m| m.modified());
            if used.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > KEPT)) {
                let _ = tokio::fs::remove_dir_all(&version).await;
            }
        }
    }
}
