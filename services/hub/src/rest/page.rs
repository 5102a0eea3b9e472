//! Where a browser may be sent, and the two small pages that are no part of the web app.

use actix_web::HttpResponse;
use actix_web::http::header;

/// The web app's page of notebook servers.
pub(super) const NOTEBOOKS: &str = "/p/default/notebooks";

/// The web app's colours and sizes (`gateway/ui/src/theme/tokens.css`), for pages that need no script.
const STYLE: &str = ":root{color-scheme:light dark;--bg:#fbfbfa;--surface:#fff;--line:#e4e4df;--text:#1c1c1a;--text-2:#56564f;--accent:#2f5fd0;--accent-fg:#fff}\
    @media(prefers-color-scheme:dark){:root{--bg:#131415;--surface:#191a1c;--line:#2a2c30;--text:#ececea;--text-2:#b0b1b0;--accent:#7ba2f5;--accent-fg:#0d1526}}\
    body{font:14px/1.5 Inter,system-ui,sans-serif;background:var(--bg);color:var(--text);max-width:34rem;margin:12vh auto;padding:0 1rem}\
    h1{font-size:18px;font-weight:600}a{color:var(--accent)}p,li{color:var(--text-2)}\
    button,.button{font:inherit;font-weight:500;padding:.4rem .9rem;border:0;border-radius:6px;background:var(--accent);color:var(--accent-fg);text-decoration:none;display:inline-block}\
    .choice{background:var(--surface);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;margin:0 0 .6rem}.choice p{margin:.1rem 0 .3rem 1.6rem}\
    .option{display:block;margin-left:1.6rem}select,input{font:inherit;color:inherit}progress{width:100%}\
    pre{background:var(--surface);border:1px solid var(--line);border-radius:6px;padding:.6rem;overflow:auto;font-size:12px;max-height:20rem}";

/// A redirect that is decided anew each time.
pub(super) fn redirect(to: &str) -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, to)).insert_header((header::CACHE_CONTROL, "no-cache")).finish()
}

/// Where to go after logging in: `next` when it is a path of this site, else the start page. Everything that a browser
/// could take for another site is refused: `//host`, `/\host`, and tabs or line breaks that it would drop.
pub(super) fn local(next: Option<&str>) -> &str {
    match next {
        Some(next) if next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && !next.chars().any(char::is_control) => {
            next
        }
        _ => "/",
    }
}

/// `path?next=…`.
pub(super) fn with_next(path: &str, next: &str) -> String {
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("{path}?next={next}")
}

/// A page without scripts; `body` is HTML whose variable parts went through [`escape`].
pub(super) fn html(status: actix_web::http::StatusCode, title: &str, body: &str) -> HttpResponse {
    html_leading_to(status, title, body, "")
}

/// The same, whose form may lead on to `origin` too.
pub(super) fn html_leading_to(status: actix_web::http::StatusCode, title: &str, body: &str, origin: &str) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            format!("default-src 'none'; style-src 'unsafe-inline'; form-action 'self' {origin}; frame-ancestors 'none'"),
        ))
        .body(format!("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{}</title><style>{STYLE}</style><main>{body}</main></html>", escape(title)))
}

/// A page that says why there is none.
pub(super) fn failure(error: &artel_platform::Error) -> HttpResponse {
    failure_with(error, "<a href=\"/\">Back</a>")
}

/// The same, with where to go from there.
pub(super) fn failure_with(error: &artel_platform::Error, way: &str) -> HttpResponse {
    // upstream says 403 to who is not known
    let status = match error.code {
        artel_platform::Code::Unauthenticated => actix_web::http::StatusCode::FORBIDDEN,
        code => code.http(),
    };
    if error.code == artel_platform::Code::Internal {
        tracing::error!(error = %error.chain(), "internal error");
    }
    let body = format!("<h1>{}</h1><p>{}</p><p>{way}</p>", status.as_u16(), escape(&error.message));
    let mut answer = html(status, status.canonical_reason().unwrap_or("Error"), &body);
    if let Some(seconds) = error.retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}

/// What the page's forms show to prove that they are this site's.
pub(super) fn xsrf(request: &actix_web::HttpRequest) -> String {
    let value = request.cookie("_xsrf").map(|c| c.value().to_owned()).unwrap_or_default();
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Text as part of HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_to() {
        for good in ["/", "/p/default/notebooks", "/user/ada/lab?x=//y", "/hub/api/oauth2/authorize?redirect_uri=%2Fuser%2Fada%2F"] {
            assert_eq!(local(Some(good)), good);
        }
        for bad in [
            "",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            "evil",
        ] {
            assert_eq!(local(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(local(None), "/");
    }

    #[test]
    fn next_is_escaped() {
        assert_eq!(with_next("/login", "/a?b=c&d"), "/login?next=%2Fa%3Fb%3Dc%26d");
        assert_eq!(escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
    }
}
