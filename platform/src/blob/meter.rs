//! What passes is gathered into batches, counted and hashed.

use super::{Sums, Written};
use crate::error::Result;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use md5::Md5;
use sha2::{Digest, Sha256};

/// What is shorter is hashed at once: to move to another thread would take longer.
const SHORT: usize = 64 * 1024;

/// Counts and hashes.
pub(super) struct Meter {
    size: u64,
    sha256: Sha256,
    md5: Option<Md5>,
}

impl Meter {
    pub(super) fn new(sums: Sums) -> Self {
        Self { size: 0, sha256: Sha256::new(), md5: (sums == Sums::WithMd5).then(Md5::new) }
    }

    /// Takes chunks in. Each sum has a thread of its own, that may block.
    pub(super) async fn with(self, chunks: &[Bytes]) -> Result<Self> {
        let Self { size, mut sha256, mut md5 } = self;
        let length: usize = chunks.iter().map(Bytes::len).sum();
        if length < SHORT {
            sha256 = updated(sha256, chunks);
            md5 = md5.map(|md5| updated(md5, chunks));
        } else {
            let (first, second) = (chunks.to_vec(), chunks.to_vec());
            let second = async {
                Ok(match md5 {
                    Some(md5) => Some(blocking(move || Ok(updated(md5, &second))).await?),
                    None => None,
                })
            };
            (sha256, md5) = futures::try_join!(blocking(move || Ok(updated(sha256, &first))), second)?;
        }
        Ok(Self { size: size + length as u64, sha256, md5 })
    }

    pub(super) fn written(self) -> Written {
        Written { size: self.size, sha256: hex::encode(self.sha256.finalize()), md5: self.md5.map(|md5| hex::encode(md5.finalize())) }
    }
}

fn updated<D: Digest>(mut digest: D, chunks: &[Bytes]) -> D {
    chunks.iter().for_each(|chunk| digest.update(chunk));
    digest
}

/// A few chunks of a stream.
pub(super) struct Batch {
    pub(super) chunks: Vec<Bytes>,
    /// The stream ended with it.
    pub(super) last: bool,
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
