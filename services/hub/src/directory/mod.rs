//! Passwords that somebody else keeps: this machine's accounts (PAM), an LDAP directory.

mod ldap;
mod pam;

pub use ldap::Settings as LdapSettings;
pub use pam::Settings as PamSettings;

use crate::Hub;
use crate::authenticate::Principal;
use crate::config::Settings;
use crate::identities::Vouched;
use artel_platform::{Error, Result};
use futures::future::BoxFuture;
use ldap::Ldap;
use pam::Pam;

/// Who keeps passwords.
trait Directory: Send + Sync {
    /// The provider that its users come from.
    fn name(&self) -> &'static str;

    /// Who has this name and password; `None`: nobody. `UNAVAILABLE` when that cannot be found out now.
    fn ask<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<Option<Vouched>>>;
}

/// Who is asked, in this order.
pub(crate) struct Directories(Vec<Box<dyn Directory>>);

impl Directories {
    /// Those that the settings name. `python` runs small programs.
    pub(crate) fn new(settings: &Settings, python: &str) -> Result<Self> {
        let pam = Pam::new(&settings.pam, python).map(|pam| Box::new(pam) as Box<dyn Directory>);
        let ldap = Ldap::new(&settings.ldap)?.map(|ldap| Box::new(ldap) as Box<dyn Directory>);
        Ok(Self(pam.into_iter().chain(ldap).collect()))
    }
}

impl Hub {
    /// Who has this name and password elsewhere; `None` when nobody else is asked. `UNAUTHENTICATED` when nobody knows them,
    /// and what went wrong when one could not be asked that might.
    pub(crate) async fn by_directory(&self, name: &str, password: &str, address: &str) -> Result<Option<Principal>> {
        if self.directories.0.is_empty() {
            return Ok(None);
        }
        let now = self.cx.clock.now();
        self.attempts.check(name, address, now).map_err(|wait| {
            Error::exhausted(format!("too many wrong passwords for {name}; wait {wait} s and try again")).retry_after(wait)
        })?;
        let (mut refused, mut failed) = (false, None);
        for directory in &self.directories.0 {
            match directory.ask(name, password).await {
                Ok(Some(who)) => return self.admit(&who, None).await.map(Some),
                Ok(None) => refused = true,
                Err(error) => {
                    tracing::warn!(directory = directory.name(), user = name, error = %error.chain(), "a directory has not said who somebody is");
                    failed.get_or_insert(error);
                }
            }
        }
        // also when another could not be asked: else passwords could be guessed as fast as one likes while it is away
        if refused {
            self.attempts.note(name, address, now);
        }
        Err(failed.unwrap_or_else(|| Error::unauthenticated("Invalid username or password")))
    }
}
