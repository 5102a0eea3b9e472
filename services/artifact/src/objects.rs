//! Writing, reading, listing and removing objects.

use crate::config::Config;
use crate::contents::{self, Stored};
use crate::direct::STAND_IN;
use crate::path::ArtifactPath;
use crate::store::objects::NewObject;
use crate::store::{blobs, direct_uploads, objects, orphans};
use artel_platform::blob::{Blobs, ByteStream, Sums};
use artel_platform::clock::{Clock, Ids};
use artel_platform::db::{Db, Tx};
use artel_platform::{Context, Error, Result};
use artel_proto::artel::artifact::v1::ArtifactWritten;
use bytes::Bytes;
use futures::Stream;
use std::collections::BTreeMap;
use tokio::sync::Notify;

/// How many objects one transaction removes.
pub(crate) const REMOVED_AT_ONCE: i64 = 500;
/// How often a write is tried again that met another one on the same new path.
const ATTEMPTS: usize = 5;

/// The objects of every workspace.
pub struct Artifacts {
    pub(crate) db: Db,
    pub(crate) blobs: Blobs,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) to_sweep: Notify,
    pub(crate) to_read: Notify,
    pub(crate) ids: Ids,
}

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whole path in the workspace.
    pub path: String,
    /// A folder has neither size nor hash.
    pub is_dir: bool,
    /// Number of bytes.
    pub size: u64,
    /// SHA-256 of the bytes, hex. Until bytes that a client put into the store itself are read, a stand-in that no other
    /// bytes have.
    pub sha256: String,
}

/// A file with what is needed to serve it.
#[derive(Debug, Clone)]
pub struct Content {
    /// Path, size and hash.
    pub entry: Entry,
    /// As the writer named it.
    pub content_type: String,
    /// When it was written, in milliseconds.
    pub created_at: i64,
    pub(crate) location: String,
}

impl Artifacts {
    /// Over an open database and the object store of `cx`, with the settings of `[artifact]`.
    pub fn new(cx: &Context, db: Db) -> Result<Self> {
        let config = cx.config.section("artifact")?;
        Ok(Self {
            db,
            blobs: cx.blobs.clone(),
            clock: cx.clock.clone(),
            ids: cx.ids.clone(),
            config,
            to_sweep: Notify::new(),
            to_read: Notify::new(),
        })
    }

    /// Writes `data` to its end and then, at once and whole, shows it at `path`. A stream that fails changes nothing.
    pub async fn put(
        &self,
        workspace: &str,
        path: &ArtifactPath,
        content_type: &str,
        data: impl Stream<Item = Result<Bytes>> + Send + Unpin,
    ) -> Result<Entry> {
        if path.is_root() {
            return Err(Error::invalid("Invalid path: an artifact needs a file name"));
        }
        let stored = self.store(Sums::Sha256, data).await?;
        let shown = self.show(workspace, path, content_type, &stored).await;
        if shown.is_err() {
            self.abandon(&stored.location).await?;
        }
        shown?;
        Ok(Entry { path: path.to_string(), is_dir: false, size: stored.written.size, sha256: stored.written.sha256 })
    }

