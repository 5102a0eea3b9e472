//! What the provider says of somebody.

use super::Oidc;
use crate::identities::{Vouched, admin_by};
use artel_platform::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// Claims by name.
pub(super) type Claims = Map<String, Value>;

/// The claims of an ID token whose signature was checked.
pub(super) fn of_token(token: &str) -> Result<Claims> {
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    claims.ok_or_else(|| Error::unauthenticated("the sign-in provider's ID token cannot be read"))
}

/// The claim at `path`: its own name, or names within each other with dots between (`realm_access.roles`).
fn at<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(found) = claims.get(path) {
        return Some(found);
    }
    let (first, rest) = path.split_once('.')?;
    at(claims.get(first)?.as_object()?, rest)
}

/// The names that a claim lists, or the words of its text. `None` where the setting names no claim.
fn names(claims: &Claims, path: &str) -> Option<Vec<String>> {
    if path.is_empty() {
        return None;
    }
    Some(match at(claims, path) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(plain).collect(),
        Some(Value::String(text)) => text.split_whitespace().map(plain).collect(),
        _ => vec![],
    })
}

/// Keycloak writes groups as paths.
fn plain(name: &str) -> String {
    name.trim_start_matches('/').to_owned()
}

impl Oidc {
    /// Who that is, by the settings' claims.
    pub(super) fn vouched(&self, claims: &Claims) -> Result<Vouched> {
        let settings = &self.settings;
        let text = |name: &str| at(claims, name).and_then(Value::as_str).map(str::to_owned);
        let subject = text("sub").ok_or_else(|| Error::unauthenticated("the sign-in provider does not say who that is (claim sub)"))?;
        let name = text(&settings.username_claim).filter(|name| !name.is_empty()).ok_or_else(|| {
            Error::denied(format!(
                "the sign-in provider tells no {} of you; ask an administrator to set hub.oidc.username_claim or hub.oidc.scopes",
                settings.username_claim
            ))
        })?;
        // an address that nobody has proven may be anybody's
        if settings.username_claim == "email" && claims.get("email_verified") == Some(&Value::Bool(false)) {
            return Err(Error::denied(format!("the sign-in provider has not verified that {name} is your e-mail address")));
        }
        let groups = names(claims, &settings.groups_claim);
        Ok(Vouched {
            provider: settings.issuer.clone(),
            subject,
            name,
            named_by: "hub.oidc.username_claim",
            may_link: Some(settings.link_existing_users),
            admin: admin_by(&settings.admin_groups, groups.as_deref()),
            roles: names(claims, &settings.roles_claim),
            groups,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn claims_are_found_by_name_and_by_path() {
        let of = claims(json!({"groups": ["/a", "b", 3], "realm_access": {"roles": ["x"]}, "https://e.x/roles": "p q", "a.b": 1}));
        assert_eq!(names(&of, "groups").unwrap(), ["a", "b"]);
        assert_eq!(names(&of, "realm_access.roles").unwrap(), ["x"]);
        assert_eq!(names(&of, "https://e.x/roles").unwrap(), ["p", "q"]);
        assert_eq!(names(&of, "missing").unwrap(), Vec::<String>::new());
        assert_eq!(names(&of, ""), None);
        assert_eq!(at(&of, "a.b"), Some(&json!(1)));
    }

    #[test]
    fn a_tokens_claims_are_its_middle_part() {
        let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(r#"{"sub":"s"}"#));
        assert_eq!(of_token(&token).unwrap()["sub"], "s");
        assert!(of_token("e30").is_err());
    }
}
