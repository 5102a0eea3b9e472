//! The section `[hub.ldap]` of the settings.

use artel_platform::{Error, Result};
use serde::Deserialize;
use std::fmt;
use std::net::IpAddr;
use url::Url;

/// Stands for the user's name where it is looked for.
pub(super) const NAME: &str = "{username}";
/// Stands for the user's distinguished name.
pub(super) const DN: &str = "{dn}";

/// How the directory is asked; the ways are those of jupyterhub-ldapauthenticator. Each setting is explained in
/// `artel.toml`.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `ldap://HOST[:PORT]` or `ldaps://HOST[:PORT]`; empty: no directory is asked.
    pub url: String,
    /// Whether a connection to `ldap://` becomes TLS before anything else is said.
    pub start_tls: bool,
    /// A PEM file with certificates that are believed beside those of this machine.
    pub ca_file: String,
    /// Whether passwords may go to another machine as plain text.
    pub insecure: bool,
    /// Seconds that all of one sign-in may take.
    pub timeout_seconds: u64,
    /// Distinguished names that are tried in turn, with `{username}`.
    pub bind_dn_template: Vec<String>,
    /// Below which entry users are looked for, in place of the templates.
    pub search_base: String,
    /// Which entry below it is the user's, with `{username}`.
    pub search_filter: String,
    /// As whom is searched; empty: as nobody in particular.
    pub search_user_dn: String,
    /// Their password.
    pub search_password: String,
    /// A file that holds it.
    pub search_password_file: String,
    /// The attribute that is the user's name here; empty: the name that they have typed.
    pub user_attribute: String,
    /// The attribute by which somebody is known again; empty: their distinguished name.
    pub id_attribute: String,
    /// Below which entry groups are looked for; empty: groups are kept here.
    pub groups_base: String,
    /// Which entries below it are the user's groups, with `{dn}` or `{username}`.
    pub groups_filter: String,
    /// The attribute that is a group's name.
    pub groups_attribute: String,
    /// Groups whose members are administrators; empty: administrators are made here.
    pub admin_groups: Vec<String>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ldap").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Settings {
    /// Fails for settings by which nobody can sign in, or by which passwords could be read on their way.
    pub(crate) fn check(&self) -> Result<()> {
        if self.url.is_empty() {
            return Ok(());
        }
        let Some((scheme, host)) = self.address() else {
            return Err(Error::invalid("setting hub.ldap.url must be ldap://HOST[:PORT] or ldaps://HOST[:PORT], and nothing more"));
        };
        let secret = !self.search_password.is_empty() || !self.search_password_file.is_empty();
        let rules = [
            (
                scheme == "ldap" && !self.start_tls && !self.insecure && !is_loopback(&host),
                "url",
                "would send passwords to another machine as plain text; use ldaps:// or set hub.ldap.start_tls (hub.ldap.insecure allows it all the same)",
            ),
            (scheme == "ldaps" && self.start_tls, "start_tls", "is for ldap://; ldaps:// is TLS from the beginning"),
            (self.timeout_seconds == 0, "timeout_seconds", "must be 1 or more"),
            (
                self.bind_dn_template.is_empty() == self.search_base.is_empty(),
                "bind_dn_template",
                "or hub.ldap.search_base must be set, one of the two",
            ),
            (self.bind_dn_template.iter().any(|template| !template.contains(NAME)), "bind_dn_template", "must have {username} in each"),
            (!is_filter(&self.search_filter, &[NAME]), "search_filter", "must be a filter in parentheses (RFC 4515) with {username}"),
            (self.search_user_dn.is_empty() == secret, "search_password", "and hub.ldap.search_user_dn must be set together"),
            (
                !is_filter(&self.groups_filter, &[DN, NAME]),
                "groups_filter",
                "must be a filter in parentheses (RFC 4515) with {dn} or {username}",
            ),
            (self.groups_attribute.is_empty(), "groups_attribute", "must be set"),
            (self.groups_base.is_empty() && !self.admin_groups.is_empty(), "admin_groups", "needs hub.ldap.groups_base"),
        ];
        match rules.into_iter().find(|(broken, ..)| *broken) {
            Some((_, name, rule)) => Err(Error::invalid(format!("setting hub.ldap.{name} {rule}"))),
            None => Ok(()),
        }
    }

    /// Scheme and host of the URL, which says nothing else: what an LDAP URL may say further (RFC 4516) would not be heeded.
    fn address(&self) -> Option<(String, String)> {
        let url = Url::parse(&self.url).ok().filter(|url| matches!(url.scheme(), "ldap" | "ldaps"))?;
        let more = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
        let host = url.host_str().filter(|host| !host.is_empty() && !more && url.username().is_empty() && url.password().is_none())?;
        Some((url.scheme().to_owned(), host.to_owned()))
    }

    /// Whether the connection is TLS, from the beginning or soon.
    pub(super) fn is_encrypted(&self) -> bool {
        self.start_tls || self.address().is_some_and(|(scheme, _)| scheme == "ldaps")
    }

    /// With the password from its file.
    pub(super) fn with_secret(mut self) -> Result<Self> {
        let file = &self.search_password_file;
        if !file.is_empty() {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|e| Error::invalid(format!("cannot read hub.ldap.search_password_file {file}: {e}")))?;
            self.search_password = text.trim().to_owned();
            if self.search_password.is_empty() {
                return Err(Error::invalid(format!("hub.ldap.search_password_file {file} is empty; write the password into it")));
            }
        }
        Ok(self)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Is this a filter with one of `places` to fill?
