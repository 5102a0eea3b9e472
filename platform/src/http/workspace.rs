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
            None => "",
            Some(value) => value.to_str().unwrap_or("\u{fffd}").trim(),
        };
        if name.is_empty() {
            return ready(Ok(Self(DEFAULT_WORKSPACE.into())));
        }
        ready(check_name(name).map(|()| Self(name.into())))
    }
}

/// Fails unless `name` can be a workspace's (mlflow/store/workspace/abstract_store.py `WorkspaceNameValidator`).
pub fn check_name(name: &str) -> Result<(), Error> {
    const PATTERN: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
    const RESERVED: &[&str] = &["workspaces", "api", "ajax-api", "static-files"];
    let length = name.chars().count();
    if !(2..=63).contains(&length) {
        return Err(Error::invalid(format!("Workspace name '{name}' must be between 2 and 63 characters.")));
    }
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.chars().all(inner) || name.starts_with('-') || name.ends_with('-') {
        return Err(Error::invalid(format!(
            "Workspace name '{name}' must match the pattern {PATTERN} (lowercase alphanumeric with optional internal hyphens)."
        )));
    }
    if RESERVED.contains(&name) {
        return Err(Error::invalid(format!("Workspace name '{name}' is reserved and cannot be used.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn a_workspace_is_called_like_a_dns_label() {
        for good in ["default", "team-a", "42", "a1"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["a", "", "-ab", "ab-", "Ab", "a_b", "api", &"a".repeat(64), "a\u{e9}"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
