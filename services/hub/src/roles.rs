//! Roles: names for sets of scopes, and who has them (jupyterhub/roles.py). Upstream's own and those of the settings
//! are known to every process; what the API adds is in the tables.

use crate::authenticate::Owner;
use crate::config::{self, Settings};
use crate::scopes::{self, ALL, Holder, INHERIT, SUITE};
use crate::store::roles::{self as store, Held};
use crate::store::{groups, shares};
use crate::users::tell_everybody;
use crate::{Hub, store::tokens::Token};
use artel_platform::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use crate::store::roles::Role;

/// A notebook server's own token.
const SERVER: &[&str] = &["users:activity!user", "access:servers!server"];

/// Upstream's roles with its descriptions' sense. `user` has the suite's resources too.
fn defaults() -> Vec<Role> {
    let role = |name: &str, description: &str, scopes: &[&str]| Role {
        name: name.into(),
        description: description.into(),
        scopes: scopes.iter().map(|s| (*s).into()).collect(),
    };
    let user: Vec<&str> = std::iter::once("self").chain(SUITE.iter().copied()).collect();
    vec![
        role("user", "Standard user privileges", &user),
        role("admin", "Elevated privileges (can do anything)", &[ALL]),
        role("server", "Post activity only", SERVER),
        role("token", "Token with same permissions as its owner", &[INHERIT]),
    ]
}

/// Fails for what upstream takes for no role's name: `^[a-z][a-z0-9\-_~\.]{1,253}[a-z0-9]$`.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = (3..=255).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.ends_with(plain)
        && name.chars().all(|c| plain(c) || "-_~.".contains(c));
    if fits {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "Invalid role name: {name:?}; use 3 to 255 of a-z, 0-9 and - _ ~ ., beginning with a letter and ending with none of the latter"
    )))
}

/// The roles that every process knows.
#[derive(Debug, Default)]
pub(crate) struct Fixed {
    roles: BTreeMap<String, Role>,
    holders: Vec<Held>,
}

impl Fixed {
    /// Upstream's and those of the settings.
    pub(crate) fn new(settings: &Settings, vocabulary: &scopes::Vocabulary) -> Result<Self> {
        let mut fixed = Self { roles: defaults().into_iter().map(|role| (role.name.clone(), role)).collect(), holders: vec![] };
        for config::Role { name, description, scopes, users, groups, services } in &settings.load_roles {
            if let Some(scopes) = scopes {
                vocabulary.check(scopes, &format!("role {name}"))?;
                if name == "admin" {
                    return Err(Error::invalid("Cannot override admin role admin.scopes; leave `scopes` out (hub.load_roles)"));
                }
            }
            let role =
                fixed.roles.entry(name.clone()).or_insert_with(|| Role { name: name.clone(), description: String::new(), scopes: vec![] });
            if let Some(scopes) = scopes {
                role.scopes.clone_from(scopes);
            }
            if !description.is_empty() {
                role.description.clone_from(description);
            }
            for (kind, holders) in [("user", users), ("group", groups), ("service", services)] {
                fixed.holders.extend(holders.iter().map(|holder| Held { role: name.clone(), kind: kind.into(), holder: holder.clone() }));
            }
        }
        for service in settings.services.iter().filter(|service| service.admin) {
            fixed.holders.push(Held { role: "admin".into(), kind: "service".into(), holder: service.name.clone() });
        }
        Ok(fixed)
    }

    pub(crate) fn of<'a>(&'a self, kind: &'a str, holder: &'a str) -> impl Iterator<Item = &'a Held> {
        self.holders.iter().filter(move |held| held.kind == kind && held.holder == holder)
    }

    /// Has the settings' word made this user an administrator?
    pub(crate) fn admins(&self) -> impl Iterator<Item = &str> {
        self.holders.iter().filter(|held| held.role == "admin" && held.kind == "user").map(|held| held.holder.as_str())
    }

    /// The scopes of a role as they are written.
    pub(crate) fn scopes(&self, role: &str) -> Vec<String> {
        self.roles.get(role).map(|role| role.scopes.clone()).unwrap_or_default()
    }

    /// Is the role one of the settings or upstream's?
    pub(crate) fn knows(&self, role: &str) -> bool {
        self.roles.contains_key(role)
    }
}

