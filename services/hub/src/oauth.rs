//! OAuth 2 with PKCE for notebook servers: each is a client, its own token the client's secret.

use crate::authenticate::hash;
use crate::roles::{self, Owner};
use crate::store::codes::{self, Code};
use crate::store::sessions;
use crate::store::tokens::{self, Kind, Token};
use crate::{Hub, names};
use artel_platform::{Error, Identity, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Seconds that a code is good for.
const CODE_LIFE: i64 = 300;
/// Seconds that a token given to a notebook page is good for (upstream's two weeks).
pub(crate) const TOKEN_LIFE: i64 = 14 * 24 * 60 * 60;

/// What a client asks the user's browser for.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuthorizeQuery {
    /// `jupyterhub-user-NAME` or `jupyterhub-user-NAME-SERVER`.
    #[serde(default)]
    pub client_id: String,
    /// The client's own callback, as a path.
    #[serde(default)]
    pub redirect_uri: String,
    /// `code`.
    #[serde(default)]
    pub response_type: String,
    /// Handed back as it came.
    pub state: Option<String>,
    /// PKCE.
    pub code_challenge: Option<String>,
    /// `S256`.
    pub code_challenge_method: Option<String>,
}

/// The answer to such a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Authorized {
    /// Where the browser goes on: the client's callback with a code or an error.
    Redirect(String),
    /// The user has to agree first that this server (its path) learns who they are.
    Ask(String),
}

/// What a client sends to get a token.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = hub::OAuthTokenRequest)]
pub(crate) struct Exchange {
    /// `authorization_code`.
    #[serde(default)]
    pub grant_type: String,
    /// The client.
    #[serde(default)]
    pub client_id: String,
    /// Its secret: the server's own token.
    #[serde(default)]
    pub client_secret: String,
    /// From the callback.
    #[serde(default)]
    pub code: String,
    /// The same as before.
    #[serde(default)]
    pub redirect_uri: String,
    /// PKCE.
    pub code_verifier: Option<String>,
}

/// A token for a notebook page.
pub(crate) struct Granted {
    pub secret: String,
    pub scopes: Vec<String>,
}

