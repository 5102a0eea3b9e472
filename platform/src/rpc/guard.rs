//! Who may call over gRPC: Artel's own services everything, a worker with a token the scheduler and nothing else.

use crate::error::{Error, Result};
use crate::identity::{Audience, Keys};
use futures::future::{Either, Ready, ready};
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::codegen::Service;

/// What a worker's token is good for.
const WORKERS_SERVICE: &str = "/artel.scheduler.v1.Scheduler/";

/// A service behind the check.
#[derive(Clone)]
pub(super) struct Guard<S> {
    inner: S,
    keys: Keys,
}

impl<S> Guard<S> {
    pub(super) fn new(inner: S, keys: Keys) -> Self {
        Self { inner, keys }
    }
}

impl<S, B> Service<http::Request<B>> for Guard<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let token = request.headers().get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match check(&self.keys, token, request.uri().path()) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(error) => Either::Right(ready(Ok(tonic::Status::from(error).into_http()))),
        }
    }
}

fn check(keys: &Keys, authorization: Option<&str>, path: &str) -> Result<()> {
    let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| Error::unauthenticated("this address is for Artel's own services and for workers with a token"))?;
    match keys.verify_for_any(token, &[Audience::Internal, Audience::Worker])? {
        (Audience::Worker, _) if !path.starts_with(WORKERS_SERVICE) => {
            Err(Error::denied("a worker's token is good for the scheduler only"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::identity::Identity;
    use std::time::Duration;

    #[test]
    fn a_workers_token_opens_the_scheduler_alone() {
        let keys = Keys::derive(b"one").unwrap();
        let now = chrono::Utc::now().timestamp_millis();
        let token =
            |of: &Keys, audience, at| format!("Bearer {}", of.sign(&Identity::worker("w"), audience, at, Duration::from_secs(60)).unwrap());
        let (claim, objects) = ("/artel.scheduler.v1.Scheduler/ClaimTasks", "/artel.artifact.v1.Artifact/Get");
        let worker = token(&keys, Audience::Worker, now);
        assert!(check(&keys, Some(&worker), claim).is_ok());
        assert_eq!(check(&keys, Some(&worker), objects).unwrap_err().code, Code::PermissionDenied);
        assert!(check(&keys, Some(&token(&keys, Audience::Internal, now)), objects).is_ok());
        let others = token(&Keys::derive(b"two").unwrap(), Audience::Worker, now);
        for wrong in [
            None,
            Some("Basic x"),
            Some(others.as_str()),
            Some(&token(&keys, Audience::Gateway, now)),
            Some(&token(&keys, Audience::Worker, now - 120_000)),
        ] {
            assert_eq!(check(&keys, wrong, claim).unwrap_err().code, Code::Unauthenticated, "{wrong:?}");
        }
    }
}
