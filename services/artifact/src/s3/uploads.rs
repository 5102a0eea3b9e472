//! Uploads under way: listed, given up by their clients or, when nobody continues them, by the sweep.

use super::buckets::iso;
use super::content::drop_pieces;
use super::list::Encoding;
use super::multipart::Plan;
use super::xml::Answer;
use super::{Call, READ, S3, WRITE, failure};
use crate::objects::Artifacts;
use crate::store::s3_uploads;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use artel_platform::Result;
use artel_platform::db::Tx;

/// How many uploads one look of the sweep takes.
const BATCH: i64 = 100;
/// Sorts after every id.
const LAST_ID: &str = "~";

/// Gives up every upload whose last part came before `cutoff` (milliseconds).
pub(crate) async fn give_up_stale(artifacts: &Artifacts, cutoff: i64) -> Result<()> {
    loop {
        let stale = s3_uploads::stale(&artifacts.db, cutoff, BATCH).await?;
        for id in &stale {
            let mut tx = artifacts.db.begin().await?;
            give_up(&mut tx, id, artifacts.clock.now()).await?;
            tx.commit().await?;
        }
        if (stale.len() as i64) < BATCH {
            return Ok(());
        }
    }
}

/// Removes an upload with its parts; `false` when it was gone.
pub(super) async fn give_up(tx: &mut Tx, id: &str, now: i64) -> Result<bool> {
    // gone first: whoever completes it at the same time waits here, or has won
    if !s3_uploads::remove(tx, id).await? {
        return Ok(false);
    }
    drop_pieces(tx, id, now).await?;
    Ok(true)
}

impl S3 {
    /// AbortMultipartUpload.
    pub(super) async fn abort_upload(&self, call: &Call) -> Result<HttpResponse> {
        let bucket = self.bucket(call, WRITE).await?.name;
        let upload = self.upload(call, &bucket).await?;
        let mut tx = self.artifacts.db.begin().await?;
        if !give_up(&mut tx, &upload.id, self.artifacts.clock.now()).await? {
            return Err(failure::no_such_upload(&upload.id));
        }
        tx.commit().await?;
        Ok(HttpResponse::build(StatusCode::NO_CONTENT).finish())
    }

    /// ListMultipartUploads.
    pub(super) async fn list_uploads(&self, call: &Call) -> Result<HttpResponse> {
        let request = &call.request;
        let bucket = self.bucket(call, READ).await?.name;
        if request.filled("delimiter").is_some() {
            return Err(failure::not_implemented("a delimiter in the list of uploads"));
        }
        let encoding = Encoding::of(request)?;
        let prefix = request.query("prefix").unwrap_or_default();
        let most = request.number("max-uploads", 0..=i64::from(i32::MAX))?.unwrap_or(1000).min(1000);
        let (key, id) = (request.query("key-marker").unwrap_or_default(), request.filled("upload-id-marker").unwrap_or(LAST_ID));
        let mut uploads = s3_uploads::page(&self.artifacts.db, &bucket, prefix, (key, id), most + 1).await?;
        let truncated = uploads.len() as i64 > most;
        uploads.truncate(most as usize);
        let mut answer = Answer::new("ListMultipartUploadsResult");
        answer.leaf("Bucket", &bucket).leaf("KeyMarker", encoding.key(key)).leaf("Prefix", encoding.key(prefix));
        answer.maybe("UploadIdMarker", request.query("upload-id-marker")).leaf("MaxUploads", most).leaf("IsTruncated", truncated);
        encoding.tell(&mut answer);
        if let Some(last) = uploads.last().filter(|_| truncated) {
            answer.leaf("NextKeyMarker", encoding.key(&last.key)).leaf("NextUploadIdMarker", &last.id);
        }
        for upload in &uploads {
            let plan = Plan::read(upload.checksum.as_ref())?;
            answer.within("Upload", |xml| {
                xml.leaf("Key", encoding.key(&upload.key)).leaf("UploadId", &upload.id).leaf("Initiated", iso(upload.created_at));
                xml.leaf("StorageClass", "STANDARD");
                if let Some(plan) = plan {
                    xml.leaf("ChecksumAlgorithm", plan.algorithm.name()).leaf("ChecksumType", plan.kind());
                }
            });
        }
        Ok(answer.finish())
    }
}
