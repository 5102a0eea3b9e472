//! Where requests are passed to.

use artel_platform::{Error, Result};
use bytes::Bytes;
use http::HeaderValue;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use percent_encoding::percent_decode_str;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use url::Url;

/// Scheme of the addresses of Unix sockets, for [`super::Connector`]; their authority is the socket's path in hex digits.
pub(super) const UNIX: &str = "unix";

/// A server, and what stands before the path of each request to it.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    scheme: Scheme,
    authority: Authority,
    /// What a client of its own would send as `Host`.
    pub(super) host: HeaderValue,
    /// Without a slash at the end; empty for most.
    path: String,
    /// Empty for most.
    query: String,
}

impl Target {
    /// Reads `http://HOST[:PORT][/PATH]`, `https://…`, or `http+unix://SOCKET[/PATH]`, where the socket's path is
    /// percent-encoded.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::invalid(format!(
                "the target {:?} {why}: write http://HOST:PORT, https://HOST:PORT or http+unix://%2FPATH%2FOF%2FSOCKET",
                shown(text)
            ))
        };
        let url = Url::parse(text).map_err(|_| wrong("is no URL"))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("names no host"))?;
        let with_port = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let (scheme, authority, host) = match url.scheme() {
            "http" => (Scheme::HTTP, with_port.clone(), with_port),
            "https" => (Scheme::HTTPS, with_port.clone(), with_port),
            "http+unix" | "unix+http" => {
                let path: Vec<u8> = percent_decode_str(host).collect();
                (UNIX.parse().map_err(|_| wrong("has no known scheme"))?, encode_hex(&path), "localhost".to_owned())
            }
            _ => return Err(wrong("has another scheme")),
        };
        Ok(Self {
            scheme,
            authority: authority.parse().map_err(|_| wrong("names no host"))?,
            host: HeaderValue::from_str(&host).map_err(|_| wrong("names no host"))?,
            path: url.path().trim_end_matches('/').to_owned(),
            query: url.query().unwrap_or_default().to_owned(),
        })
    }

    /// The same server, with nothing put before a request's path.
    pub(crate) fn without_path(mut self) -> Self {
        self.path.clear();
        self.query.clear();
        self
    }

    /// `HOST[:PORT]`, the port only where it is not the scheme's own.
    pub(crate) fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// The address for a request's path: the target's path before it, the target's query before its query.
    pub(crate) fn uri(&self, wanted: Option<&PathAndQuery>) -> Result<Uri> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(match wanted {
            Some(wanted) if self.path.is_empty() && self.query.is_empty() => wanted.clone(),
            _ => self.joined(wanted)?,
        });
        Uri::from_parts(parts).map_err(|e| Error::internal("the request's path does not go with the target").because(e))
    }

    fn joined(&self, wanted: Option<&PathAndQuery>) -> Result<PathAndQuery> {
        let (path, query) = wanted.map_or(("", ""), |wanted| (wanted.path(), wanted.query().unwrap_or_default()));
        let slash = if path.starts_with('/') { "" } else { "/" };
        let both = if self.query.is_empty() || query.is_empty() { "" } else { "&" };
        let mark = if self.query.is_empty() && query.is_empty() { "" } else { "?" };
        let text = format!("{}{slash}{path}{mark}{}{both}{query}", self.path, self.query);
        PathAndQuery::from_maybe_shared(Bytes::from(text)).map_err(|e| Error::internal("the target's path is no path").because(e))
    }
}

/// For the log. A name and a password before the host are not kept at all, and the query may hold a secret as well.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match decode_hex(self.authority()).filter(|_| self.scheme.as_str() == UNIX) {
            Some(socket) => write!(f, "unix:{}{}", PathBuf::from(socket).display(), self.path),
            None => write!(f, "{}://{}{}", self.scheme, self.authority, self.path),
        }
    }
}

/// What may be shown of a text that is no target: neither a name and a password before the host nor a query.
fn shown(text: &str) -> &str {
    let before_query = text.split('?').next().unwrap_or_default();
    before_query.rsplit('@').next().unwrap_or_default()
}

fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode_hex(hex: &str) -> Option<OsString> {
    let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(hex.get(i..i + 2)?, 16).ok()).collect();
    Some(OsString::from_vec(bytes?))
}

/// The path of a Unix socket from its address.
pub(super) fn socket_path(uri: &Uri) -> Option<PathBuf> {
    Some(decode_hex(uri.authority()?.as_str())?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(target: &str, path: &str) -> String {
        let path = (!path.is_empty()).then(|| path.parse().unwrap());
        Target::parse(target).unwrap().uri(path.as_ref()).unwrap().to_string()
    }

    #[test]
    fn paths_and_queries_are_joined() {
        assert_eq!(joined("http://h:1", "/a/b?c=d"), "http://h:1/a/b?c=d");
        assert_eq!(joined("http://h:1/", "/a"), "http://h:1/a");
        assert_eq!(joined("http://h:1/foo", "/bar?q=1"), "http://h:1/foo/bar?q=1");
        assert_eq!(joined("http://h:1/foo/", "//bar"), "http://h:1/foo//bar");
        assert_eq!(joined("http://h:1/foo?x=1", "/bar?y=2"), "http://h:1/foo/bar?x=1&y=2");
        assert_eq!(joined("https://h/foo?x=1", "/bar"), "https://h/foo/bar?x=1");
        assert_eq!(joined("http://[::1]:80/", ""), "http://[::1]/");
    }

    #[test]
    fn sockets_keep_their_path() {
        for text in ["http+unix://%2Ftmp%2Fa%20b.sock/x", "unix+http://%2Ftmp%2Fa%20b.sock"] {
            let uri = Target::parse(text).unwrap().uri(None).unwrap();
            assert_eq!(uri.scheme_str(), Some(UNIX));
            assert_eq!(socket_path(&uri).unwrap(), std::path::Path::new("/tmp/a b.sock"));
        }
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in ["", "host", "/path", "://host", "ftp://host", "http://", "ws://host"] {
            assert!(Target::parse(text).is_err(), "{text} was taken");
        }
    }

    #[test]
    fn no_secret_of_a_target_is_shown() {
        for (text, says) in [
            ("http://ada:secret@h:1/foo/?token=secret", "http://h:1/foo"),
            ("https://h", "https://h"),
            ("http+unix://%2Ftmp%2Fa%20b.sock/x?secret", "unix:/tmp/a b.sock/x"),
        ] {
            assert_eq!(Target::parse(text).unwrap().to_string(), says);
        }
        for text in ["ftp://ada:secret@h", "http://ada:sec/secret@h", "h?token=secret"] {
            let error = Target::parse(text).err().unwrap_or_else(|| panic!("{text} was taken")).chain();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
