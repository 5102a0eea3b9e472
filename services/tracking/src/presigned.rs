//! URLs of files that are not kept by this server but in a bucket, signed for clients without access to it
//! (mlflow/server/handlers.py `_create_presigned_upload_url`, mlflow/store/artifact/s3_artifact_repo.py).

use crate::Tracking;
use crate::artifacts::{append, safe_path};
use artel_platform::blob::{Blobs, Direct};
use artel_platform::http::file;
use artel_platform::{Error, Result};
use artel_proto::artel::artifact::v1::{DescribeRequest, DescribeResponse};
use std::time::Duration;

/// Longest life of a URL in seconds (what S3 allows).
const LONGEST: i64 = 604_800;

/// Upstream's words for a transfer.
struct Way {
    name: &'static str,
    proxied: &'static str,
    needed: &'static str,
}

const UP: Way = Way { name: "upload", proxied: "proxied artifact storage", needed: "a" };
const DOWN: Way = Way { name: "download", proxied: "runs with proxied artifact storage", needed: "a run with a" };

/// A place in a bucket.
struct Object {
    bucket: Blobs,
    key: String,
}

/// Where to fetch a file.
pub(crate) struct Fetch {
    pub(crate) url: String,
    pub(crate) size: u64,
}

/// Where to put a file, and the `Content-Type` that has to come with it.
pub(crate) struct Put {
    pub(crate) url: String,
    pub(crate) content_type: String,
}

impl Tracking {
    /// What the artifact service offers to clients. When it cannot be asked, nothing.
    pub(crate) async fn offered(&self) -> DescribeResponse {
        match self.peers.artifact().describe(DescribeRequest {}).await {
            Ok(answer) => answer.into_inner(),
            Err(_) => DescribeResponse::default(),
        }
    }

    /// A URL that takes the file `path` of a run or model whose files are at `location`, for `seconds`.
    pub(crate) async fn upload_url(&self, location: &str, path: &str, seconds: i64) -> Result<Put> {
        let life = life(seconds)?;
        let object = self.object(location, path, &UP).await?;
        let content_type = file::content_type(path.rsplit('/').next().unwrap_or(path));
        let url = object.direct(&UP)?.put_url(&object.key, &content_type, life).await?;
        Ok(Put { url, content_type })
    }

    /// A URL that gives the file `path` of a run whose files are at `location`, for `seconds`.
    pub(crate) async fn download_url(&self, location: &str, path: &str, seconds: i64) -> Result<Fetch> {
        let life = life(seconds)?;
        let object = self.object(location, path, &DOWN).await?;
        let direct = object.direct(&DOWN)?;
        let size = direct.size(&object.key).await?.ok_or_else(|| Error::not_found("Not Found"))?;
        let name = path.rsplit('/').next().unwrap_or(path);
        let url = direct.get_url(&object.key, &file::content_type(name), &file::disposition(name), life).await?;
        Ok(Fetch { url, size })
    }

    async fn object(&self, location: &str, path: &str, way: &Way) -> Result<Object> {
        let path = safe_path(path)?;
        match location.split_once(':').map_or("", |(scheme, _)| scheme) {
            scheme @ ("http" | "https" | "mlflow-artifacts") => Err(Error::invalid(format!(
                "Presigned {} is not supported for {} (artifact URI scheme: {scheme}). This endpoint requires {} direct cloud storage artifact URI.",
                way.name, way.proxied, way.needed
            ))),
            "s3" => {
                let place = append(location, &[&path]);
                let place = place.split('?').next().unwrap_or_default().trim_start_matches("s3://");
                let (bucket, key) = place.split_once('/').unwrap_or((place, ""));
                let bucket = Blobs::open(&format!("s3://{bucket}"), &self.s3).await?;
                Ok(Object { bucket, key: key.into() })
            }
            _ => Err(unsupported(way)),
        }
    }
}

impl Object {
    fn direct(&self, way: &Way) -> Result<Direct<'_>> {
        self.bucket.direct().ok_or_else(|| unsupported(way))
    }
}

fn unsupported(way: &Way) -> Error {
    Error::unimplemented(format!("Presigned {} is not supported for the current artifact repository", way.name))
}

fn life(seconds: i64) -> Result<Duration> {
    if !(1..=LONGEST).contains(&seconds) {
        return Err(Error::invalid(format!("expiration must be between 1 and {LONGEST} seconds (got {seconds}).")));
    }
    Ok(Duration::from_secs(seconds.unsigned_abs()))
}
