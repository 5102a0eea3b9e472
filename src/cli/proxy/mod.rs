//! `artel proxy`: the flags of configurable-http-proxy 5, word for word. JupyterHub starts it with them.

mod flags;

pub use flags::Proxy;

use artel_gateway::configurable::{ClientTls, Configurable, Listen, Options, Redirect, ServerTls};
use artel_platform::config::Log;
use artel_platform::{Error, Result};
use std::path::PathBuf;
use std::time::Duration;

/// The version whose flags and API these are.
const VERSION: &str = concat!("5.3.0 (artel ", env!("CARGO_PKG_VERSION"), ")");

impl Proxy {
    pub(super) async fn run(self) -> Result<()> {
        if self.version {
            println!("{VERSION}");
            return Ok(());
        }
        let filter = match self.log_level.to_lowercase().as_str() {
            level @ ("error" | "warn" | "info") => level.to_owned(),
            "debug" => "info,artel_gateway=debug".to_owned(),
            other => return Err(Error::invalid(format!("--log-level: {other:?} is none of debug, info, warn, error"))),
        };
        artel_platform::telemetry::start(&Log { format: "human".into(), filter })?;
        many_sockets();
        Configurable::listen(self.options()?).await?.serve(crate::serve::signalled()).await
    }

    fn options(self) -> Result<Options> {
        self.refuse()?;
        let public = listen(self.socket.clone(), &self.ip, self.port);
        // CHP counts from its default port when it serves on a socket
        let api = match (self.api_socket.clone(), self.api_port.or_else(|| self.port.checked_add(1))) {
            (None, None) => return Err(Error::invalid("--port 65535 has no port after it: give --api-port")),
            (socket, port) => listen(socket, &self.api_ip, port.unwrap_or_default()),
        };
        let metrics = match (self.metrics_socket.clone(), self.metrics_port) {
            (None, None) => None,
            (socket, port) => Some(listen(socket, &self.metrics_ip, port.unwrap_or_default())),
        };
        let to = self.redirect_to.unwrap_or(self.port);
        let redirect = self.redirect_port.map(|port| Redirect { listen: listen(None, &self.ip, port), to });
        let millis = |limit: Option<u64>| limit.filter(|limit| *limit > 0).map(Duration::from_millis);
        let plain = Options::new(public, api);
        Ok(Options {
            metrics,
            tls: self.tls()?,
            api_tls: self.api_tls()?,
            client_tls: ClientTls { key: self.client_ssl_key, cert: self.client_ssl_cert, ca: self.client_ssl_ca },
            insecure: self.insecure,
            redirect,
            default_target: self.default_target,
            error_target: self.error_target,
            error_path: self.error_path,
            pid_file: self.pid_file,
            x_forward: !self.no_x_forward,
            prepend_path: !self.no_prepend_path,
            include_prefix: !self.no_include_prefix,
            auto_rewrite: self.auto_rewrite,
            protocol_rewrite: self.protocol_rewrite,
            change_origin: self.change_origin,
            custom_headers: self.custom_header,
            host_routing: self.host_routing,
            timeout: millis(self.timeout),
            proxy_timeout: millis(self.proxy_timeout),
            keep_alive: millis(Some(self.keep_alive_timeout)).unwrap_or(plain.keep_alive),
            auth_token: std::env::var("CONFIGPROXY_AUTH_TOKEN").ok().filter(|token| !token.is_empty()),
            ..plain
        })
    }

    /// What cannot be done is said, not left out.
    fn refuse(&self) -> Result<()> {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let refused = [
            (self.ssl_ciphers.is_some(), "--ssl-ciphers: the ciphers of TLS 1.2 and 1.3 that are served are all strong; leave it out"),
            (self.ssl_allow_rc4, "--ssl-allow-rc4: RC4 is not served; leave it out"),
            (self.ssl_dhparam.is_some(), "--ssl-dhparam: keys are exchanged over elliptic curves, which need none; leave it out"),
            (
                self.storage_backend.is_some(),
                "--storage-backend: routes are kept in memory, and a class of Node.js cannot be loaded; leave it out",
            ),
            (
                self.ssl_reject_unauthorized && !self.ssl_request_cert,
                "--ssl-reject-unauthorized: no client is asked for a certificate; give --ssl-request-cert too",
            ),
            (
                self.api_ssl_reject_unauthorized && !self.api_ssl_request_cert,
                "--api-ssl-reject-unauthorized: no client is asked for a certificate; give --api-ssl-request-cert too",
            ),
            (
                set("CONFIGPROXY_SSL_KEY_PASSPHRASE") || set("CONFIGPROXY_API_SSL_KEY_PASSPHRASE"),
                "CONFIGPROXY_SSL_KEY_PASSPHRASE and CONFIGPROXY_API_SSL_KEY_PASSPHRASE: keys with a passphrase are not read; write the key \
                 without one (openssl pkey -in KEY -out PLAIN) and unset them",
            ),
        ];
        match refused.into_iter().find(|(given, _)| *given) {
            Some((_, why)) => Err(Error::invalid(why)),
            None => Ok(()),
        }
    }

    fn tls(&self) -> Result<Option<ServerTls>> {
        serving(ServerTls {
            flag: "--ssl",
            key: self.ssl_key.clone(),
            cert: self.ssl_cert.clone(),
            ca: self.ssl_ca.clone(),
            request_cert: self.ssl_request_cert,
            // it is the API's as well, whose own flags may be the only ones
            protocol: self.ssl_protocol.clone().filter(|_| self.ssl_key.is_some() || self.api_ssl_key.is_none()),
        })
    }

