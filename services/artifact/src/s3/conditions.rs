//! Conditions of requests (RFC 9110 §13, Amazon S3 API reference "GetObject", "PutObject", "CopyObject").

use super::failure;
use super::request::Request;
use crate::store::s3_objects::Object;
use actix_web::http::header::HttpDate;
use artel_platform::Result;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a reader's conditions say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Go,
    NotModified,
}

/// When an object was written, to the second, as headers say it.
pub(super) fn modified(object: &Object) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(object.modified_at.max(0) as u64 / 1000)
}

/// May `object` be read? `prefix` is empty, or `x-amz-copy-source-` for the source of a copy.
pub(super) fn read(request: &Request, prefix: &str, object: &Object) -> Result<Verdict> {
    let header = |name: &str| request.header(&format!("{prefix}{name}"));
    let time = |name: &str| header(name).and_then(|v| v.parse::<HttpDate>().ok()).map(SystemTime::from);
    match header("if-match") {
        Some(tags) if !any(tags, &object.etag) => return Err(failure::precondition("If-Match")),
        None if time("if-unmodified-since").is_some_and(|t| modified(object) > t) => {
            return Err(failure::precondition("If-Unmodified-Since"));
        }
        _ => {}
    }
    let unchanged = match header("if-none-match") {
        Some(tags) => any(tags, &object.etag),
        None => time("if-modified-since").is_some_and(|t| modified(object) <= t),
    };
    match (unchanged, prefix) {
        (false, _) => Ok(Verdict::Go),
        (true, "") => Ok(Verdict::NotModified),
        (true, _) => Err(failure::precondition("If-None-Match")),
    }
}

/// May `old` be replaced?
pub(super) fn write(request: &Request, old: Option<&Object>) -> Result<()> {
    if let Some(tags) = request.header("if-none-match") {
        if tags != "*" {
            return Err(failure::not_implemented("If-None-Match of a write with anything but *"));
        }
        if old.is_some() {
            return Err(failure::precondition("If-None-Match"));
        }
    }
    match (request.header("if-match"), old) {
        (Some(_), None) => Err(failure::no_such_key(&request.key)),
        (Some(tags), Some(old)) if !any(tags, &old.etag) => Err(failure::precondition("If-Match")),
        _ => Ok(()),
    }
}

fn any(tags: &str, etag: &str) -> bool {
    tags.split(',').map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"')).any(|tag| tag == "*" || tag == etag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn object() -> Object {
        Object {
            key: "k".into(),
            content: String::new(),
            size: 1,
            etag: "abc".into(),
            headers: "{}".into(),
            checksum: None,
            modified_at: 784_111_777_900,
        }
    }

    fn request(header: &'static str, value: &str) -> Request {
        Request::read(TestRequest::with_uri("/s3/b/k").insert_header((header, value)).to_http_request()).unwrap()
    }

    #[test]
    fn readers() {
        let at = "Sun, 06 Nov 1994 08:49:37 GMT";
        let before = "Sun, 06 Nov 1994 08:49:36 GMT";
        for (header, value, expected) in [
            ("if-match", "\"abc\"", Some(Verdict::Go)),
            ("if-match", "\"x\", abc", Some(Verdict::Go)),
            ("if-match", "\"x\"", None),
            ("if-none-match", "\"abc\"", Some(Verdict::NotModified)),
            ("if-none-match", "*", Some(Verdict::NotModified)),
            ("if-none-match", "\"x\"", Some(Verdict::Go)),
            ("if-modified-since", at, Some(Verdict::NotModified)),
            ("if-modified-since", before, Some(Verdict::Go)),
            ("if-unmodified-since", at, Some(Verdict::Go)),
            ("if-unmodified-since", before, None),
        ] {
            assert_eq!(read(&request(header, value), "", &object()).ok(), expected, "{header}: {value}");
        }
        assert!(read(&request("x-amz-copy-source-if-none-match", "abc"), "x-amz-copy-source-", &object()).is_err());
    }

    #[test]
    fn writers() {
        let there = object();
        let reason = |header, value: &str, old| write(&request(header, value), old).err().map(|e| e.reason.unwrap_or_default());
        assert_eq!(reason("if-none-match", "*", None), None);
        assert_eq!(reason("if-none-match", "*", Some(&there)), Some("PreconditionFailed"));
        assert_eq!(reason("if-match", "\"abc\"", Some(&there)), None);
        assert_eq!(reason("if-match", "\"x\"", Some(&there)), Some("PreconditionFailed"));
        assert_eq!(reason("if-match", "\"x\"", None), Some("NoSuchKey"));
    }
}
