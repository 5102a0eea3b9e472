//! `--auto-rewrite` and `--protocol-rewrite`: a target that redirects to itself by its own address sends the client to the
//! proxy's.

use super::Options;
use crate::proxy::Target;
use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, LOCATION};
use url::Url;

/// Changes `Location`, when it leads to the target itself.
pub(super) fn location(status: StatusCode, headers: &mut HeaderMap, target: &Target, host: Option<&HeaderValue>, options: &Options) {
    if !(options.auto_rewrite || options.protocol_rewrite.is_some()) || !matches!(status.as_u16(), 201 | 301 | 302 | 307 | 308) {
        return;
    }
    let given = headers.get(LOCATION).and_then(|value| value.to_str().ok()).and_then(|text| Url::parse(text).ok());
    let Some(url) = given else { return };
    if authority(&url) != target.authority() {
        return;
    }
    let host = if options.auto_rewrite { host.and_then(|host| host.to_str().ok()).map(Into::into) } else { None };
    let host = host.unwrap_or_else(|| authority(&url));
    let scheme = options.protocol_rewrite.as_deref().unwrap_or(url.scheme());
    let text = format!("{scheme}://{host}{}", &url[url::Position::BeforePath..]);
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(LOCATION, value);
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::super::Listen;
    use super::*;

    fn rewritten(location: &str, status: u16, options: &Options) -> String {
        let mut headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
        let target = Target::parse("http://127.0.0.1:9000/x").unwrap();
        let host = HeaderValue::from_static("hub.org:8000");
        super::location(StatusCode::from_u16(status).unwrap(), &mut headers, &target, Some(&host), options);
        headers[LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn only_redirects_to_the_target_are_changed() {
        let listen = Listen::Unix("/nowhere".into());
        let plain = Options::new(listen.clone(), listen);
        let both = Options { auto_rewrite: true, protocol_rewrite: Some("https".into()), ..plain.clone() };
        let scheme = Options { protocol_rewrite: Some("https".into()), ..plain.clone() };
        let there = "http://127.0.0.1:9000/a?b#c";
        assert_eq!(rewritten(there, 302, &plain), there);
        assert_eq!(rewritten(there, 302, &both), "https://hub.org:8000/a?b#c");
        assert_eq!(rewritten(there, 301, &scheme), "https://127.0.0.1:9000/a?b#c");
        assert_eq!(rewritten(there, 200, &both), there);
        assert_eq!(rewritten("/relative", 302, &both), "/relative");
        assert_eq!(rewritten("http://foo.com:12345/x", 302, &both), "http://foo.com:12345/x");
    }
}
