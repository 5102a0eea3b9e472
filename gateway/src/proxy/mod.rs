//! Passing requests on: to services in other processes, and to notebook servers. Bodies stream both ways without
//! limits; the gateway parses none of them.

mod headers;
mod http;
mod websocket;

pub(crate) use headers::Forwarded;

use actix_web::dev::Payload;
use actix_web::{HttpRequest, HttpResponse};
use artel_platform::{Error, Result};
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use std::time::Duration;

/// A body on its way to the other side.
type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Keeps connections to whatever stands behind the gateway.
#[derive(Clone)]
pub(crate) struct Proxy {
    client: Client<HttpConnector, Body>,
}

impl Proxy {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let client = Client::builder(hyper_util::rt::TokioExecutor::new()).pool_idle_timeout(Duration::from_secs(60)).build(connector);
        Self { client }
    }

    /// Sends the request to `target` (`http://HOST:PORT`, the path is kept whole) and streams the answer back.
    /// `UNAVAILABLE` when nobody answers there.
    pub(crate) async fn pass(&self, request: &HttpRequest, payload: Payload, target: &str, forwarded: &Forwarded) -> Result<HttpResponse> {
        let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
        let uri = format!("{}{path}", target.trim_end_matches('/'));
        let uri: ::http::Uri = uri.parse().map_err(|e| Error::internal("the target is no URL").because(e))?;
        if headers::is_upgrade(request.headers()) {
            websocket::pass(request, payload, uri, forwarded).await
        } else {
            http::pass(&self.client, request, payload, uri, forwarded).await
        }
    }
}
