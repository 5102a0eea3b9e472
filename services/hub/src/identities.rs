//! Users who sign in elsewhere: who may come in, what they are here, and shutting them out.

use crate::authenticate::Principal;
use crate::store::identities::{self, Identity};
use crate::store::roles::Held;
use crate::store::users::{self, User};
use crate::store::{groups, roles, servers, sessions, tokens};
use crate::tokens::tell_revoked;
use crate::{Hub, names};
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use artel_proto::artel::hub::v1::{CredentialRevoked, UserChanged};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a provider says of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vouched {
    pub provider: String,
    /// What the provider never gives to anybody else.
    pub subject: String,
    /// The name that they would like to have here, and the setting by which it was found.
    pub name: String,
    pub named_by: &'static str,
    /// Whether they may be the user of this name who has a password here, where a setting (`hub.oidc.link_existing_users`)
    /// says so. `None`: none does, they may not.
    pub may_link: Option<bool>,
    /// `None`: groups are kept here.
    pub groups: Option<Vec<String>>,
    /// `None`: roles are given here.
    pub roles: Option<Vec<String>>,
    /// `None`: administrators are made here.
    pub admin: Option<bool>,
}

/// Why somebody is shut out: the settings say so, or the provider knows them no more.
const BLOCKED: &str = "blocked";
const PROVIDER: &str = "provider";

/// Whether somebody in these groups is an administrator, as the setting `admin_groups` of a provider has it. `None`: it names
/// none, or groups are kept here.
pub(crate) fn admin_by(admin_groups: &[String], groups: Option<&[String]>) -> Option<bool> {
    let groups = groups.filter(|_| !admin_groups.is_empty())?;
    Some(groups.iter().any(|group| admin_groups.contains(group)))
}

impl Hub {
    /// Lets in who was vouched for: makes the user, or brings them up to date. `PERMISSION_DENIED` for who may not be here.
    /// `state` is what is kept of the sign-in.
    pub(crate) async fn admit(&self, who: &Vouched, state: Option<&Value>) -> Result<Principal> {
        let known = identities::find(&self.db, &who.provider, &who.subject).await?;
        let name = match &known {
            Some(known) => known.user.clone(),
            None => own_name(who)?,
        };
        self.check_allowed(&name, who.groups.as_deref())?;
        let before = users::find(&self.db, &name).await?;
        if known.is_none()
            && let Some(user) = &before
        {
            self.check_linkable(user, who).await?;
        }
        let now = self.cx.clock.now();
        let place = state_of(&who.provider, &who.subject);
        let sealed = state.map(|state| self.vault.seal(&place, &state.to_string(), &self.cx.ids.secret())).transpose()?;
        let mut tx = self.db.begin().await?;
        let user = match before {
            Some(user) => user,
            None => {
                let user = User { name: name.clone(), admin: false, password: None, created: now, last_activity: None, suspended: None };
                users::insert(&mut tx, &user).await?;
                user
            }
        };
        let listed = self.settings.admin_users.iter().any(|other| other.eq_ignore_ascii_case(&name));
        let admin = if listed { true } else { who.admin.unwrap_or(user.admin) };
        let mut changed = admin != user.admin || user.suspended.is_some();
        users::set_admin(&mut tx, &name, admin).await?;
        users::set_suspended(&mut tx, &name, None).await?;
        changed |= self.set_groups_and_roles(&mut tx, &name, who).await?;
        let (provider, subject) = (who.provider.clone(), who.subject.clone());
        identities::put(&mut tx, &Identity { provider, subject, user: name.clone(), state: sealed, checked: now }).await?;
        if changed || known.is_none() {
            tx.emit(&UserChanged { name: name.clone(), removed: false });
        }
        tx.commit().await?;
        self.as_user(&name, admin).await
    }

    /// Fails for who is not on the lists.
    fn check_allowed(&self, name: &str, groups: Option<&[String]>) -> Result<()> {
        self.check_blocked(name)?;
        let settings = &self.settings;
        let of_group = groups.unwrap_or_default().iter().any(|group| settings.allowed_groups.contains(group));
        let named =
            [&settings.allowed_users, &settings.admin_users].iter().any(|list| list.iter().any(|other| other.eq_ignore_ascii_case(name)));
        if settings.allow_all || named || of_group {
            return Ok(());
        }
        Err(Error::denied(format!(
            "{name} is known, but may not use this installation; an administrator can add {name} to hub.allowed_users or a group of theirs to hub.allowed_groups"
        )))
    }

    /// Fails for a user whom the settings shut out.
    pub(crate) fn check_blocked(&self, name: &str) -> Result<()> {
        if self.settings.blocked_users.iter().any(|blocked| blocked.eq_ignore_ascii_case(name)) {
            return Err(Error::denied(format!("{name} may not use this installation (hub.blocked_users)")));
        }
        Ok(())
    }

