//! An ordinary request and its answer, streamed.

use super::{Body, BoxError, Connector, headers};
use artel_platform::{Error, Result};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Body as _;
use hyper_util::client::legacy::Client;

pub(super) async fn pass(pool: &Client<Connector, Body>, mut request: Request<Body>) -> Result<Response<Body>> {
    *request.version_mut() = Version::HTTP_11;
    let spare = spare(&request);
    let answer = match (pool.request(request).await, spare) {
        // the target closed a waiting connection in the moment in which it was used again
        (Err(error), Some(spare)) if !error.is_connect() => pool.request(spare).await,
        (answer, _) => answer,
    };
    let answer = answer.map_err(|e| Error::unavailable("the server behind this path does not answer").because(e))?;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Error::unavailable("the server behind this path left HTTP unasked"));
    }
    let (mut parts, body) = answer.into_parts();
    // the client is answered in its own version: a target of HTTP/1.0 does not make it one
    parts.version = Version::HTTP_11;
    headers::strip(&mut parts.headers);
    Ok(Response::from_parts(parts, body.map_err(BoxError::from).boxed_unsync()))
}

/// The request once more, where sending it twice does no harm.
fn spare(request: &Request<Body>) -> Option<Request<Body>> {
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) && request.body().is_end_stream();
    harmless.then(|| {
        let mut again = Request::new(empty());
        *again.method_mut() = request.method().clone();
        *again.uri_mut() = request.uri().clone();
        *again.headers_mut() = request.headers().clone();
        again
    })
}

/// A body of nothing.
pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}