    fn api_tls(&self) -> Result<Option<ServerTls>> {
        serving(ServerTls {
            flag: "--api-ssl",
            key: self.api_ssl_key.clone(),
            cert: self.api_ssl_cert.clone(),
            ca: self.api_ssl_ca.clone(),
            request_cert: self.api_ssl_request_cert,
            protocol: self.ssl_protocol.clone().filter(|_| self.api_ssl_key.is_some()),
        })
    }
}

/// Each WebSocket takes two descriptors: as many as the system lets us have, as Node.js does.
fn many_sockets() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!("the limit of open files stays as it is: {error}");
    }
}

fn listen(socket: Option<PathBuf>, ip: &str, port: u16) -> Listen {
    match socket {
        Some(path) => Listen::Unix(path),
        None => Listen::Tcp { ip: if ip == "*" { String::new() } else { ip.to_owned() }, port },
    }
}

/// TLS, when there is a key and a certificate; the flags that belong to it are not left unheard without.
fn serving(tls: ServerTls) -> Result<Option<ServerTls>> {
    let flag = tls.flag;
    let given = tls.ca.is_some() || tls.request_cert || tls.protocol.is_some();
    match (tls.key.is_some(), tls.cert.is_some()) {
        (true, true) => Ok(Some(tls)),
        (false, false) if !given => Ok(None),
        _ => Err(Error::invalid(format!("flags {flag}-… are given: they need {flag}-key and {flag}-cert"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        proxy: Proxy,
    }

    fn options(flags: &[&str]) -> Result<Options> {
        Alone::try_parse_from([&["proxy"], flags].concat()).map_err(|e| Error::invalid(e.to_string()))?.proxy.options()
    }

    /// `configurable-http-proxy --help`, 5.3.0.
    const FLAGS: &str = "ip port socket ssl-key ssl-cert ssl-ca ssl-request-cert ssl-reject-unauthorized ssl-protocol ssl-ciphers \
        ssl-allow-rc4 ssl-dhparam api-ip api-port api-socket api-ssl-key api-ssl-cert api-ssl-ca api-ssl-request-cert \
        api-ssl-reject-unauthorized client-ssl-key client-ssl-cert client-ssl-ca client-ssl-request-cert \
        client-ssl-reject-unauthorized default-target error-target error-path redirect-port redirect-to pid-file no-x-forward \
        no-prepend-path no-include-prefix auto-rewrite change-origin protocol-rewrite custom-header insecure host-routing metrics-ip \
        metrics-port metrics-socket log-level timeout proxy-timeout storage-backend keep-alive-timeout version help";

    #[test]
    fn every_flag_is_known_and_no_other() {
        let mut command = Alone::command();
        command.build();
        let mut known: Vec<&str> = command.get_arguments().filter_map(|flag| flag.get_long()).collect();
        let mut upstream: Vec<&str> = FLAGS.split_whitespace().collect();
        known.sort_unstable();
        upstream.sort_unstable();
        assert_eq!(known, upstream);
    }

    #[test]
    fn jupyterhubs_command_line_is_understood() {
        let given = "--ip  --port 8000 --api-ip 127.0.0.1 --api-port 8001 --error-target http://127.0.0.1:8081/hub/error --log-level INFO";
        let options = options(&given.split(' ').collect::<Vec<_>>()).unwrap();
        assert_eq!((options.public.to_string(), options.api.to_string()), ("*:8000".into(), "127.0.0.1:8001".into()));
        assert_eq!(options.error_target.as_deref(), Some("http://127.0.0.1:8081/hub/error"));
    }

    #[test]
    fn defaults_are_upstreams() {
        let plain = options(&[]).unwrap();
        assert_eq!((plain.public.to_string(), plain.api.to_string()), ("*:8000".into(), "localhost:8001".into()));
        assert!(plain.x_forward && plain.prepend_path && plain.include_prefix && plain.metrics.is_none());
        assert_eq!(options(&["--port=9000"]).unwrap().api.to_string(), "localhost:9001");
        assert_eq!(options(&["--port", "1", "--port", "2", "--ip", "*"]).unwrap().public.to_string(), "*:2");
        let headers = options(&["--custom-header", "a:1", "--custom-header", "b: 2"]).unwrap().custom_headers;
        assert_eq!(headers, ["a:1", "b: 2"]);
        let unlimited = options(&["--keep-alive-timeout", "0", "--timeout", "0", "--proxy-timeout", "0"]).unwrap();
        assert_eq!((unlimited.keep_alive, unlimited.timeout, unlimited.proxy_timeout), (plain.keep_alive, None, None));
        assert_eq!(options(&["--socket", "/a", "--api-socket", "/b"]).unwrap().public.to_string(), "/a");
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for (flags, says) in [
            (&["--storage-backend", "redis"][..], "--storage-backend"),
            (&["--ssl-ciphers", "HIGH"], "--ssl-ciphers"),
            (&["--ssl-allow-rc4"], "--ssl-allow-rc4"),
            (&["--ssl-dhparam", "file"], "--ssl-dhparam"),
            (&["--ssl-key", "file"], "--ssl-cert"),
            (&["--ssl-request-cert"], "--ssl-key"),
            (&["--ssl-reject-unauthorized"], "--ssl-request-cert"),
            (&["--api-ssl-reject-unauthorized"], "--api-ssl-request-cert"),
            (&["--api-ssl-ca", "file"], "--api-ssl-key"),
            (&["--socket", "/a", "--port", "1"], "--port"),
            (&["--port", "99999"], "99999"),
            (&["--port", "65535"], "--api-port"),
            (&["--no-such-flag"], "--no-such-flag"),
        ] {
            let error = options(flags).err().unwrap_or_else(|| panic!("{flags:?} was taken"));
            assert!(error.message.contains(says), "{flags:?}: {}", error.message);
        }
    }
}
