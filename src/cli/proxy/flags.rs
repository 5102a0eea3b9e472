//! The flags, and what `--help` says beside them.

use clap::Args;
use std::path::PathBuf;

const MORE: &str = "\
With JupyterHub, put a file `configurable-http-proxy` on the PATH:

    #!/bin/sh
    exec artel proxy \"$@\"

or name it in jupyterhub_config.py:

    c.ConfigurableHTTPProxy.command = ['artel', 'proxy']

By hand, with CONFIGPROXY_AUTH_TOKEN=secret in the environment:

    artel proxy --port 8000 --default-target http://127.0.0.1:9000 --error-target http://127.0.0.1:9000/error
    curl -H 'Authorization: token secret' localhost:8001/api/routes
    curl -H 'Authorization: token secret' localhost:8001/api/routes/user/ada -d '{\"target\": \"http://127.0.0.1:8888\"}'
    curl -H 'Authorization: token secret' localhost:8001/api/routes/user/ada -X DELETE

A request goes to the route with the longest prefix of its path, segment by segment, and keeps its path: /user/ada/lab goes to
http://127.0.0.1:8888/user/ada/lab. Routes are percent-decoded, so /user/a@b and /user/a%40b are one. Any other fields of a route's
JSON are kept and shown. `GET /api/routes?inactiveSince=2026-01-31T12:00:00Z` shows the routes that nobody used since. What
counts as use is a success and what a client sends, in a WebSocket too.

A target is http://HOST:PORT, https://HOST:PORT or http+unix://%2Fpath%2Fof%2Fsocket, with a path if need be, which then stands before the
request's. WebSockets, server-sent events and bodies of any length are passed on as they come; there is no time limit but those given.

