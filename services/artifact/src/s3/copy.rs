//! CopyObject. The copy points to the same blobs.

use super::buckets::iso;
use super::conditions;
use super::request::{Request, decoded};
use super::xml::Answer;
use super::{Call, READ, S3, WRITE, failure, headers};
use crate::store::s3_objects::Object;
use crate::store::s3_pieces::{self, Place};
use actix_web::HttpResponse;
use artel_platform::{Error, Result};

impl S3 {
    pub(super) async fn copy_object(&self, call: &Call) -> Result<HttpResponse> {
        let request = &call.request;
        let bucket = self.bucket(call, WRITE).await?.name;
        let given = headers::of_request(request)?;
        let (from, source, _) = self.source(call).await?;
        let replaced = match request.amz("x-amz-metadata-directive") {
            None | Some("COPY") => false,
            Some("REPLACE") => true,
            Some(other) => return Err(failure::argument(format!("x-amz-metadata-directive {other} is neither COPY nor REPLACE"))),
        };
        if !replaced && from == bucket && source.key == request.key {
            return Err(Error::invalid("a copy onto itself must replace the metadata (x-amz-metadata-directive: REPLACE)"));
        }
        let pieces = self.every_piece(&source.content).await?;
        let object = Object {
            key: request.key.clone(),
            content: self.artifacts.new_content(),
            headers: if replaced { headers::to_json(&given)? } else { source.headers.clone() },
            modified_at: self.artifacts.clock.now(),
            ..source
        };
        self.write(request, &bucket, &object, &pieces, None).await?;
        let mut answer = Answer::new("CopyObjectResult");
        answer.leaf("LastModified", iso(object.modified_at)).leaf("ETag", format!("\"{}\"", object.etag));
        Ok(answer.finish())
    }

    /// The bucket and object that `x-amz-copy-source` names and whose conditions hold.
    pub(super) async fn source(&self, call: &Call) -> Result<(String, Object, Vec<Place>)> {
        let (bucket, key) = copy_source(&call.request)?;
        let bucket = self.bucket_named(call, &bucket, READ).await?.name;
        let (object, places) = self.look(&bucket, &key).await?;
        conditions::read(&call.request, "x-amz-copy-source-", &object)?;
        Ok((bucket, object, places))
    }

    /// Every piece of an object. One that was replaced meanwhile has none.
    async fn every_piece(&self, content: &str) -> Result<Vec<s3_pieces::Piece>> {
        let pieces = s3_pieces::page(&self.artifacts.db, content, 0, i64::MAX).await?;
        match pieces.is_empty() {
            true => Err(Error::unavailable("the source was replaced while it was copied; try again")),
            false => Ok(pieces),
        }
    }
}

/// `/BUCKET/KEY[?versionId=…]`, encoded.
fn copy_source(request: &Request) -> Result<(String, String)> {
    let wrong = || failure::argument("x-amz-copy-source must be BUCKET/KEY");
    let given = request.amz("x-amz-copy-source").ok_or_else(wrong)?;
    let given = given.split_once("?versionId=").map_or(given, |(source, _)| source);
    let (bucket, key) = given.strip_prefix('/').unwrap_or(given).split_once('/').ok_or_else(wrong)?;
    let (bucket, key) = (decoded(bucket)?, decoded(key)?);
    if key.is_empty() { Err(wrong()) } else { Ok((bucket, key)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn sources_are_decoded() {
        for (given, expected) in
            [("b/k", Some(("b", "k"))), ("/b/a%20b/c%2Bd?versionId=null", Some(("b", "a b/c+d"))), ("b", None), ("/b/", None)]
        {
            let request = TestRequest::put().uri("/s3/x/y").insert_header(("x-amz-copy-source", given)).to_http_request();
            let found = copy_source(&Request::read(request).unwrap()).ok();
            assert_eq!(found.as_ref().map(|(b, k)| (b.as_str(), k.as_str())), expected, "{given}");
        }
    }
}
