//! Transfers between clients and the object store itself, which the store's own URLs allow for a while.

use super::s3::S3;
use crate::error::Result;
use aws_sdk_s3::types::CompletedPart;
use std::time::Duration;

/// A store that clients can reach with URLs made here. Only S3 is one.
pub struct Direct<'a>(pub(super) &'a S3);

impl Direct<'_> {
    /// Starts an upload in parts to `key`; answers the store's name for it.
    pub async fn begin(&self, key: &str) -> Result<String> {
        self.0.begin(key, None).await
    }

    /// Where a client puts part `number` (1 to 10,000) of an upload, for `life`.
    pub async fn part_url(&self, key: &str, upload: &str, number: i32, life: Duration) -> Result<String> {
        self.0.part_url(key, upload, number, life).await
    }

    /// Joins the parts, given by number and `ETag`. What the store has against them is `INVALID_ARGUMENT`.
    pub async fn complete(&self, key: &str, upload: &str, parts: Vec<(i32, String)>) -> Result<()> {
        let parts = parts.into_iter().map(|(number, etag)| CompletedPart::builder().part_number(number).e_tag(etag).build());
        self.0.complete(key, upload, parts.collect()).await
    }

    /// How many bytes the object has; `None` when it is not there.
    pub async fn size(&self, key: &str) -> Result<Option<u64>> {
        self.0.size(key).await
    }

    /// Where a client gets the object, for `life`, with these headers in the answer.
    pub async fn get_url(&self, key: &str, content_type: &str, disposition: &str, life: Duration) -> Result<String> {
        self.0.get_url(key, content_type, disposition, life).await
    }

    /// Where a client puts the object, for `life`; it must send this `Content-Type`.
    pub async fn put_url(&self, key: &str, content_type: &str, life: Duration) -> Result<String> {
        self.0.put_url(key, content_type, life).await
    }
}
