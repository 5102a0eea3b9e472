//! Scopes: JupyterHub's grammar (`read:users!user=ada`) with the suite's other resources.
//! A scope without a filter covers every filter; a wider scope covers its narrower ones.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The scope of a route that anyone may call.
pub const PUBLIC: &str = "public";
/// The scope of a route that anyone may call who is logged in.
pub const AUTHENTICATED: &str = "authenticated";

/// Wider scope → the narrower ones it contains. The hub's part is upstream's table (jupyterhub/scopes.py
/// `scope_definitions`); the rest follows the same pattern: write contains read.
const CONTAINS: &[(&str, &[&str])] = &[
    ("admin:users", &["admin:auth_state", "users", "read:roles:users", "delete:users"]),
    ("users", &["read:users", "list:users", "users:activity"]),
    ("read:users", &["read:users:name", "read:users:groups", "read:users:activity"]),
    ("list:users", &["read:users:name"]),
    ("users:activity", &["read:users:activity"]),
    ("admin:servers", &["admin:server_state", "servers"]),
    ("servers", &["read:servers", "start:servers", "delete:servers"]),
    ("read:servers", &["read:users:name"]),
    ("tokens", &["read:tokens"]),
    ("read:roles", &["read:roles:users", "read:roles:services", "read:roles:groups"]),
    ("admin:services", &["list:services", "read:services", "read:roles:services"]),
    ("list:services", &["read:services:name"]),
    ("read:services", &["read:services:name"]),
    ("admin:groups", &["groups", "read:roles:groups", "delete:groups"]),
    ("groups", &["read:groups", "list:groups"]),
    ("read:groups", &["read:groups:name"]),
    ("list:groups", &["read:groups:name"]),
    ("shares", &["access:servers", "read:shares", "users:shares", "groups:shares"]),
    ("users:shares", &["read:users:shares"]),
    ("groups:shares", &["read:groups:shares"]),
    ("experiments", &["read:experiments"]),
    ("models", &["read:models"]),
    ("artifacts", &["read:artifacts"]),
    ("dags", &["read:dags", "run:dags"]),
    ("admin:dags", &["dags", "connections", "variables"]),
    ("variables", &["read:variables"]),
    ("connections", &["read:connections"]),
    ("deployments", &["read:deployments", "predict:deployments"]),
];

/// Scopes that contain none and are contained in none.
const ALONE: &[&str] = &["admin-ui", "access:services", "proxy", "read:hub", "read:metrics", "shutdown"];

/// The scopes that directly contain `scope`.
pub fn parent_scopes(scope: &str) -> impl Iterator<Item = &'static str> + '_ {
    CONTAINS.iter().filter(move |(_, narrower)| narrower.contains(&scope)).map(|(wider, _)| *wider)
}

/// The scopes that `scope` directly contains.
pub fn narrower_scopes(scope: &str) -> &'static [&'static str] {
    CONTAINS.iter().find(|(wider, _)| *wider == scope).map_or(&[], |(_, narrower)| narrower)
}

/// Every scope there is, in no order, some more than once.
pub fn known_scopes() -> impl Iterator<Item = &'static str> {
    CONTAINS.iter().flat_map(|(wider, narrower)| std::iter::once(*wider).chain(narrower.iter().copied())).chain(ALONE.iter().copied())
}

/// A set of scopes, each as text. Cheap to clone: every request has those of its caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Arc<BTreeSet<String>>);

impl Scopes {
    /// Every scope there is (an administrator's, a service's own).
    pub fn all() -> Self {
        Self::from_iter(["*"])
    }

    /// The scopes as text, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Is `scope` held at all, with or without a filter?
    pub fn has(&self, scope: &str) -> bool {
        scope == PUBLIC || scope == AUTHENTICATED || self.matches(scope, &|_| true)
    }

    /// Is `scope` held for the thing that `filter` names?
    pub fn has_for(&self, scope: &str, filter: (&str, &str)) -> bool {
        self.matches(scope, &|held| held.is_none_or(|f| f.split_once('=').is_some_and(|held| covers(held, filter))))
    }

    /// Is `scope` held for everything?
    pub fn has_unfiltered(&self, scope: &str) -> bool {
        self.matches(scope, &|held| held.is_none())
    }

    /// The names that `scope` is held for by filters of the kind `key` (`user`, `group`, …).
    pub fn names_of(&self, scope: &str, key: &str) -> Vec<String> {
        let named = self.0.iter().filter_map(|text| {
            let (_, filter) = text.split_once('!')?;
            let (held, name) = filter.split_once('=')?;
            (held == key).then(|| name.to_owned())
        });
        let mut names: Vec<String> = named.filter(|name| self.has_for(scope, (key, name))).collect();
        names.dedup();
        names
    }

    fn matches(&self, scope: &str, accepts: &dyn Fn(Option<&str>) -> bool) -> bool {
        let held = self.0.iter().any(|text| {
            let (base, filter) = match text.split_once('!') {
                Some((base, filter)) => (base, Some(filter)),
                None => (text.as_str(), None),
            };
            (base == scope || base == "*") && accepts(filter)
        });
        held || parent_scopes(scope).any(|wider| self.matches(wider, accepts))
    }
}

/// What is held for a user is held for each of their servers (`server=USER/NAME`).
fn covers(held: (&str, &str), wanted: (&str, &str)) -> bool {
    held == wanted || (held.0 == "user" && wanted.0 == "server" && wanted.1.split('/').next() == Some(held.1))
}

impl<S: Into<String>> FromIterator<S> for Scopes {
    fn from_iter<I: IntoIterator<Item = S>>(items: I) -> Self {
        Self(Arc::new(items.into_iter().map(Into::into).collect()))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeSet::deserialize(deserializer).map(|set| Self(Arc::new(set)))
    }
}

#[cfg(test)]
mod tests {
    use super::Scopes;

    #[test]
    fn wider_scopes_cover_narrower_ones() {
        let scopes = Scopes::from_iter(["admin:users", "experiments"]);
        assert!(scopes.has("read:users:name"));
        assert!(scopes.has("read:experiments"));
        assert!(!scopes.has("models"));
    }

    #[test]
    fn a_filter_covers_only_what_it_names() {
        let scopes = Scopes::from_iter(["servers!user=ada"]);
        assert!(scopes.has("read:servers"));
        assert!(scopes.has_for("read:servers", ("user", "ada")));
        assert!(scopes.has_for("servers", ("server", "ada/lab")));
        assert!(!scopes.has_for("read:servers", ("user", "bob")));
        assert!(!scopes.has_for("read:servers", ("server", "bob/")));
        assert!(!scopes.has_unfiltered("servers"));
    }
}
