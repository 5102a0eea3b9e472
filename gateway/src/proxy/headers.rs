//! Headers of a passed request. Host stays as it is: jupyter_server compares it with Origin.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap as ActixHeaders};
use artel_platform::http::INTERNAL_HEADER;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Of one connection only (RFC 9110 §7.6.1).
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-connection",
];

/// What the gateway adds.
#[derive(Default)]
pub(crate) struct Forwarded {
    /// The signed identity, for a service of ours.
    pub(crate) identity: Option<String>,
    /// `http` or `https`, as the client sees it.
    pub(crate) scheme: String,
}

pub(super) fn is_upgrade(headers: &ActixHeaders) -> bool {
    headers.get(header::UPGRADE).is_some()
        && headers.get(header::CONNECTION).and_then(|v| v.to_str().ok()).is_some_and(|v| v.to_ascii_lowercase().contains("upgrade"))
}

/// The client's headers without the connection's own, with `X-Forwarded-*` and the identity.
pub(super) fn request(from: &HttpRequest, forwarded: &Forwarded) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(from.headers().len() + 5);
    for (name, value) in from.headers() {
        let name = name.as_str();
        if HOP_BY_HOP.contains(&name) || name == INTERNAL_HEADER {
            continue;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    let peer = from.peer_addr().map(|a| a.ip().to_string()).unwrap_or_default();
    let host = from.headers().get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let port = host.rsplit_once(':').map_or(if forwarded.scheme == "https" { "443" } else { "80" }, |(_, port)| port).to_owned();
    let chain = match headers.get("x-forwarded-for").and_then(|v| v.to_str().ok()) {
        Some(before) => format!("{before}, {peer}"),
        None => peer,
    };
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("x-forwarded-for", &chain);
    set("x-forwarded-proto", &forwarded.scheme);
    set("x-forwarded-host", &host);
    set("x-forwarded-port", &port);
    if let Some(identity) = &forwarded.identity {
        set(INTERNAL_HEADER, identity);
    }
    headers
}

/// Copies the answer's headers, without the connection's own.
pub(super) fn response(from: &HeaderMap, to: &mut actix_web::HttpResponseBuilder) {
    for (name, value) in from {
        if !HOP_BY_HOP.contains(&name.as_str()) && name != http::header::CONTENT_LENGTH {
            to.append_header((name.as_str(), value.as_bytes()));
        }
    }
}
