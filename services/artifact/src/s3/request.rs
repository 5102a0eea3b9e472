//! A request as S3 reads it: bucket, key, query and headers.

use super::failure;
use actix_web::HttpRequest;
use actix_web::http::{Method, header};
use artel_platform::{Error, Result};
use percent_encoding::percent_decode_str;

/// Where the endpoint is mounted.
pub(super) const MOUNT: &str = "/s3";
/// Longest key in bytes (Amazon S3 user guide, "Naming Amazon S3 objects").
const LONGEST_KEY: usize = 1024;

/// The head of a request.
pub(super) struct Request {
    pub(super) http: HttpRequest,
    /// Empty for the list of buckets.
    pub(super) bucket: String,
    /// Empty for the bucket itself.
    pub(super) key: String,
    /// Names and values, decoded, in their order.
    pub(super) query: Vec<(String, String)>,
}

impl Request {
    pub(super) fn read(http: HttpRequest) -> Result<Self> {
        let path = http.uri().path();
        let rest = path.strip_prefix(MOUNT).unwrap_or(path).trim_start_matches('/');
        // a key may begin with a slash: only the one after the bucket's name separates
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let (bucket, key) = (decoded(bucket)?, decoded(key)?);
        if key.len() > LONGEST_KEY {
            return Err(Error::invalid(format!("a key has at most {LONGEST_KEY} bytes")).reason("KeyTooLongError"));
        }
        let query = pairs(http.uri().query().unwrap_or_default()).map(|(n, v)| Ok((decoded(n)?, decoded(&v.replace('+', " "))?)));
        let query = query.collect::<Result<_>>()?;
        Ok(Self { bucket, key, query, http })
    }

    pub(super) fn method(&self) -> &Method {
        self.http.method()
    }

    /// A query parameter; an empty one is `Some("")`.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A query parameter that says something.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.query(name).filter(|v| !v.is_empty())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.http.headers().get(name).and_then(|v| v.to_str().ok()).map(str::trim)
    }

    /// An `x-amz-…` header; a presigned URL may carry it in its query.
    pub(super) fn amz(&self, name: &str) -> Option<&str> {
        self.header(name).or_else(|| self.query.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str()))
    }

    /// Every `x-amz-…` header by its lowercase name, those in the query included.
    pub(super) fn every_amz(&self) -> Vec<(String, String)> {
        let in_query = self.query.iter().map(|(n, v)| (n.to_ascii_lowercase(), v.clone()));
        let in_head = self.http.headers().iter().map(|(n, v)| (n.as_str().to_owned(), text(v)));
        in_head.chain(in_query).filter(|(name, _)| name.starts_with("x-amz-")).collect()
    }

    /// All values of a header, as signatures join them.
    pub(super) fn joined(&self, name: &str) -> Option<String> {
        if name == "host" && !self.http.headers().contains_key(header::HOST) {
            // HTTP/2 has it in the request line
            return self.http.uri().authority().map(ToString::to_string);
        }
        let values: Vec<String> = self.http.headers().get_all(name).map(text).collect();
        (!values.is_empty()).then(|| values.join(","))
    }

    /// A number in the query, within `range`.
    pub(super) fn number(&self, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>> {
        let Some(given) = self.filled(name) else { return Ok(None) };
        let number = given.parse().ok().filter(|n| range.contains(n));
        let wrong = || failure::argument(format!("{name} is {given:?}; it must be a number from {} to {}", range.start(), range.end()));
        number.map(Some).ok_or_else(wrong)
    }
}

/// A header's value with single spaces, as signatures take it.
fn text(value: &header::HeaderValue) -> String {
    let value = String::from_utf8_lossy(value.as_bytes());
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Names and values of a query, not decoded.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

pub(super) fn decoded(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| Error::invalid(format!("{text:?} is not UTF-8")).reason("InvalidURI"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn read(uri: &str) -> Request {
        Request::read(TestRequest::with_uri(uri).to_http_request()).unwrap()
    }

    #[test]
    fn bucket_and_key_are_taken_from_the_raw_path() {
        for (uri, bucket, key) in [
            ("/s3", "", ""),
            ("/s3/", "", ""),
            ("/s3/b", "b", ""),
            ("/s3/b/", "b", ""),
            ("/s3/b/k", "b", "k"),
            ("/s3/b//k//", "b", "/k//"),
            ("/s3/b/a%2Fb%20c%25+d", "b", "a/b c%+d"),
            ("/s3/b/../%2e%2e/x", "b", "../../x"),
            ("/s3/b/%D0%BC?x=1", "b", "м"),
        ] {
            let request = read(uri);
            assert_eq!((request.bucket.as_str(), request.key.as_str()), (bucket, key), "{uri}");
        }
    }

    #[test]
    fn a_query_is_decoded_once() {
        let request = read("/s3/b?uploads&prefix=a%2Bb%20c+d&X-AMZ-Meta-Colour=red&marker=");
        assert_eq!((request.query("uploads"), request.query("prefix")), (Some(""), Some("a+b c d")));
        assert_eq!((request.amz("x-amz-meta-colour"), request.filled("marker"), request.query("none")), (Some("red"), None, None));
    }
}
