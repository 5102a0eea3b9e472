//! Who signed a request: AWS Signature Version 4 in the `Authorization` header or in a presigned URL (AWS reference,
//! "Authenticating Requests"), and presigned URLs of version 2, which boto3 still makes where no version is set.

use super::failure;
use super::request::{MOUNT, Request, pairs};
use artel_platform::{Error, Result};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDateTime;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// How far the clocks of client and server may be apart, in milliseconds.
const SKEW: i64 = 15 * 60 * 1000;
/// Longest life of a presigned URL, in seconds.
const LONGEST: i64 = 7 * 24 * 3600;
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Hash of nothing.
pub(super) const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Stands for itself in a canonical query (RFC 3986 "unreserved").
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// Query parameters that version 2 signs.
const SIGNED_BY_V2: &[&str] = &[
    "acl",
    "cors",
    "delete",
    "lifecycle",
    "location",
    "logging",
    "notification",
    "partNumber",
    "policy",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// A signature that a request shows.
#[derive(Debug)]
pub(super) enum Claim {
    V4 {
        id: String,
        /// `DATE/REGION/s3/aws4_request`.
        scope: String,
        /// As it is signed.
        time: String,
        headers: Vec<String>,
        signature: String,
        presigned: bool,
    },
    V2 {
        id: String,
        expires: String,
        signature: String,
    },
}

/// What signs the chunks of a body, and the signature that comes before the first one.
#[derive(Clone)]
pub(super) struct ChunkKey {
    pub(super) key: hmac::Key,
    pub(super) time: String,
    pub(super) scope: String,
    pub(super) seed: String,
}

impl Claim {
    /// The signature in `request`, if it has one. Fails when it is malformed, too old or from the future.
    pub(super) fn find(request: &Request, now: i64) -> Result<Option<Self>> {
        if request.query("X-Amz-Signature").is_some() {
            return Self::presigned(request, now).map(Some);
        }
        if let (Some(id), Some(signature), Some(expires)) =
            (request.query("AWSAccessKeyId"), request.query("Signature"), request.query("Expires"))
        {
            return Self::v2(id, signature, expires, now).map(Some);
        }
        match request.header("authorization") {
            Some(value) if value.starts_with(ALGORITHM) => Self::in_header(request, value, now).map(Some),
            Some(value) if value.starts_with("AWS ") => {
                Err(Error::invalid("sign with AWS4-HMAC-SHA256: version 2 is taken in presigned URLs only"))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn id(&self) -> &str {
        match self {
            Self::V4 { id, .. } | Self::V2 { id, .. } => id,
        }
    }

    fn in_header(request: &Request, value: &str, now: i64) -> Result<Self> {
        let malformed = || Error::invalid("the header Authorization is malformed").reason("AuthorizationHeaderMalformed");
        let fields: Vec<(&str, &str)> = value[ALGORITHM.len()..].split(',').filter_map(|f| f.trim().split_once('=')).collect();
        let field = |name: &str| fields.iter().find(|f| f.0 == name).map(|f| f.1).ok_or_else(malformed);
        let time = request.header("x-amz-date").ok_or_else(|| Error::denied("a signed request needs the header x-amz-date"))?;
        if (now - millis(time)?).abs() > SKEW {
            return Err(Error::denied("the clocks of client and server are more than 15 minutes apart").reason("RequestTimeTooSkewed"));
        }
        let (id, scope) = credential(field("Credential")?, time).ok_or_else(malformed)?;
        let headers = field("SignedHeaders")?.split(';').map(Into::into).collect();
        Ok(Self::V4 { id, scope, time: time.into(), headers, signature: field("Signature")?.into(), presigned: false })
    }

    fn presigned(request: &Request, now: i64) -> Result<Self> {
        let malformed =
            |what: &str| Error::invalid(format!("{what} of the presigned URL is malformed")).reason("AuthorizationQueryParametersError");
        let field = |name: &str| request.query(name).ok_or_else(|| malformed(name));
        if field("X-Amz-Algorithm")? != ALGORITHM {
            return Err(malformed("X-Amz-Algorithm"));
        }
        let time = field("X-Amz-Date")?;
        let life: i64 = field("X-Amz-Expires")?.parse().map_err(|_| malformed("X-Amz-Expires"))?;
        if !(0..=LONGEST).contains(&life) {
            return Err(malformed("X-Amz-Expires"));
        }
        let age = now - millis(time)?;
        if age > life * 1000 {
            return Err(expired());
        }
        if age < -SKEW {
            return Err(Error::denied("the presigned URL is from the future").reason("RequestTimeTooSkewed"));
        }
        let (id, scope) = credential(field("X-Amz-Credential")?, time).ok_or_else(|| malformed("X-Amz-Credential"))?;
        let headers = field("X-Amz-SignedHeaders")?.split(';').map(Into::into).collect();
        Ok(Self::V4 { id, scope, time: time.into(), headers, signature: field("X-Amz-Signature")?.into(), presigned: true })
    }

    fn v2(id: &str, signature: &str, expires: &str, now: i64) -> Result<Self> {
        let until: i64 = expires.parse().map_err(|_| Error::denied("Expires of the presigned URL is no number of seconds"))?;
        if until.saturating_mul(1000) < now {
            return Err(expired());
        }
        Ok(Self::V2 { id: id.into(), expires: expires.into(), signature: signature.into() })
    }

    /// Fails with `SignatureDoesNotMatch` unless the holder of `secret` signed this very request. Answers what signs
    /// the chunks of its body.
    pub(super) fn verify(&self, request: &Request, secret: &str) -> Result<Option<ChunkKey>> {
        match self {
            Self::V2 { expires, signature, .. } => verify_v2(request, secret, expires, signature).map(|()| None),
            Self::V4 { scope, time, headers, signature, presigned, .. } => {
                every_header_is_signed(request, headers, *presigned)?;
                let key = signing_key(secret, scope);
                let tag = hex::decode(signature).map_err(|_| failure::bad_signature())?;
                let raw = request.http.uri().path();
                let tidy = percent_encode(&percent_decode_str(raw).collect::<Vec<u8>>(), PATH).to_string();
                // clients differ in what they escape in a path before they sign it
                let fits = [tidy.as_str(), raw].into_iter().any(|path| {
                    let canonical = canonical_request(request, path, headers, *presigned);
                    let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256(canonical.as_bytes()));
                    hmac::verify(&key, text.as_bytes(), &tag).is_ok()
                });
                if !fits {
                    return Err(failure::bad_signature());
                }
                Ok(Some(ChunkKey { key, time: time.clone(), scope: scope.clone(), seed: signature.clone() }))
            }
        }
    }
}

impl ChunkKey {
    /// Checks a signature over `lines` of a chunk or trailer, which then is the one before the next.
    pub(super) fn check(&mut self, kind: &str, lines: &str, signature: &str) -> Result<()> {
        let text = format!("{kind}\n{}\n{}\n{}\n{lines}", self.time, self.scope, self.seed);
        let tag = hex::decode(signature).map_err(|_| failure::bad_signature())?;
        hmac::verify(&self.key, text.as_bytes(), &tag).map_err(|_| failure::bad_signature())?;
        self.seed = signature.into();
        Ok(())
    }
}

pub(super) fn sha256(data: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, data))
}

fn expired() -> Error {
    Error::denied("the presigned URL has expired")
}

/// `20260102T030405Z` in milliseconds.
fn millis(time: &str) -> Result<i64> {
    let parsed = NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%SZ");
    parsed.map(|t| t.and_utc().timestamp_millis()).map_err(|_| Error::denied(format!("the date {time:?} is not like 20260102T030405Z")))
}

/// `ID/DATE/REGION/s3/aws4_request` as id and scope. Any region is fine: there is only one.
fn credential(text: &str, time: &str) -> Option<(String, String)> {
    let (id, scope) = text.split_once('/')?;
    let parts: Vec<&str> = scope.split('/').collect();
    let [date, _, "s3", "aws4_request"] = parts[..] else { return None };
    time.starts_with(date).then(|| (id.into(), scope.into()))
}

fn signing_key(secret: &str, scope: &str) -> hmac::Key {
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    for part in scope.split('/') {
        let tag = hmac::sign(&key, part.as_bytes());
        key = hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref());
    }
    key
}

