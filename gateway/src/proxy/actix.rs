//! The gateway's listener is actix's: its requests and answers, turned into those of the `http` crate and back.

use super::{Answer, Body, BoxError, Forwarded, Proxy, Target, http, tunnel};
use ::http::{HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use actix_web::body::SizedStream;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use artel_platform::{Error, Result};
use bytes::Bytes;
use futures::{SinkExt, StreamExt, TryStreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::io;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};
use tokio_util::sync::{CancellationToken, PollSender};

impl Proxy {
    /// Sends the request to `target` and streams the answer back.
    /// `UNAVAILABLE` when nobody answers there.
    pub(crate) async fn pass_actix(
        &self,
        request: &HttpRequest,
        payload: Payload,
        target: &Target,
        forwarded: &Forwarded<'_>,
    ) -> Result<HttpResponse> {
        let mut out = head(request)?;
        if super::is_websocket(&out) {
            return Ok(match self.pass(out, target, forwarded).await? {
                Answer::Whole(response) => answer(response),
                Answer::Upgraded(head, upstream) => join(head, payload, upstream, self.stop.clone()),
            });
        }
        *out.body_mut() = body(request, payload);
        match self.pass(out, target, forwarded).await? {
            Answer::Whole(response) => Ok(answer(response)),
            Answer::Upgraded(..) => Err(Error::unavailable("the server behind this path left HTTP unasked")),
        }
    }
}

/// The request without its body.
fn head(request: &HttpRequest) -> Result<Request<Body>> {
    let wrong = |what: &str| Error::invalid(format!("the request's {what} is not understood"));
    let mut out = Request::new(http::empty());
    *out.method_mut() = Method::from_bytes(request.method().as_str().as_bytes()).map_err(|_| wrong("method"))?;
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    *out.uri_mut() = path.parse::<Uri>().map_err(|_| wrong("path"))?;
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).map_err(|_| wrong("header"))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong("header"))?;
        out.headers_mut().append(name, value);
    }
    Ok(out)
}

/// The client's body. actix's payload stays on its thread, so a small channel carries the chunks over.
fn body(request: &HttpRequest, mut payload: Payload) -> Body {
    let length = request.headers().get(actix_web::http::header::CONTENT_LENGTH);
    let chunked = request.headers().contains_key(actix_web::http::header::TRANSFER_ENCODING);
    if !chunked && length.is_none_or(|v| v == "0") && request.version() < actix_web::http::Version::HTTP_2 {
        return http::empty();
    }
    let (send, receive) = tokio::sync::mpsc::channel(8);
    actix_web::rt::spawn(async move {
        while let Some(chunk) = payload.next().await {
            let failed = chunk.is_err();
            let frame = chunk.map(Frame::data).map_err(|e| BoxError::from(io::Error::other(e)));
            if send.send(frame).await.is_err() || failed {
                return;
            }
        }
    });
    StreamBody::new(ReceiverStream::new(receive)).boxed_unsync()
}

fn answer(response: Response<Body>) -> HttpResponse {
    let (parts, body) = response.into_parts();
    let mut out = builder(&parts);
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    let stream = body.into_data_stream().map_err(|e| actix_web::error::ErrorBadGateway(e.to_string()));
    match length {
        Some(length) => out.body(SizedStream::new(length, stream)),
        None => out.streaming(stream),
    }
}

fn builder(parts: &::http::response::Parts) -> HttpResponseBuilder {
    let mut out = HttpResponse::build(StatusCode::from_u16(parts.status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY));
    for (name, value) in &parts.headers {
        // these are the body's to say, and the connection's
        if name != header::CONTENT_LENGTH && name != header::CONNECTION && name != header::UPGRADE {
            out.append_header((name.as_str(), value.as_bytes()));
        }
    }
    out
}

/// Answers 101 and carries the bytes. What comes from the client is actix's payload; what goes to it is the body of the
/// answer. Both ends are closed at `stop`.
fn join(head: Response<()>, payload: Payload, upstream: TokioIo<Upgraded>, stop: CancellationToken) -> HttpResponse {
    let (send, receive) = tokio::sync::mpsc::channel::<Bytes>(8);
    let read = StreamReader::new(payload.map_err(io::Error::other));
    let write = SinkWriter::new(CopyToBytes::new(PollSender::new(send).sink_map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))));
    actix_web::rt::spawn(stop.run_until_cancelled_owned(tunnel(tokio::io::join(read, write), upstream, || ())));
    let stream = ReceiverStream::new(receive).map(Ok::<_, io::Error>);
    builder(&head.into_parts().0).upgrade("websocket").streaming(stream)
}