    pub(crate) async fn show(&self, workspace: &str, path: &ArtifactPath, content_type: &str, stored: &Stored) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if self.record(workspace, path, content_type, stored).await? {
                return Ok(());
            }
        }
        Err(Error::unavailable(format!("{path} is being written by others; try again")))
    }

    /// Shows written bytes at `path`. `false` when another writer made the path at the same moment.
    async fn record(&self, workspace: &str, path: &ArtifactPath, content_type: &str, stored: &Stored) -> Result<bool> {
        let written = &stored.written;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        if let Some(other) = objects::obstacle(&mut tx, workspace, path).await? {
            return Err(obstructed(path, &other));
        }
        if let Some(upload) = &stored.upload
            && !direct_uploads::complete(&mut tx, upload, now).await?
        {
            return Ok(true);
        }
        let object = NewObject { workspace, path, sha256: &written.sha256, size: written.size, content_type, created_at: now };
        // the path is held before any content is: two writers never wait for each other crosswise
        let held = objects::hold(&mut tx, workspace, path).await?;
        match held {
            Some(_) => objects::replace(&mut tx, &object).await?,
            None if objects::insert(&mut tx, &object).await? => {}
            None => return Ok(false),
        }
        let fresh = repoint(&mut tx, held.as_deref(), stored, now).await?;
        let event = ArtifactWritten {
            workspace: workspace.into(),
            path: path.to_string(),
            size: written.size as i64,
            sha256: known(&written.sha256),
        };
        tx.emit(&event);
        tx.commit().await?;
        if !fresh {
            self.to_sweep.notify_one();
        }
        Ok(true)
    }

    /// The file at `path`. A folder is the caller's mistake, nothing is `NOT_FOUND`.
    pub async fn content(&self, workspace: &str, path: &ArtifactPath) -> Result<Content> {
        if let Some(content) = objects::find(&self.db, workspace, path).await? {
            return Ok(content);
        }
        if path.is_root() || objects::is_folder(&self.db, workspace, path).await? {
            return Err(Error::invalid(format!("Artifact path refers to a directory, not a file: '{path}'")));
        }
        Err(missing(path))
    }

    /// The bytes of `content`, `length` of them (or to the end) from `offset`.
    pub async fn read(&self, content: &Content, offset: u64, length: Option<u64>) -> Result<ByteStream> {
        let length = length.unwrap_or(content.entry.size.saturating_sub(offset));
        self.blobs.get(&content.location, offset, Some(length)).await
    }

    /// The file or folder at `path`.
    pub async fn stat(&self, workspace: &str, path: &ArtifactPath) -> Result<Entry> {
        if let Some(content) = objects::find(&self.db, workspace, path).await? {
            return Ok(content.entry);
        }
        if path.is_root() || objects::is_folder(&self.db, workspace, path).await? {
            return Ok(folder(path.to_string()));
        }
        Err(missing(path))
    }

    /// The files and folders directly in the folder `path`, by path. Nothing when it is a file or is not there.
    pub async fn list(&self, workspace: &str, path: &ArtifactPath) -> Result<Vec<Entry>> {
        let prefix = path.prefix();
        let mut entries: Vec<Entry> = Vec::new();
        let mut after = prefix.clone();
        let mut limit = 256;
        loop {
            let page = objects::page(&self.db, workspace, &prefix, &after, limit).await?;
            let (full, before) = (page.len() as i64 == limit, entries.len());
            for file in page {
                after = collect(&mut entries, &prefix, file);
            }
            if !full {
                break;
            }
            // a page that was spent on one deep folder says the next may be too
            limit = if entries.len() - before < 2 { 16 } else { 1024 };
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    /// Every file below `path`, by path.
    pub async fn walk(&self, workspace: &str, path: &ArtifactPath) -> Result<Vec<Entry>> {
        const PAGE: i64 = 1000;
        let prefix = path.prefix();
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let after = entries.last().map_or(&prefix, |e| &e.path).clone();
            let page = objects::page(&self.db, workspace, &prefix, &after, PAGE).await?;
            let full = page.len() as i64 == PAGE;
            entries.extend(page);
            if !full {
                return Ok(entries);
            }
        }
    }

    /// Removes the file at `path` and, when `recursive`, everything below it. Answers how many files went.
    pub async fn delete(&self, workspace: &str, path: &ArtifactPath, recursive: bool) -> Result<u64> {
        if path.is_root() {
            return Err(Error::invalid("Invalid path: name what to delete, not the root"));
        }
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let removed = objects::remove(&mut tx, workspace, path).await?;
        let mut count = removed.iter().len() as u64;
        release(&mut tx, removed, now).await?;
        tx.commit().await?;
        if recursive {
            count += self.delete_below(workspace, &path.prefix(), now).await?;
        }
        Ok(count)
    }

    /// Removes everything whose path begins with `prefix`, some at a time. Answers how many files went.
    async fn delete_below(&self, workspace: &str, prefix: &str, now: i64) -> Result<u64> {
        let mut count = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let removed = objects::remove_below(&mut tx, workspace, prefix, REMOVED_AT_ONCE).await?;
            let last = (removed.len() as i64) < REMOVED_AT_ONCE;
            count += removed.len() as u64;
            release(&mut tx, removed, now).await?;
            tx.commit().await?;
            if last {
                return Ok(count);
            }
        }
    }
}

/// Counts the change of what a path points to, contents in order so that two writers never wait for each other.
/// Answers whether the new bytes are used; if not, they are a copy that is freed.
async fn repoint(tx: &mut Tx, held: Option<&str>, stored: &Stored, now: i64) -> Result<bool> {
    let new = stored.written.sha256.as_str();
    if held == Some(new) {
        orphans::add(tx, &stored.location, now).await?;
        return Ok(false);
    }
    if let Some(old) = held.filter(|old| *old < new) {
        blobs::release(tx, old, 1, now).await?;
    }
    let fresh = contents::retain(tx, stored, now).await?;
    if let Some(old) = held.filter(|old| *old > new) {
        blobs::release(tx, old, 1, now).await?;
    }
    Ok(fresh)
}

pub(crate) async fn release(tx: &mut Tx, contents: impl IntoIterator<Item = String>, now: i64) -> Result<()> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for sha256 in contents {
        *counts.entry(sha256).or_default() += 1;
    }
    for (sha256, count) in counts {
        blobs::release(tx, &sha256, count, now).await?;
    }
    Ok(())
}

/// Adds `file`, or the folder directly below `prefix` that it lies in; answers after what to read on.
fn collect(entries: &mut Vec<Entry>, prefix: &str, file: Entry) -> String {
    let Some(end) = file.path[prefix.len()..].find('/') else {
        let after = file.path.clone();
        entries.push(file);
        return after;
    };
    let path = &file.path[..prefix.len() + end];
    if entries.last().is_none_or(|last| last.path != path || !last.is_dir) {
        entries.push(folder(path.to_owned()));
    }
    objects::last_below(&format!("{path}/"))
}

fn folder(path: String) -> Entry {
    Entry { path, is_dir: true, size: 0, sha256: String::new() }
}

/// A file and a folder cannot have one name.
pub(crate) fn obstructed(path: &ArtifactPath, other: &str) -> Error {
    Error::invalid(format!(
        "Invalid path: cannot write the file '{path}' because '{other}' is there: one name is either a file or a folder"
    ))
}

/// A hash as others see it: empty as long as it is a stand-in.
pub(crate) fn known(sha256: &str) -> String {
    if sha256.starts_with(STAND_IN) { String::new() } else { sha256.into() }
}

fn missing(path: &ArtifactPath) -> Error {
    Error::not_found(format!("No such artifact: '{path}'"))
}
