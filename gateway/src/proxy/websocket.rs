//! WebSockets (of kernels, terminals, collaboration): the handshake is passed as it is, sub-protocols and compression
//! included; then the bytes flow both ways untouched.

use super::{Answer, BoxError, Connector, headers};
use artel_platform::{Error, Result};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, UPGRADE};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// Does the request ask for a WebSocket? Other upgrades (`h2c` of an eager client) are left unheard, as RFC 9110 §7.8 allows.
pub(crate) fn is_websocket<B>(request: &Request<B>) -> bool {
    let has = |name, wanted: &str| {
        let values = request.headers().get_all(name).iter().filter_map(|v| v.to_str().ok());
        values.flat_map(|v| v.split(',')).any(|v| v.trim().eq_ignore_ascii_case(wanted))
    };
    *request.method() == Method::GET && has(UPGRADE, "websocket") && has(CONNECTION, "upgrade")
}

/// Each WebSocket has a connection of its own to the target.
pub(super) async fn pass(connector: &Connector, parts: Parts) -> Result<Answer> {
    let away = |e: BoxError| Error::unavailable("the server behind this path does not answer").because(e);
    let stream = connector.clone().connect(parts.uri.clone()).await.map_err(away)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.map_err(|e| away(e.into()))?;
    tokio::spawn(connection.with_upgrades());
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = parts.uri.path_and_query().cloned().map(Into::into).unwrap_or_default();
    *request.headers_mut() = parts.headers;
    ask_upgrade(request.headers_mut());
    // a body would be taken for the first messages, or these for a body
    request.headers_mut().remove(CONTENT_LENGTH);
    let answer = sender.send_request(request).await.map_err(|e| away(e.into()))?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        let (mut parts, body) = answer.into_parts();
        headers::strip(&mut parts.headers);
        return Ok(Answer::Whole(Response::from_parts(parts, body.map_err(BoxError::from).boxed_unsync())));
    }
    let mut head = Response::new(());
    *head.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *head.headers_mut() = answer.headers().clone();
    headers::strip(head.headers_mut());
    ask_upgrade(head.headers_mut());
    let upstream = hyper::upgrade::on(answer).await.map_err(|e| away(e.into()))?;
    Ok(Answer::Upgraded(head, TokioIo::new(upstream)))
}

fn ask_upgrade(headers: &mut http::HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, WEBSOCKET);
}
