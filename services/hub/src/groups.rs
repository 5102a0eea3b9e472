//! Groups of users.

use crate::store::groups::{self as store, Group};
use crate::users::tell_everybody;
use crate::{Hub, names};
use artel_platform::{Error, Result};
use serde_json::{Map, Value};

impl Hub {
    /// Makes the groups that the settings name, with their users. What was changed since then stays.
    pub(crate) async fn load_groups(&self) -> Result<()> {
        let now = self.cx.clock.now();
        for (name, group) in &self.settings.load_groups {
            let users: Vec<String> = group.users.iter().map(|user| names::user(user)).collect::<Result<_>>()?;
            for user in &users {
                if let Err(error) = self.create_users(std::slice::from_ref(user), false, None).await
                    && error.code != artel_platform::Code::AlreadyExists
                {
                    return Err(error);
                }
            }
            let mut tx = self.db.begin().await?;
            store::insert(&mut tx, &Group { name: name.clone(), properties: group.properties.clone() }, now).await?;
            if !group.properties.is_empty() {
                store::set_properties(&mut tx, name, &group.properties).await?;
            }
            for user in &users {
                store::add_member(&mut tx, name, user).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// The group of that name.
    pub(crate) async fn group(&self, name: &str) -> Result<Group> {
        store::find(&self.db, name).await?.ok_or_else(|| Error::not_found(format!("No such group: {name}")))
    }

    /// Makes groups, all or none, each with these users.
    pub(crate) async fn create_groups(&self, wanted: &[String], users: &[String]) -> Result<Vec<Group>> {
        let users = self.existing(users).await?;
        let mut created = Vec::new();
        let mut tx = self.db.begin().await?;
        for name in wanted {
            check_name(name)?;
            let group = Group { name: name.clone(), properties: Map::new() };
            if !store::insert(&mut tx, &group, self.cx.clock.now()).await? {
                return Err(Error::exists(format!("Group {name} already exists")));
            }
            for user in &users {
                store::add_member(&mut tx, name, user).await?;
            }
            created.push(group);
        }
        tell_everybody(&mut tx);
        tx.commit().await?;
        Ok(created)
    }

    /// Removes a group; its users stay.
    pub(crate) async fn delete_group(&self, name: &str) -> Result<()> {
        let group = self.group(name).await?;
        let mut tx = self.db.begin().await?;
        store::delete(&mut tx, &group.name).await?;
        tell_everybody(&mut tx);
        tx.commit().await
    }

    /// Puts users into a group or takes them out; who is in or out already stays so.
    pub(crate) async fn change_members(&self, name: &str, users: &[String], add: bool) -> Result<Group> {
        let group = self.group(name).await?;
        let users = self.existing(users).await?;
        let mut tx = self.db.begin().await?;
        for user in &users {
            if add {
                store::add_member(&mut tx, name, user).await?;
            } else {
                store::remove_member(&mut tx, name, user).await?;
            }
        }
        tell_everybody(&mut tx);
        tx.commit().await?;
        Ok(group)
    }

    /// Replaces a group's properties.
    pub(crate) async fn set_properties(&self, name: &str, properties: Map<String, Value>) -> Result<Group> {
        let group = self.group(name).await?;
        let mut tx = self.db.begin().await?;
        store::set_properties(&mut tx, name, &properties).await?;
        tx.commit().await?;
        Ok(Group { properties, ..group })
    }

    /// The users as their names are kept; fails for one who does not exist.
    async fn existing(&self, users: &[String]) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for user in users {
            found.push(self.user(user).await.map_err(|_| Error::invalid(format!("No such user: {user}")))?.name);
        }
        Ok(found)
    }
}

/// Groups come from other systems too, so more is allowed than for users; what cannot be part of a path is not.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > 255 || name.contains('/') || name.chars().any(char::is_control) || matches!(name, "." | "..") {
        return Err(Error::invalid(format!("Invalid group name: {name:?}; use 1 to 255 characters without a slash")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_can_be_part_of_a_path() {
        for good in ["class-1", "Ünits", "a b", "x"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a\nb", &"g".repeat(256)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