impl Hub {
    /// Makes the users administrators to whom the settings give that role.
    pub(crate) async fn load_admins(&self) -> Result<()> {
        for name in self.fixed.admins() {
            match self.user(name).await {
                Ok(user) if !user.admin => self.set_admin(&user.name, true).await?,
                Err(error) if error.code != artel_platform::Code::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Every role.
    pub(crate) async fn roles(&self) -> Result<Vec<Role>> {
        let stored = store::all(&self.db).await?.into_iter().filter(|role| !self.fixed.knows(&role.name));
        Ok(self.fixed.roles.values().cloned().chain(stored).collect())
    }

    /// The role of that name.
    pub(crate) async fn scope_role(&self, name: &str) -> Result<Option<Role>> {
        match self.fixed.roles.get(name) {
            Some(role) => Ok(Some(role.clone())),
            None => store::find(&self.db, name).await,
        }
    }

    /// The names of the roles of holders of one kind, each in upstream's order: the own ones first.
    pub(crate) async fn roles_held(&self, kind: &str, holders: &[&str]) -> Result<BTreeMap<String, Vec<String>>> {
        let stored = store::held(&self.db, kind, Some(holders)).await?;
        let mut found = BTreeMap::new();
        for holder in holders {
            let fixed = self.fixed.of(kind, holder);
            let mut names: Vec<String> =
                fixed.chain(stored.iter().filter(|held| held.holder == **holder)).map(|held| held.role.clone()).collect();
            names.sort();
            names.dedup();
            found.insert((*holder).to_owned(), names);
        }
        Ok(found)
    }

    /// Everybody who has a role beside what each account has by itself.
    pub(crate) async fn holders(&self, role: &str) -> Result<Vec<Held>> {
        let mut found: Vec<Held> = self.fixed.holders.iter().filter(|held| held.role == role).cloned().collect();
        for kind in ["user", "group", "service"] {
            found.extend(store::held(&self.db, kind, None).await?.into_iter().filter(|held| held.role == role));
        }
        Ok(found)
    }

    /// The scopes of a role as they are written; none when there is no such role.
    pub(crate) async fn scopes_of_role(&self, name: &str) -> Result<Vec<String>> {
        Ok(self.scope_role(name).await?.map(|role| role.scopes).unwrap_or_default())
    }

    /// What the owner's roles, the roles of their groups, and what others share with them give, as it is written.
    pub(crate) async fn raw_scopes_of(&self, owner: &Owner<'_>) -> Result<Vec<String>> {
        self.raw_scopes_in(owner, &self.groups_of_owner(owner).await?).await
    }

    /// The same for one whose groups are known.
    async fn raw_scopes_in(&self, owner: &Owner<'_>, groups: &[String]) -> Result<Vec<String>> {
        let (kind, name) = owner.kind_and_name();
        let mut names: BTreeSet<String> = self.roles_held(kind, &[name]).await?.remove(name).unwrap_or_default().into_iter().collect();
        if let Owner::User { admin, .. } = owner {
            names.insert("user".into());
            if *admin {
                names.insert("admin".into());
            }
            let of: Vec<&str> = groups.iter().map(String::as_str).collect();
            names.extend(self.roles_held("group", &of).await?.into_values().flatten());
        }
        let mut raw = Vec::new();
        for name in &names {
            raw.extend(self.scopes_of_role(name).await?);
        }
        Ok(raw)
    }

    /// The same, expanded, with what others share.
    pub(crate) async fn scopes_of(&self, owner: &Owner<'_>) -> Result<BTreeSet<String>> {
        self.scopes_in(owner, &self.groups_of_owner(owner).await?).await
    }

    /// The same for one whose groups are known.
    pub(crate) async fn scopes_in(&self, owner: &Owner<'_>, groups: &[String]) -> Result<BTreeSet<String>> {
        let mut raw = self.raw_scopes_in(owner, groups).await?;
        // a role may be for tokens only
        raw.retain(|scope| scope != INHERIT);
        if raw.iter().any(|scope| scope == ALL) {
            return Ok(BTreeSet::from([ALL.to_owned()]));
        }
        if let Owner::User { name, .. } = owner {
            raw.extend(shares::with_user(&self.db, name).await?.into_iter().flat_map(|share| share.scopes));
        }
        Ok(self.vocabulary.expand(&raw, &owner.holder()))
    }

    /// What a token may do now: its scopes, as far as its owner holds them.
    pub(crate) async fn scopes_of_token(&self, token: &Token, owner: &Owner<'_>) -> Result<BTreeSet<String>> {
        self.scopes_of_token_in(token, owner, &self.groups_of_owner(owner).await?).await
    }

    /// The same for a token whose owner's groups are known.
    pub(crate) async fn scopes_of_token_in(&self, token: &Token, owner: &Owner<'_>, groups: &[String]) -> Result<BTreeSet<String>> {
        let held = self.scopes_in(owner, groups).await?;
        if token.scopes.iter().any(|scope| scope == INHERIT) {
            return Ok(held);
        }
        let holder = Holder { server: token.server.as_deref().map(|server| (token.user.as_str(), server)), ..owner.holder() };
        let mut wanted = self.vocabulary.expand(&token.scopes, &holder);
        wanted.extend(scopes::identify(&holder));
        self.both(&scopes::reduce(wanted), &held).await
    }

    /// What is in both sets, which may need to know who is in which group.
    pub(crate) async fn both(&self, a: &BTreeSet<String>, b: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        let users = scopes::named_users(a, b);
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        Ok(scopes::intersect(a, b, &groups::of_users(&self.db, &users).await?))
    }

    /// What `wanted` stands for and `held` does not cover.
    pub(crate) async fn excess(&self, wanted: &[String], holder: &Holder<'_>, held: &BTreeSet<String>) -> Result<Vec<String>> {
        let wanted = self.vocabulary.expand(wanted, holder);
        let granted = self.both(&wanted, held).await?;
        Ok(wanted.difference(&granted).cloned().collect())
    }

    /// Fails unless every scope exists and the owner of the token that shall have them holds them.
    pub(crate) async fn check_assignable(&self, raw: &[String], owner: &Owner<'_>) -> Result<()> {
        self.vocabulary.check(raw, "token")?;
        let named: Vec<String> = raw.iter().filter(|scope| *scope != INHERIT).cloned().collect();
        let excess = self.excess(&named, &owner.holder(), &self.scopes_of(owner).await?).await?;
        if excess.is_empty() {
            return Ok(());
        }
        let (kind, name) = owner.kind_and_name();
        let kind = if kind == "user" { "User" } else { "Service" };
        Err(Error::invalid(format!("Not assigning requested scopes {} not held by {kind} {name}", excess.join(","))))
    }

    /// Makes a role of the API's, or gives it other scopes. `FAILED_PRECONDITION` for one of the settings or upstream's.
    pub(crate) async fn put_role(&self, role: &Role) -> Result<()> {
        check_name(&role.name)?;
        self.changeable(&role.name)?;
        self.vocabulary.check(&role.scopes, &format!("role {}", role.name))?;
        let mut tx = self.db.begin().await?;
        store::put(&mut tx, role).await?;
        tell_everybody(&mut tx);
        tx.commit().await
    }

    /// Removes a role of the API's.
    pub(crate) async fn delete_scope_role(&self, name: &str) -> Result<()> {
        self.changeable(name)?;
        let mut tx = self.db.begin().await?;
        if !store::delete(&mut tx, name).await? {
            return Err(Error::not_found(format!("No such role: {name}")));
        }
        tell_everybody(&mut tx);
        tx.commit().await
    }

    fn changeable(&self, role: &str) -> Result<()> {
        if self.fixed.knows(role) {
            return Err(Error::conflict(format!("the role {role} is one of upstream's or of the settings; change hub.load_roles")));
        }
        Ok(())
    }

    /// Gives or takes a role.
    pub(crate) async fn set_held(&self, held: &Held, has: bool) -> Result<()> {
        let mut tx = self.db.begin().await?;
        if has {
            store::assign(&mut tx, held).await?;
        } else if !store::unassign(&mut tx, held).await? {
            return Err(Error::not_found(format!("the {} {} does not have the role {} by this API", held.kind, held.holder, held.role)));
        }
        tell_everybody(&mut tx);
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_are_upstreams() {
        for good in ["user", "my-role", "a.b~c_1"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["ab", "Role", "1role", "role-", "a b c", &"a".repeat(256)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
