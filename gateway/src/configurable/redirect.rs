//! `--redirect-port`: whoever comes by plain HTTP is sent to HTTPS.

use super::workers::{Handler, Peer};
use super::{Options, address, answers};
use crate::proxy::Body;
use http::header::{HOST, HeaderValue, LOCATION};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

#[derive(Clone)]
pub(super) struct ToHttps {
    port: u16,
}

impl ToHttps {
    pub(super) fn new(options: &Options) -> Self {
        Self { port: options.redirect.as_ref().map_or(443, |redirect| redirect.to) }
    }
}

impl Handler for ToHttps {
    async fn answer(&self, request: Request<Incoming>, _: Peer) -> Response<Body> {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).map(address::name_of);
        let Some(host) = host.filter(|host| !host.is_empty()) else {
            let text = format!("this server speaks HTTPS, on port {}; the request names no host that it could be sent to", self.port);
            return answers::text(StatusCode::BAD_REQUEST, text);
        };
        let port = if self.port == 443 { String::new() } else { format!(":{}", self.port) };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let mut response = answers::bare(StatusCode::MOVED_PERMANENTLY);
        if let Ok(value) = HeaderValue::from_str(&format!("https://{host}{port}{path}")) {
            response.headers_mut().insert(LOCATION, value);
        }
        response
    }
}
