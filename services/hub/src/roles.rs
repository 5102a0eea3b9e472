//! What each role may do, and how scopes that are asked for become scopes that are held. The roles and metascopes
//! are upstream's (jupyterhub/roles.py, jupyterhub/scopes.py), extended with the suite's other resources.

use artel_platform::identity::{Scopes, known_scopes, narrower_scopes};
use artel_platform::{Error, Result};
use std::collections::BTreeSet;

/// Everything.
const ALL: &str = "*";

/// The suite's resources beside the hub's, with reading and writing.
pub(crate) const SUITE: &[&str] = &["experiments", "models", "artifacts", "dags", "deployments"];

/// What `self` stands for, each for the user's own things only.
const SELF: &[&str] = &["read:users", "users:activity", "servers", "tokens", "access:servers"];

/// Scopes that contain none and are contained in none.
const ALONE: &[&str] = &["access:servers", "access:services", "proxy", "read:hub", "read:metrics", "shutdown"];

/// A notebook server's own token.
pub(crate) const SERVER: &[&str] = &["users:activity!user", "access:servers!server"];

/// Filters that a scope may carry.
const FILTERS: &[&str] = &["user", "server", "group", "service", "workspace", "experiment", "model"];

/// For whom scopes are expanded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub user: &'a str,
    pub admin: bool,
    /// The server that the token belongs to, for the filter `!server`.
    pub server: Option<&'a str>,
}

/// What the owner's role gives.
pub(crate) fn of_owner(owner: &Owner<'_>) -> BTreeSet<String> {
    if owner.admin {
        return BTreeSet::from([ALL.to_owned()]);
    }
    let role: Vec<String> = std::iter::once("self").chain(SUITE.iter().copied()).map(Into::into).collect();
    expand(&role, owner)
}

/// What a token may do: its scopes, as far as its owner holds them now.
pub(crate) fn of_token(raw: &[String], owner: &Owner<'_>) -> BTreeSet<String> {
    let held = of_owner(owner);
    if raw.iter().any(|s| is_inherit(s)) { held } else { intersect(&expand(raw, owner), &held) }
}

/// Fails unless every scope exists and its owner holds it.
pub(crate) fn check_assignable(raw: &[String], owner: &Owner<'_>) -> Result<()> {
    for scope in raw {
        check_exists(scope)?;
    }
    let named: Vec<String> = raw.iter().filter(|s| !is_inherit(s)).cloned().collect();
    let wanted = expand(&named, owner);
    let granted = intersect(&wanted, &of_owner(owner));
    let excess: Vec<&str> = wanted.iter().filter(|s| !granted.contains(*s)).map(String::as_str).collect();
    if excess.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!("Not assigning requested scopes {} not held by User {}", excess.join(","), owner.user)))
}

fn is_inherit(scope: &str) -> bool {
    matches!(scope, "inherit" | "all")
}

fn check_exists(scope: &str) -> Result<()> {
    let (base, filter) = split(scope);
    let known = is_inherit(base) || matches!(base, "self" | ALL) || ALONE.contains(&base) || known_scopes().any(|k| k == base);
    if !known {
        return Err(Error::invalid(format!("Scope '{scope}' does not exist")));
    }
    let Some(filter) = filter else { return Ok(()) };
    let (key, value) = filter.split_once('=').map_or((filter, None), |(key, value)| (key, Some(value)));
    if FILTERS.contains(&key) && value != Some("") {
        Ok(())
    } else {
        Err(Error::invalid(format!("Scope filter {filter} in scope '{scope}' does not exist")))
    }
}

/// Every scope that these stand for: metascopes and `!user`, `!server` resolved, narrower scopes included, what a
/// wider one covers left out.
pub(crate) fn expand(raw: &[String], owner: &Owner<'_>) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for scope in raw {
        match split(scope) {
            ("self", _) => {
                for scope in SELF {
                    add(&mut out, scope, Some(&format!("user={}", owner.user)));
                }
            }
            (base, None) => add(&mut out, base, None),
            (base, Some("user")) => add(&mut out, base, Some(&format!("user={}", owner.user))),
            (base, Some("server")) => {
                if let Some(server) = owner.server {
                    add(&mut out, base, Some(&format!("server={}/{server}", owner.user)));
                }
            }
            (base, Some(filter)) => add(&mut out, base, Some(filter)),
        }
    }
    let whole: BTreeSet<String> = out.iter().filter(|s| !s.contains('!')).cloned().collect();
    out.retain(|scope| !scope.contains('!') || !whole.contains(split(scope).0));
    out
}

fn add(out: &mut BTreeSet<String>, base: &str, filter: Option<&str>) {
    let about_servers = filter.is_some_and(|f| f.starts_with("server="));
    // the right to a server says nothing about its user (upstream's rule)
    if !(about_servers && base.starts_with("read:user")) {
        out.insert(filter.map_or_else(|| base.to_owned(), |f| format!("{base}!{f}")));
    }
    for narrower in narrower_scopes(base) {
        add(out, narrower, filter);
    }
}

