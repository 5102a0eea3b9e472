//! Whether a caller holds a scope for something. Scopes with the filter `!group=` need to know who is in the group.

use crate::Hub;
use crate::names;
use crate::store::groups;
use artel_platform::identity::Scopes;
use artel_platform::{Error, Identity, Result};

/// What a scope is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Over<'a> {
    User(&'a str),
    /// Owner and name.
    Server(&'a str, &'a str),
    Group(&'a str),
    Service(&'a str),
    /// Everything: a filtered scope is not enough.
    Everything,
}

impl<'a> Over<'a> {
    /// The user whose groups a filter may name.
    fn user(self) -> Option<&'a str> {
        match self {
            Self::User(user) | Self::Server(user, _) => Some(user),
            _ => None,
        }
    }

    fn held(self, scopes: &Scopes, scope: &str) -> bool {
        match self {
            Self::User(user) => scopes.has_for(scope, ("user", user)),
            Self::Server(user, name) => scopes.has_for(scope, ("server", &names::full(user, name))),
            Self::Group(group) => scopes.has_for(scope, ("group", group)),
            Self::Service(service) => scopes.has_for(scope, ("service", service)),
            Self::Everything => scopes.has_unfiltered(scope),
        }
    }

    /// Is `scope` held for this, whose user is in these groups?
    pub(crate) fn held_with(self, scopes: &Scopes, scope: &str, groups: &[String]) -> bool {
        self.held(scopes, scope) || (self.user().is_some() && groups.iter().any(|group| scopes.has_for(scope, ("group", group))))
    }
}

/// Upstream's answer to who may not see something: they learn not even whether it is there.
pub(crate) fn hidden() -> Error {
    Error::not_found("No access to resources or resources not found")
}

impl Hub {
    /// Is `scope` held for this?
    pub(crate) async fn holds(&self, scopes: &Scopes, scope: &str, over: Over<'_>) -> Result<bool> {
        if over.held(scopes, scope) {
            return Ok(true);
        }
        let Some(user) = over.user().filter(|_| !scopes.names_of(scope, "group").is_empty()) else { return Ok(false) };
        let groups: Vec<String> = groups::of_users(&self.db, &[user]).await?.remove(user).unwrap_or_default().into_iter().collect();
        Ok(over.held_with(scopes, scope, &groups))
    }

    /// Fails unless one of `scopes` is held for this: with `NOT_FOUND` for who holds it for something else, with
    /// `PERMISSION_DENIED` for who does not hold it at all (jupyterhub/scopes.py `needs_scope`).
    pub(crate) async fn allow(&self, who: &Identity, scopes: &[&str], over: Over<'_>) -> Result<()> {
        for scope in scopes {
            if self.holds(&who.scopes, scope, over).await? {
                return Ok(());
            }
        }
        if !matches!(over, Over::Everything) && scopes.iter().any(|scope| who.scopes.has(scope)) {
            return Err(hidden());
        }
        Err(Error::denied(format!("Action is not authorized with current scopes; requires any of [{}]", scopes.join(", "))))
    }
}