    /// Whoever chooses a name at the provider is not by that the user of this name here.
    async fn check_linkable(&self, user: &User, who: &Vouched) -> Result<()> {
        let taken = identities::of_user(&self.db, &user.name).await?.iter().any(|identity| identity.provider == who.provider);
        if taken {
            return Err(Error::denied(format!("the user {} signs in as somebody else of this provider; ask an administrator", user.name)));
        }
        if user.password.is_some() && who.may_link != Some(true) {
            let more = who.may_link.map_or("", |_| ", or ask an administrator to set hub.oidc.link_existing_users");
            return Err(Error::denied(format!("there is a user {} with a password already; log in with it{more}", user.name)));
        }
        Ok(())
    }

    /// What the provider says replaces what was, as upstream has it (`manage_groups`, `manage_roles`).
    async fn set_groups_and_roles(&self, tx: &mut Tx, user: &str, who: &Vouched) -> Result<bool> {
        let mut changed = false;
        if let Some(names) = &who.groups {
            let (good, bad): (Vec<String>, Vec<String>) = names.iter().cloned().partition(|name| crate::groups::check_name(name).is_ok());
            if !bad.is_empty() {
                tracing::warn!(user, groups = ?bad, "these groups of the provider cannot be groups here");
            }
            for name in &good {
                let group = groups::Group { name: name.clone(), properties: Map::new() };
                groups::insert(tx, &group, self.cx.clock.now()).await?;
            }
            changed |= groups::set_of_user(tx, user, &good).await?;
        }
        if let Some(names) = &who.roles {
            roles::forget_holder(tx, "user", user).await?;
            for role in names {
                if self.scope_role(role).await?.is_none() {
                    tracing::warn!(user, role, "the provider names a role that is not here (hub.load_roles)");
                    continue;
                }
                roles::assign(tx, &Held { role: role.clone(), kind: "user".into(), holder: user.into() }).await?;
            }
            changed = true;
        }
        Ok(changed)
    }

    /// Shuts a user out at once: every session and credential is useless, their servers end.
    pub(crate) async fn suspend(self: &Arc<Self>, name: &str, why: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        users::set_suspended(&mut tx, name, Some(why)).await?;
        sessions::delete_others(&mut tx, name, None).await?;
        let revoked = tokens::delete_of_pages(&mut tx, name).await?;
        tell_revoked(&mut tx, &revoked);
        tx.emit(&CredentialRevoked { user: name.into(), token_id: String::new(), session_id: String::new() });
        tx.emit(&UserChanged { name: name.into(), removed: false });
        tx.commit().await?;
        for server in servers::of_users(&self.db, &[name]).await?.iter().filter(|server| server.state.is_active()) {
            self.stop_server(name, &server.name).await?;
        }
        Ok(())
    }

    /// The same for who the provider knows no more; they come in again when it does.
    pub(crate) async fn dismissed_by_provider(self: &Arc<Self>, name: &str) -> Result<()> {
        self.suspend(name, PROVIDER).await
    }

    /// Shuts out whom the settings block, and lets in again whom they do not block any more.
    pub(crate) async fn load_blocked(self: &Arc<Self>) -> Result<()> {
        for name in &self.settings.blocked_users {
            match users::find(&self.db, &name.to_lowercase()).await? {
                Some(user) if user.suspended.as_deref() != Some(BLOCKED) => self.suspend(&user.name, BLOCKED).await?,
                _ => {}
            }
        }
        for name in users::suspended(&self.db, BLOCKED).await? {
            if self.check_blocked(&name).is_ok() {
                let mut tx = self.db.begin().await?;
                users::set_suspended(&mut tx, &name, None).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// What is kept of a user's sign-in; `None` when nothing is, or it cannot be read any more.
    pub(crate) fn open_state(&self, identity: &Identity) -> Option<Value> {
        let text = self.vault.open(&state_of(&identity.provider, &identity.subject), identity.state.as_deref()?).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Upstream's `auth_state` of a user.
    pub(crate) async fn auth_state(&self, user: &str) -> Result<Option<BTreeMap<String, Value>>> {
        let state = identities::of_user(&self.db, user).await?.iter().find_map(|identity| self.open_state(identity));
        Ok(state.and_then(|state| serde_json::from_value(state).ok()))
    }
}

/// The name that somebody has here.
fn own_name(who: &Vouched) -> Result<String> {
    names::user(&who.name)
        .map_err(|error| Error::denied(format!("{}; ask an administrator to set {} otherwise", error.message, who.named_by)))
}

/// What the sealed text is bound to.
fn state_of(provider: &str, subject: &str) -> String {
    format!("auth state of {subject} at {provider}")
}
