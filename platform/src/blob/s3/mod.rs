//! Objects in an S3 bucket.

mod download;
mod upload;

use crate::config::S3 as Config;
use crate::error::{Error, Result, ResultExt};
use aws_config::BehaviorVersion;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

#[derive(Clone)]
pub(super) struct S3 {
    client: Client,
    /// Makes URLs for clients, who may know the server by another name.
    signer: Client,
    bucket: String,
    prefix: String,
    /// Goes with what Artel itself sends, in place of a signature over the bytes. The server refuses what does not fit it.
    checksum: Option<ChecksumAlgorithm>,
    /// Downloads that may read ahead now.
    ahead: Arc<Semaphore>,
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
        let client = Client::from_conf(builder.clone().build());
        if !config.public_endpoint.is_empty() {
            builder = builder.endpoint_url(&config.public_endpoint).force_path_style(true);
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{}/", prefix.trim_end_matches('/')) };
        let checksum = config.checksums.then_some(ChecksumAlgorithm::Crc32);
        let ahead = Arc::new(Semaphore::new(download::AHEAD));
        Self { client, signer: Client::from_conf(builder.build()), bucket: bucket.into(), prefix, checksum, ahead }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Starts a multipart upload, each part of which comes with this checksum; answers the server's name for it.
    pub(super) async fn begin(&self, key: &str, checksum: Option<ChecksumAlgorithm>) -> Result<String> {
        let request = self.client.create_multipart_upload().bucket(&self.bucket).key(self.key(key)).set_checksum_algorithm(checksum);
        let started = request.send().await;
        let started = started.or_unavailable("the S3 server did not start an upload")?;
        started.upload_id().map(Into::into).ok_or_else(|| Error::unavailable("the S3 server named no upload"))
    }

    /// Joins the parts. What the server has against them is the caller's mistake.
    pub(super) async fn complete(&self, key: &str, upload: &str, parts: Vec<CompletedPart>) -> Result<()> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(self.key(key));
        request.upload_id(upload).multipart_upload(parts).send().await.map(drop).map_err(|e| match e.code() {
            Some(code @ ("InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" | "NoSuchUpload" | "MalformedXML" | "InvalidRequest")) => {
                Error::invalid(format!("the upload cannot be completed: {code}: {}", e.message().unwrap_or("no reason was given")))
                    .because(e)
            }
            _ => Error::unavailable("the S3 server did not complete an upload").because(e),
        })
    }

    /// Gives an upload up; fine when it is not there.
    pub(super) async fn abort(&self, key: &str, upload: &str) -> Result<()> {
        let request = self.client.abort_multipart_upload().bucket(&self.bucket).key(self.key(key)).upload_id(upload);
        match request.send().await {
            Err(e) if e.code() != Some("NoSuchUpload") => Err(Error::unavailable("the S3 server did not give up an upload").because(e)),
            _ => Ok(()),
        }
    }

    pub(super) async fn discard(&self, key: &str) -> Result<()> {
        let key_there = self.key(key);
        let request = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(&key_there);
        let listed = request.send().await.or_unavailable("the S3 server did not list its uploads")?;
        for upload in listed.uploads().iter().filter(|u| u.key() == Some(&key_there)) {
            self.abort(key, upload.upload_id().unwrap_or_default()).await?;
        }
        self.delete(key).await
    }

    pub(super) async fn delete(&self, key: &str) -> Result<()> {
        let request = self.client.delete_object().bucket(&self.bucket).key(self.key(key));
        request.send().await.or_unavailable("the S3 server did not delete an object").map(drop)
    }

    pub(super) async fn size(&self, key: &str) -> Result<Option<u64>> {
        let request = self.client.head_object().bucket(&self.bucket).key(self.key(key));
        match request.send().await {
            Ok(answer) => Ok(answer.content_length().and_then(|length| length.try_into().ok())),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_not_found()) => Ok(None),
            Err(e) => Err(Error::unavailable("the S3 server did not describe an object").because(e)),
        }
    }

    pub(super) async fn part_url(&self, key: &str, upload: &str, number: i32, life: Duration) -> Result<String> {
        let request = self.signer.upload_part().bucket(&self.bucket).key(self.key(key)).upload_id(upload).part_number(number);
        let signed = request.presigned(lasting(life)?).await.or_internal("cannot sign a URL")?;
        Ok(signed.uri().into())
    }

    pub(super) async fn get_url(&self, key: &str, content_type: &str, disposition: &str, life: Duration) -> Result<String> {
        let request = self.signer.get_object().bucket(&self.bucket).key(self.key(key));
        let request = request.response_content_type(content_type).response_content_disposition(disposition);
        let signed = request.presigned(lasting(life)?).await.or_internal("cannot sign a URL")?;
        Ok(signed.uri().into())
    }

    pub(super) async fn put_url(&self, key: &str, content_type: &str, life: Duration) -> Result<String> {
        let request = self.signer.put_object().bucket(&self.bucket).key(self.key(key)).content_type(content_type);
        let signed = request.presigned(lasting(life)?).await.or_internal("cannot sign a URL")?;
        Ok(signed.uri().into())
    }

    pub(super) async fn ping(&self) -> Result<()> {
        let bucket = &self.bucket;
        self.client.head_bucket().bucket(bucket).send().await.or_unavailable(&format!("cannot reach the S3 bucket {bucket}")).map(drop)
    }
}

fn lasting(life: Duration) -> Result<PresigningConfig> {
    PresigningConfig::expires_in(life).or_invalid("a URL can be good for a week at most")
}
