//! Upgraded connections (WebSockets of kernels, terminals, collaboration): the handshake is passed as it is, then the
//! bytes flow both ways untouched, compression and sub-protocols included.

use super::headers::{self, Forwarded};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use artel_platform::{Error, Result};
use bytes::Bytes;
use futures::StreamExt;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_stream::wrappers::ReceiverStream;

const CHUNK: usize = 64 * 1024;

pub(super) async fn pass(request: &HttpRequest, payload: Payload, uri: http::Uri, forwarded: &Forwarded) -> Result<HttpResponse> {
    let away = |e: Box<dyn std::error::Error + Send + Sync>| Error::unavailable("the server behind this path does not answer").because(e);
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let stream = tokio::net::TcpStream::connect(&authority).await.map_err(|e| away(e.into()))?;
    let _ = stream.set_nodelay(true);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| away(e.into()))?;
    tokio::spawn(connection.with_upgrades());
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    let mut out =
        http::Request::builder().method(request.method().as_str()).uri(path).body(Empty::<Bytes>::new()).map_err(|e| away(e.into()))?;
    *out.headers_mut() = headers::request(request, forwarded);
    for name in [http::header::CONNECTION, http::header::UPGRADE] {
        if let Some(value) = request.headers().get(name.as_str()).and_then(|v| http::HeaderValue::from_bytes(v.as_bytes()).ok()) {
            out.headers_mut().insert(name, value);
        }
    }
    let answer = sender.send_request(out).await.map_err(|e| away(e.into()))?;
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::build(status);
    headers::response(answer.headers(), &mut response);
    if answer.status() != http::StatusCode::SWITCHING_PROTOCOLS {
        let body = answer.into_body().into_data_stream().map(|chunk| chunk.map_err(actix_web::error::ErrorBadGateway));
        return Ok(response.streaming(body));
    }
    let upgrade = answer.headers().get(http::header::UPGRADE).and_then(|v| v.to_str().ok()).unwrap_or("websocket").to_owned();
    let upgraded = hyper::upgrade::on(answer).await.map_err(|e| away(e.into()))?;
    let (to_client, from_server) = tokio::sync::mpsc::channel(8);
    actix_web::rt::spawn(carry(payload, TokioIo::new(upgraded), to_client));
    Ok(response.upgrade(upgrade).streaming(ReceiverStream::new(from_server)))
}

/// Carries bytes until either side closes.
async fn carry(
    mut payload: Payload,
    upstream: TokioIo<hyper::upgrade::Upgraded>,
    to_client: tokio::sync::mpsc::Sender<Result<Bytes, std::io::Error>>,
) {
    let (mut read, mut write) = tokio::io::split(upstream);
    let up = async {
        while let Some(Ok(chunk)) = payload.next().await {
            if write.write_all(&chunk).await.is_err() {
                return;
            }
        }
        let _ = write.shutdown().await;
    };
    let down = async {
        let mut buffer = bytes::BytesMut::with_capacity(CHUNK);
        while let Ok(1..) = read.read_buf(&mut buffer).await {
            if to_client.send(Ok(buffer.split().freeze())).await.is_err() {
                return;
            }
            buffer.reserve(CHUNK);
        }
    };
    tokio::select! { () = up => {}, () = down => {} }
}