fn is_filter(filter: &str, places: &[&str]) -> bool {
    let filled = places.iter().fold(filter.to_owned(), |filter, place| filter.replace(place, "x"));
    filled != filter && filter.starts_with('(') && ldap3::parse_filter(&filled).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: &str) -> Settings {
        let table: toml::Table = more.parse().unwrap();
        let mut all = artel_platform::config::Config::load(None, &toml::Table::new()).unwrap().hub;
        let mut ldap = all.remove("ldap").unwrap().as_table().unwrap().clone();
        ldap.extend(table);
        ldap.try_into().unwrap()
    }

    #[test]
    fn settings_that_work_are_taken() {
        for good in [
            "",
            "url = 'ldaps://d.example'\nsearch_base = 'dc=lab'",
            "url = 'ldap://d.example:1389/'\nstart_tls = true\nbind_dn_template = ['uid={username},dc=lab']",
            "url = 'ldap://d.example'\ninsecure = true\nsearch_base = 'dc=lab'",
            "url = 'ldap://localhost'\nsearch_base = 'dc=lab'\nsearch_user_dn = 'cn=reader'\nsearch_password_file = '/run/secrets/ldap'",
            "url = 'ldap://127.0.0.2'\nsearch_base = 'dc=lab'\nsearch_filter = '(&(|(uid={username})(mail={username}))(objectClass=person))'",
            "url = 'ldap://[::1]:389'\nsearch_base = 'dc=lab'\ngroups_filter = '(member:1.2.840.113556.1.4.1941:={dn})'",
        ] {
            settings(good).check().unwrap_or_else(|error| panic!("{good}: {error}"));
        }
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        for (bad, named) in [
            ("url = 'd.example'", "hub.ldap.url"),
            ("url = 'http://d.example'", "hub.ldap.url"),
            ("url = 'ldaps:///'", "hub.ldap.url"),
            ("url = 'ldaps://d.example/dc=lab??sub'", "hub.ldap.url"),
            ("url = 'ldaps://ada:hunter2@d.example'", "hub.ldap.url"),
            ("url = 'ldap://d.example'", "hub.ldap.start_tls"),
            ("url = 'ldap://127.0.0.1.example'", "hub.ldap.start_tls"),
            ("url = 'ldaps://d.example'\nstart_tls = true", "hub.ldap.start_tls is for ldap://"),
            ("url = 'ldaps://d.example'\ntimeout_seconds = 0", "hub.ldap.timeout_seconds"),
            ("url = 'ldaps://d.example'", "hub.ldap.bind_dn_template or hub.ldap.search_base"),
            ("url = 'ldaps://d.example'\nsearch_base = 'dc=lab'\nbind_dn_template = ['uid={username}']", "hub.ldap.bind_dn_template or"),
            (
                "url = 'ldaps://d.example'\nbind_dn_template = ['uid={username}', 'uid=ada']",
                "hub.ldap.bind_dn_template must have {username}",
            ),
            ("url = 'ldaps://d.example'\nsearch_base = 'dc=lab'\nsearch_filter = '(uid=ada)'", "hub.ldap.search_filter"),
            ("url = 'ldaps://d.example'\nsearch_base = 'dc=lab'\nsearch_filter = '(uid={username}'", "hub.ldap.search_filter"),
            ("url = 'ldaps://d.example'\nsearch_base = 'dc=lab'\nsearch_user_dn = 'cn=reader'", "hub.ldap.search_password"),
            ("url = 'ldaps://d.example'\nsearch_base = 'dc=lab'\nsearch_password = 'hunter2'", "hub.ldap.search_password"),
            ("url = 'ldaps://d.example'\nsearch_base = 'dc=lab'\ngroups_filter = '(member={user})'", "hub.ldap.groups_filter"),
            ("url = 'ldaps://d.example'\nsearch_base = 'dc=lab'\ngroups_attribute = ''", "hub.ldap.groups_attribute"),
            ("url = 'ldaps://d.example'\nsearch_base = 'dc=lab'\nadmin_groups = ['chiefs']", "hub.ldap.admin_groups"),
        ] {
            let error = settings(bad).check().expect_err(bad);
            assert!(error.message.contains(named) && !error.message.contains("hunter2"), "{bad}: {error}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let settings = settings("url = 'LDAPS://d.example'\nsearch_user_dn = 'cn=reader'\nsearch_password = 'hunter2'");
        assert!(settings.is_encrypted());
        assert!(!format!("{settings:?} {:?}", settings.check()).contains("hunter2"));
    }
}
