//! Scopes as text: which there are, and how those that are asked for become those that are held. Upstream's rules
//! (jupyterhub/scopes.py), extended with the suite's other resources and their filters.

mod intersect;

pub(crate) use intersect::{intersect, named_users};

use artel_platform::identity::{Scopes, known_scopes, narrower_scopes};
use artel_platform::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Everything.
pub(crate) const ALL: &str = "*";
/// As a token's scope: all that its owner has.
pub(crate) const INHERIT: &str = "inherit";
/// The suite's resources beside the hub's, with reading and writing.
pub(crate) const SUITE: &[&str] = &["experiments", "models", "artifacts", "dags", "deployments"];

/// What `self` stands for, each for the user's own things only (jupyterhub/scopes.py `_expand_self_scope`).
const SELF: &[&str] = &["read:users", "users:shares", "read:shares", "users:activity", "servers", "tokens", "access:servers"];
/// Names that stand for others, or for nothing.
const META: &[&str] = &["self", INHERIT, "(no_scope)", ALL];
/// Filters with a value.
const FILTERS: &[&str] = &["user", "server", "group", "service", "workspace", "experiment", "model"];
/// Filters that mean the holder's own.
const OWN_FILTERS: &[&str] = &["user", "server", "service"];

/// A scope that the installation has defined, for its services.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Custom {
    pub description: String,
    #[serde(default)]
    pub subscopes: Vec<String>,
}

/// For whom scopes are expanded.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Holder<'a> {
    /// The user who holds them, for `self` and `!user`.
    pub user: Option<&'a str>,
    /// The service that holds them or that a token was given to, for `!service`.
    pub service: Option<&'a str>,
    /// Owner and name of the server that a token belongs to, for `!server`.
    pub server: Option<(&'a str, &'a str)>,
}

/// Every scope of this installation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vocabulary {
    custom: BTreeMap<String, Custom>,
}

/// Base and filter of a scope.
pub(crate) fn split(scope: &str) -> (&str, Option<&str>) {
    scope.split_once('!').map_or((scope, None), |(base, filter)| (base, Some(filter)))
}

/// The scopes by which whoever has a token learns whose it is (jupyterhub/scopes.py `identify_scopes`).
pub(crate) fn identify(holder: &Holder<'_>) -> Vec<String> {
    match (holder.user, holder.service) {
        (Some(user), _) => ["name", "groups"].map(|field| format!("read:users:{field}!user={user}")).into(),
        (None, Some(service)) => vec![format!("read:services:name!service={service}")],
        (None, None) => vec![],
    }
}

impl Vocabulary {
    /// With the installation's own scopes. Fails for names that are none, as upstream does.
    pub(crate) fn new(custom: BTreeMap<String, Custom>) -> Result<Self> {
        if let Some(name) = custom.keys().find(|name| !is_custom(name)) {
            return Err(Error::invalid(format!(
                "setting hub.custom_scopes: {name:?} must start with custom:, followed by a-z, 0-9 and - _ : *, and end with none of - and :"
            )));
        }
        let vocabulary = Self { custom };
        for (name, custom) in &vocabulary.custom {
            vocabulary.check(&custom.subscopes, &format!("custom scope {name}"))?;
            if custom.subscopes.iter().any(|sub| !sub.starts_with("custom:")) {
                return Err(Error::invalid(format!("setting hub.custom_scopes: the subscopes of {name} must be custom scopes too")));
            }
        }
        Ok(vocabulary)
    }

    /// Fails unless every scope and its filter exist. `holder` is named in the message.
    pub(crate) fn check(&self, scopes: &[String], holder: &str) -> Result<()> {
        for scope in scopes {
            let (base, filter) = split(scope);
            if base == "all" {
                return Err(Error::invalid("Draft scope 'all' is now called 'inherit'"));
            }
            if !META.contains(&base) && !known_scopes().any(|known| known == base) && !self.custom.contains_key(base) {
                return Err(Error::invalid(format!("Scope '{scope}' for {holder} does not exist")));
            }
            let Some(filter) = filter else { continue };
            let exists = match filter.split_once('=') {
                Some((key, value)) => FILTERS.contains(&key) && !value.is_empty(),
                None => OWN_FILTERS.contains(&filter),
            };
            if !exists {
                return Err(Error::invalid(format!("Scope filter {filter} in scope '{scope}' for {holder} does not exist")));
            }
        }
        Ok(())
    }

