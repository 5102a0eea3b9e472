//! The artifacts, as far as they are served to MLflow's clients.

use crate::objects::Artifacts;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use artel_platform::{Error, Result};
use std::future::{Ready, ready};
use std::ops::Deref;

/// Handlers of the artifact proxy take it: it refuses where the proxy is turned off, in the words of a server that runs
/// with `--no-serve-artifacts` (mlflow/server/handlers.py `_disable_unless_serve_artifacts`).
pub(crate) struct Proxied(web::Data<Artifacts>);

impl Deref for Proxied {
    type Target = Artifacts;

    fn deref(&self) -> &Artifacts {
        &self.0
    }
}

impl FromRequest for Proxied {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.app_data::<web::Data<Artifacts>>() {
            Some(artifacts) if artifacts.config.serve_mlflow => Ok(Self(artifacts.clone())),
            Some(_) => Err(Error::unavailable(format!(
                "Endpoint: {} disabled due to the server running without serving artifacts. To enable artifacts server functionality, \
                set artifact.serve_mlflow = true",
                request.path()
            ))),
            None => Err(Error::internal("the artifact service is not mounted")),
        })
    }
}