fn split(scope: &str) -> (&str, Option<&str>) {
    scope.split_once('!').map_or((scope, None), |(base, filter)| (base, Some(filter)))
}

/// What is in both of two expanded sets.
fn intersect(wanted: &BTreeSet<String>, held: &BTreeSet<String>) -> BTreeSet<String> {
    if held.contains(ALL) {
        return wanted.clone();
    }
    if wanted.contains(ALL) {
        return held.clone();
    }
    let holds = Scopes::from_iter(held.iter().cloned());
    let mut out = BTreeSet::new();
    for scope in wanted {
        let (base, filter) = split(scope);
        match filter.map(|f| f.split_once('=').unwrap_or((f, ""))) {
            _ if holds.has_unfiltered(base) => drop(out.insert(scope.clone())),
            None => out.extend(held.iter().filter(|h| split(h).0 == base).cloned()),
            Some(filter) if holds.has_for(base, filter) => drop(out.insert(scope.clone())),
            // a right to every server of a user, held for one of them
            Some(("user", user)) => {
                let theirs = format!("{base}!server={user}/");
                out.extend(held.iter().filter(|h| h.starts_with(&theirs)).cloned());
            }
            Some(_) => {}
        }
    }
    out
}

/// The scopes as upstream lists them: `*` written out.
pub(crate) fn listed(scopes: &Scopes) -> Vec<String> {
    if scopes.iter().any(|s| s == ALL) {
        let every: BTreeSet<&str> = known_scopes().chain(ALONE.iter().copied()).collect();
        return every.into_iter().map(Into::into).collect();
    }
    scopes.iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Owner<'static> = Owner { user: "ada", admin: false, server: None };
    const ROOT: Owner<'static> = Owner { user: "root", admin: true, server: None };

    fn raw(scopes: &[&str]) -> Vec<String> {
        scopes.iter().map(|s| (*s).into()).collect()
    }

    #[test]
    fn a_user_has_their_own_things_and_the_suite() {
        let scopes = of_owner(&ADA);
        for held in [
            "servers!user=ada",
            "start:servers!user=ada",
            "access:servers!user=ada",
            "tokens!user=ada",
            "experiments",
            "read:models",
            "predict:deployments",
        ] {
            assert!(scopes.contains(held), "{held} in {scopes:?}");
        }
        for absent in ["*", "servers", "admin:users!user=ada", "list:users", "users!user=ada"] {
            assert!(!scopes.contains(absent), "{absent} in {scopes:?}");
        }
    }

    #[test]
    fn a_token_never_has_more_than_its_owner() {
        assert_eq!(of_token(&raw(&["inherit"]), &ADA), of_owner(&ADA));
        assert_eq!(of_token(&raw(&["all"]), &ROOT), of_owner(&ROOT));
        assert_eq!(of_token(&raw(&["read:users:name"]), &ADA), BTreeSet::from(["read:users:name!user=ada".to_owned()]));
        assert_eq!(
            of_token(&raw(&["admin:users", "shutdown"]), &ADA).iter().filter(|s| s.starts_with("admin") || *s == "shutdown").count(),
            0
        );
        assert!(of_token(&raw(&["experiments"]), &ADA).contains("read:experiments"));
        assert!(!of_token(&raw(&["experiments"]), &ADA).contains("models"));
    }

    #[test]
    fn only_held_scopes_are_assigned() {
        assert!(check_assignable(&raw(&["experiments", "servers!user", "inherit"]), &ADA).is_ok());
        assert!(check_assignable(&raw(&["experiments!experiment=12", "read:models!model=wine"]), &ADA).is_ok());
        assert!(check_assignable(&raw(&["servers!user=bob"]), &ADA).is_err());
        assert!(check_assignable(&raw(&["servers"]), &ADA).is_err());
        assert!(check_assignable(&raw(&["admin:users", "access:servers!server=ada/x"]), &ROOT).is_ok());
        assert!(check_assignable(&raw(&["no:such"]), &ROOT).unwrap_err().message.contains("no:such"));
        assert!(check_assignable(&raw(&["servers!colour=red"]), &ROOT).is_err());
    }

    #[test]
    fn a_server_may_report_activity_and_is_accessible_to_itself() {
        let owner = Owner { server: Some(""), ..ADA };
        let scopes = of_token(&raw(SERVER), &owner);
        let expected = ["access:servers!server=ada/", "read:users:activity!user=ada", "users:activity!user=ada"];
        assert_eq!(scopes.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_administrators_scopes_are_written_out() {
        let listed = listed(&Scopes::all());
        assert!(
            listed.contains(&"admin:users".to_owned())
                && listed.contains(&"access:servers".to_owned())
                && listed.contains(&"experiments".to_owned())
        );
    }
}
