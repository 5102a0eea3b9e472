//! Bytes by key, on a folder or in an S3 bucket. Streams both ways, never holds an object whole, and shows a new
//! object only when it is complete.

mod direct;
mod files;
mod meter;
mod s3;

pub use direct::Direct;

use crate::config::S3 as S3Config;
use crate::error::{Error, Result};
use bytes::Bytes;
use futures::Stream;
use futures::StreamExt;
use futures::stream::BoxStream;
use std::sync::Arc;

/// A stream of bytes.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Number of bytes.
    pub size: u64,
    /// SHA-256 of the bytes, hex.
    pub sha256: String,
    /// MD5 of the bytes, hex, where it was asked for: the name that DVC gives them and the `ETag` of S3.
    pub md5: Option<String>,
}

/// Which sums of the bytes are taken on their way. MD5 is the slowest step of an upload: two thirds of its computing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sums {
    /// SHA-256.
    Sha256,
    /// SHA-256 and MD5.
    WithMd5,
}

/// Where objects are kept. Keys are relative paths with `/`, made by Artel itself, never by a client.
#[derive(Clone)]
pub struct Blobs(Arc<Store>);

enum Store {
    Files(files::Files),
    S3(s3::S3),
}

impl Blobs {
    /// `url` is `file://FOLDER` or `s3://BUCKET[/PREFIX]`.
    pub async fn open(url: &str, s3: &S3Config) -> Result<Self> {
        let store = match url.split_once("://") {
            Some(("file", folder)) => Store::Files(files::Files::open(folder.into())?),
            Some(("s3", place)) => Store::S3(s3::S3::open(place, s3).await),
            _ => return Err(Error::invalid(format!("artifacts {url:?} is not understood; give file://FOLDER or s3://BUCKET/PREFIX"))),
        };
        Ok(Self(Arc::new(store)))
    }

    /// Writes a stream to its end under `key`. A stream that fails leaves nothing.
    pub async fn put(&self, key: &str, sums: Sums, data: impl Stream<Item = Result<Bytes>> + Send + Unpin) -> Result<Written> {
        let meter = meter::Meter::new(sums);
        match &*self.0 {
            Store::Files(store) => store.put(key, meter, data).await,
            Store::S3(store) => store.put(key, meter, data).await,
        }
    }

    /// Reads `length` bytes (or to the end) from `offset`. `NOT_FOUND` when there is no such object.
    pub async fn get(&self, key: &str, offset: u64, length: Option<u64>) -> Result<ByteStream> {
        match &*self.0 {
            Store::Files(store) => store.get(key, offset, length).await,
            Store::S3(store) => store.get(key, offset, length).await,
        }
    }

    /// Removes an object; fine when it is not there.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match &*self.0 {
            Store::Files(store) => store.delete(key).await,
            Store::S3(store) => store.delete(key).await,
        }
    }

    /// Removes whatever an upload to `key` left that nobody saw end; fine when there is nothing.
    pub async fn discard(&self, key: &str) -> Result<()> {
        match &*self.0 {
            Store::Files(store) => store.discard(key).await,
            Store::S3(store) => store.discard(key).await,
        }
    }

    /// Reads an object to count and hash it.
    pub async fn measure(&self, key: &str) -> Result<Written> {
        let mut data = self.get(key, 0, None).await?;
        let mut meter = meter::Meter::new(Sums::Sha256);
        while let Some(chunk) = data.next().await {
            meter = meter.with(&[chunk?]).await?;
        }
        Ok(meter.written())
    }

    /// The store as clients may use it themselves, if it can be.
    pub fn direct(&self) -> Option<Direct<'_>> {
        match &*self.0 {
            Store::Files(_) => None,
            Store::S3(store) => Some(Direct(store)),
        }
    }

    /// Is the store reachable? For `/readyz`.
    pub async fn ping(&self) -> Result<()> {
        match &*self.0 {
            Store::Files(store) => store.ping().await,
            Store::S3(store) => store.ping().await,
        }
    }
}