/// A header that changes what happens must not be added to somebody else's signature.
fn every_header_is_signed(request: &Request, signed: &[String], presigned: bool) -> Result<()> {
    let needed = |name: &str| name == "host" || (name.starts_with("x-amz-") && !(presigned && name == "x-amz-content-sha256"));
    let unsigned = std::iter::once("host").chain(request.http.headers().keys().map(|n| n.as_str()));
    match unsigned.filter(|n| needed(n)).find(|n| !signed.iter().any(|s| s == n)) {
        Some(name) => Err(Error::denied(format!("the header {name} is not signed"))),
        None => Ok(()),
    }
}

fn canonical_request(request: &Request, path: &str, headers: &[String], presigned: bool) -> String {
    let encode = |text: &str| percent_encode(&percent_decode_str(text).collect::<Vec<u8>>(), UNRESERVED).to_string();
    let given = pairs(request.http.uri().query().unwrap_or_default());
    let mut query: Vec<(String, String)> = given.map(|(name, value)| (encode(name), encode(value))).collect();
    query.retain(|(name, _)| name != "X-Amz-Signature");
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut lines = String::new();
    for name in headers {
        lines.push_str(&format!("{name}:{}\n", request.joined(name).unwrap_or_default()));
    }
    let payload = match request.header("x-amz-content-sha256") {
        Some(payload) if !presigned || headers.iter().any(|h| h == "x-amz-content-sha256") => payload,
        // a client may also sign the hash of the body it announces in the query
        _ if presigned => request.query("X-Amz-Content-Sha256").unwrap_or("UNSIGNED-PAYLOAD"),
        _ => EMPTY_SHA256,
    };
    format!("{}\n{path}\n{}\n{lines}\n{}\n{payload}", request.method(), query.join("&"), headers.join(";"))
}

