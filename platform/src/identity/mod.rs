//! Who makes a request and what they may do.

pub mod permissions;
mod scopes;
mod signing;
mod vault;
mod verified;

pub use permissions::{Action, Grant, Grants, Permission, Requirement, Visible, resource};
pub use scopes::{AUTHENTICATED, PUBLIC, Scopes, known_scopes, narrower_scopes, parent_scopes};
pub use signing::{Audience, Keys};
pub use vault::Vault;

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// What kind of somebody it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A person, by session, token or password.
    User,
    /// A notebook server, by its own token.
    Server,
    /// A task of a DAG run.
    Task,
    /// A registered service, or one part of Artel speaking to another.
    Service,
}

/// An authenticated caller. Handlers take it as an argument.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// What it is.
    pub kind: Kind,
    /// User name, or the service's.
    pub name: String,
    /// May do everything.
    pub admin: bool,
    /// Groups it belongs to.
    #[serde(default)]
    pub groups: Vec<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// The browser session it came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The token it came by (its id, never the token).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    /// May not do everything that the scopes say with every experiment and model: the hub knows the grants.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restricted: bool,
}

impl Identity {
    /// One part of Artel speaking to another.
    pub fn internal(service: &str) -> Self {
        Self::of_everything(Kind::Service, format!("artel-{service}"))
    }

    /// A worker on another host: it may speak with the scheduler, and do nothing else.
    pub fn worker(name: &str) -> Self {
        let nothing = Scopes::default();
        Self { admin: false, scopes: nothing, restricted: true, ..Self::of_everything(Kind::Service, name.to_owned()) }
    }

    /// The one user of `--auth none`.
    pub fn anonymous_admin() -> Self {
        Self::of_everything(Kind::User, "admin".into())
    }

    fn of_everything(kind: Kind, name: String) -> Self {
        Self { kind, name, admin: true, groups: vec![], scopes: Scopes::all(), session: None, token_id: None, restricted: false }
    }

    /// Fails with `PERMISSION_DENIED` unless `scope` is held, in whatever filtered form.
    pub fn require(&self, scope: &str) -> Result<()> {
        if self.scopes.has(scope) { Ok(()) } else { Err(Error::denied(format!("{} lacks the scope {scope}", self.name))) }
    }

    /// Fails unless `scope` is held for the thing that `filter` names, e.g. `("user", "ada")`.
    pub fn require_for(&self, scope: &str, filter: (&str, &str)) -> Result<()> {
        if self.scopes.has_for(scope, filter) {
            Ok(())
        } else {
            Err(Error::denied(format!("{} lacks the scope {scope}!{}={}", self.name, filter.0, filter.1)))
        }
    }
}
