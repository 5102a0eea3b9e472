//! Headers of a passed request. Host stays as it is, unless told otherwise: jupyter_server compares it with Origin.

use super::Target;
use artel_platform::http::INTERNAL_HEADER;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::net::IpAddr;

/// Of one connection only (RFC 9110 §7.6.1).
static HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("proxy-connection"),
];
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

/// What is added on the way.
#[derive(Default)]
pub(crate) struct Forwarded<'a> {
    /// The signed identity, for a service of ours.
    pub(crate) identity: Option<String>,
    /// `X-Forwarded-*`; without it none are added.
    pub(crate) client: Option<Client<'a>>,
    /// Set in every request.
    pub(crate) extra: Option<&'a HeaderMap>,
    /// Host becomes the target's.
    pub(crate) target_host: bool,
    /// The cookie that the target does not get to see.
    pub(crate) withheld_cookie: Option<&'static str>,
}

/// Whom the request is from, for the target.
pub(crate) struct Client<'a> {
    pub(crate) ip: Option<IpAddr>,
    /// As the client sees it.
    pub(crate) scheme: &'a str,
    /// Proxies before this one said more: scheme and port are appended to theirs and their host stays, as
    /// configurable-http-proxy does; otherwise what they said is replaced.
    pub(crate) append: bool,
}

/// Turns the client's headers into those of the request to the target.
pub(super) fn of_request(headers: &mut HeaderMap, target: &Target, forwarded: &Forwarded<'_>) {
    strip(headers);
    headers.remove(INTERNAL_HEADER);
    if let Some(name) = forwarded.withheld_cookie {
        withhold(headers, name);
    }
    let host = headers.get(header::HOST).cloned();
    if let Some(client) = &forwarded.client {
        add_client(headers, host.as_ref(), client);
    }
    if forwarded.target_host || host.is_none() {
        headers.insert(header::HOST, target.host.clone());
    }
    for (name, value) in forwarded.extra.into_iter().flatten() {
        headers.insert(name, value.clone());
    }
    if let Some(Ok(identity)) = forwarded.identity.as_deref().map(HeaderValue::from_str) {
        headers.insert(INTERNAL_HEADER, identity);
    }
}

/// Takes one cookie out of those of the request.
fn withhold(headers: &mut HeaderMap, cookie: &str) {
    let is_it = |pair: &[u8]| pair.trim_ascii_start().strip_prefix(cookie.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'='));
    let sent: Vec<HeaderValue> = headers.get_all(header::COOKIE).iter().cloned().collect();
    if !sent.iter().any(|line| line.as_bytes().split(|b| *b == b';').any(is_it)) {
        return;
    }
    headers.remove(header::COOKIE);
    for line in sent {
        let kept: Vec<&[u8]> = line.as_bytes().split(|b| *b == b';').filter(|pair| !is_it(pair)).map(<[u8]>::trim_ascii).collect();
        if let Some(line) = HeaderValue::from_bytes(&kept.join(&b"; "[..])).ok().filter(|line| !line.is_empty()) {
            headers.append(header::COOKIE, line);
        }
    }
}

fn add_client(headers: &mut HeaderMap, host: Option<&HeaderValue>, client: &Client<'_>) {
    let standard = if matches!(client.scheme, "https" | "wss") { "443" } else { "80" };
    let name = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let port = name.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    let port = port.unwrap_or(standard).to_owned();
    // over a Unix socket it is another proxy who comes, and has no address
    if let Some(ip) = client.ip {
        put(headers, FORWARDED_FOR, &ip.to_canonical().to_string(), true);
    }
    put(headers, FORWARDED_PROTO, client.scheme, client.append);
    put(headers, FORWARDED_PORT, &port, client.append);
    if client.append && headers.contains_key(&FORWARDED_HOST) {
        return;
    }
    headers.remove(&FORWARDED_HOST);
    if let Some(host) = host {
        headers.insert(FORWARDED_HOST, host.clone());
    }
}

