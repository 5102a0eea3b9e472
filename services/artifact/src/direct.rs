//! Large files that MLflow's clients send to and fetch from the object store themselves.
//!
//! The bytes of such an upload are shown as soon as its parts are joined, under a stand-in for their hash: nobody waits
//! until the server has read them. That is done in the background, and then they are what any other content is.

use crate::contents::Stored;
use crate::objects::{Artifacts, obstructed};
use crate::path::ArtifactPath;
use crate::store::{direct_uploads, objects, orphans};
use artel_platform::blob::{Direct, Written};
use artel_platform::{Error, Result};
use std::time::Duration;

/// How long a client has to begin each part (boto3's default, which upstream uses).
const UPLOAD_LIFE: Duration = Duration::from_secs(3600);
/// How long a client has to begin a download (`MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS`).
const DOWNLOAD_LIFE: Duration = Duration::from_secs(300);
/// Most parts of one upload (S3's limit).
const MAX_PARTS: i64 = 10_000;

/// What begins the stand-in for a hash that is not known yet.
pub(crate) const STAND_IN: &str = "unread:";

/// An upload that a client may begin: where each part goes, the first being number 1.
pub(crate) struct Begun {
    pub(crate) id: String,
    pub(crate) urls: Vec<String>,
}

impl Artifacts {
    /// Can clients transfer to and from the store itself?
    pub(crate) fn direct(&self) -> Option<Direct<'_>> {
        self.blobs.direct().filter(|_| self.config.direct_transfers)
    }

    /// Begins an upload of `parts` parts to `path`.
    pub(crate) async fn begin_upload(&self, direct: &Direct<'_>, workspace: &str, path: &ArtifactPath, parts: i64) -> Result<Begun> {
        if !(0..=MAX_PARTS).contains(&parts) {
            return Err(Error::invalid(format!(
                "Invalid value {parts} for parameter 'num_parts' supplied: an upload has at most {MAX_PARTS} parts"
            )));
        }
        let mut tx = self.db.begin().await?;
        if let Some(other) = objects::obstacle(&mut tx, workspace, path).await? {
            return Err(obstructed(path, &other));
        }
        drop(tx);
        let location = self.place().await?;
        let upload = direct.begin(&location).await?;
        let id = self.ids.hex32();
        let mut tx = self.db.begin().await?;
        direct_uploads::insert(&mut tx, &id, (workspace, path.as_str()), &location, &upload, self.clock.now()).await?;
        tx.commit().await?;
        let mut urls = Vec::new();
        for number in 1..=parts as i32 {
            urls.push(direct.part_url(&location, &upload, number, UPLOAD_LIFE).await?);
        }
        Ok(Begun { id, urls })
    }

    /// Joins the parts, given by number and `ETag`, and shows them at `path`. Doing so again changes nothing.
    pub(crate) async fn complete_upload(
        &self,
        direct: &Direct<'_>,
        (workspace, path): (&str, &ArtifactPath),
        id: &str,
        content_type: &str,
        parts: Vec<(i32, String)>,
    ) -> Result<()> {
        let upload = direct_uploads::find(&self.db, id, (workspace, path.as_str())).await?.ok_or_else(|| unknown(id))?;
        if upload.completed {
            return Ok(());
        }
        let joined = direct.complete(&upload.location, &upload.upload, parts).await;
        // parts that an earlier request joined, whose answer was lost, cannot be joined again
        let Some(size) = direct.size(&upload.location).await? else {
            joined?;
            return Err(Error::unavailable("the joined parts are not in the object store yet; try again"));
        };
        let written = Written { size, sha256: format!("{STAND_IN}{id}"), md5: None };
        let stored = Stored { location: upload.location, written, upload: Some(id.into()) };
        self.show(workspace, path, content_type, &stored).await?;
        self.to_read.notify_one();
        Ok(())
    }

    /// Gives an upload up.
    pub(crate) async fn give_up_upload(&self, workspace: &str, path: &ArtifactPath, id: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let location = direct_uploads::give_up(&mut tx, id, (workspace, path.as_str())).await?.ok_or_else(|| unknown(id))?;
        orphans::add(&mut tx, &location, self.clock.now()).await?;
        tx.commit().await?;
        self.to_sweep.notify_one();
        Ok(())
    }

    /// Where a client gets the file at `path`, and its size.
    pub(crate) async fn download_url(
        &self,
        direct: &Direct<'_>,
        (workspace, path): (&str, &ArtifactPath),
        (content_type, disposition): (&str, &str),
    ) -> Result<(String, u64)> {
        let content = self.content(workspace, path).await?;
        let url = direct.get_url(&content.location, content_type, disposition, DOWNLOAD_LIFE).await?;
        Ok((url, content.entry.size))
    }
}

fn unknown(id: &str) -> Error {
    Error::not_found(format!("No upload '{id}' to this path is under way"))
}
