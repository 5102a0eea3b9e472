//! Finds the credential of a request: Basic wins over Bearer, a header over the session cookie, as MLflow and
//! JupyterHub do.

use actix_web::dev::ServiceRequest;
use actix_web::http::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Name of the session cookie.
pub(crate) const SESSION_COOKIE: &str = "artel-session";

/// What a request shows to say who makes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Credential {
    Password { username: String, password: String },
    Token(String),
    Session(String),
}

/// The credential of `request`. An `Authorization` header that is none of ours is no credential.
pub(crate) fn find(request: &ServiceRequest) -> Option<Credential> {
    let mut bearer = None;
    for value in request.headers().get_all(header::AUTHORIZATION).filter_map(|v| v.to_str().ok()) {
        let Some((scheme, rest)) = value.split_once(' ') else { continue };
        match scheme.to_ascii_lowercase().as_str() {
            "basic" => return basic(rest.trim()),
            "bearer" | "token" => bearer = Some(Credential::Token(rest.trim().to_owned())),
            _ => {}
        }
    }
    bearer.or_else(|| request.cookie(SESSION_COOKIE).map(|c| Credential::Session(c.value().to_owned())))
}

fn basic(encoded: &str) -> Option<Credential> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some(Credential::Password { username: username.into(), password: password.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn with(headers: &[(&'static str, &str)]) -> Option<Credential> {
        let mut request = TestRequest::default();
        for (name, value) in headers {
            request = request.append_header((*name, *value));
        }
        find(&request.to_srv_request())
    }

    #[test]
    fn basic_wins_over_bearer_and_both_over_the_cookie() {
        let basic = Credential::Password { username: "ada".into(), password: "p:w".into() };
        let encoded = format!("Basic {}", STANDARD.encode("ada:p:w"));
        assert_eq!(with(&[("authorization", "Bearer t"), ("authorization", &encoded)]), Some(basic));
        assert_eq!(with(&[("authorization", "token t"), ("cookie", "artel-session=s")]), Some(Credential::Token("t".into())));
        assert_eq!(with(&[("cookie", "artel-session=s")]), Some(Credential::Session("s".into())));
        assert_eq!(with(&[]), None);
    }
}