fn verify_v2(request: &Request, secret: &str, expires: &str, signature: &str) -> Result<()> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    let tag = STANDARD.decode(signature).map_err(|_| failure::bad_signature())?;
    let standard = |name: &str| request.header(name).or_else(|| request.query(name)).unwrap_or_default().to_owned();
    let mut amz = request.every_amz();
    amz.sort();
    let amz: String = amz.into_iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let mut signed: Vec<&(String, String)> = request.query.iter().filter(|(name, _)| SIGNED_BY_V2.contains(&name.as_str())).collect();
    signed.sort();
    let signed: Vec<String> = signed.iter().map(|(n, v)| if v.is_empty() { n.clone() } else { format!("{n}={v}") }).collect();
    let query = if signed.is_empty() { String::new() } else { format!("?{}", signed.join("&")) };
    let head = format!("{}\n{}\n{}\n{expires}\n{amz}", request.method(), standard("content-md5"), standard("content-type"));
    // the path from the bucket on, whatever the endpoint is; some clients sign the whole one
    let raw = request.http.uri().path();
    let paths = [raw.strip_prefix(MOUNT).unwrap_or(raw), raw];
    match paths.iter().any(|path| hmac::verify(&key, format!("{head}{path}{query}").as_bytes(), &tag).is_ok()) {
        true => Ok(()),
        false => Err(failure::bad_signature()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    /// Amazon S3 API reference, "Signature Calculations for the Authorization Header": GET Object.
    fn get_object() -> TestRequest {
        TestRequest::get()
            .uri("/test.txt")
            .insert_header(("host", "examplebucket.s3.amazonaws.com"))
            .insert_header(("range", "bytes=0-9"))
            .insert_header(("x-amz-content-sha256", EMPTY_SHA256))
            .insert_header(("x-amz-date", "20130524T000000Z"))
    }

    const GET_OBJECT: &str = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
        SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,\
        Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";

    fn verdict(request: TestRequest, now: &str, secret: &str) -> Result<()> {
        let request = Request::read(request.to_http_request()).unwrap();
        let claim = Claim::find(&request, millis(now).unwrap())?.expect("a signature");
        assert_eq!(claim.id(), "AKIAIOSFODNN7EXAMPLE");
        claim.verify(&request, secret).map(drop)
    }

    fn name(result: Result<()>) -> &'static str {
        result.unwrap_err().reason.unwrap_or("AccessDenied")
    }

    #[test]
    fn the_reference_request_is_verified() {
        let signed = || get_object().insert_header(("authorization", GET_OBJECT));
        verdict(signed(), "20130524T000500Z", SECRET).unwrap();
        assert_eq!(name(verdict(signed(), "20130524T000500Z", "another")), "SignatureDoesNotMatch");
        assert_eq!(name(verdict(signed(), "20130524T001501Z", SECRET)), "RequestTimeTooSkewed");
        let changed = signed().insert_header(("range", "bytes=0-10"));
        assert_eq!(name(verdict(changed, "20130524T000500Z", SECRET)), "SignatureDoesNotMatch");
        let added = signed().insert_header(("x-amz-copy-source", "b/k"));
        assert_eq!(name(verdict(added, "20130524T000500Z", SECRET)), "AccessDenied");
    }

    /// Amazon S3 API reference, "Authenticating Requests: Using Query Parameters".
    #[test]
    fn the_reference_url_is_verified_until_it_expires() {
        let uri = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
            &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
            &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        let request = |uri: &str| TestRequest::get().uri(uri).insert_header(("host", "examplebucket.s3.amazonaws.com"));
        verdict(request(uri), "20130524T235959Z", SECRET).unwrap();
        assert_eq!(name(verdict(request(uri), "20130525T000001Z", SECRET)), "AccessDenied");
        assert_eq!(name(verdict(request(&format!("{uri}&versionId=1")), "20130524T000000Z", SECRET)), "SignatureDoesNotMatch");
    }

    #[test]
    fn a_signature_is_for_this_service_and_day() {
        for (from, to) in [("/s3/", "/ec2/"), ("20130524/", "20130523/"), ("/aws4_request", ""), ("SignedHeaders", "Signed")] {
            let request = get_object().insert_header(("authorization", GET_OBJECT.replace(from, to)));
            assert_eq!(name(verdict(request, "20130524T000500Z", SECRET)), "AuthorizationHeaderMalformed");
        }
        assert!(Claim::find(&Request::read(get_object().to_http_request()).unwrap(), 0).unwrap().is_none());
    }

    /// As boto3 signs: the endpoint's own path is no part of it.
    #[test]
    fn urls_of_version_two_are_verified() {
        let text = "PUT\n\n\n2000000000\nx-amz-meta-x:y\n/b/k%20a?uploadId=u";
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET.as_bytes());
        let signature = percent_encode(STANDARD.encode(hmac::sign(&key, text.as_bytes())).as_bytes(), UNRESERVED).to_string();
        let uri =
            format!("/s3/b/k%20a?uploadId=u&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature={signature}&x-amz-meta-x=y&Expires=2000000000");
        let request = || TestRequest::put().uri(&uri);
        verdict(request(), "20260101T000000Z", SECRET).unwrap();
        assert_eq!(name(verdict(request(), "20260101T000000Z", "another")), "SignatureDoesNotMatch");
        assert_eq!(name(verdict(request().insert_header(("x-amz-meta-z", "1")), "20260101T000000Z", SECRET)), "SignatureDoesNotMatch");
        assert_eq!(name(verdict(request(), "20400101T000000Z", SECRET)), "AccessDenied");
    }
}
