//! Objects in an S3 bucket. Small ones in one PUT, larger ones as a multipart upload that is aborted on failure.

use super::{ByteStream, Meter, Written};
use crate::config::S3 as Config;
use crate::error::{Error, Result, ResultExt};
use aws_config::BehaviorVersion;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::primitives::ByteStream as Body;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use tokio_util::io::ReaderStream;

/// Size of a part; S3 wants at least 5 MiB and at most 10,000 parts.
const PART: usize = 16 * 1024 * 1024;

pub(super) struct S3 {
    client: Client,
    bucket: String,
    prefix: String,
}

impl S3 {
    pub(super) async fn open(place: &str, config: &Config) -> Self {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::new(config.region.clone()));
        if !config.access_key_id.is_empty() {
            loader = loader.credentials_provider(Credentials::new(
                &config.access_key_id,
                &config.secret_access_key,
                None,
                None,
                "artel settings",
            ));
        }
        let shared = loader.load().await;
        let mut builder = aws_sdk_s3::config::Builder::from(&shared)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if !config.endpoint.is_empty() {
            builder = builder.endpoint_url(&config.endpoint).force_path_style(true);
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{}/", prefix.trim_end_matches('/')) };
        Self { client: Client::from_conf(builder.build()), bucket: bucket.into(), prefix }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(super) async fn put(&self, key: &str, mut data: impl Stream<Item = Result<Bytes>> + Send + Unpin) -> Result<Written> {
        let mut meter = Meter::default();
        let first = next_part(&mut data, &mut meter).await?;
        if first.len() < PART {
            let request = self.client.put_object().bucket(&self.bucket).key(self.key(key)).body(Body::from(first));
            request.send().await.or_unavailable("the S3 server did not take an object")?;
            return Ok(meter.written());
        }
        let started = self.client.create_multipart_upload().bucket(&self.bucket).key(self.key(key)).send().await;
        let started = started.or_unavailable("the S3 server did not start an upload")?;
        let upload = started.upload_id().ok_or_else(|| Error::unavailable("the S3 server named no upload"))?;
        let sent = self.parts(key, upload, first, &mut data, &mut meter).await;
        if let Err(error) = sent {
            let _ = self.client.abort_multipart_upload().bucket(&self.bucket).key(self.key(key)).upload_id(upload).send().await;
            return Err(error);
        }
        Ok(meter.written())
    }

    async fn parts(
        &self,
        key: &str,
        upload: &str,
        first: Bytes,
        data: &mut (impl Stream<Item = Result<Bytes>> + Send + Unpin),
        meter: &mut Meter,
    ) -> Result<()> {
        let mut done = Vec::new();
        let mut part = first;
        while !part.is_empty() {
            let number = done.len() as i32 + 1;
            let request = self
                .client
                .upload_part()
                .bucket(&self.bucket)
                .key(self.key(key))
                .upload_id(upload)
                .part_number(number)
                .body(Body::from(part));
            let answer = request.send().await.or_unavailable("the S3 server did not take a part")?;
            done.push(CompletedPart::builder().part_number(number).set_e_tag(answer.e_tag().map(Into::into)).build());
            part = next_part(data, meter).await?;
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(done)).build();
        let request =
            self.client.complete_multipart_upload().bucket(&self.bucket).key(self.key(key)).upload_id(upload).multipart_upload(parts);
        request.send().await.or_unavailable("the S3 server did not complete an upload").map(drop)
    }

    pub(super) async fn get(&self, key: &str, offset: u64, length: Option<u64>) -> Result<ByteStream> {
        if length == Some(0) {
            return Ok(futures::stream::empty().boxed());
        }
        let mut request = self.client.get_object().bucket(&self.bucket).key(self.key(key));
        if offset > 0 || length.is_some() {
            let end = length.map(|l| (offset + l - 1).to_string()).unwrap_or_default();
            request = request.range(format!("bytes={offset}-{end}"));
        }
        let answer = request.send().await.map_err(|e| match e.as_service_error() {
            Some(service) if service.is_no_such_key() => Error::not_found("the object is not in the store"),
            _ => Error::unavailable("the S3 server did not give an object").because(e),
        })?;
        let stream = ReaderStream::with_capacity(answer.body.into_async_read(), 256 * 1024);
        Ok(stream.map(|chunk| chunk.or_unavailable("the S3 server broke off")).boxed())
    }

    pub(super) async fn delete(&self, key: &str) -> Result<()> {
        let request = self.client.delete_object().bucket(&self.bucket).key(self.key(key));
        request.send().await.or_unavailable("the S3 server did not delete an object").map(drop)
    }

    pub(super) async fn ping(&self) -> Result<()> {
        let bucket = &self.bucket;
        self.client.head_bucket().bucket(bucket).send().await.or_unavailable(&format!("cannot reach the S3 bucket {bucket}")).map(drop)
    }
}

/// Collects up to one part; shorter only at the end of the stream.
async fn next_part(data: &mut (impl Stream<Item = Result<Bytes>> + Send + Unpin), meter: &mut Meter) -> Result<Bytes> {
    let mut part = BytesMut::new();
    while part.len() < PART {
        match data.next().await {
            Some(chunk) => {
                let chunk = chunk?;
                meter.add(&chunk);
                part.extend_from_slice(&chunk);
            }
            None => break,
        }
    }
    Ok(part.freeze())
}
