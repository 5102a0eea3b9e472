//! One type for both ways to reach a service.

use super::{Replicas, Slot, absent};
use crate::identity::{Audience, Identity, Keys};
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::service::Routes;

/// How long a signed internal token is good for.
const TOKEN_LIFE: Duration = Duration::from_secs(60);

/// Calls a service in this process or elsewhere. Cheap to clone.
#[derive(Clone)]
pub struct Channel {
    service: &'static str,
    target: Target,
}

#[derive(Clone)]
enum Target {
    Local(Arc<Slot>),
    Remote { replicas: Replicas<tonic::transport::Channel>, token: Token },
    Absent,
}

/// How a remote call proves who it is.
#[derive(Clone)]
enum Token {
    Signed(Arc<Signer>),
    Fixed(Option<http::HeaderValue>),
}

/// Signs a token now and then: calls that are close together show the same one.
struct Signer {
    keys: Keys,
    /// The newest, and until when it is shown, in milliseconds.
    newest: Mutex<Option<(http::HeaderValue, i64)>>,
}

impl Token {
    fn header(&self) -> Option<http::HeaderValue> {
        match self {
            Self::Fixed(header) => header.clone(),
            Self::Signed(signer) => signer.header(chrono::Utc::now().timestamp_millis()),
        }
    }
}

impl Signer {
    fn header(&self, now: i64) -> Option<http::HeaderValue> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((header, until)) = &*newest
            && now < *until
        {
            return Some(header.clone());
        }
        let header = bearer(&self.keys.sign(&Identity::internal("service"), Audience::Internal, now, TOKEN_LIFE).ok()?)?;
        *newest = Some((header.clone(), now + TOKEN_LIFE.as_millis() as i64 / 2));
        Some(header)
    }
}

fn bearer(token: &str) -> Option<http::HeaderValue> {
    format!("Bearer {token}").parse().ok()
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Channel {
    pub(super) fn local(service: &'static str) -> Self {
        Self { service, target: Target::Local(Arc::new(Slot::new())) }
    }

    pub(super) fn remote(service: &'static str, endpoints: Vec<tonic::transport::Endpoint>, keys: Keys) -> Self {
        let replicas = Replicas::new(endpoints.into_iter().map(connect).collect());
        Self { service, target: Target::Remote { replicas, token: Token::Signed(Arc::new(Signer { keys, newest: Mutex::default() })) } }
    }

    pub(super) fn absent(service: &'static str) -> Self {
        Self { service, target: Target::Absent }
    }

    /// A channel for a client outside the installation (a worker on another host) that holds a token.
    pub(super) fn with_token(service: &'static str, endpoints: Vec<tonic::transport::Endpoint>, token: &str) -> Self {
        let replicas = Replicas::new(endpoints.into_iter().map(connect).collect());
        Self { service, target: Target::Remote { replicas, token: Token::Fixed(bearer(token.trim())) } }
    }

    pub(super) fn provide(&self, routes: Routes) {
        if let Target::Local(slot) = &self.target {
            let _ = slot.set(routes);
        }
    }
}

fn connect(endpoint: tonic::transport::Endpoint) -> tonic::transport::Channel {
    endpoint
        .connect_timeout(Duration::from_secs(5))
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_while_idle(true)
        .tcp_nodelay(true)
        .connect_lazy()
}

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let service = self.service;
        let refused = move || tonic::Status::from(absent(service)).into_http();
        match &self.target {
            Target::Local(slot) => match slot.get().cloned() {
                Some(mut routes) => Box::pin(async move { Ok(routes.call(request).await?) }),
                None => {
                    Box::pin(async move { Ok(tonic::Status::unavailable(format!("the {service} service is still starting")).into_http()) })
                }
            },
            Target::Remote { replicas, token } => {
                if let Some(value) = token.header() {
                    request.headers_mut().insert(http::header::AUTHORIZATION, value);
                }
                let replicas = replicas.clone();
                Box::pin(async move {
                    let (number, channel) = replicas.current();
                    // readiness must be polled on the very clone that makes the call
                    let mut channel = channel.clone();
                    let answer = match std::future::poll_fn(|cx| channel.poll_ready(cx)).await {
                        Ok(()) => channel.call(request).await,
                        Err(error) => Err(error),
                    };
                    Ok(answer.unwrap_or_else(|error| {
                        replicas.gone(number);
                        unreachable(service, &error)
                    }))
                })
            }
            Target::Absent => Box::pin(async move { Ok(refused()) }),
        }
    }
}

/// No connection, or one that broke in the middle of the call: the peer was away, whatever the library calls it.
fn unreachable(service: &str, error: &tonic::transport::Error) -> http::Response<Body> {
    let cause = std::iter::successors(Some(error as &dyn std::error::Error), |e| e.source()).last().map(ToString::to_string);
    tracing::debug!(service, cause, "a call was not answered");
    tonic::Status::unavailable(format!("the {service} service does not answer; try again")).into_http()
}
