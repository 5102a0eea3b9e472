//! What keys point to, changed in one transaction with the counts of the blobs behind it.

use super::body::Upload;
use super::checksum::Checksum;
use super::request::Request;
use super::{S3, conditions, failure};
use crate::objects::Artifacts;
use crate::store::s3_objects::{self, Object};
use crate::store::s3_pieces::{self, Piece};
use crate::store::{blobs, orphans, s3_buckets};
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use std::collections::BTreeMap;

/// How often a write is tried again that met another one on the same new key.
const ATTEMPTS: usize = 5;

/// References to blobs that a transaction adds and takes away, one entry each.
#[derive(Default)]
pub(super) struct Changes<'a> {
    pub(super) released: Vec<String>,
    pub(super) retained: Vec<String>,
    /// Bytes that have just been written, and are retained too.
    pub(super) new: Option<&'a Upload>,
}

impl Changes<'_> {
    /// Counts every change, blobs in order so that two writers never wait for each other crosswise. Bytes that turned
    /// out to be a copy become an orphan; `true` when the sweep should be woken for one.
    pub(super) async fn count(self, tx: &mut Tx, now: i64) -> Result<bool> {
        let mut net: BTreeMap<&str, i64> = BTreeMap::new();
        for sha256 in &self.released {
            *net.entry(sha256).or_default() -= 1;
        }
        let new = self.new.map(|upload| &upload.stored.written.sha256);
        for sha256 in self.retained.iter().chain(new) {
            *net.entry(sha256).or_default() += 1;
        }
        let mut fresh = false;
        for (sha256, mut count) in net {
            if count < 0 {
                blobs::release(tx, sha256, -count, now).await?;
            }
            if let Some(upload) = self.new.filter(|upload| upload.stored.written.sha256 == sha256 && count > 0) {
                fresh = blobs::retain(tx, &upload.stored, 1, now).await? == upload.stored.location;
                count -= 1;
            }
            if count > 0 && !blobs::retain_more(tx, sha256, count).await? {
                return Err(Error::unavailable("the bytes went away while they were copied; try again"));
            }
        }
        match self.new {
            Some(upload) if fresh => orphans::remove(tx, &upload.stored.location).await?,
            Some(upload) => orphans::add(tx, &upload.stored.location, now).await?,
            None => {}
        }
        Ok(self.new.is_some() && !fresh)
    }
}

/// Whether an object was shown, or another writer made the same key at the same moment.
pub(super) enum Shown {
    /// The blobs of what was there before.
    Done(Vec<String>),
    Raced,
}

/// Points the key at `new`, whose pieces are the caller's business, when the conditions of `request` hold.
pub(super) async fn show(tx: &mut Tx, request: &Request, bucket: &str, new: &Object) -> Result<Shown> {
    let old = s3_objects::hold(tx, bucket, &new.key).await?;
    conditions::write(request, old.as_ref())?;
    let Some(old) = old else {
        return match s3_objects::insert(tx, bucket, new).await? {
            true => Ok(Shown::Done(vec![])),
            false => Ok(Shown::Raced),
        };
    };
    s3_objects::replace(tx, bucket, new).await?;
    Ok(Shown::Done(s3_pieces::remove_all(tx, &old.content).await?))
}

impl S3 {
    /// Shows an object whose pieces are `pieces`; `upload` has the bytes of the only one when they are new.
    pub(super) async fn write(
        &self,
        request: &Request,
        bucket: &str,
        new: &Object,
        pieces: &[Piece],
        upload: Option<&Upload>,
    ) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let now = new.modified_at;
            let mut tx = self.artifacts.db.begin().await?;
            // the bucket may have gone while the bytes came
            if !s3_buckets::is_there(&mut tx, bucket).await? {
                return Err(failure::no_such_bucket(bucket));
            }
            let Shown::Done(released) = show(&mut tx, request, bucket, new).await? else { continue };
            let mut changes = Changes { released, new: upload, ..Changes::default() };
            for piece in pieces {
                s3_pieces::put(&mut tx, &new.content, piece).await?;
                if upload.is_none() {
                    changes.retained.push(piece.sha256.clone());
                }
            }
            let copy = changes.count(&mut tx, now).await?;
            tx.commit().await?;
            self.wake_sweep(copy);
            return Ok(());
        }
        Err(Error::unavailable(format!("{} is being written by others; try again", new.key)))
    }

    pub(super) fn wake_sweep(&self, needed: bool) {
        if needed {
            self.artifacts.to_sweep.notify_one();
        }
    }

    /// What `write` answered; bytes that found no place are let go.
    pub(super) async fn keep_or_abandon<T>(&self, upload: &Upload, result: Result<T>) -> Result<T> {
        if result.is_err() {
            self.artifacts.abandon(&upload.stored.location).await?;
        }
        result
    }
}

/// The bytes of an upload as a piece.
pub(super) fn piece(number: i64, upload: &Upload, now: i64) -> Result<Piece> {
    Ok(Piece {
        number,
        sha256: upload.stored.written.sha256.clone(),
        size: upload.stored.written.size,
        etag: upload.stored.written.md5.clone().unwrap_or_default(),
        checksum: checksum_json(upload.checksum.as_ref())?,
        created_at: now,
    })
}

pub(super) fn checksum_json(checksum: Option<&Checksum>) -> Result<Option<String>> {
    Ok(checksum.map(serde_json::to_string).transpose()?)
}

pub(super) fn read_checksum(json: Option<&String>) -> Result<Option<Checksum>> {
    Ok(json.map(|text| serde_json::from_str(text)).transpose()?)
}

/// Lets go of every piece of `content`.
pub(super) async fn drop_pieces(tx: &mut Tx, content: &str, now: i64) -> Result<()> {
    let released = s3_pieces::remove_all(tx, content).await?;
    Changes { released, ..Changes::default() }.count(tx, now).await.map(drop)
}

impl Artifacts {
    /// A new name for the bytes of an object, after every earlier one.
    pub(super) fn new_content(&self) -> String {
        self.ids.ordered().simple().to_string()
    }
}
