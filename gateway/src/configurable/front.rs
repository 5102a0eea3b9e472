//! What the public asks: each request finds its route and is passed to its target.

use super::routes::Route;
use super::watch::{Counts, Watched};
use super::workers::{Handler, Peer};
use super::{Shared, address, answers, rewrite};
use crate::proxy::{Answer, Body, Client, Forwarded, Proxy, is_websocket, tunnel};
use artel_platform::{Code, Error, Result};
use http::header::{CONNECTION, HOST, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Answered by the proxy itself, for load balancers.
const HEALTH: &str = "/_chp_healthz";

/// Of one thread.
#[derive(Clone)]
pub(super) struct Front {
    shared: Arc<Shared>,
    proxy: Proxy,
}

impl Handler for Front {
    async fn answer(&self, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let url = request.uri().path_and_query().cloned();
        let url = url.as_ref().map_or("/", PathAndQuery::as_str);
        if url == HEALTH {
            return answers::json(&serde_json::json!({"status": "OK"}));
        }
        if request.method() == Method::CONNECT {
            // this is no proxy to anywhere
            return answers::bare(StatusCode::METHOD_NOT_ALLOWED);
        }
        let websocket = is_websocket(&request);
        self.shared.metrics.request(websocket);
        let method = request.method().clone();
        match self.pass(request, peer, websocket).await {
            Ok(response) => response,
            Err(error) => {
                let status = status_of(&error);
                self.shared.metrics.passed(status);
                tracing::error!("{} {method} {} {}", status.as_u16(), without_query(url), error.chain());
                if websocket {
                    let mut response = answers::bare(status);
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                    return response;
                }
                self.shared.errors.page(&self.proxy, status, url).await
            }
        }
    }
}

impl Front {
    pub(super) fn new(shared: Arc<Shared>, proxy: Proxy) -> Self {
        Self { shared, proxy }
    }

    async fn pass(&self, mut request: Request<Incoming>, peer: Peer, websocket: bool) -> Result<Response<Body>> {
        let options = &self.shared.options;
        let (route, path) = self.route(&request)?;
        tracing::debug!("PROXY {} {} to {}", if websocket { "WS" } else { "WEB" }, path.path(), route.target);
        let upgrade = websocket.then(|| hyper::upgrade::on(&mut request));
        let host = if options.auto_rewrite { request.headers().get(HOST).cloned() } else { None };
        *request.uri_mut() = path.into();
        let request = request.map(|body| {
            let counts = if websocket { Counts::Never } else { Counts::Parts };
            Watched::new(body, route.clone(), self.shared.clone(), counts, None).boxed_unsync()
        });
        let scheme = match (websocket, peer.secure) {
            (false, false) => "http",
            (false, true) => "https",
            (true, false) => "ws",
            (true, true) => "wss",
        };
        let client = options.x_forward.then_some(Client { ip: peer.ip, scheme, append: true });
        let forwarded = Forwarded { client, extra: Some(&self.shared.extra), target_host: options.change_origin, ..Forwarded::default() };
        let passing = self.proxy.pass(request, &route.target, &forwarded);
        let answer = match options.proxy_timeout {
            Some(limit) if !websocket => tokio::time::timeout(limit, passing)
                .await
                .map_err(|_| Error::unavailable(format!("no answer within --proxy-timeout, {} ms", limit.as_millis())))??,
            _ => passing.await?,
        };
        match (answer, upgrade) {
            (Answer::Upgraded(head, target), Some(upgrade)) => {
                self.shared.metrics.passed(StatusCode::SWITCHING_PROTOCOLS);
                peer.patient.store(true, Ordering::Relaxed);
                self.join(route, upgrade, target);
                let (parts, ()) = head.into_parts();
                let mut response = answers::bare(parts.status);
                *response.headers_mut() = parts.headers;
                Ok(response)
            }
            (Answer::Upgraded(..), None) => Err(Error::unavailable("the target left HTTP unasked")),
            (Answer::Whole(response), _) => Ok(self.whole(route, response, host.as_ref())),
        }
    }

    /// Where the request goes, and its path there.
    fn route(&self, request: &Request<Incoming>) -> Result<(Arc<Route>, PathAndQuery)> {
        let options = &self.shared.options;
        let _timer = options.metrics.is_some().then(|| self.shared.metrics.finding());
        let path = address::normal(request.uri())?;
        let wanted = address::wanted(path.path(), request.headers(), options.host_routing)?;
        let route = self.shared.routes.find(&wanted).ok_or_else(|| Error::not_found("no route"))?;
        let path = if options.include_prefix { path } else { address::without_prefix(&path, &route, options.host_routing)? };
        Ok((route, path))
    }

    fn whole(&self, route: Arc<Route>, response: Response<Body>, host: Option<&HeaderValue>) -> Response<Body> {
        let status = response.status();
        self.shared.metrics.passed(status);
        let (mut parts, body) = response.into_parts();
        rewrite::location(status, &mut parts.headers, &route.target, host, &self.shared.options);
        // redirects do not count: a browser that is sent to the login page again and again is nobody
        let counts = if status.as_u16() < 300 { Counts::End } else { Counts::Never };
        let patience = self.shared.options.proxy_timeout;
        if counts == Counts::Never && patience.is_none() {
            return Response::from_parts(parts, body);
        }
        Response::from_parts(parts, Watched::new(body, route, self.shared.clone(), counts, patience).boxed_unsync())
    }

    /// Carries a WebSocket's bytes. What the client says is activity, what the target says is none: a page that nobody looks at
    /// is told things as well.
    fn join(&self, route: Arc<Route>, upgrade: OnUpgrade, target: TokioIo<hyper::upgrade::Upgraded>) {
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let client = match upgrade.await {
                Ok(client) => TokioIo::new(client),
                Err(error) => return tracing::debug!("a WebSocket's client left: {error}"),
            };
            if let Err(error) = tunnel(client, target, || shared.routes.touch(&route)).await {
                tracing::debug!("a WebSocket to {} broke: {error}", route.path);
            }
        });
    }
}

fn status_of(error: &Error) -> StatusCode {
    match error.code {
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Queries may hold tokens and stay out of the log.
fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}
