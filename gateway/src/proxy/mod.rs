//! Passing requests on: to services in other processes, to notebook servers, and to whatever `artel proxy` is told of.
//! Bodies stream both ways without limits; nobody parses them. Requests and answers are of the `http` crate here; the
//! gateway's listener, which is actix's, is joined on in `actix.rs`.

mod actix;
mod connect;
mod headers;
mod http;
mod prefixes;
mod target;
mod tunnel;
mod websocket;

pub(crate) use connect::Connector;
pub(crate) use headers::{Client, Forwarded};
pub(crate) use prefixes::Prefixes;
pub(crate) use target::Target;
pub(crate) use tunnel::tunnel;
pub(crate) use websocket::is_websocket;

use ::http::{Request, Response};
use artel_platform::Result;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::upgrade::Upgraded;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A body on its way to the other side.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long a connection to a target may wait for its next request.
const IDLE: Duration = Duration::from_secs(60);

/// What a target answered.
pub(crate) enum Answer {
    /// An answer like any other.
    Whole(Response<Body>),
    /// 101: from here on bytes flow both ways ([`tunnel`]), the second part is the target's side.
    Upgraded(Response<()>, TokioIo<Upgraded>),
}

/// Keeps connections to whatever stands behind. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub(crate) struct Proxy {
    pool: Pool<Connector, Body>,
    connector: Connector,
    /// WebSockets of the gateway are closed then: they would keep it from ending.
    stop: CancellationToken,
}

impl Proxy {
    pub(crate) fn new(connector: Connector, stop: CancellationToken) -> Self {
        let mut pool = Pool::builder(TokioExecutor::new());
        pool.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new());
        Self { pool: pool.build(connector.clone()), connector, stop }
    }

    /// Sends the request to `target` and streams the answer back. `UNAVAILABLE` when nobody answers there.
    pub(crate) async fn pass(&self, mut request: Request<Body>, target: &Target, forwarded: &Forwarded<'_>) -> Result<Answer> {
        let uri = target.uri(request.uri().path_and_query())?;
        let upgrade = is_websocket(&request);
        headers::of_request(request.headers_mut(), target, forwarded);
        *request.uri_mut() = uri;
        if upgrade {
            websocket::pass(&self.connector, request.into_parts().0).await
        } else {
            http::pass(&self.pool, request).await.map(Answer::Whole)
        }
    }
}