/// An OAuth error name with its HTTP status (RFC 6749, 5.2).
pub(crate) type Refused = (u16, &'static str);

impl Hub {
    /// Decides about a question of `who`, who is logged in with a browser. `agreed`: they have said yes.
    pub(crate) async fn authorize(&self, who: &Identity, query: &AuthorizeQuery, agreed: bool) -> Result<Authorized> {
        let (user, server) = self.client_of(query).await?;
        if query.response_type != "code" {
            return Ok(Authorized::Redirect(callback(query, &[("error", "unsupported_response_type")])));
        }
        if query.code_challenge.is_some() && query.code_challenge_method.as_deref() != Some("S256") {
            let refusal = [("error", "invalid_request"), ("error_description", "Transform algorithm not supported.")];
            return Ok(Authorized::Redirect(callback(query, &refusal)));
        }
        let place = names::prefix(&user, &server);
        who.require_for("access:servers", ("server", &names::full(&user, &server)))
            .map_err(|_| Error::denied(format!("You do not have permission to access Server at {place}")))?;
        let now = self.cx.clock.now();
        let known = user == who.name || agreed || tokens::granted(&self.db, &who.name, &query.client_id, now).await?;
        if !known {
            return Ok(Authorized::Ask(place));
        }
        let code = self.cx.ids.secret();
        let stored = Code {
            client_id: query.client_id.clone(),
            user: who.name.clone(),
            redirect_uri: query.redirect_uri.clone(),
            challenge: query.code_challenge.clone(),
            session_id: who.session.clone(),
            scopes: vec![
                format!("access:servers!server={}", names::full(&user, &server)),
                "read:users:name!user".into(),
                "read:users:groups!user".into(),
            ],
            expires: now + CODE_LIFE * 1000,
        };
        let mut tx = self.db.begin().await?;
        codes::insert(&mut tx, &hash(&code), &stored).await?;
        tx.commit().await?;
        Ok(Authorized::Redirect(callback(query, &[("code", &code)])))
    }

    /// The server whose client this is. Only its own callback is accepted: nothing can be redirected elsewhere.
    async fn client_of(&self, query: &AuthorizeQuery) -> Result<(String, String)> {
        let clients = tokens::of_client(&self.db, &query.client_id).await?;
        if clients.is_empty() {
            return Err(Error::invalid("(invalid_request) Invalid client_id parameter value."));
        }
        let path = query.redirect_uri.strip_prefix(&self.public_url).unwrap_or(&query.redirect_uri);
        let found = clients
            .into_iter()
            .map(|token| (token.user, token.server.unwrap_or_default()))
            .find(|(user, server)| names::oauth_callback(user, server) == path);
        found.ok_or_else(|| Error::invalid("(invalid_request) Mismatching redirect URI."))
    }

    /// Gives a token for a code, once.
    pub(crate) async fn exchange(&self, wish: &Exchange) -> Result<Result<Granted, Refused>> {
        if wish.grant_type != "authorization_code" {
            return Ok(Err((400, "unsupported_grant_type")));
        }
        let now = self.cx.clock.now();
        let client = tokens::find_by_hash(&self.db, &hash(&wish.client_secret), now).await?.map(|owned| owned.token);
        let is_client =
            client.is_some_and(|token| token.kind == Kind::Server && token.client_id.as_deref() == Some(wish.client_id.as_str()));
        if !is_client {
            return Ok(Err((401, "invalid_client")));
        }
        // taken in a transaction of its own: a code that was shown once is spent, whatever comes of it
        let mut tx = self.db.begin().await?;
        let code = codes::take(&mut tx, &hash(&wish.code)).await?;
        tx.commit().await?;
        let Some(code) = code.filter(|code| fits(code, wish, now)) else { return Ok(Err((400, "invalid_grant"))) };
        if let Some(session) = &code.session_id
            && !sessions::is_open(&self.db, session, now).await?
        {
            return Ok(Err((400, "invalid_grant")));
        }
        Ok(Ok(self.grant(code, now).await?))
    }

    async fn grant(&self, code: Code, now: i64) -> Result<Granted> {
        let scopes = roles::expand(&code.scopes, &Owner { user: &code.user, admin: false, server: None });
        let scopes: Vec<String> = scopes.into_iter().collect();
        let note = format!("OAuth token of {}", code.client_id);
        let (token, secret) = self.new_token(Kind::Oauth, &code.user, &note, scopes.clone());
        let token = Token { client_id: Some(code.client_id), session_id: code.session_id, expires: Some(now + TOKEN_LIFE * 1000), ..token };
        let mut tx = self.db.begin().await?;
        tokens::insert(&mut tx, &hash(&secret), &token).await?;
        tx.commit().await?;
        Ok(Granted { secret, scopes })
    }
}

fn callback(query: &AuthorizeQuery, answer: &[(&str, &str)]) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(answer);
    if let Some(state) = &query.state {
        text.append_pair("state", state);
    }
    format!("{}?{}", query.redirect_uri, text.finish())
}

fn fits(code: &Code, wish: &Exchange, now: i64) -> bool {
    code.expires > now
        && code.client_id == wish.client_id
        && code.redirect_uri == wish.redirect_uri
        && pkce(code.challenge.as_deref(), wish.code_verifier.as_deref())
}

/// RFC 7636 with S256. Without a challenge there must be no verifier: somebody has taken the challenge away.
fn pkce(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            let made = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
            made.as_bytes().ct_eq(challenge.as_bytes()).into()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pkce_takes_only_the_right_verifier() {
        // RFC 7636, appendix B
        let (verifier, challenge) = ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(pkce(Some(challenge), Some(verifier)));
        assert!(!pkce(Some(challenge), Some("another")));
        assert!(!pkce(Some(challenge), None));
        assert!(!pkce(None, Some(verifier)));
        assert!(!pkce(Some(verifier), Some(verifier)), "the plain method is not accepted");
        assert!(pkce(None, None));
    }

    #[test]
    fn state_is_handed_back_escaped() {
        let query = AuthorizeQuery { redirect_uri: "/user/ada/oauth_callback".into(), state: Some("a&b=c".into()), ..Default::default() };
        assert_eq!(callback(&query, &[("code", "x")]), "/user/ada/oauth_callback?code=x&state=a%26b%3Dc");
    }
}
