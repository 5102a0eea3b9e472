//! An object on its way out of the bucket: a large one in ranges, a few of which are fetched ahead. One connection alone gets
//! only a part of what such a server can give.

use super::super::ByteStream;
use super::S3;
use crate::error::{Error, Result, ResultExt};
use aws_sdk_s3::primitives::ByteStream as Body;
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::AbortOnDropHandle;

/// Bytes of one range.
const RANGE: u64 = 4 * 1024 * 1024;
/// Ranges that are fetched at once. They are all that is in memory of an object.
const AT_ONCE: usize = 3;
/// So many downloads may do that at a time; what they fetch takes 96 MiB at most. The others have one connection each.
pub(super) const AHEAD: usize = 8;

impl S3 {
    pub(in crate::blob) async fn get(&self, key: &str, offset: u64, length: Option<u64>) -> Result<ByteStream> {
        match length {
            Some(0) => return Ok(stream::empty().boxed()),
            Some(length) if length > RANGE => {
                if let Ok(permit) = self.ahead.clone().try_acquire_owned() {
                    return self.get_ahead(key, offset, length, permit).await;
                }
            }
            _ => {}
        }
        // chunks go on as they come from the socket, none is copied
        let chunks = stream::try_unfold(self.get_range(key, offset, length).await?, |mut body| async move {
            let chunk = body.try_next().await.or_unavailable("the S3 server broke off")?;
            Ok::<_, Error>(chunk.map(|chunk| (chunk, body)))
        });
        Ok(chunks.boxed())
    }

    async fn get_ahead(&self, key: &str, offset: u64, length: u64, permit: OwnedSemaphorePermit) -> Result<ByteStream> {
        // its head says whether there is such an object
        let first = self.get_range(key, offset, Some(RANGE)).await?;
        let (store, key) = (self.clone(), key.to_owned());
        let rest = (1..length.div_ceil(RANGE)).map(move |number| {
            let (from, size) = (offset + number * RANGE, RANGE.min(length - number * RANGE));
            let (store, key) = (store.clone(), key.clone());
            spawned(async move { whole(store.get_range(&key, from, Some(size)).await?, size).await })
        });
        let ranges = stream::iter(std::iter::once_with(|| spawned(whole(first, RANGE))).chain(rest)).buffered(AT_ONCE);
        let chunks = ranges.map(move |range| {
            let _held = &permit;
            let chunks = range.or_internal("fetching a part of an object stopped")??;
            Ok::<_, Error>(stream::iter(chunks.into_iter().map(Ok)))
        });
        Ok(chunks.try_flatten().boxed())
    }

    async fn get_range(&self, key: &str, offset: u64, length: Option<u64>) -> Result<Body> {
        let mut request = self.client.get_object().bucket(&self.bucket).key(self.key(key));
        if offset > 0 || length.is_some() {
            let end = length.map(|l| (offset + l - 1).to_string()).unwrap_or_default();
            request = request.range(format!("bytes={offset}-{end}"));
        }
        let answer = request.send().await.map_err(|e| match e.as_service_error() {
            Some(service) if service.is_no_such_key() => Error::not_found("the object is not in the store"),
            _ => Error::unavailable("the S3 server did not give an object").because(e),
        })?;
        Ok(answer.body)
    }
}

/// All `size` bytes of a range.
async fn whole(mut body: Body, size: u64) -> Result<Vec<Bytes>> {
    let (mut chunks, mut length) = (Vec::new(), 0);
    while let Some(chunk) = body.try_next().await.or_unavailable("the S3 server broke off")? {
        length += chunk.len() as u64;
        chunks.push(chunk);
    }
    if length == size { Ok(chunks) } else { Err(Error::unavailable("the S3 server gave less of an object than there is")) }
}

/// Goes on while nobody looks at it, and ends when nobody wants it any more.
fn spawned<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> AbortOnDropHandle<T> {
    AbortOnDropHandle::new(tokio::spawn(work))
}