Where nothing leads, the answer is 404; where nobody answers, 503. The page comes from --error-target, which is asked for
/404?url=... or /503?url=..., or from --error-path. /_chp_healthz answers {\"status\": \"OK\"}.

Environment: CONFIGPROXY_AUTH_TOKEN is what requests to the API must show. Routes are kept in memory; the hub sets them again when
the proxy was started again.";

/// The routing proxy by itself: what configurable-http-proxy is to JupyterHub.
///
/// It passes requests and WebSockets on by routes that are set over a REST API. Flags and API are those of
/// configurable-http-proxy 5; a flag that has no meaning here is refused, not ignored.
#[derive(Args)]
#[command(args_override_self = true, after_long_help = MORE)]
pub struct Proxy {
    /// Address to serve on, a name or an IP; all interfaces if not given (or "*")
    #[arg(long, value_name = "IP", default_value = "", hide_default_value = true)]
    pub(super) ip: String,
    /// Port to serve on
    #[arg(long, value_name = "N", default_value_t = 8000)]
    pub(super) port: u16,
    /// Unix socket to serve on, instead of --ip and --port
    #[arg(long, value_name = "PATH", conflicts_with_all = ["ip", "port"])]
    pub(super) socket: Option<PathBuf>,
    /// Address of the API
    #[arg(long, value_name = "IP", default_value = "localhost")]
    pub(super) api_ip: String,
    /// Port of the API; --port plus one if not given
    #[arg(long, value_name = "N")]
    pub(super) api_port: Option<u16>,
    /// Unix socket of the API, instead of --api-ip and --api-port
    #[arg(long, value_name = "PATH", conflicts_with_all = ["api_ip", "api_port"])]
    pub(super) api_socket: Option<PathBuf>,

    /// Where requests go for which there is no other route
    #[arg(long, value_name = "URL", help_heading = "Targets")]
    pub(super) default_target: Option<String>,
    /// Server that is asked for error pages
    #[arg(long, value_name = "URL", help_heading = "Targets")]
    pub(super) error_target: Option<String>,
    /// Folder of error pages: 404.html, 503.html, error.html
    #[arg(long, value_name = "PATH", help_heading = "Targets")]
    pub(super) error_path: Option<PathBuf>,
    /// The host is the first segment of a route: /ada.hub.org/user/ada
    #[arg(long, help_heading = "Targets")]
    pub(super) host_routing: bool,

    /// Add no X-Forwarded-For, -Port, -Proto, -Host
    #[arg(long, help_heading = "What is changed in requests and answers")]
    pub(super) no_x_forward: bool,
    /// Leave a target's path out of the requests to it
    #[arg(long, help_heading = "What is changed in requests and answers")]
    pub(super) no_prepend_path: bool,
    /// Cut the route's prefix off the request's path
    #[arg(long, help_heading = "What is changed in requests and answers")]
    pub(super) no_include_prefix: bool,
    /// Redirects of a target to itself lead to the proxy
    #[arg(long, help_heading = "What is changed in requests and answers")]
    pub(super) auto_rewrite: bool,
    /// Redirects of a target to itself get this scheme
    #[arg(long, value_name = "PROTO", help_heading = "What is changed in requests and answers")]
    pub(super) protocol_rewrite: Option<String>,
    /// Host becomes the target's
    #[arg(long, help_heading = "What is changed in requests and answers")]
    pub(super) change_origin: bool,
    /// Header to set in each request, NAME:VALUE; may be given again
    #[arg(long, value_name = "HEADER", help_heading = "What is changed in requests and answers")]
    pub(super) custom_header: Vec<String>,

    /// Drop a client's connection that is silent for so long during a request; never if not given, nor in a WebSocket
    #[arg(long, value_name = "MS", help_heading = "Limits")]
    pub(super) timeout: Option<u64>,
    /// Answer 503 when a target is silent for so long; never if not given, nor in a WebSocket
    #[arg(long, value_name = "MS", help_heading = "Limits")]
    pub(super) proxy_timeout: Option<u64>,
    /// How long a client's connection may wait for its next request; 0 is the default
    #[arg(long, value_name = "MS", default_value_t = 75_000, help_heading = "Limits")]
    pub(super) keep_alive_timeout: u64,

    /// Private key to serve HTTPS with, a PEM file without a passphrase
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(super) ssl_key: Option<PathBuf>,
    /// Certificate to serve HTTPS with, a PEM file, its chain included
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(super) ssl_cert: Option<PathBuf>,
    /// Who signs the clients' certificates, a PEM file
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(super) ssl_ca: Option<PathBuf>,
    /// Refuse clients that show no certificate signed by --ssl-ca
    #[arg(long, help_heading = "TLS")]
    pub(super) ssl_request_cert: bool,
    /// Always done with --ssl-request-cert
    #[arg(long, help_heading = "TLS")]
    pub(super) ssl_reject_unauthorized: bool,
    /// Only this version: TLSv1_2 or TLSv1_3
    #[arg(long, value_name = "PROTOCOL", help_heading = "TLS")]
    pub(super) ssl_protocol: Option<String>,
    /// Private key of the API
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(super) api_ssl_key: Option<PathBuf>,
    /// Certificate of the API
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(super) api_ssl_cert: Option<PathBuf>,
    /// Who signs the certificates of the API's clients
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(super) api_ssl_ca: Option<PathBuf>,
    /// Refuse clients of the API that show no certificate signed by --api-ssl-ca
    #[arg(long, help_heading = "TLS")]
    pub(super) api_ssl_request_cert: bool,
    /// Always done with --api-ssl-request-cert
    #[arg(long, help_heading = "TLS")]
    pub(super) api_ssl_reject_unauthorized: bool,
    /// Private key that https:// targets are shown
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(super) client_ssl_key: Option<PathBuf>,
    /// Certificate that https:// targets are shown
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(super) client_ssl_cert: Option<PathBuf>,
    /// Who signs the targets' certificates; the system's list if not given
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(super) client_ssl_ca: Option<PathBuf>,
    /// Always done: targets show a certificate in any case
    #[arg(long, help_heading = "TLS")]
    pub(super) client_ssl_request_cert: bool,
    /// Always done, unless with --insecure
    #[arg(long, help_heading = "TLS")]
    pub(super) client_ssl_reject_unauthorized: bool,
    /// Believe any certificate of a target
    #[arg(long, help_heading = "TLS")]
    pub(super) insecure: bool,
    /// Send plain HTTP on this port to HTTPS
    #[arg(long, value_name = "PORT", help_heading = "TLS")]
    pub(super) redirect_port: Option<u16>,
    /// The port to send it to; --port if not given
    #[arg(long, value_name = "PORT", requires = "redirect_port", help_heading = "TLS")]
    pub(super) redirect_to: Option<u16>,

    /// Address of the metrics; all interfaces if not given
    #[arg(long, value_name = "IP", default_value = "", hide_default_value = true, help_heading = "Running it")]
    pub(super) metrics_ip: String,
    /// Port of the metrics, at /metrics; none if not given
    #[arg(long, value_name = "N", help_heading = "Running it")]
    pub(super) metrics_port: Option<u16>,
    /// Unix socket of the metrics, instead of an address
    #[arg(long, value_name = "PATH", conflicts_with_all = ["metrics_ip", "metrics_port"], help_heading = "Running it")]
    pub(super) metrics_socket: Option<PathBuf>,
    /// File for the process's number; removed at the end
    #[arg(long, value_name = "FILE", help_heading = "Running it")]
    pub(super) pid_file: Option<PathBuf>,
    /// debug (each request), info, warn or error
    #[arg(long, value_name = "LEVEL", default_value = "info", help_heading = "Running it")]
    pub(super) log_level: String,

    /// Print whose version of the flags and the API this is
    #[arg(long, short = 'V', help_heading = "Running it")]
    pub(super) version: bool,

    /// Refused: TLS 1.2 and 1.3 have no weak ciphers here
    #[arg(long, value_name = "CIPHERS", help_heading = "Of configurable-http-proxy, refused here")]
    pub(super) ssl_ciphers: Option<String>,
    /// Refused: RC4 is broken
    #[arg(long, help_heading = "Of configurable-http-proxy, refused here")]
    pub(super) ssl_allow_rc4: bool,
    /// Refused: keys are exchanged over elliptic curves
    #[arg(long, value_name = "FILE", help_heading = "Of configurable-http-proxy, refused here")]
    pub(super) ssl_dhparam: Option<PathBuf>,
    /// Refused: routes are kept in memory
    #[arg(long, value_name = "CLASS", help_heading = "Of configurable-http-proxy, refused here")]
    pub(super) storage_backend: Option<String>,
}
