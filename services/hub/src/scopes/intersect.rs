//! What is in both of two sets of scopes (jupyterhub/scopes.py `_intersect_expanded_scopes`). A user's servers are
//! within what is held for the user, and users within what is held for their groups.

use super::{ALL, split};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The groups of users.
pub(crate) type Memberships = HashMap<String, BTreeSet<String>>;

/// Filter → names; `None`: without a filter.
type Filters<'a> = Option<BTreeMap<&'a str, BTreeSet<&'a str>>>;

fn parse(scopes: &BTreeSet<String>) -> BTreeMap<&str, Filters<'_>> {
    let mut parsed: BTreeMap<&str, Filters<'_>> = BTreeMap::new();
    for scope in scopes {
        match split(scope) {
            (base, None) => drop(parsed.insert(base, None)),
            (base, Some(filter)) => {
                let (key, value) = filter.split_once('=').unwrap_or((filter, ""));
                if let Some(filters) = parsed.entry(base).or_insert_with(|| Some(BTreeMap::new())) {
                    filters.entry(key).or_default().insert(value);
                }
            }
        }
    }
    parsed
}

/// The users whose groups have to be known for the intersection; none where no filter is about a group.
pub(crate) fn named_users(a: &BTreeSet<String>, b: &BTreeSet<String>) -> Vec<String> {
    let filters = || a.iter().chain(b).filter_map(|scope| split(scope).1?.split_once('='));
    if !filters().any(|(key, _)| key == "group") {
        return vec![];
    }
    let users: BTreeSet<&str> = filters()
        .filter_map(|(key, value)| match key {
            "user" => Some(value),
            "server" => value.split('/').next(),
            _ => None,
        })
        .collect();
    users.into_iter().map(Into::into).collect()
}

/// What is in both of two expanded sets.
pub(crate) fn intersect(a: &BTreeSet<String>, b: &BTreeSet<String>, groups: &Memberships) -> BTreeSet<String> {
    if a.contains(ALL) {
        return b.clone();
    }
    if b.contains(ALL) {
        return a.clone();
    }
    let (a, b) = (parse(a), parse(b));
    let mut out = BTreeSet::new();
    for (base, of_a) in &a {
        let Some(of_b) = b.get(base) else { continue };
        match (of_a, of_b) {
            (None, None) => drop(out.insert((*base).to_owned())),
            (None, Some(filters)) | (Some(filters), None) => add(&mut out, base, filters),
            (Some(of_a), Some(of_b)) => {
                add(&mut out, base, &covered(of_a, of_b, groups));
                add(&mut out, base, &covered(of_b, of_a, groups));
            }
        }
    }
    out
}

fn add(out: &mut BTreeSet<String>, base: &str, filters: &BTreeMap<&str, BTreeSet<&str>>) {
    for (key, names) in filters {
        out.extend(names.iter().map(|name| format!("{base}!{key}={name}")));
    }
}

/// The names of `filters` that `by` covers.
fn covered<'a>(
    filters: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    by: &BTreeMap<&str, BTreeSet<&str>>,
    groups: &Memberships,
) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let holds = |key: &str, name: &str| by.get(key).is_some_and(|names| names.contains(name));
    let in_group = |user: &str| groups.get(user).is_some_and(|of| of.iter().any(|group| holds("group", group)));
    let mut out: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (key, names) in filters {
        let kept = names.iter().copied().filter(|name| {
            holds(key, name)
                || match *key {
                    "user" => in_group(name),
                    "server" => name.split('/').next().is_some_and(|user| holds("user", user) || in_group(user)),
                    _ => false,
                }
        });
        out.insert(key, kept.collect());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(scopes: &[&str]) -> BTreeSet<String> {
        scopes.iter().map(|s| (*s).into()).collect()
    }

    /// In both orders: it does not matter who asks.
    fn both(a: &[&str], b: &[&str]) -> Vec<String> {
        let groups = Memberships::from([("ada".to_owned(), BTreeSet::from(["class".to_owned()]))]);
        let one = intersect(&set(a), &set(b), &groups);
        assert_eq!(one, intersect(&set(b), &set(a), &groups));
        one.into_iter().collect()
    }

    #[test]
    fn the_narrower_filter_remains() {
        assert_eq!(both(&["servers"], &["servers!user=ada"]), ["servers!user=ada"]);
        assert_eq!(both(&["servers!user=ada"], &["servers!server=ada/gpu", "servers!server=bob/x"]), ["servers!server=ada/gpu"]);
        assert_eq!(both(&["users!user=ada", "users!user=bob"], &["users!user=bob"]), ["users!user=bob"]);
        assert_eq!(both(&["*"], &["users!user=bob"]), ["users!user=bob"]);
        assert!(both(&["users!user=ada"], &["servers!user=ada"]).is_empty());
    }

    #[test]
    fn users_and_servers_are_within_groups() {
        assert_eq!(both(&["users!group=class"], &["users!user=ada", "users!user=bob"]), ["users!user=ada"]);
        assert_eq!(both(&["servers!group=class"], &["servers!server=ada/", "servers!server=bob/"]), ["servers!server=ada/"]);
        assert_eq!(both(&["users!group=class"], &["users!group=class", "users!group=other"]), ["users!group=class"]);
        assert_eq!(named_users(&set(&["a!group=g"]), &set(&["a!user=ada", "b!server=bob/x"])), ["ada", "bob"]);
        assert!(named_users(&set(&["a!user=ada"]), &set(&["a!user=ada"])).is_empty());
    }
}
