//! Paths of requests: which route they ask for, and what is passed on of them.

use super::routes::Route;
use artel_platform::{Error, Result};
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri, header};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The request's path as browsers mean it: `/a/../b`, or `%2e%2e`, is `/b`. Route and target see the same one, or a
/// request could reach a target by another's route.
pub(super) fn normal(uri: &Uri) -> Result<PathAndQuery> {
    let given = match uri.path_and_query() {
        Some(given) if given.as_str().starts_with('/') => given.clone(),
        // `*`, or a bare authority
        _ => PathAndQuery::from_static("/"),
    };
    let path = given.path();
    let dots = path.contains("/.") || path.contains('\\') || path.to_ascii_lowercase().contains("%2e");
    if !dots {
        return Ok(given);
    }
    let mut url = url::Url::parse("http://localhost").map_err(|e| Error::internal("no URL").because(e))?;
    url.set_path(path);
    let text = match given.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    text.parse().map_err(|e| Error::internal("the request's path is none").because(e))
}

/// What the routing table is asked: the decoded path; with host routing after the host.
pub(super) fn wanted<'a>(path: &'a str, headers: &HeaderMap, host_routing: bool) -> Result<Cow<'a, str>> {
    let path = decode(path)?;
    if !host_routing {
        return Ok(path);
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    Ok(format!("/{}{path}", name_of(host)).into())
}

/// A host without its port.
pub(super) fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Decodes percent signs. Those that encode nothing, or no text, are an error, as JavaScript's `decodeURIComponent` has it.
pub(super) fn decode(path: &str) -> Result<Cow<'_, str>> {
    if !path.contains('%') {
        return Ok(path.into());
    }
    let malformed = || Error::internal("URI malformed");
    let hex = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    if !path.split('%').skip(1).all(hex) {
        return Err(malformed());
    }
    percent_decode_str(path).decode_utf8().map_err(|_| malformed())
}

/// The path without the route's prefix, for `--no-include-prefix`. The prefix is counted in segments, as it is decoded and the
/// path is not.
pub(super) fn without_prefix(path: &PathAndQuery, route: &Route, host_routing: bool) -> Result<PathAndQuery> {
    let segments = route.path.trim_matches('/').split('/').filter(|segment| !segment.is_empty()).count();
    let segments = segments.saturating_sub(usize::from(host_routing));
    let rest = cut(path.path(), segments);
    let text = format!("{}{rest}", if rest.starts_with('/') { "" } else { "/" });
    let text = match path.query() {
        Some(query) => format!("{text}?{query}"),
        None => text,
    };
    text.parse().map_err(|e| Error::internal("the request's path is none").because(e))
}

/// What follows the first `segments`; an encoded slash ends a segment as well.
fn cut(path: &str, segments: usize) -> &str {
    let mut rest = path;
    for _ in 0..segments {
        let inner = rest.strip_prefix('/').or_else(|| rest.get(3..)).unwrap_or_default();
        let inner = inner.trim_start_matches('/');
        let ends = [inner.find('/'), inner.find("%2F"), inner.find("%2f")];
        rest = ends.into_iter().flatten().min().map_or("", |end| &inner[end..]);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_resolved() {
        for (given, meant) in [
            ("/a/b?c=/../d", "/a/b?c=/../d"),
            ("/user/eve/../ada/x?y", "/user/ada/x?y"),
            ("/user/eve/%2E%2e/ada", "/user/ada"),
            ("/../../x", "/x"),
            ("/.well-known/x", "/.well-known/x"),
            ("//a", "//a"),
            ("http://host/a/./b", "/a/b"),
            ("*", "/"),
        ] {
            assert_eq!(normal(&given.parse().unwrap()).unwrap(), meant, "{given}");
        }
    }

    #[test]
    fn what_decodes_to_no_text_is_an_error() {
        assert_eq!(decode("/b%40r/%C3%BC%20").unwrap(), "/b@r/ü ");
        for wrong in ["/%", "/%4", "/%zz", "/%FF", "/%ü"] {
            assert!(decode(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hosts_come_first_with_host_routing() {
        let headers = HeaderMap::from_iter([(header::HOST, "ada.hub.org:8000".parse().unwrap())]);
        assert_eq!(wanted("/a%20b", &headers, true).unwrap(), "/ada.hub.org/a b");
        assert_eq!(wanted("/a%20b", &headers, false).unwrap(), "/a b");
    }

    #[test]
    fn prefixes_are_cut_by_segments() {
        for (path, segments, rest) in [
            ("/bar/rest", 1, "/rest"),
            ("/bar", 1, ""),
            ("/b%40r/b%20r/rest/of", 2, "/rest/of"),
            ("/a%2Fb/rest", 2, "/rest"),
            ("//bar/rest", 1, "/rest"),
            ("/bar/rest", 0, "/bar/rest"),
        ] {
            assert_eq!(cut(path, segments), rest, "{path}");
        }
    }
}
