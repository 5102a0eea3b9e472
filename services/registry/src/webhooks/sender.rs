//! One HTTP request to a receiver, signed as upstream signs it (mlflow/webhooks/delivery.py).

use super::target;
use artel_platform::Error;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};
use std::time::Duration;
use url::{Host, Url};

const SIGNATURE: &str = "X-MLflow-Signature";
const TIMESTAMP: &str = "X-MLflow-Timestamp";
const DELIVERY_ID: &str = "X-MLflow-Delivery-Id";

/// How much of an answer is read; more is of no use to anybody.
const MAX_ANSWER: usize = 64 * 1024;

/// What is to be sent, and where.
#[derive(Clone)]
pub(super) struct Letter {
    pub(super) url: String,
    /// Without one it is not signed.
    pub(super) secret: Option<String>,
    /// The same for every attempt, so that a receiver knows a repetition.
    pub(super) delivery_id: String,
    pub(super) body: String,
}

/// What the receiver said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
    /// Seconds after which it wants to be asked again.
    pub(super) retry_after: Option<i64>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unsent {
    /// It must not go there: trying again changes nothing.
    Refused(String),
    /// Nobody answered; later perhaps.
    Unreachable(String),
}

/// Sends to receivers.
pub(crate) struct Sender {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    private: bool,
    timeout: Duration,
}

impl Sender {
    /// With `private`, to any address and also over plain HTTP.
    pub(crate) fn new(private: bool, timeout: Duration) -> artel_platform::Result<Self> {
        let mut tcp = HttpConnector::new_with_resolver(Resolver { private });
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(timeout.min(Duration::from_secs(10))));
        let connector = artel_platform::tls::https(tcp)?;
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), private, timeout })
    }

    /// Sends once. `now` in milliseconds goes into the signature.
    pub(super) async fn send(&self, letter: &Letter, now: i64) -> Result<Answer, Unsent> {
        let request = self.request(letter, now)?;
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| unsent(&error))?;
            read(response).await
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err(Unsent::Unreachable(format!("no answer in {} seconds", self.timeout.as_secs_f64()))),
        }
    }

    fn request(&self, letter: &Letter, now: i64) -> Result<Request<Full<Bytes>>, Unsent> {
        let mut url = target::parse(&letter.url, self.private).map_err(|error| Unsent::Refused(error.message))?;
        // an address in the URL itself is not looked up, so the resolver does not see it
        let literal = match url.host() {
            Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
            Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
            _ => None,
        };
        if let Some(address) = literal.filter(|address| !self.private && !target::is_public(*address)) {
            return Err(Unsent::Refused(blocked(&address.to_string())));
        }
        let timestamp = (now / 1000).to_string();
        let credentials = take_credentials(&mut url);
        url.set_fragment(None);
        let mut request = Request::post(url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("artel/", env!("CARGO_PKG_VERSION")))
            .header(DELIVERY_ID, &letter.delivery_id)
            .header(TIMESTAMP, &timestamp);
        if let Some(secret) = &letter.secret {
            request = request.header(SIGNATURE, sign(secret, &letter.delivery_id, &timestamp, &letter.body));
        }
        if let Some(credentials) = credentials {
            request = request.header(header::AUTHORIZATION, format!("Basic {credentials}"));
        }
        let body = Full::from(Bytes::from(letter.body.clone()));
        request.body(body).map_err(|error| Unsent::Refused(format!("{} cannot be requested: {error}", letter.url)))
    }
}

/// `v1,` and the HMAC-SHA256 of `delivery_id.timestamp.body` in base64.
fn sign(secret: &str, delivery_id: &str, timestamp: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{delivery_id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

/// User and password in a URL become a header, as Python's `requests` has it.
fn take_credentials(url: &mut Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let credentials = format!("{}:{}", plain(url.username()), plain(url.password().unwrap_or_default()));
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(STANDARD.encode(credentials))
}

async fn read(response: Response<hyper::body::Incoming>) -> Result<Answer, Unsent> {
    let (parts, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unsent::Unreachable(format!("the answer broke off: {error}")))?;
        bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        if bytes.len() >= MAX_ANSWER {
            bytes.truncate(MAX_ANSWER);
            break;
        }
    }
    let retry_after = parts.headers.get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse().ok());
    Ok(Answer { status: parts.status, body: String::from_utf8_lossy(&bytes).into_owned(), retry_after })
}

/// Says why, down to the cause that names it.
fn unsent(error: &hyper_util::client::legacy::Error) -> Unsent {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(refusal) = cause.downcast_ref::<Error>() {
            return Unsent::Refused(refusal.message.clone());
        }
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    Unsent::Unreachable(text)
}

fn blocked(address: &str) -> String {
    format!("Webhook connection blocked: {address} is not a public IP address")
}

/// Finds the addresses of a host and keeps the public ones; the connection goes to these and no others.
#[derive(Clone)]
struct Resolver {
    private: bool,
}

impl tower::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let private = self.private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            match found.iter().find(|address| !private && !target::is_public(address.ip())) {
                Some(address) => Err(Error::denied(blocked(&format!("{} of {}", address.ip(), name.as_str()))).into()),
                None => Ok(found.into_iter()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_upstreams() {
        // python: mlflow.webhooks.delivery._generate_hmac_signature("s3cret", "id-1", "1700000000", '{"a": 1}')
        assert_eq!(sign("s3cret", "id-1", "1700000000", "{\"a\": 1}"), "v1,YW5PRvKTy+IERaaAfKQzg15qWC7EzIzNmMWjrKRbRvY=");
    }

    #[tokio::test]
    async fn what_is_not_public_is_refused_before_anything_is_sent() {
        let sender = Sender::new(false, Duration::from_secs(2)).unwrap();
        for url in ["https://127.0.0.1:9/", "https://localhost:9/", "https://[::1]:9/", "https://10.0.0.1/", "http://8.8.8.8/"] {
            let letter = Letter { url: url.into(), secret: None, delivery_id: "id".into(), body: "{}".into() };
            assert!(matches!(sender.send(&letter, 0).await, Err(Unsent::Refused(_))), "{url}");
        }
        // where they are allowed, this one is only not there
        let sender = Sender::new(true, Duration::from_secs(2)).unwrap();
        let letter = Letter { url: "http://localhost:9/".into(), secret: None, delivery_id: "id".into(), body: "{}".into() };
        assert!(matches!(sender.send(&letter, 0).await, Err(Unsent::Unreachable(_))));
    }

    #[test]
    fn credentials_leave_the_url() {
        let mut url = Url::parse("https://ada:p%40ss@h/x").unwrap();
        assert_eq!(take_credentials(&mut url), Some(STANDARD.encode("ada:p@ss")));
        assert_eq!(url.as_str(), "https://h/x");
        assert_eq!(take_credentials(&mut url), None);
    }
}
