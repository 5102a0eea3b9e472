//! Who may pass: the route's scope against the caller's identity, and how identities arrive from the gateway.

use super::dialect::Dialect;
use super::fault::{Fault, NO_WHOLE_NUMBER};
use super::hook::Before;
use crate::error::Error;
use crate::identity::{Audience, Identity, Keys, PUBLIC};
use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use std::future::{Ready, ready};
use std::sync::Arc;

/// Carries the signed identity from the gateway to a service in another process.
pub const INTERNAL_HEADER: &str = "x-artel-identity";
/// Carries the CSRF token of a cookie session.
pub const CSRF_HEADER: &str = "x-xsrftoken";
/// Names a request in logs and errors.
pub const REQUEST_ID: &str = "x-request-id";

/// Around every handler: the scope is checked, and an error takes the form of its API.
pub(super) async fn check(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    dialect: Dialect,
    scope: Arc<str>,
    before: Before,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if &*scope != PUBLIC {
        let identity = request.extensions().get::<Identity>().cloned();
        let allowed = match identity {
            None => Err(Error::unauthenticated("log in, or send a token: nobody is authenticated")),
            Some(identity) => pass(&mut request, &identity, &scope, &before).await,
        };
        if let Err(error) = allowed {
            return Ok(request.into_response(dialect.render(&error)).map_into_boxed_body());
        }
    }
    let response = next.call(request).await?;
    let rendered = response.response().error().map(|error| match error.as_error::<Error>() {
        Some(error) => dialect.render(error),
        None => dialect.render(&foreign(error, response.request())),
    });
    Ok(match rendered {
        Some(replacement) => response.into_response(replacement).map_into_boxed_body(),
        None => response.map_into_boxed_body(),
    })
}

async fn pass(request: &mut ServiceRequest, identity: &Identity, scope: &str, before: &Before) -> Result<(), Error> {
    identity.require(scope)?;
    if let Some(gate) = &before.gate {
        gate.pass(request, identity, scope).await?;
    }
    if let Some(hook) = &before.hook {
        hook(request, identity).await?;
    }
    Ok(())
}

/// An extractor of actix itself refused the request (a malformed body or query).
fn foreign(error: &actix_web::Error, request: &HttpRequest) -> Error {
    let text = error.to_string();
    // what actix says of a part of the path; the only parts that are no texts are numbers
    if let Some(said) = text.strip_prefix("can not parse ")
        && let Some((name, _)) = request.match_info().iter().find(|(_, value)| said.starts_with(&format!("{value:?}")))
    {
        return Fault { kind: "int_parsing", place: vec!["path".into(), name.into()], message: NO_WHOLE_NUMBER.into() }.into();
    }
    match error.as_response_error().status_code().as_u16() {
        413 => Error::invalid("the request body is too large"),
        400..=499 => Error::invalid(text),
        _ => Error::internal("the request failed").because(text),
    }
}

/// Handlers take `Identity` as an argument where they need more than the route's scope.
impl FromRequest for Identity {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let identity = request.extensions().get::<Identity>().cloned();
        ready(identity.ok_or_else(|| Error::unauthenticated("log in, or send a token: nobody is authenticated")))
    }
}

/// In a service process of the split shape: takes the identity that the gateway signed. Requests without one go on
/// as nobody; the scope check of each route decides.
pub fn accept_internal(request: &ServiceRequest, keys: &Keys) -> Result<(), Error> {
    let Some(token) = request.headers().get(INTERNAL_HEADER).and_then(|v| v.to_str().ok()) else { return Ok(()) };
    let identity = keys.verify(token, Audience::Internal)?;
    request.extensions_mut().insert(identity);
    Ok(())
}
