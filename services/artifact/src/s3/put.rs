//! PutObject.

use super::content::{self, checksum_json};
use super::{Call, S3, WRITE, conditions, headers};
use crate::store::s3_objects::{self, Object};
use actix_web::{HttpResponse, web};
use artel_platform::Result;

impl S3 {
    /// Writes the body under the key: seen when it is whole and is what the client said, or not at all.
    pub(super) async fn put_object(&self, call: &Call, body: web::Payload) -> Result<HttpResponse> {
        let request = &call.request;
        let bucket = self.bucket(call, WRITE).await?.name;
        let kept = headers::to_json(&headers::of_request(request)?)?;
        // checked again when the bytes are there; so a condition that cannot hold costs no transfer
        conditions::write(request, s3_objects::find(&self.artifacts.db, &bucket, &request.key).await?.as_ref())?;
        let upload = self.receive(request, call.signer.clone(), None, body).await?;
        let now = self.artifacts.clock.now();
        let object = Object {
            key: request.key.clone(),
            content: self.artifacts.new_content(),
            size: upload.stored.written.size,
            etag: upload.stored.written.md5.clone().unwrap_or_default(),
            headers: kept,
            checksum: checksum_json(upload.checksum.as_ref())?,
            modified_at: now,
        };
        let piece = content::piece(1, &upload, now)?;
        let written = self.write(request, &bucket, &object, &[piece], Some(&upload)).await;
        self.keep_or_abandon(&upload, written).await?;
        let mut answer = HttpResponse::Ok();
        answer.insert_header(("etag", format!("\"{}\"", object.etag)));
        if let Some(checksum) = upload.checksum {
            answer.insert_header((checksum.algorithm.header(), checksum.value)).insert_header(("x-amz-checksum-type", "FULL_OBJECT"));
        }
        Ok(answer.finish())
    }
}
