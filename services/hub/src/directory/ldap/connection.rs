//! One connection to the directory.

use super::Settings;
use artel_platform::{Error, Result};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Scope, SearchEntry, SearchOptions};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio_util::task::AbortOnDropHandle;

/// Result codes by which a directory says that somebody has not this password or may not sign in now (RFC 4511, appendix
/// A.1). Referrals are among them: who is known elsewhere is not known here.
const REFUSALS: &[u32] = &[
    10, // referral
    19, // constraintViolation: a policy for passwords
    32, // noSuchObject
    34, // invalidDNSyntax
    48, // inappropriateAuthentication
    49, // invalidCredentials
    50, // insufficientAccessRights
    53, // unwillingToPerform
];

/// The directory cannot be asked; `setting` is where an administrator begins to look. Why is for the log: who has not signed
/// in yet need not know.
pub(super) fn away(setting: &str, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let message = format!("the directory of users cannot be asked now; try again in a moment (the log says why; see hub.ldap.{setting})");
    Error::unavailable(message).because(why)
}

/// What is believed of the directory's certificate: whatever this machine believes, and `ca_file`.
pub(super) fn tls(settings: &Settings) -> Result<Option<Arc<ClientConfig>>> {
    if !settings.is_encrypted() {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if !settings.ca_file.is_empty() {
        let wrong = |why: String| Error::invalid(format!("setting hub.ldap.ca_file: {}: {why}", settings.ca_file));
        let found = CertificateDer::pem_file_iter(&settings.ca_file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let found = found.map_err(|e| wrong(e.to_string()))?;
        if found.is_empty() {
            return Err(wrong("there is no certificate in this file".into()));
        }
        for certificate in found {
            roots.add(certificate).map_err(|e| wrong(e.to_string()))?;
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|e| Error::internal("TLS cannot be set up").because(e))?;
    Ok(Some(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
}

/// A connection that ends when nobody has it any more, whatever it waits for.
pub(super) struct Connection {
    ldap: Ldap,
    _driver: AbortOnDropHandle<()>,
}

impl Connection {
    pub(super) async fn open(settings: &Settings, tls: Option<Arc<ClientConfig>>) -> Result<Self> {
        let mut how = LdapConnSettings::new().set_starttls(settings.start_tls);
        if let Some(tls) = tls {
            how = how.set_config(tls);
        }
        let (connection, ldap) = LdapConnAsync::with_settings(how, &settings.url).await.map_err(|e| away("url", e))?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(%error, "a connection to the directory has broken");
            }
        });
        Ok(Self { ldap, _driver: AbortOnDropHandle::new(driver) })
    }

    /// Is that the password of `dn`? From here on the connection is theirs.
    pub(super) async fn bind(&mut self, dn: &str, password: &str) -> Result<bool> {
        // a bind without a name or a password succeeds as nobody in particular (RFC 4513, 5.1.1 and 5.1.2)
        if dn.is_empty() || password.is_empty() {
            return Ok(false);
        }
        let said = self.ldap.simple_bind(dn, password).await.map_err(|e| away("url", e))?;
        if said.rc == 0 {
            return Ok(true);
        }
        if REFUSALS.contains(&said.rc) {
            tracing::info!(dn, %said, "the directory has refused a login");
            return Ok(false);
        }
        Err(away("url", said))
    }

    /// Entries that fit, with these attributes, at most `most` (0: all); `setting` said where to look. Entries of other
    /// directories that this one refers to are not among them.
    pub(super) async fn search(
        &mut self,
        setting: &str,
        (base, scope): (&str, Scope),
        filter: &str,
        attributes: Vec<&str>,
        most: i32,
    ) -> Result<Vec<SearchEntry>> {
        let options = SearchOptions::new().sizelimit(most);
        let found = self.ldap.with_search_options(options).search(base, scope, filter, attributes).await;
        let (entries, said) = found.map(|found| (found.0, found.1)).map_err(|e| away(setting, e))?;
        // 4, sizeLimitExceeded: there are more than `most`, which is all that was to be known
        if said.rc == 0 || (said.rc == 4 && most > 0 && entries.len() == most as usize) {
            return Ok(entries.into_iter().map(SearchEntry::construct).collect());
        }
        Err(away(setting, said))
    }
}
