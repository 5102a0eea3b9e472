//! Passwords that an LDAP directory keeps: whoever can bind with one is who they say (RFC 4513).

mod connection;
mod settings;
#[cfg(test)]
mod tests;

pub use settings::Settings;

use super::Directory;
use crate::identities::{Vouched, admin_by};
use artel_platform::{Error, Result, ResultExt};
use connection::{Connection, away};
use futures::future::BoxFuture;
use ldap3::{Scope, SearchEntry, dn_escape, ldap_escape};
use rustls::ClientConfig;
use settings::{DN, NAME};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How many are asked for at a time.
const AT_A_TIME: usize = 8;

/// Asks an LDAP directory.
pub(super) struct Ldap {
    settings: Settings,
    tls: Option<Arc<ClientConfig>>,
    turns: Semaphore,
}

impl Directory for Ldap {
    fn name(&self) -> &'static str {
        "ldap"
    }

    fn ask<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<Option<Vouched>>> {
        Box::pin(async move {
            // an empty password fits everybody (RFC 4513, 5.1.2), and servers in C may take one to end at NUL
            if password.is_empty() || password.contains('\0') {
                return Ok(None);
            }
            let limit = self.settings.timeout_seconds;
            let asked = async {
                let _turn = self.turns.acquire().await.or_internal("the directory is asked no more")?;
                self.sign_in(name, password).await
            };
            let asked = tokio::time::timeout(Duration::from_secs(limit), asked).await;
            asked.unwrap_or_else(|_| Err(away("url", format!("no answer in {limit} s"))))
        })
    }
}

impl Ldap {
    /// `None` without a URL.
    pub(super) fn new(settings: &Settings) -> Result<Option<Self>> {
        if settings.url.is_empty() {
            return Ok(None);
        }
        let (settings, tls) = (settings.clone().with_secret()?, connection::tls(settings)?);
        Ok(Some(Self { settings, tls, turns: Semaphore::new(AT_A_TIME) }))
    }

    async fn sign_in(&self, name: &str, password: &str) -> Result<Option<Vouched>> {
        let settings = &self.settings;
        let mut connection = Connection::open(settings, self.tls.clone()).await?;
        let found = if settings.search_base.is_empty() {
            self.by_template(&mut connection, name, password).await?
        } else {
            self.by_search(&mut connection, name, password).await?
        };
        let Some(entry) = found else { return Ok(None) };
        let own = |attribute: &str, setting| (!attribute.is_empty()).then(|| only(&entry, attribute, setting)).transpose();
        let name = own(&settings.user_attribute, "user_attribute")?.unwrap_or_else(|| name.to_owned());
        // names of entries are the same in capitals and small letters, subjects are not
        let subject = own(&settings.id_attribute, "id_attribute")?.unwrap_or_else(|| entry.dn.to_lowercase());
        let groups = self.groups(&mut connection, &entry.dn, &name).await?;
        let admin = admin_by(&settings.admin_groups, groups.as_deref());
        let (provider, named_by) = (self.name().into(), "hub.ldap.user_attribute");
        Ok(Some(Vouched { provider, subject, name, named_by, may_link: None, groups, roles: None, admin }))
    }

    /// Who can bind as one of the templates' names.
    async fn by_template(&self, connection: &mut Connection, name: &str, password: &str) -> Result<Option<SearchEntry>> {
        for template in &self.settings.bind_dn_template {
            let dn = template.replace(NAME, &dn_escape(name));
            if connection.bind(&dn, password).await? {
                return self.own_entry(connection, dn).await.map(Some);
            }
        }
        Ok(None)
    }

    /// The entry that somebody has found their way into, with what the settings ask of it.
    async fn own_entry(&self, connection: &mut Connection, dn: String) -> Result<SearchEntry> {
        let attributes = self.attributes();
        let found = match attributes.is_empty() {
            true => vec![],
            false => connection.search("bind_dn_template", (&dn, Scope::Base), "(objectClass=*)", attributes, 1).await?,
        };
        let (attrs, bin_attrs) = found.into_iter().next().map(|entry| (entry.attrs, entry.bin_attrs)).unwrap_or_default();
        Ok(SearchEntry { dn, attrs, bin_attrs })
    }

    /// Who is the only one that the filter finds, and can bind.
    async fn by_search(&self, connection: &mut Connection, name: &str, password: &str) -> Result<Option<SearchEntry>> {
        let settings = &self.settings;
        self.as_searcher(connection).await?;
        let filter = settings.search_filter.replace(NAME, &ldap_escape(name));
        // 1.1 is no attribute: without any, all would come (RFC 4511, 4.5.1.8)
        let attributes = [vec!["1.1"], self.attributes()].concat();
        let mut found = connection.search("search_base", (&settings.search_base, Scope::Subtree), &filter, attributes, 2).await?;
        if found.len() != 1 {
            tracing::info!(user = name, several = found.len() > 1, "hub.ldap.search_filter does not find one entry of the directory");
            return Ok(None);
        }
        let entry = found.remove(0);
        Ok(connection.bind(&entry.dn, password).await?.then_some(entry))
    }

    /// Makes the connection that of who searches, where the settings name somebody.
    async fn as_searcher(&self, connection: &mut Connection) -> Result<()> {
        let settings = &self.settings;
        if settings.search_user_dn.is_empty() || connection.bind(&settings.search_user_dn, &settings.search_password).await? {
            return Ok(());
        }
        Err(away("search_user_dn", "it has refused its own searcher's password"))
    }

    /// The groups of who has this entry; as who searches, where the settings name somebody, else as themselves.
    async fn groups(&self, connection: &mut Connection, dn: &str, name: &str) -> Result<Option<Vec<String>>> {
        let settings = &self.settings;
        if settings.groups_base.is_empty() {
            return Ok(None);
        }
        self.as_searcher(connection).await?;
        let (dn, name) = (ldap_escape(dn), ldap_escape(name));
        // one after the other would fill in what a name itself says
        let parts: Vec<String> = settings.groups_filter.split(DN).map(|part| part.replace(NAME, &name)).collect();
        let attribute = settings.groups_attribute.as_str();
        let found = connection.search("groups_base", (&settings.groups_base, Scope::Subtree), &parts.join(&dn), vec![attribute], 0).await?;
        let mut names: Vec<String> = found.iter().flat_map(|entry| values(entry, attribute)).collect();
        names.sort();
        names.dedup();
        Ok(Some(names))
    }

    /// Which attributes of users the settings ask for.
    fn attributes(&self) -> Vec<&str> {
        [&self.settings.user_attribute, &self.settings.id_attribute]
            .into_iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect()
    }
}

/// The values of an attribute, whose name has no case; what is no text is shown as hexadecimal digits.
fn values(entry: &SearchEntry, attribute: &str) -> Vec<String> {
    let texts = entry.attrs.iter().filter(|(name, _)| name.eq_ignore_ascii_case(attribute)).flat_map(|(_, values)| values.clone());
    let others = entry.bin_attrs.iter().filter(|(name, _)| name.eq_ignore_ascii_case(attribute)).flat_map(|(_, values)| values);
    texts.chain(others.map(hex::encode)).collect()
}

/// The value of an attribute that has one: of several any might come first.
fn only(entry: &SearchEntry, attribute: &str, setting: &str) -> Result<String> {
    match <[String; 1]>::try_from(values(entry, attribute)) {
        Ok([value]) if !value.is_empty() => Ok(value),
        _ => Err(Error::denied(format!(
            "the directory does not tell one {attribute} of you; ask an administrator to see hub.ldap.{setting}"
        ))),
    }
}
