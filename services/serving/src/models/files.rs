//! Models fetched from the artifact service into folders named by their content, each whole or not there at all.

use artel_platform::rpc::{Channel, MAX_MESSAGE, Peers};
use artel_platform::{Error, Result, ResultExt};
use artel_proto::artel::artifact::v1::artifact_client::ArtifactClient;
use artel_proto::artel::artifact::v1::{Entry, GetRequest, ListRequest};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;

/// How many files of a model are fetched at a time.
const AT_A_TIME: usize = 4;
/// Ends the names of folders that are being filled.
const PART: &str = ".part";

/// The models of this machine's data folder.
pub struct ModelFiles {
    folder: PathBuf,
    /// How many deployments use each folder.
    used: Mutex<HashMap<PathBuf, usize>>,
}

/// A model's folder, which stays while this is held.
pub struct ModelFolder {
    path: PathBuf,
    files: Arc<ModelFiles>,
}

impl ModelFolder {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it, unless another deployment uses it too.
    pub async fn discard(self) {
        let gone = self.path.with_extension(format!("gone{PART}"));
        let renamed = {
            // under the lock, so that nobody takes it up again in between
            let used = self.files.used.lock().expect("not poisoned");
            used.get(&self.path) == Some(&1) && std::fs::rename(&self.path, &gone).is_ok()
        };
        if renamed {
            let _ = tokio::fs::remove_dir_all(gone).await;
        }
    }
}

impl Drop for ModelFolder {
    fn drop(&mut self) {
        let mut used = self.files.used.lock().expect("not poisoned");
        if let Some(count) = used.get_mut(&self.path) {
            *count -= 1;
            if *count == 0 {
                used.remove(&self.path);
            }
        }
    }
}

impl ModelFiles {
    /// Those below `folder`; what an earlier process left half-done is removed.
    pub fn open(folder: PathBuf) -> Result<Arc<Self>> {
        std::fs::create_dir_all(&folder).or_internal(&format!("cannot make {}", folder.display()))?;
        for entry in std::fs::read_dir(&folder)?.flatten() {
            if entry.file_name().to_string_lossy().ends_with(PART) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Arc::new(Self { folder, used: Mutex::default() }))
    }

    /// The folder with the model that lies at `path` of the artifact service, fetched first where needed. `token` is
    /// unique among concurrent calls; `say` gets a line for people.
    ///
    /// Fails with `FAILED_PRECONDITION` when there is no model, and with `UNAVAILABLE` when it cannot be fetched now.
    pub async fn fetch(
        self: &Arc<Self>,
        peers: &Peers,
        workspace: &str,
        path: &str,
        token: &str,
        say: impl Fn(String),
    ) -> Result<ModelFolder> {
        let client = peers.artifact().max_decoding_message_size(MAX_MESSAGE);
        let files = list(client.clone(), workspace, path).await?;
        if !files.iter().any(|file| file.relative == Path::new("MLmodel")) {
            return Err(Error::conflict(format!("no MLmodel file below the artifact path {path}: was the model logged completely?")));
        }
        let whole = self.take(self.folder.join(content_key(&files)));
        if whole.path.is_dir() {
            return Ok(whole);
        }
        let part = self.folder.join(format!("{token}{PART}"));
        let bytes: i64 = files.iter().map(|file| file.entry.size).sum();
        say(format!("fetching the model ({} files, {:.1} MB)", files.len(), bytes as f64 / 1e6));
        fetch_all(client, workspace, files, &part).await?;
        match tokio::fs::rename(&part, &whole.path).await {
            Ok(()) => Ok(whole),
            // another endpoint with the same model was quicker
            Err(_) if whole.path.is_dir() => {
                let _ = tokio::fs::remove_dir_all(&part).await;
                Ok(whole)
            }
            Err(error) => Err(Error::internal(format!("cannot keep the model in {}", whole.path.display())).because(error)),
        }
    }

    /// The folder at `path`, which is not removed while the result is held.
    fn take(self: &Arc<Self>, path: PathBuf) -> ModelFolder {
        *self.used.lock().expect("not poisoned").entry(path.clone()).or_default() += 1;
        ModelFolder { path, files: self.clone() }
    }
}

struct File {
    entry: Entry,
    relative: PathBuf,
}

async fn list(mut client: ArtifactClient<Channel>, workspace: &str, path: &str) -> Result<Vec<File>> {
    let request = ListRequest { workspace: workspace.into(), path: path.into(), recursive: true };
    let entries = client.list(request).await?.into_inner().entries;
    let mut files = Vec::with_capacity(entries.len());
    for entry in entries.into_iter().filter(|entry| !entry.is_dir) {
        let relative = entry.path.strip_prefix(path.trim_matches('/')).map(|rest| PathBuf::from(rest.trim_start_matches('/')));
        let relative = relative.filter(|r| r.components().all(|c| matches!(c, Component::Normal(_)))).filter(|r| r.file_name().is_some());
        let relative = relative.ok_or_else(|| Error::conflict(format!("the model has a file with an impossible path: {}", entry.path)))?;
        files.push(File { entry, relative });
    }
    files.sort_by(|a, b| a.relative.cmp(&b.relative));
    Ok(files)
}

/// The same files have the same key, wherever they lie.
fn content_key(files: &[File]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.relative.to_string_lossy().as_bytes());
        hash.update([0]);
        hash.update(file.entry.sha256.as_bytes());
        hash.update(file.entry.size.to_be_bytes());
    }
    hex::encode(hash.finalize())[..32].to_owned()
}

async fn fetch_all(client: ArtifactClient<Channel>, workspace: &str, files: Vec<File>, folder: &Path) -> Result<()> {
    let fetches: Vec<_> =
        files.into_iter().map(|file| fetch_file(client.clone(), workspace.to_owned(), file, folder.to_owned()).boxed()).collect();
    let mut fetches = stream::iter(fetches).buffer_unordered(AT_A_TIME);
    while let Some(()) = fetches.try_next().await? {}
    Ok(())
}

async fn fetch_file(mut client: ArtifactClient<Channel>, workspace: String, file: File, folder: PathBuf) -> Result<()> {
    let path = folder.join(&file.relative);
    let cannot = format!("cannot write {}", path.display());
    tokio::fs::create_dir_all(path.parent().unwrap_or(&folder)).await.or_internal(&cannot)?;
    let mut out = tokio::fs::File::create(&path).await.or_internal(&cannot)?;
    let request = GetRequest { workspace, path: file.entry.path.clone(), offset: 0, length: None };
    let mut chunks = client.get(request).await?.into_inner();
    let mut hash = Sha256::new();
    let mut size = 0;
    while let Some(chunk) = chunks.message().await? {
        hash.update(&chunk.data);
        size += chunk.data.len() as i64;
        out.write_all(&chunk.data).await.or_internal(&cannot)?;
    }
    out.sync_all().await.or_internal(&cannot)?;
    let arrived = hex::encode(hash.finalize());
    if size != file.entry.size || !(file.entry.sha256.is_empty() || file.entry.sha256 == arrived) {
        return Err(Error::unavailable(format!("{} did not arrive whole", file.entry.path)));
    }
    Ok(())
}
