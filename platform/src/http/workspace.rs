//! Whose rows a request means: MLflow's workspace header.

use crate::error::Error;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use std::future::{Ready, ready};

/// MLflow's header (mlflow/utils/workspace_utils.py).
pub const WORKSPACE_HEADER: &str = "X-MLFLOW-WORKSPACE";
/// The workspace of requests that name none.
pub const DEFAULT_WORKSPACE: &str = "default";

/// The workspace of a request; handlers take it as an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace(pub String);

impl FromRequest for Workspace {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let name = match request.headers().get(WORKSPACE_HEADER) {
            None => DEFAULT_WORKSPACE,
            Some(value) => value.to_str().unwrap_or("\u{fffd}").trim(),
        };
        ready(if name.is_empty() || is_name(name) {
            Ok(Self(if name.is_empty() { DEFAULT_WORKSPACE } else { name }.into()))
        } else {
            Err(Error::invalid(format!("workspace name {name:?} is not valid: use 1 to 63 lowercase letters, digits and inner hyphens")))
        })
    }
}

/// MLflow's rule for workspace names: a DNS label.
fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 63 && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}