    /// What people read about a scope where they are asked to grant it.
    pub(crate) fn describe(&self, base: &str) -> String {
        match self.custom.get(base) {
            Some(custom) => custom.description.clone(),
            None if base == INHERIT => "Anything you have access to".into(),
            None => base.replace(':', " ").replace("read", "Read"),
        }
    }

    /// Every scope that these stand for: metascopes and the holder's own filters resolved, narrower scopes included,
    /// what an unfiltered one covers left out.
    pub(crate) fn expand(&self, raw: &[String], holder: &Holder<'_>) -> BTreeSet<String> {
        let mut out = BTreeSet::new();
        for scope in raw {
            match (split(scope), holder) {
                (("self", _), Holder { user: Some(user), .. }) => {
                    SELF.iter().for_each(|scope| self.add(&mut out, scope, Some(&format!("user={user}"))));
                }
                // nobody's own things: a service has none
                (("self", _), _) => {}
                ((INHERIT | "(no_scope)", _), _) => drop(out.insert(scope.clone())),
                ((base, None), _) => self.add(&mut out, base, None),
                ((base, Some("user")), Holder { user: Some(user), .. }) => self.add(&mut out, base, Some(&format!("user={user}"))),
                ((base, Some("service")), Holder { service: Some(name), .. }) => self.add(&mut out, base, Some(&format!("service={name}"))),
                ((base, Some("server")), Holder { server: Some((user, name)), .. }) => {
                    self.add(&mut out, base, Some(&format!("server={user}/{name}")));
                }
                ((_, Some("user" | "service" | "server")), _) => {}
                ((base, Some(filter)), _) => self.add(&mut out, base, Some(filter)),
            }
        }
        reduce(out)
    }

    fn add(&self, out: &mut BTreeSet<String>, base: &str, filter: Option<&str>) {
        let about_servers = filter.is_some_and(|f| f.starts_with("server="));
        // the right to a server says nothing about its user (upstream's rule)
        let is_granted = !about_servers || !base.starts_with("read:user");
        if is_granted && !out.insert(filter.map_or_else(|| base.to_owned(), |f| format!("{base}!{f}"))) {
            // what it contains is there too; custom scopes may contain each other
            return;
        }
        for narrower in narrower_scopes(base) {
            self.add(out, narrower, filter);
        }
        for narrower in self.custom.get(base).iter().flat_map(|custom| &custom.subscopes) {
            self.add(out, narrower, filter);
        }
    }

    /// The scopes as upstream lists them: sorted, `*` written out, without the installation's own, which an
    /// administrator does not have by being one.
    pub(crate) fn list(scopes: &Scopes) -> Vec<String> {
        if !scopes.iter().any(|s| s == ALL) {
            return scopes.iter().map(Into::into).collect();
        }
        let every: BTreeSet<&str> = known_scopes().collect();
        every.into_iter().map(Into::into).collect()
    }
}

/// Leaves out what an unfiltered scope covers.
pub(crate) fn reduce(mut scopes: BTreeSet<String>) -> BTreeSet<String> {
    let whole: BTreeSet<String> = scopes.iter().filter(|s| !s.contains('!')).cloned().collect();
    scopes.retain(|scope| !scope.contains('!') || !whole.contains(split(scope).0));
    scopes
}

