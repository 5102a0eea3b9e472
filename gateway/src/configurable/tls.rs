//! Certificates: what clients are shown and asked for, and what targets are.

use super::{ClientTls, ServerTls};
use artel_platform::{Error, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme, SupportedProtocolVersion, version::TLS12,
    version::TLS13,
};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// For a listener.
pub(super) fn server(tls: &ServerTls) -> Result<TlsAcceptor> {
    let flag = tls.flag;
    let (Some(key), Some(cert)) = (&tls.key, &tls.cert) else {
        return Err(Error::invalid(format!("{flag}-key and {flag}-cert go together: give both")));
    };
    let wrong = |e: rustls::Error| Error::invalid(format!("{flag}-key, {flag}-cert: {e}"));
    let versions = versions(tls.protocol.as_deref())?;
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions).map_err(wrong)?;
    let builder = match (tls.request_cert, &tls.ca) {
        (false, _) => builder.with_no_client_auth(),
        (true, None) => return Err(Error::invalid(format!("{flag}-request-cert needs {flag}-ca: who signs the clients' certificates?"))),
        (true, Some(ca)) => {
            let roots = Arc::new(roots(ca, &format!("{flag}-ca"))?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
            builder.with_client_cert_verifier(verifier.map_err(|e| Error::invalid(format!("{flag}-ca: {e}")))?)
        }
    };
    let (chain, key) = pair(cert, key, flag)?;
    let mut config = builder.with_single_cert(chain, key).map_err(wrong)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// For `https://` targets.
pub(super) fn client(tls: &ClientTls, insecure: bool) -> Result<Arc<ClientConfig>> {
    let flag = "--client-ssl";
    let wrong = |e: rustls::Error| Error::invalid(format!("{flag}-key, {flag}-cert: {e}"));
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().map_err(wrong)?;
    let builder = if insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider())))
    } else {
        builder.with_root_certificates(match &tls.ca {
            Some(ca) => roots(ca, &format!("{flag}-ca"))?,
            None => system_roots(),
        })
    };
    let config = match (&tls.key, &tls.cert) {
        (None, None) => builder.with_no_client_auth(),
        (Some(key), Some(cert)) => {
            let (chain, key) = pair(cert, key, flag)?;
            builder.with_client_auth_cert(chain, key).map_err(wrong)?
        }
        _ => return Err(Error::invalid(format!("{flag}-key and {flag}-cert go together: give both"))),
    };
    Ok(Arc::new(config))
}

static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

fn versions(protocol: Option<&str>) -> Result<&'static [&'static SupportedProtocolVersion]> {
    match protocol {
        None => Ok(&BOTH),
        Some("TLSv1_2") => Ok(&BOTH[1..]),
        Some("TLSv1_3") => Ok(&BOTH[..1]),
        Some(other) => Err(Error::invalid(format!("--ssl-protocol: {other:?} is not served, only TLSv1_2 and TLSv1_3 are"))),
    }
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn pair(cert: &Path, key: &Path, flag: &str) -> Result<Pair> {
    let chain = certificates(cert, &format!("{flag}-cert"))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|e| Error::invalid(format!("{flag}-key: cannot read {} (a PEM file without a passphrase): {e}", key.display())))?;
    Ok((chain, key))
}

fn certificates(file: &Path, flag: &str) -> Result<Vec<CertificateDer<'static>>> {
    let wrong = |e| Error::invalid(format!("{flag}: cannot read {} (a PEM file): {e}", file.display()));
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).map_err(wrong)?.collect();
    let found = found.map_err(wrong)?;
    if found.is_empty() {
        return Err(Error::invalid(format!("{flag}: {} holds no certificate", file.display())));
    }
    Ok(found)
}

fn roots(file: &Path, flag: &str) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file, flag)? {
        roots.add(certificate).map_err(|e| Error::invalid(format!("{flag}: {}: {e}", file.display())))?;
    }
    Ok(roots)
}

/// The system's list; where there is none, no `https://` target is believed.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// `--insecure`: whoever answers is believed.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
