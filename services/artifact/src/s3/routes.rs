//! The routes, and which operation a request is (Amazon S3 API reference, "Actions").

use super::request::Request;
use super::{Call, S3, failure};
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::http::{Dialect, Routes, Workspace};
use artel_platform::{Error, Result};

/// Every route, without its state.
pub(crate) fn routes() -> Routes {
    use super::routes as endpoint;
    artel_platform::routes!(Dialect::S3;
        endpoint::service, endpoint::bucket_read, endpoint::bucket_put, endpoint::bucket_post, endpoint::bucket_delete,
        endpoint::object_read, endpoint::object_put, endpoint::object_post, endpoint::object_delete,
    )
    .also("/s3", "/s3/")
}

macro_rules! endpoints {
    ($($(#[$attribute:meta])* $name:ident;)+) => { $(
        $(#[$attribute])*
        pub(crate) async fn $name(s3: web::Data<S3>, workspace: Workspace, http: HttpRequest, body: web::Payload) -> Result<HttpResponse> {
            s3.serve(workspace, http, body).await
        }
    )+ };
}

endpoints! {
    /// S3: lists the buckets.
    #[utoipa::path(method(get, head), path = "/s3", tag = "s3",
        responses((status = 200, description = "the buckets, as XML", content_type = "application/xml"), (status = 403, description = "not signed, or not by a valid access key")),
        security(("artel" = ["public"])))]
    service;

    /// S3: lists a bucket's objects (both versions of ListObjects) or its uploads under way, tells of the bucket itself.
    #[utoipa::path(method(get, head), path = "/s3/{bucket}", tag = "s3", params(("bucket" = String, Path, description = "the bucket's name")),
        responses((status = 200, description = "a list, as XML", content_type = "application/xml"), (status = 403, description = "not signed, or not allowed"), (status = 404, description = "no such bucket"), (status = 501, description = "not offered")),
        security(("artel" = ["public"])))]
    bucket_read;

    /// S3: makes a bucket.
    #[utoipa::path(put, path = "/s3/{bucket}", tag = "s3", params(("bucket" = String, Path, description = "the bucket's name")),
        responses((status = 200, description = "made"), (status = 400, description = "no name for a bucket"), (status = 403, description = "not signed, or not allowed"), (status = 409, description = "the name is taken")),
        security(("artel" = ["public"])))]
    bucket_put;

    /// S3: deletes up to 1000 objects (`?delete`).
    #[utoipa::path(post, path = "/s3/{bucket}", tag = "s3", params(("bucket" = String, Path, description = "the bucket's name")),
        responses((status = 200, description = "what was deleted, as XML", content_type = "application/xml"), (status = 403, description = "not signed, or not allowed"), (status = 404, description = "no such bucket")),
        security(("artel" = ["public"])))]
    bucket_post;

    /// S3: deletes an empty bucket.
    #[utoipa::path(delete, path = "/s3/{bucket}", tag = "s3", params(("bucket" = String, Path, description = "the bucket's name")),
        responses((status = 204, description = "gone"), (status = 403, description = "not signed, or not allowed"), (status = 404, description = "no such bucket"), (status = 409, description = "not empty")),
        security(("artel" = ["public"])))]
    bucket_delete;

    /// S3: reads an object or a part of it, or lists the parts of an upload.
    #[utoipa::path(method(get, head), path = "/s3/{bucket}/{key:.*}", tag = "s3", params(("bucket" = String, Path, description = "the bucket's name"), ("key" = String, Path, description = "the object's key")),
        responses((status = 200, description = "the bytes", content_type = "application/octet-stream"), (status = 206, description = "the bytes of the range", content_type = "application/octet-stream"), (status = 304, description = "not changed"), (status = 403, description = "not signed, or not allowed"), (status = 404, description = "no such bucket or object"), (status = 412, description = "a condition does not hold"), (status = 416, description = "the range lies outside the object")),
        security(("artel" = ["public"])))]
    object_read;

    /// S3: writes or copies an object, or a part of an upload.
    #[utoipa::path(put, path = "/s3/{bucket}/{key:.*}", tag = "s3", params(("bucket" = String, Path, description = "the bucket's name"), ("key" = String, Path, description = "the object's key")),
        request_body(content = Vec<u8>, content_type = "application/octet-stream"),
        responses((status = 200, description = "written; a copy's tag as XML"), (status = 400, description = "the bytes are not what was announced"), (status = 403, description = "not signed, or not allowed"), (status = 404, description = "no such bucket, upload or source"), (status = 412, description = "a condition does not hold")),
        security(("artel" = ["public"])))]
    object_put;

    /// S3: begins (`?uploads`) or completes (`?uploadId`) a multipart upload.
    #[utoipa::path(post, path = "/s3/{bucket}/{key:.*}", tag = "s3", params(("bucket" = String, Path, description = "the bucket's name"), ("key" = String, Path, description = "the object's key")),
        responses((status = 200, description = "the upload or the object, as XML", content_type = "application/xml"), (status = 400, description = "the parts do not make an object"), (status = 403, description = "not signed, or not allowed"), (status = 404, description = "no such bucket or upload")),
        security(("artel" = ["public"])))]
    object_post;

    /// S3: deletes an object, or gives up an upload.
    #[utoipa::path(delete, path = "/s3/{bucket}/{key:.*}", tag = "s3", params(("bucket" = String, Path, description = "the bucket's name"), ("key" = String, Path, description = "the object's key")),
        responses((status = 204, description = "gone"), (status = 403, description = "not signed, or not allowed"), (status = 404, description = "no such bucket or upload")),
        security(("artel" = ["public"])))]
    object_delete;
}

