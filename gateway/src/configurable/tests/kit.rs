//! A proxy under test, and targets for it.

use super::super::{Configurable, Listen, Options, Part};
use crate::proxy::{Body, BoxError};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(super) const TOKEN: &str = "sesame";

pub(super) fn anywhere() -> Listen {
    Listen::Tcp { ip: "127.0.0.1".into(), port: 0 }
}

pub(super) fn options() -> Options {
    Options { auth_token: Some(TOKEN.into()), ..Options::new(anywhere(), anywhere()) }
}

/// A proxy that listens until the test ends.
pub(super) struct Proxy {
    pub(super) public: SocketAddr,
    pub(super) api: String,
    pub(super) client: reqwest::Client,
    pub(super) other: Option<SocketAddr>,
}

impl Proxy {
    pub(super) async fn start(options: Options) -> Self {
        let other = if options.metrics.is_some() { Some(Part::Metrics) } else { options.redirect.as_ref().map(|_| Part::Redirect) };
        let proxy = Configurable::listen(options).await.unwrap();
        let (public, api) = (proxy.address(Part::Public), format!("http://{}/api/routes", proxy.address(Part::Api)));
        let other = other.map(|part| proxy.address(part));
        tokio::spawn(proxy.serve(std::future::pending()));
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { public, api, client, other }
    }

    /// With one route.
    pub(super) async fn with(options: Options, path: &str, target: &str) -> Self {
        let proxy = Self::start(options).await;
        proxy.route(path, target).await;
        proxy
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.public)
    }

    pub(super) async fn route(&self, path: &str, target: &str) {
        let answer = self.ask("POST", path, json!({"target": target}).to_string()).await;
        assert_eq!(answer.status(), 201, "{path} {target}");
    }

    pub(super) async fn ask(&self, method: &str, path: &str, body: String) -> reqwest::Response {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.api));
        request.header("authorization", format!("token {TOKEN}")).body(body).send().await.unwrap()
    }

    pub(super) async fn routes(&self) -> Value {
        json_of(self.ask("GET", "", String::new()).await).await
    }

    pub(super) async fn last_activity(&self, path: &str) -> String {
        let route = json_of(self.ask("GET", path, String::new()).await).await;
        route["last_activity"].as_str().unwrap().to_owned()
    }

    pub(super) async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }
}

pub(super) async fn json_of(response: reqwest::Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// A server that answers each request with what it saw of it.
pub(super) struct Mirror {
    pub(super) url: String,
    pub(super) connections: Arc<AtomicUsize>,
}

impl Mirror {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, mirrored));
            }
        });
        Self { url, connections }
    }
}

/// Serves one connection.
pub(super) async fn serve<S, F>(stream: S, answer: fn(Request<Incoming>) -> F)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request| async move { Ok::<_, Infallible>(answer(request).await) });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Method, path, headers and body as JSON.
pub(super) async fn mirrored(request: Request<Incoming>) -> Response<Body> {
    let headers: serde_json::Map<String, Value> =
        request.headers().iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into())).collect();
    let (method, path) = (request.method().to_string(), request.uri().to_string());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let seen = json!({"method": method, "path": path, "headers": headers, "body": String::from_utf8_lossy(&body)});
    whole(seen.to_string())
}

pub(super) fn whole(text: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(text.into()).map_err(|never| match never {}).boxed_unsync())
}

/// A target that is played byte by byte, one connection after the other.
pub(super) struct Raw(pub(super) TcpListener);

impl Raw {
    pub(super) async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (Self(listener), url)
    }

    /// The next connection, and its request's head.
    pub(super) async fn request(&self) -> (TcpStream, String) {
        let (mut stream, _) = self.0.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        (stream, head)
    }
}

/// Up to the empty line.
pub(super) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await.unwrap_or_else(|e| panic!("{e} after {}", String::from_utf8_lossy(&head)));
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}

pub(super) async fn say(stream: &mut (impl AsyncWrite + Unpin), text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

pub(super) async fn hear(stream: &mut (impl AsyncRead + Unpin), text: &str) {
    let mut heard = vec![0; text.len()];
    within(stream.read_exact(&mut heard)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&heard), text);
}

/// An address where nobody listens.
pub(super) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Waits, but not for ever.
pub(super) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it came to no end")
}

/// Asks again until it holds.
pub(super) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    within(async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// A body of chunks that come when they are sent.
pub(super) fn channel() -> (tokio::sync::mpsc::Sender<Result<Bytes, BoxError>>, reqwest::Body) {
    let (send, receive) = tokio::sync::mpsc::channel(1);
    (send, reqwest::Body::wrap_stream(tokio_stream::wrappers::ReceiverStream::new(receive)))
}
