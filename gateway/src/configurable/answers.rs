//! Small answers of the proxy's own.

use crate::proxy::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};

/// A status and nothing else.
pub(super) fn bare(status: StatusCode) -> Response<Body> {
    text(status, Bytes::new())
}

/// A status and a text without a type, as Node's servers write it.
pub(super) fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(text.into()).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// A text of that type.
pub(super) fn typed(status: StatusCode, kind: &'static str, content: impl Into<Bytes>) -> Response<Body> {
    let mut response = text(status, content);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

pub(super) fn json(value: &serde_json::Value) -> Response<Body> {
    typed(StatusCode::OK, "application/json", value.to_string())
}

/// The words that go with a status.
pub(super) fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}
