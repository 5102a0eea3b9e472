//! What a writer says of an object beside its bytes, kept and given back with them.

use super::failure;
use super::request::Request;
use crate::store::s3_objects::Object;
use actix_web::HttpResponseBuilder;
use actix_web::http::header::{HeaderName, HeaderValue};
use artel_platform::{Error, Result};
use std::collections::BTreeMap;

/// Headers that come back as they were given.
const KEPT: &[&str] = &["cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"];
const META: &str = "x-amz-meta-";
/// Most bytes of names and values in `x-amz-meta-*` (Amazon S3 user guide, "Working with object metadata").
const MOST_META: usize = 2048;
/// What an object is of which nobody said more (Amazon S3 API reference, "PutObject").
const NO_TYPE: &str = "binary/octet-stream";

/// Headers of a request that would change what is stored in a way that is not offered.
const REFUSED: &[&str] = &[
    "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
];

/// Header → value, both as they are sent.
pub(super) type Headers = BTreeMap<String, String>;

/// What the request says of the object that it writes.
pub(super) fn of_request(request: &Request) -> Result<Headers> {
    refuse(request)?;
    let mut headers = Headers::new();
    for name in KEPT {
        if let Some(value) = request.joined(name).and_then(|value| plain(name, value)) {
            headers.insert((*name).into(), value);
        }
    }
    let mut size = 0;
    for (name, value) in request.every_amz() {
        let Some(short) = name.strip_prefix(META) else { continue };
        size += short.len() + value.len();
        headers.entry(name).and_modify(|old| *old = format!("{old},{value}")).or_insert(value);
    }
    if size > MOST_META {
        return Err(Error::invalid(format!("x-amz-meta-* headers have {size} bytes, more than {MOST_META}")).reason("MetadataTooLarge"));
    }
    Ok(headers)
}

/// Of `Content-Encoding` what describes the object, and not how it was sent.
fn plain(name: &str, value: String) -> Option<String> {
    if name != "content-encoding" {
        return Some(value);
    }
    let rest: Vec<&str> = value.split(',').map(str::trim).filter(|coding| !coding.is_empty() && *coding != "aws-chunked").collect();
    (!rest.is_empty()).then(|| rest.join(","))
}

fn refuse(request: &Request) -> Result<()> {
    if let Some(name) = REFUSED.iter().find(|name| request.amz(name).is_some()) {
        return Err(failure::not_implemented(name));
    }
    match request.amz("x-amz-acl") {
        None | Some("private" | "bucket-owner-full-control" | "bucket-owner-read") => Ok(()),
        Some(_) => Err(Error::invalid("objects have no lists of access rights: scopes of tokens say who may do what")
            .reason("AccessControlListNotSupported")),
    }
}

pub(super) fn to_json(headers: &Headers) -> Result<String> {
    Ok(serde_json::to_string(headers)?)
}

/// Puts what was kept into an answer. A presigned or signed GET may name other values (`response-content-type=…`).
pub(super) fn give(object: &Object, request: &Request, answer: &mut HttpResponseBuilder) -> Result<()> {
    let mut headers: Headers = serde_json::from_str(&object.headers)?;
    headers.entry("content-type".into()).or_insert_with(|| NO_TYPE.into());
    for name in KEPT {
        if let Some(value) = request.filled(&format!("response-{name}")) {
            headers.insert((*name).into(), value.to_owned());
        }
    }
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
            answer.insert_header((name, value));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn headers(given: &[(&'static str, &str)]) -> Result<Headers> {
        let mut request = TestRequest::put().uri("/s3/b/k?x-amz-meta-q=from%20query");
        for (name, value) in given {
            request = request.append_header((*name, *value));
        }
        of_request(&Request::read(request.to_http_request()).unwrap())
    }

    #[test]
    fn metadata_is_kept_and_the_way_of_sending_is_not() {
        let given = [("content-type", "text/x"), ("content-encoding", "gzip, aws-chunked"), ("x-amz-meta-A", " 1  2 "), ("host", "h")];
        let expected = [("content-encoding", "gzip"), ("content-type", "text/x"), ("x-amz-meta-a", "1 2"), ("x-amz-meta-q", "from query")];
        assert_eq!(headers(&given).unwrap(), expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into());
        assert!(!headers(&[("content-encoding", "aws-chunked")]).unwrap().contains_key("content-encoding"));
    }

    #[test]
    fn what_is_not_offered_is_refused() {
        for (header, value, reason) in [
            ("x-amz-acl", "public-read", Some("AccessControlListNotSupported")),
            ("x-amz-tagging", "a=b", None),
            ("x-amz-meta-long", &*"x".repeat(2050), Some("MetadataTooLarge")),
        ] {
            assert_eq!(headers(&[(header, value)]).unwrap_err().reason, reason, "{header}");
        }
    }
}
