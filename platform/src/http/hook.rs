//! What a service does before some of its handlers, once the caller may pass: e.g. to keep a record of what is done.

use super::gate::Gate;
use crate::error::{Error, Result};
use crate::identity::Identity;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::web;
use futures::future::LocalBoxFuture;
use std::future::ready;
use std::sync::Arc;

/// Called with the request and who sent it; a failure refuses the request.
pub type Hook = Arc<dyn for<'a> Fn(&'a mut ServiceRequest, &'a Identity) -> LocalBoxFuture<'a, Result<()>> + Send + Sync>;

/// What comes before a handler besides the check of its scope.
#[derive(Clone, Default)]
pub(super) struct Before {
    pub(super) gate: Option<Arc<Gate>>,
    pub(super) hook: Option<Hook>,
}

/// The body of a request, which its handler gets as if nobody had read it.
pub async fn peek_body(request: &mut ServiceRequest) -> Result<web::Bytes> {
    let body = match request.extract::<web::Bytes>().await {
        Ok(body) => body,
        Err(error) if error.as_response_error().status_code() == 413 => return Err(Error::invalid("the request body is too large")),
        Err(error) => return Err(Error::invalid(error.to_string())),
    };
    replay(request, body.clone());
    Ok(body)
}

/// Gives the handler this body.
pub(super) fn replay(request: &mut ServiceRequest, body: web::Bytes) {
    let once = futures::stream::once(ready(Ok(body)));
    request.set_payload(Payload::Stream { payload: Box::pin(once) });
}
