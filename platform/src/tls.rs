//! TLS to servers elsewhere, trusted by this machine's root certificates (`SSL_CERT_FILE` names others).

use crate::error::{Error, Result};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// A connector to `http://` and `https://` over `tcp`.
pub fn https<T>(tcp: T) -> Result<HttpsConnector<T>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = match HttpsConnectorBuilder::new().with_provider_and_native_roots(provider.clone()) {
        Ok(builder) => builder,
        Err(error) => {
            tracing::warn!(%error, "no root certificates on this machine: requests to https:// will fail; install ca-certificates");
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(|e| Error::internal("TLS cannot be set up").because(e))?;
            HttpsConnectorBuilder::new().with_tls_config(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
        }
    };
    Ok(builder.https_or_http().enable_http1().wrap_connector(tcp))
}
