//! DeleteObject and DeleteObjects.

use super::xml::{Answer, Element};
use super::{Call, S3, WRITE, content, failure};
use crate::store::s3_objects;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use artel_platform::Result;

/// Most keys of one request (Amazon S3 API reference, "DeleteObjects").
const MOST: usize = 1000;
/// How many objects one transaction removes.
const AT_ONCE: usize = 100;

impl S3 {
    /// Removes an object; fine when there is none.
    pub(super) async fn delete_object(&self, call: &Call) -> Result<HttpResponse> {
        let bucket = self.bucket(call, WRITE).await?.name;
        self.remove(&bucket, &[call.request.key.as_str()]).await?;
        Ok(HttpResponse::build(StatusCode::NO_CONTENT).finish())
    }

    /// Removes up to 1000 objects, and says which unless it is asked to be quiet.
    pub(super) async fn delete_objects(&self, call: &Call, body: web::Payload) -> Result<HttpResponse> {
        let bucket = self.bucket(call, WRITE).await?.name;
        let document = Element::parse(&self.document(&call.request, call.signer.clone(), body).await?)?;
        let objects = document.children.iter().filter(|element| element.name == "Object");
        let keys: Option<Vec<&str>> = objects.map(|object| object.get("Key").filter(|key| !key.is_empty())).collect();
        let mut keys = keys.filter(|_| document.name == "Delete").ok_or_else(|| failure::malformed_xml("it names no keys"))?;
        if keys.is_empty() || keys.len() > MOST {
            return Err(failure::malformed_xml(format!("{} keys; give 1 to {MOST}", keys.len())));
        }
        // in order, so that two requests never wait for each other crosswise
        keys.sort_unstable();
        keys.dedup();
        for keys in keys.chunks(AT_ONCE) {
            self.remove(&bucket, keys).await?;
        }
        let mut answer = Answer::new("DeleteResult");
        if document.word("Quiet") != Some("true") {
            for key in keys {
                answer.within("Deleted", |xml| {
                    xml.leaf("Key", key);
                });
            }
        }
        Ok(answer.finish())
    }

    async fn remove(&self, bucket: &str, keys: &[&str]) -> Result<()> {
        let now = self.artifacts.clock.now();
        let mut tx = self.artifacts.db.begin().await?;
        let mut changes = content::Changes::default();
        for key in keys {
            if let Some(content) = s3_objects::remove(&mut tx, bucket, key).await? {
                changes.released.extend(crate::store::s3_pieces::remove_all(&mut tx, &content).await?);
            }
        }
        changes.count(&mut tx, now).await?;
        tx.commit().await
    }
}
