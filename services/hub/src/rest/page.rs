//! Where a browser may be sent, and the two small pages that are no part of the web app.

use actix_web::HttpResponse;
use actix_web::http::header;

/// The web app's page of notebook servers.
pub(super) const NOTEBOOKS: &str = "/p/default/notebooks";

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
    let style =
        "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}";
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            format!("default-src 'none'; style-src 'unsafe-inline'; form-action 'self' {origin}; frame-ancestors 'none'"),
        ))
        .body(format!("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{}</title><style>{style}</style>{body}</html>", escape(title)))
}

/// A page that says why there is none.
pub(super) fn failure(error: &artel_platform::Error) -> HttpResponse {
    // upstream says 403 to who is not known
    let status = match error.code {
        artel_platform::Code::Unauthenticated => actix_web::http::StatusCode::FORBIDDEN,
        code => code.http(),
    };
    if error.code == artel_platform::Code::Internal {
        tracing::error!(error = %error.chain(), "internal error");
    }
    let body = format!("<h1>{}</h1><p>{}</p><p><a href=\"/\">Back</a></p>", status.as_u16(), escape(&error.message));
    html(status, status.canonical_reason().unwrap_or("Error"), &body)
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
