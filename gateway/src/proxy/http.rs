//! An ordinary request and its answer, streamed.

use super::Body;
use super::headers::{self, Forwarded};
use actix_web::body::SizedStream;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use artel_platform::{Error, Result};
use futures::StreamExt;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio_stream::wrappers::ReceiverStream;

pub(super) async fn pass(
    client: &Client<HttpConnector, Body>,
    request: &HttpRequest,
    payload: Payload,
    uri: http::Uri,
    forwarded: &Forwarded,
) -> Result<HttpResponse> {
    let method = http::Method::from_bytes(request.method().as_str().as_bytes()).map_err(|e| Error::invalid("unknown method").because(e))?;
    let mut out = http::Request::builder()
        .method(method)
        .uri(uri)
        .body(body(request, payload))
        .map_err(|e| Error::internal("cannot pass the request on").because(e))?;
    *out.headers_mut() = headers::request(request, forwarded);
    let answer = client.request(out).await.map_err(|e| Error::unavailable("the server behind this path does not answer").because(e))?;
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::build(status);
    headers::response(answer.headers(), &mut response);
    let length = answer.headers().get(http::header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    let stream = answer.into_body().into_data_stream().map(|chunk| chunk.map_err(actix_web::error::ErrorBadGateway));
    Ok(match length {
        Some(length) => response.body(SizedStream::new(length, stream)),
        None => response.streaming(stream),
    })
}

/// The client's body. actix's payload stays on its thread, so a small channel carries the chunks over.
fn body(request: &HttpRequest, mut payload: Payload) -> Body {
    let length = request.headers().get(actix_web::http::header::CONTENT_LENGTH);
    let chunked = request.headers().contains_key(actix_web::http::header::TRANSFER_ENCODING);
    if !chunked && length.is_none_or(|v| v == "0") && request.version() < actix_web::http::Version::HTTP_2 {
        return Empty::new().map_err(|never| match never {}).boxed_unsync();
    }
    let (send, receive) = tokio::sync::mpsc::channel(8);
    actix_web::rt::spawn(async move {
        while let Some(chunk) = payload.next().await {
            let failed = chunk.is_err();
            let frame = chunk.map(Frame::data).map_err(std::io::Error::other);
            if send.send(frame).await.is_err() || failed {
                return;
            }
        }
    });
    BodyExt::boxed_unsync(StreamBody::new(ReceiverStream::new(receive)))
}
