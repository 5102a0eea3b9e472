//! Accounts.

use crate::store::users::{self, User};
use crate::store::{servers, sessions};
use crate::{Hub, names};
use artel_platform::db::Tx;
use artel_platform::{Code, Error, Result};
use artel_proto::artel::hub::v1::{CredentialRevoked, UserAdded, UserChanged};

/// A user, for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSummary {
    /// The account's name.
    pub name: String,
    /// Whether they may do everything.
    pub admin: bool,
    /// Whether they can log in with a password.
    pub has_password: bool,
    /// When the account was made, milliseconds.
    pub created: i64,
    /// When they were last seen, milliseconds.
    pub last_activity: Option<i64>,
}

/// How many users are read at a time for a list of all.
const PAGE: i64 = 500;

impl Hub {
    /// Adds a user; without a password they can only be reached by tokens. `ALREADY_EXISTS` when the name is taken.
    pub async fn add_user(&self, name: &str, admin: bool, password: Option<&str>) -> Result<()> {
        self.create_users(&[name.to_owned()], admin, password).await.map(drop)
    }

    /// Adds users, all or none. Names that are taken are left out; `ALREADY_EXISTS` when all are.
    pub(crate) async fn create_users(&self, wanted: &[String], admin: bool, password: Option<&str>) -> Result<Vec<User>> {
        let hash = match password {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };
        let wanted: Vec<String> = wanted.iter().map(|name| names::user(name)).collect::<Result<_>>()?;
        for name in &wanted {
            self.check_blocked(name)?;
        }
        let now = self.cx.clock.now();
        let user =
            |name: &String| User { name: name.clone(), admin, password: hash.clone(), created: now, last_activity: None, suspended: None };
        let mut tx = self.db.begin().await?;
        if let [name] = wanted.as_slice() {
            let user = user(name);
            users::insert_along(&mut tx, &user);
            tx.emit(&UserAdded { name: name.clone() });
            let taken =
                |error: Error| if error.code == Code::AlreadyExists { Error::exists(format!("User {name} already exists")) } else { error };
            tx.commit().await.map_err(taken)?;
            return Ok(vec![user]);
        }
        let created = users::insert_all(&mut tx, wanted.iter().map(user).collect()).await?;
        for user in &created {
            tx.emit(&UserAdded { name: user.name.clone() });
        }
        if created.is_empty() {
            return Err(Error::exists(format!("All {} users already exist", wanted.len())));
        }
        tx.commit().await?;
        Ok(created)
    }

    /// Every user, by name.
    pub async fn list_users(&self) -> Result<Vec<UserSummary>> {
        let filter = users::Filter { sort: users::Sort::Name, ..Default::default() };
        let mut all = Vec::new();
        loop {
            let (page, total) = users::page(&self.db, &filter, all.len() as i64, PAGE).await?;
            let last = page.is_empty();
            all.extend(page.into_iter().map(|u| UserSummary {
                name: u.name,
                admin: u.admin,
                has_password: u.password.is_some(),
                created: u.created,
                last_activity: u.last_activity,
            }));
            if last || all.len() as i64 >= total {
                return Ok(all);
            }
        }
    }

    /// Gives a user a new password and ends their browser sessions.
    pub async fn set_password(&self, name: &str, password: &str) -> Result<()> {
        self.change_password(name, password, None).await
    }

    /// The same, but the session `keep` goes on.
    pub(crate) async fn change_password(&self, name: &str, password: &str, keep: Option<&str>) -> Result<()> {
        let hash = self.passwords.hash(password).await?;
        let name = self.user(name).await?.name;
        let mut tx = self.db.begin().await?;
        users::set_password(&mut tx, &name, &hash).await?;
        for session_id in sessions::delete_others(&mut tx, &name, keep).await? {
            tx.emit(&CredentialRevoked { user: name.clone(), token_id: String::new(), session_id });
        }
        tx.emit(&UserChanged { name: name.clone(), removed: false });
        tx.commit().await?;
        self.forget_first_password(&name);
        Ok(())
    }

    /// Gives a user another name, with their home folder. `INVALID_ARGUMENT` while a server of theirs runs: it would go
    /// on under the old one. Records of other services keep the old name, as they keep that of a user who is gone.
    pub(crate) async fn rename_user(&self, name: &str, new: &str) -> Result<()> {
        let new = names::user(new)?;
        if new == name {
            return Ok(());
        }
        if servers::of_users(&self.db, &[name]).await?.iter().any(|server| server.state.is_active()) {
            return Err(Error::invalid(format!("{name} has servers that run; stop them before you rename {name}")));
        }
        let taken = || Error::invalid(format!("User {new} already exists, username must be unique"));
        if users::find(&self.db, &new).await?.is_some() {
            return Err(taken());
        }
        let mut tx = self.db.begin().await?;
        users::rename(&mut tx, name, &new).await.map_err(|error| if error.code == Code::AlreadyExists { taken() } else { error })?;
        tx.emit(&CredentialRevoked { user: name.into(), token_id: String::new(), session_id: String::new() });
        tx.emit(&UserChanged { name: name.into(), removed: true });
        tx.emit(&UserChanged { name: new.clone(), removed: false });
        // before the commit: a user whose home has not moved keeps their name
        self.spawner.move_home(name, &new)?;
        tx.commit().await
    }

    /// Makes a user an administrator, or no longer one.
    pub(crate) async fn set_admin(&self, name: &str, admin: bool) -> Result<()> {
        let mut tx = self.db.begin().await?;
        users::set_admin(&mut tx, name, admin).await?;
        tx.emit(&UserChanged { name: name.into(), removed: false });
        tx.commit().await
    }

    /// Removes a user with their tokens, sessions and servers; the home folder stays. A notebook server that runs in
    /// another process ends within seconds.
    pub async fn remove_user(&self, name: &str) -> Result<()> {
        let user = self.user(name).await?;
        let mut tx = self.db.begin().await?;
        users::delete(&mut tx, &user.name).await?;
        tx.emit(&CredentialRevoked { user: user.name.clone(), token_id: String::new(), session_id: String::new() });
        tx.emit(&UserChanged { name: user.name, removed: true });
        tx.commit().await?;
        self.announce();
        Ok(())
    }

    /// The user with that name. `NOT_FOUND` when there is none.
    pub(crate) async fn user(&self, name: &str) -> Result<User> {
        let found = match names::user(name) {
            Ok(name) => users::find(&self.db, &name).await?,
            Err(_) => None,
        };
        found.ok_or_else(|| Error::not_found(format!("No such user: {name}")))
    }
}

/// What some users may do has changed: nobody's answer may be remembered any longer.
pub(crate) fn tell_everybody(tx: &mut Tx) {
    tx.emit(&UserChanged { name: String::new(), removed: false });
}
