//! Passwords that somebody else keeps: this machine's accounts (PAM).

mod pam;

pub use pam::Settings as PamSettings;

use crate::Hub;
use crate::authenticate::Principal;
use crate::config::Settings;
use crate::identities::Vouched;
use artel_platform::{Error, Result};
use pam::Pam;

/// Who is asked.
pub(crate) struct Directories {
    pam: Option<Pam>,
}

impl Directories {
    /// `python` runs small programs.
    pub(crate) fn new(settings: &Settings, python: &str) -> Self {
        Self { pam: Pam::new(&settings.pam, python) }
    }

    fn is_empty(&self) -> bool {
        self.pam.is_none()
    }

    /// Who has this name and password anywhere.
    async fn ask(&self, name: &str, password: &str) -> Result<Option<Vouched>> {
        if let Some(pam) = &self.pam
            && pam.knows(name, password).await?
        {
            return Ok(Some(Vouched {
                provider: "pam".into(),
                subject: name.into(),
                name: name.into(),
                groups: None,
                roles: None,
                admin: None,
            }));
        }
        Ok(None)
    }
}

impl Hub {
    /// Who has this name and password elsewhere; `None` when nobody else is asked. `UNAUTHENTICATED` when nobody knows them.
    pub(crate) async fn by_directory(&self, name: &str, password: &str, address: &str) -> Result<Option<Principal>> {
        if self.directories.is_empty() {
            return Ok(None);
        }
        let now = self.cx.clock.now();
        self.attempts.check(name, address, now).map_err(|wait| {
            Error::exhausted(format!("too many wrong passwords for {name}; wait {wait} s and try again")).retry_after(wait)
        })?;
        match self.directories.ask(name, password).await? {
            Some(who) => self.admit(&who, None).await.map(Some),
            None => {
                self.attempts.note(name, address, now);
                Err(Error::unauthenticated("Invalid username or password"))
            }
        }
    }
}
