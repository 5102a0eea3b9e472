//! Requests to the provider. Redirects are not followed: the addresses are the provider's own word, and nobody else's.

use artel_platform::{Error, Result};
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use std::time::Duration;

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Larger answers are none of a provider.
const MAX_ANSWER: usize = 1024 * 1024;

/// The client of the provider.
pub(super) struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    pub(super) fn new() -> Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(LIMIT));
        Ok(Self(Client::builder(TokioExecutor::new()).build(artel_platform::tls::https(tcp)?)))
    }

    /// Sends a request; `UNAVAILABLE` when nobody answers.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let away = |why: String| Error::unavailable(format!("the sign-in provider {host} does not answer ({why}); try again in a moment"));
        let exchange = async {
            let response = self.0.request(request.map(|body| Full::from(Bytes::from(body)))).await.map_err(|e| away(chain(&e)))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|e| away(e.to_string()))?;
            Ok(HttpResponse::from_parts(parts, body.to_bytes().to_vec()))
        };
        tokio::time::timeout(LIMIT, exchange).await.unwrap_or_else(|_| Err(away(format!("no answer in {} s", LIMIT.as_secs()))))
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Error;
    type Future = BoxFuture<'c, Result<HttpResponse>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