/// Parts of a bucket or object that exist upstream and not here, with the error that says there is none where clients
/// ask for it in passing.
const ABSENT: &[(&str, Option<&str>)] = &[
    ("cors", Some("NoSuchCORSConfiguration")),
    ("encryption", Some("ServerSideEncryptionConfigurationNotFoundError")),
    ("lifecycle", Some("NoSuchLifecycleConfiguration")),
    ("object-lock", Some("ObjectLockConfigurationNotFoundError")),
    ("policy", Some("NoSuchBucketPolicy")),
    ("publicAccessBlock", Some("NoSuchPublicAccessBlockConfiguration")),
    ("replication", Some("ReplicationConfigurationNotFoundError")),
    ("tagging", Some("NoSuchTagSet")),
    ("website", Some("NoSuchWebsiteConfiguration")),
    ("accelerate", None),
    ("acl", None),
    ("analytics", None),
    ("attributes", None),
    ("intelligent-tiering", None),
    ("inventory", None),
    ("legal-hold", None),
    ("logging", None),
    ("metrics", None),
    ("notification", None),
    ("ownershipControls", None),
    ("policyStatus", None),
    ("requestPayment", None),
    ("restore", None),
    ("retention", None),
    ("select", None),
    ("torrent", None),
    ("versions", None),
];

impl S3 {
    async fn serve(&self, workspace: Workspace, http: HttpRequest, body: web::Payload) -> Result<HttpResponse> {
        let request = Request::read(http)?;
        let (who, signer) = self.keys.identify(&request).await?;
        let call = Call { request, who, signer, workspace: workspace.0 };
        let has = |name: &str| call.request.query(name).is_some();
        let method = call.request.method().clone();
        if call.request.bucket.is_empty() {
            return self.list_buckets(&call).await;
        }
        refuse_absent(&call.request)?;
        match (&method, call.request.key.is_empty()) {
            (&Method::GET, true) if has("location") => self.bucket_location(&call).await,
            (&Method::GET, true) if has("versioning") => self.bucket_versioning(&call).await,
            (&Method::GET, true) if has("uploads") => self.list_uploads(&call).await,
            (&Method::GET, true) => self.list_objects(&call).await,
            (&Method::HEAD, true) => self.head_bucket(&call).await,
            (&Method::PUT, true) if has("versioning") => Err(failure::not_implemented("versioning of a bucket")),
            (&Method::PUT, true) => self.create_bucket(&call, body).await,
            (&Method::POST, true) if has("delete") => self.delete_objects(&call, body).await,
            (&Method::DELETE, true) => self.delete_bucket(&call).await,
            (&Method::GET, false) if has("uploadId") => self.list_parts(&call).await,
            (&Method::GET | &Method::HEAD, false) => self.get_object(&call).await,
            (&Method::PUT, false) if has("uploadId") => self.upload_part(&call, body).await,
            (&Method::PUT, false) if call.request.amz("x-amz-copy-source").is_some() => self.copy_object(&call).await,
            (&Method::PUT, false) => self.put_object(&call, body).await,
            (&Method::POST, false) if has("uploads") => self.create_upload(&call).await,
            (&Method::POST, false) if has("uploadId") => self.complete_upload(&call, body).await,
            (&Method::DELETE, false) if has("uploadId") => self.abort_upload(&call).await,
            (&Method::DELETE, false) => self.delete_object(&call).await,
            _ => Err(Error::invalid(format!("{method} is not for this resource")).reason("MethodNotAllowed")),
        }
    }
}

fn refuse_absent(request: &Request) -> Result<()> {
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    for &(name, error) in ABSENT {
        match error {
            _ if request.query(name).is_none() => {}
            Some(error) if reading && request.key.is_empty() => {
                return Err(Error::not_found(format!("the bucket {} has no {name}", request.bucket)).reason(error));
            }
            _ => return Err(failure::not_implemented(name)),
        }
    }
    match request.filled("versionId") {
        Some(version) if version != "null" => Err(Error::not_found("objects have no versions").reason("NoSuchVersion")),
        _ => Ok(()),
    }
}
