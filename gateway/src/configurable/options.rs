//! What `artel proxy` is told on its command line.

use super::Listen;
use artel_platform::{Error, Result};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::path::PathBuf;
use std::time::Duration;

/// Everything that can be set; the flags of `artel proxy` say what each is for. It holds the token, and cannot be printed.
#[derive(Clone)]
pub struct Options {
    /// Where the public is served.
    pub public: Listen,
    /// Where routes are set.
    pub api: Listen,
    /// Where metrics are, if anywhere.
    pub metrics: Option<Listen>,
    /// TLS for the public.
    pub tls: Option<ServerTls>,
    /// TLS for the API.
    pub api_tls: Option<ServerTls>,
    /// What `https://` targets are shown and held against.
    pub client_tls: ClientTls,
    /// Certificates of targets are not looked at.
    pub insecure: bool,
    /// Plain HTTP that is sent to the TLS port.
    pub redirect: Option<Redirect>,
    /// Target of the route `/`.
    pub default_target: Option<String>,
    /// Server that makes the error pages: it is asked for `/CODE?url=…`.
    pub error_target: Option<String>,
    /// Folder of error pages: `CODE.html`, else `error.html`.
    pub error_path: Option<PathBuf>,
    /// Holds the process's number.
    pub pid_file: Option<PathBuf>,
    /// `X-Forwarded-*` are added.
    pub x_forward: bool,
    /// A target's path stands before the request's.
    pub prepend_path: bool,
    /// The route's prefix stays in the request's path.
    pub include_prefix: bool,
    /// The host of redirects to the target becomes the client's Host.
    pub auto_rewrite: bool,
    /// The scheme of redirects to the target becomes this.
    pub protocol_rewrite: Option<String>,
    /// Host becomes the target's.
    pub change_origin: bool,
    /// Set in each passed request, `NAME:VALUE`.
    pub custom_headers: Vec<String>,
    /// The first segment of a route is the host.
    pub host_routing: bool,
    /// A client's connection that is silent for so long during a request is dropped.
    pub timeout: Option<Duration>,
    /// A target that is silent for so long is given up.
    pub proxy_timeout: Option<Duration>,
    /// How long a client's connection waits for a request.
    pub keep_alive: Duration,
    /// What API requests must show.
    pub auth_token: Option<String>,
}

/// Certificates of a listener, PEM files.
#[derive(Debug, Clone, Default)]
pub struct ServerTls {
    /// `--ssl` or `--api-ssl`, for messages.
    pub flag: &'static str,
    /// Private key.
    pub key: Option<PathBuf>,
    /// Certificate and its chain.
    pub cert: Option<PathBuf>,
    /// Who signs clients' certificates.
    pub ca: Option<PathBuf>,
    /// Clients are asked for a certificate, and refused without one: Node.js refuses them unless it is told not to, and no flag
    /// of CHP tells it.
    pub request_cert: bool,
    /// `TLSv1_2` or `TLSv1_3` only.
    pub protocol: Option<String>,
}

/// Certificates for targets, PEM files.
#[derive(Debug, Clone, Default)]
pub struct ClientTls {
    /// Private key.
    pub key: Option<PathBuf>,
    /// Certificate that targets are shown.
    pub cert: Option<PathBuf>,
    /// Who signs targets' certificates; the system's list where none is given.
    pub ca: Option<PathBuf>,
}

/// From HTTP to HTTPS.
#[derive(Debug, Clone)]
pub struct Redirect {
    /// Where plain HTTP is taken.
    pub listen: Listen,
    /// Port that clients are sent to.
    pub to: u16,
}

impl Options {
    /// With the defaults, on these addresses.
    pub fn new(public: Listen, api: Listen) -> Self {
        Self {
            public,
            api,
            metrics: None,
            tls: None,
            api_tls: None,
            client_tls: ClientTls::default(),
            insecure: false,
            redirect: None,
            default_target: None,
            error_target: None,
            error_path: None,
            pid_file: None,
            x_forward: true,
            prepend_path: true,
            include_prefix: true,
            auto_rewrite: false,
            protocol_rewrite: None,
            change_origin: false,
            custom_headers: Vec::new(),
            host_routing: false,
            timeout: None,
            proxy_timeout: None,
            keep_alive: Duration::from_secs(75),
            auth_token: None,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.error_target.is_some() && self.error_path.is_some() {
            return Err(Error::invalid("give --error-target or --error-path, not both"));
        }
        if self.redirect.is_some() && self.tls.is_none() {
            return Err(Error::invalid("--redirect-port sends clients to HTTPS: give --ssl-key and --ssl-cert too"));
        }
        match self.protocol_rewrite.as_deref() {
            None | Some("http" | "https") => Ok(()),
            Some(other) => Err(Error::invalid(format!("--protocol-rewrite: {other:?} is neither http nor https"))),
        }
    }

    pub(super) fn custom_headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (at, text) in self.custom_headers.iter().enumerate() {
            // its value may be a secret
            let wrong = || Error::invalid(format!("--custom-header: number {} is no header, write NAME:VALUE", at + 1));
            let (name, value) = text.split_once(':').ok_or_else(wrong)?;
            let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
            headers.insert(name, HeaderValue::from_str(value.trim()).map_err(|_| wrong())?);
        }
        Ok(headers)
    }
}
