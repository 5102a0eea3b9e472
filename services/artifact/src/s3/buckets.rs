//! Operations on buckets.

use super::xml::{Answer, Element};
use super::{Call, READ, S3, WRITE, failure};
use crate::store::{s3_buckets, s3_uploads};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use artel_platform::{Error, Result};
use chrono::{DateTime, SecondsFormat};

/// The region that clients are told: any that they sign for is taken.
const REGION: &str = "us-east-1";

impl S3 {
    pub(super) async fn list_buckets(&self, call: &Call) -> Result<HttpResponse> {
        use actix_web::http::Method;
        if !matches!(*call.request.method(), Method::GET | Method::HEAD) {
            return Err(Error::invalid("name a bucket").reason("MethodNotAllowed"));
        }
        call.who.require(READ)?;
        let prefix = call.request.filled("prefix").unwrap_or_default();
        let mut buckets = s3_buckets::all(&self.artifacts.db).await?;
        buckets.retain(|b| b.name.starts_with(prefix) && call.who.require_for(READ, ("workspace", &b.workspace)).is_ok());
        let mut answer = Answer::new("ListAllMyBucketsResult");
        answer.within("Owner", |xml| {
            xml.leaf("ID", &call.who.name).leaf("DisplayName", &call.who.name);
        });
        answer.within("Buckets", |xml| {
            for bucket in buckets {
                xml.within("Bucket", |xml| {
                    xml.leaf("Name", bucket.name).leaf("CreationDate", iso(bucket.created_at)).leaf("BucketRegion", REGION);
                });
            }
        });
        Ok(answer.finish())
    }

    pub(super) async fn head_bucket(&self, call: &Call) -> Result<HttpResponse> {
        self.bucket(call, READ).await?;
        Ok(HttpResponse::Ok().insert_header(("x-amz-bucket-region", REGION)).content_type("application/xml").finish())
    }

    pub(super) async fn bucket_location(&self, call: &Call) -> Result<HttpResponse> {
        self.bucket(call, READ).await?;
        // upstream's word for us-east-1 is nothing
        Ok(Answer::new("LocationConstraint").finish())
    }

    pub(super) async fn bucket_versioning(&self, call: &Call) -> Result<HttpResponse> {
        self.bucket(call, READ).await?;
        Ok(Answer::new("VersioningConfiguration").finish())
    }

    /// Makes a bucket in the caller's workspace.
    pub(super) async fn create_bucket(&self, call: &Call, body: web::Payload) -> Result<HttpResponse> {
        call.who.require_for(WRITE, ("workspace", &call.workspace))?;
        let name = &call.request.bucket;
        check_name(name)?;
        let document = self.document(&call.request, call.signer.clone(), body).await?;
        if !document.trim_ascii().is_empty() && Element::parse(&document)?.name != "CreateBucketConfiguration" {
            return Err(failure::malformed_xml("it is no CreateBucketConfiguration"));
        }
        let new = s3_buckets::Bucket { name: name.clone(), workspace: call.workspace.clone(), created_at: self.artifacts.clock.now() };
        let mut tx = self.artifacts.db.begin().await?;
        let made = s3_buckets::insert(&mut tx, &new).await?;
        tx.commit().await?;
        if made {
            return Ok(HttpResponse::Ok().insert_header(("location", format!("/{name}"))).finish());
        }
        let taken = s3_buckets::find(&self.artifacts.db, name).await?;
        let own = taken.is_some_and(|bucket| bucket.workspace == call.workspace);
        let reason = if own { "BucketAlreadyOwnedByYou" } else { "BucketAlreadyExists" };
        Err(Error::exists(format!("there is a bucket {name} already: names are shared by every workspace")).reason(reason))
    }

    /// Removes an empty bucket; uploads into it are given up.
    pub(super) async fn delete_bucket(&self, call: &Call) -> Result<HttpResponse> {
        let name = self.bucket(call, WRITE).await?.name;
        let now = self.artifacts.clock.now();
        let mut tx = self.artifacts.db.begin().await?;
        if !s3_buckets::hold(&mut tx, &name).await? {
            return Err(failure::no_such_bucket(&name));
        }
        if s3_buckets::is_used(&mut tx, &name).await? {
            return Err(Error::conflict(format!("the bucket {name} is not empty")).reason("BucketNotEmpty"));
        }
        for upload in s3_uploads::of_bucket(&mut tx, &name).await? {
            super::uploads::give_up(&mut tx, &upload, now).await?;
        }
        s3_buckets::delete(&mut tx, &name).await?;
        tx.commit().await?;
        Ok(HttpResponse::build(StatusCode::NO_CONTENT).finish())
    }
}

/// Milliseconds as S3 writes times in XML.
pub(super) fn iso(millis: i64) -> String {
    DateTime::from_timestamp_millis(millis).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Amazon S3 user guide, "Bucket naming rules".
fn check_name(name: &str) -> Result<()> {
    let edge = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = name.as_bytes();
    let fits = (3..=63).contains(&bytes.len())
        && bytes.iter().all(|c| edge(*c) || matches!(c, b'-' | b'.'))
        && bytes.first().is_some_and(|c| edge(*c))
        && bytes.last().is_some_and(|c| edge(*c))
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err();
    if fits {
        return Ok(());
    }
    let rule = "3 to 63 lowercase letters, digits, dots and hyphens, a letter or digit first and last, and no IP address";
    Err(Error::invalid(format!("{name:?} is no name for a bucket: use {rule}")).reason("InvalidBucketName"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets() {
        for good in ["abc", "my-bucket.2", "0a0", &"a".repeat(63)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["ab", "", "Abc", "-abc", "abc.", "a..b", "a_b", "192.168.0.1", "a/b", &"a".repeat(64)] {
            assert_eq!(check_name(bad).unwrap_err().reason, Some("InvalidBucketName"), "{bad}");
        }
    }

    #[test]
    fn times_in_lists() {
        assert_eq!(iso(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
    }
}