/// Sets a header; with `append` after what is there, which may be in several lines.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str, append: bool) {
    let mut whole = String::new();
    for before in headers.get_all(&name).iter().filter(|_| append).filter_map(|v| v.to_str().ok()).filter(|v| !v.is_empty()) {
        whole.push_str(before);
        whole.push_str(", ");
    }
    whole.push_str(value);
    if let Ok(value) = HeaderValue::from_str(&whole) {
        headers.insert(name, value);
    }
}

/// Takes out the connection's own headers, and those that `Connection` names.
pub(super) fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| *name != header::HOST && !HOP_BY_HOP.contains(name))
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(given: &[(&'static str, &str)], forwarded: &Forwarded<'_>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, value.parse().unwrap());
        }
        of_request(&mut headers, &Target::parse("http://target:7").unwrap(), forwarded);
        headers
    }

    fn client(append: bool) -> Forwarded<'static> {
        let ip = Some("::ffff:10.0.0.7".parse().unwrap());
        Forwarded { client: Some(Client { ip, scheme: "https", append }), ..Forwarded::default() }
    }

    #[test]
    fn the_connections_own_headers_end_here() {
        let given = [("connection", "keep-alive, X-Once"), ("x-once", "1"), ("te", "trailers"), ("keep-alive", "1"), ("x-stays", "2")];
        let headers = made(&given, &Forwarded::default());
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-stays", "host"]);
    }

    #[test]
    fn what_proxies_before_said_is_kept_or_replaced() {
        let given = [
            ("host", "me:8443"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-port", "80"),
            ("x-forwarded-host", "outer"),
        ];
        let kept = made(&given, &client(true));
        assert_eq!(kept["x-forwarded-for"], "1.2.3.4, 10.0.0.7");
        assert_eq!(kept["x-forwarded-proto"], "http, https");
        assert_eq!(kept["x-forwarded-port"], "80, 8443");
        assert_eq!(kept["x-forwarded-host"], "outer");
        assert_eq!(kept["host"], "me:8443");
        let replaced = made(&given, &client(false));
        assert_eq!(replaced["x-forwarded-for"], "1.2.3.4, 10.0.0.7");
        assert_eq!(replaced["x-forwarded-proto"], "https");
        assert_eq!(replaced["x-forwarded-port"], "8443");
        assert_eq!(replaced["x-forwarded-host"], "me:8443");
        let nameless = made(&[("x-forwarded-host", "forged")], &client(false));
        assert_eq!((nameless.get("x-forwarded-host"), &nameless["host"]), (None, &"target:7".parse().unwrap()));
    }

    #[test]
    fn a_client_cannot_pass_as_one_of_us() {
        let headers = made(&[(INTERNAL_HEADER, "forged")], &Forwarded::default());
        assert!(!headers.contains_key(INTERNAL_HEADER));
    }

    #[test]
    fn host_and_custom_headers_are_set_on_demand() {
        let mut extra = HeaderMap::new();
        extra.insert("x-more", "1".parse().unwrap());
        let forwarded = Forwarded { extra: Some(&extra), target_host: true, ..Forwarded::default() };
        let headers = made(&[("host", "me"), ("x-more", "0")], &forwarded);
        assert_eq!((&headers["host"], &headers["x-more"]), (&"target:7".parse().unwrap(), &"1".parse().unwrap()));
    }

    #[test]
    fn a_cookie_is_withheld_and_the_others_are_not() {
        let forwarded = Forwarded { withheld_cookie: Some("mine"), ..Forwarded::default() };
        let cookies = |given: &[&str]| -> Vec<String> {
            let given: Vec<(&'static str, &str)> = given.iter().map(|line| ("cookie", *line)).collect();
            made(&given, &forwarded).get_all("cookie").iter().map(|line| line.to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(cookies(&["a=1; mine=2; b=\"3\""]), ["a=1; b=\"3\""]);
        assert_eq!(cookies(&["mine=1;mine=2", "x=mine=3"]), ["x=mine=3"]);
        assert_eq!(cookies(&["minerals=1; Mine=2;c=3"]), ["minerals=1; Mine=2;c=3"], "as it came");
        assert!(cookies(&["mine="]).is_empty());
    }
}
