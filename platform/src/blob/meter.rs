//! What passes is gathered into batches, counted and hashed.

use super::Written;
use crate::error::Result;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use md5::Md5;
use sha2::{Digest, Sha256};

/// Counts and hashes. Half a gigabyte takes about a second: it belongs on a thread that may block.
#[derive(Default)]
pub(super) struct Meter {
    size: u64,
    sha256: Sha256,
    md5: Md5,
}

impl Meter {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.sha256.update(bytes);
        self.md5.update(bytes);
    }

    pub(super) fn with(mut self, bytes: &[u8]) -> Self {
        self.add(bytes);
        self
    }

    pub(super) fn written(self) -> Written {
        Written { size: self.size, sha256: hex::encode(self.sha256.finalize()), md5: hex::encode(self.md5.finalize()) }
    }
}

/// A few chunks of a stream.
pub(super) struct Batch {
    pub(super) chunks: Vec<Bytes>,
    /// The stream ended with it.
    pub(super) last: bool,
}

impl Batch {
    /// Nothing more.
    pub(super) fn end() -> Self {
        Self { chunks: Vec::new(), last: true }
    }

    /// The chunks as one.
    pub(super) fn joined(self) -> Bytes {
        if self.chunks.len() == 1 { self.chunks.into_iter().next().unwrap_or_default() } else { self.chunks.concat().into() }
    }
}

/// Takes chunks until they are `size` bytes or more, or the stream ends.
pub(super) async fn gather(data: &mut (impl Stream<Item = Result<Bytes>> + Unpin), size: usize) -> Result<Batch> {
    let (mut chunks, mut length) = (Vec::new(), 0);
    while length < size {
        let Some(chunk) = data.next().await else { return Ok(Batch { chunks, last: true }) };
        let chunk = chunk?;
        length += chunk.len();
        if !chunk.is_empty() {
            chunks.push(chunk);
        }
    }
    Ok(Batch { chunks, last: false })
}

/// Runs what computes or waits for the disk where it holds up nobody.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| crate::Error::internal("a transfer stopped").because(e))?
}
