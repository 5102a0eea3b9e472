//! Small files that are there whole, written together: the journeys to the database are those of one.

use crate::contents::Stored;
use crate::objects::{Artifacts, known};
use crate::path::ArtifactPath;
use crate::store::{blobs, objects, orphans};
use artel_platform::blob::Sums;
use artel_platform::{Error, Result};
use artel_proto::artel::artifact::v1::ArtifactWritten;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::{HashMap, HashSet};

/// How many are written into the object store at a time.
const AT_ONCE: usize = 4;

/// A file and its bytes.
#[derive(Debug, Clone)]
pub struct SmallFile {
    /// Where it is to be.
    pub path: ArtifactPath,
    /// As its reader is to be told.
    pub content_type: String,
    /// All of it.
    pub data: Bytes,
}

/// One whose bytes are in the store.
pub(crate) struct Written {
    pub(crate) file: SmallFile,
    pub(crate) stored: Stored,
}

impl Artifacts {
    /// Writes all of them and shows them together. Where one path is taken already, or cannot be, each is shown by itself, and
    /// the first that cannot be fails the call.
    pub async fn put_many(&self, workspace: &str, files: Vec<SmallFile>) -> Result<()> {
        let mut paths = HashSet::new();
        if let Some(wrong) = files.iter().find(|file| file.path.is_root() || !paths.insert(&file.path)) {
            return Err(Error::invalid(format!("Invalid path: '{}' is no file's name, or was given twice", wrong.path)));
        }
        let places = self.places(files.len()).await?;
        let written: Vec<Written> = stream::iter(files.into_iter().zip(places))
            .map(|(file, location)| async move {
                let written = self.blobs.put(&location, Sums::Sha256, stream::iter([Ok(file.data.clone())])).await?;
                Ok::<_, Error>(Written { file, stored: Stored { location, written, upload: None } })
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        if written.is_empty() || self.record_new(workspace, &written).await? {
            return Ok(());
        }
        for (at, Written { file, stored }) in written.iter().enumerate() {
            if let Err(error) = self.show(workspace, &file.path, &file.content_type, stored).await {
                for left in &written[at..] {
                    self.abandon(&left.stored.location).await?;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Shows written bytes at paths that are all new. `false`, and nothing is shown, when one is not.
    async fn record_new(&self, workspace: &str, written: &[Written]) -> Result<bool> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let paths: Vec<&ArtifactPath> = written.iter().map(|w| &w.file.path).collect();
        if objects::any_obstacle(&mut tx, workspace, &paths).await? || !objects::insert_all(&mut tx, workspace, written, now).await? {
            return Ok(false);
        }
        let lies = blobs::retain_all(&mut tx, written, now).await?;
        let (fresh, copies): (Vec<_>, Vec<_>) = written
            .iter()
            .map(|w| (w.stored.location.as_str(), lies.get(&w.stored.written.sha256)))
            .partition(|(location, lies)| lies.is_some_and(|lies| lies == location));
        let locations = |of: &[(&str, Option<&String>)]| of.iter().map(|(location, _)| (*location).to_owned()).collect::<Vec<_>>();
        orphans::remove_all(&mut tx, &locations(&fresh));
        orphans::add_all(&mut tx, locations(&copies), now).await?;
        for Written { file, stored } in written {
            tx.emit(&ArtifactWritten {
                workspace: workspace.into(),
                path: file.path.to_string(),
                size: stored.written.size as i64,
                sha256: known(&stored.written.sha256),
            });
        }
        tx.commit().await?;
        if !copies.is_empty() {
            self.to_sweep.notify_one();
        }
        Ok(true)
    }
}

/// How often each content is there, with a place where it lies.
pub(crate) fn contents(written: &[Written]) -> Vec<(&Stored, i64)> {
    let mut counts: HashMap<&str, (&Stored, i64)> = HashMap::new();
    for Written { stored, .. } in written {
        counts.entry(&stored.written.sha256).or_insert((stored, 0)).1 += 1;
    }
    let mut contents: Vec<_> = counts.into_values().collect();
    // in order, so that two writers never wait for each other
    contents.sort_by(|a, b| a.0.written.sha256.cmp(&b.0.written.sha256));
    contents
}
