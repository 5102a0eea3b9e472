//! Signing in by OpenID Connect: the authorization code flow with PKCE and a nonce (OpenID Connect Core 1.0, RFC 7636).

mod claims;
mod http;
mod provider;
mod trip;

pub(crate) use provider::{Checked, SignedIn};
pub(crate) use trip::{LIFE, Trip, cookie};

use artel_platform::{Error, Result};
use http::Http;
use serde::Deserialize;
use std::fmt;

/// The section `[hub.oidc]` of the settings. Each is explained in `artel.toml`.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The provider's URL, as its discovery document says it; empty: nobody signs in so.
    pub issuer: String,
    /// As which the provider knows this installation.
    pub client_id: String,
    /// How it proves that it is.
    pub client_secret: String,
    /// A file that holds it.
    pub client_secret_file: String,
    /// What the button says.
    pub display_name: String,
    /// What the provider is asked for.
    pub scopes: Vec<String>,
    /// The claim that is the user's name.
    pub username_claim: String,
    /// The claim that lists the user's groups; empty: groups are kept here.
    pub groups_claim: String,
    /// The claim that lists the user's roles; empty: roles are given here.
    pub roles_claim: String,
    /// Groups whose members are administrators; empty: administrators are made here.
    pub admin_groups: Vec<String>,
    /// Whether somebody may sign in as a user of the same name who has a password here.
    pub link_existing_users: bool,
    /// Whether the login page leads to the provider at once.
    pub auto_login: bool,
    /// Seconds after which the provider is asked again whether somebody may still be here.
    pub refresh_seconds: u64,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("oidc").field("issuer", &self.issuer).field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl Settings {
    /// Fails for settings by which nobody can sign in.
    pub(crate) fn check(&self) -> Result<()> {
        if self.issuer.is_empty() {
            return Ok(());
        }
        let url = url::Url::parse(&self.issuer).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        if url.is_none() {
            return Err(Error::invalid(format!("setting hub.oidc.issuer: {:?} is no http:// or https:// URL", self.issuer)));
        }
        for (name, value) in
            [("client_id", &self.client_id), ("username_claim", &self.username_claim), ("display_name", &self.display_name)]
        {
            if value.is_empty() {
                return Err(Error::invalid(format!("setting hub.oidc.{name} must be set where hub.oidc.issuer is")));
            }
        }
        if self.refresh_seconds == 0 {
            return Err(Error::invalid("setting hub.oidc.refresh_seconds must be 1 or more"));
        }
        Ok(())
    }

    /// With the secret from its file.
    fn with_secret(mut self) -> Result<Self> {
        let file = &self.client_secret_file;
        if !file.is_empty() {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|e| Error::invalid(format!("cannot read hub.oidc.client_secret_file {file}: {e}")))?;
            self.client_secret = text.trim().to_owned();
        }
        Ok(self)
    }
}

/// The provider that users sign in at.
pub(crate) struct Oidc {
    pub(crate) settings: Settings,
    redirect_uri: String,
    http: Http,
    known: tokio::sync::Mutex<Option<provider::Known>>,
}

impl Oidc {
    /// `None` without an issuer. `public_url` is where browsers find the suite.
    pub(crate) fn new(settings: &Settings, public_url: &str) -> Result<Option<Self>> {
        if settings.issuer.is_empty() {
            return Ok(None);
        }
        let redirect_uri = format!("{public_url}/hub/oauth_callback");
        Ok(Some(Self { settings: settings.clone().with_secret()?, redirect_uri, http: Http::new()?, known: Default::default() }))
    }
}