/// `^custom:[a-z0-9][a-z0-9_\-\*:]+[a-z0-9_\*]$`, upstream's pattern.
fn is_custom(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("custom:") else { return false };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    rest.len() >= 3
        && rest.starts_with(plain)
        && rest.chars().all(|c| plain(c) || "_-*:".contains(c))
        && rest.ends_with(|c| plain(c) || c == '_' || c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(scopes: &[&str]) -> Vec<String> {
        scopes.iter().map(|s| (*s).into()).collect()
    }

    fn expanded(scopes: &[&str], holder: &Holder<'_>) -> Vec<String> {
        Vocabulary::default().expand(&raw(scopes), holder).into_iter().collect()
    }

    const ADA: Holder<'static> = Holder { user: Some("ada"), service: None, server: Some(("ada", "gpu")) };

    #[test]
    fn metascopes_and_own_filters_are_resolved() {
        let own = expanded(&["self"], &ADA);
        for held in ["read:users!user=ada", "start:servers!user=ada", "access:servers!user=ada", "read:users:shares!user=ada"] {
            assert!(own.iter().any(|s| s == held), "{held} in {own:?}");
        }
        assert!(expanded(&["self"], &Holder { service: Some("culler"), ..Default::default() }).is_empty());
        assert_eq!(expanded(&["users:activity!user"], &ADA), ["read:users:activity!user=ada", "users:activity!user=ada"]);
        assert_eq!(expanded(&["access:servers!server"], &ADA), ["access:servers!server=ada/gpu"]);
        assert!(expanded(&["access:services!service"], &ADA).is_empty(), "there is no service");
        assert_eq!(
            expanded(&["read:services:name!service"], &Holder { service: Some("x"), ..Default::default() }),
            ["read:services:name!service=x"]
        );
    }

    #[test]
    fn custom_scopes_may_contain_each_other() {
        let custom = |subscope: &str| Custom { description: String::new(), subscopes: vec![subscope.into()] };
        let custom = BTreeMap::from([("custom:one".to_owned(), custom("custom:two")), ("custom:two".to_owned(), custom("custom:one"))]);
        let expanded = Vocabulary::new(custom).unwrap().expand(&raw(&["custom:one!user"]), &ADA);
        assert_eq!(expanded, BTreeSet::from(["custom:one!user=ada".to_owned(), "custom:two!user=ada".to_owned()]));
    }

    #[test]
    fn a_right_to_a_server_says_nothing_about_its_user() {
        assert_eq!(expanded(&["read:servers!server=ada/"], &ADA), ["read:servers!server=ada/"]);
        assert_eq!(expanded(&["read:servers!user=ada"], &ADA), ["read:servers!user=ada", "read:users:name!user=ada"]);
    }

    #[test]
    fn an_unfiltered_scope_covers_the_filtered() {
        assert_eq!(expanded(&["read:tokens", "tokens!user"], &ADA), ["read:tokens", "tokens!user=ada"]);
    }

    #[test]
    fn scopes_and_filters_have_to_exist() {
        let vocabulary = Vocabulary::new(BTreeMap::from([("custom:jobs:run".to_owned(), Custom::default())])).unwrap();
        let good = [
            "servers!user",
            "self",
            "inherit",
            "read:users!group=class",
            "models!model=wine",
            "custom:jobs:run",
            "(no_scope)",
            "shares!server=a/",
        ];
        assert!(vocabulary.check(&raw(&good), "a test").is_ok());
        for bad in ["no:such", "servers!colour=red", "servers!user=", "servers!group", "custom:other", "all", ""] {
            assert!(vocabulary.check(&raw(&[bad]), "a test").is_err(), "{bad}");
        }
    }

    #[test]
    fn custom_scopes_contain_their_subscopes() {
        let one = |subscopes: &[&str]| Custom { description: "x".into(), subscopes: raw(subscopes) };
        let table = BTreeMap::from([("custom:jobs:all".to_owned(), one(&["custom:jobs:read"])), ("custom:jobs:read".to_owned(), one(&[]))]);
        let vocabulary = Vocabulary::new(table).unwrap();
        let held: Vec<String> = vocabulary.expand(&raw(&["custom:jobs:all!user"]), &ADA).into_iter().collect();
        assert_eq!(held, ["custom:jobs:all!user=ada", "custom:jobs:read!user=ada"]);
        for bad in ["jobs:read", "custom:", "custom:-a", "custom:ab-", "custom:Ab1"] {
            assert!(Vocabulary::new(BTreeMap::from([(bad.to_owned(), one(&[]))])).is_err(), "{bad}");
        }
    }
}
