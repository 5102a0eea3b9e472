//! OAuth 2 with PKCE: notebook servers and services are clients, their own tokens the clients' secrets
//! (jupyterhub/oauth/provider.py, jupyterhub/apihandlers/auth.py).

use crate::Hub;
use crate::authenticate::{Owner, hash};
use crate::clients::Client;
use crate::permit::Over;
use crate::scopes::{INHERIT, split};
use crate::store::codes::{self, Code};
use crate::store::sessions;
use crate::store::tokens::{self, Kind, Token};
use artel_platform::{Error, Identity, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use subtle::ConstantTimeEq;

/// Seconds that a code is good for.
const CODE_LIFE: i64 = 300;
/// Seconds that a token given to a client is good for (upstream's two weeks).
pub(crate) const TOKEN_LIFE: i64 = 14 * 24 * 60 * 60;
/// What every client learns.
pub(crate) const IDENTIFY: [&str; 2] = ["read:users:name!user", "read:users:groups!user"];

/// What a client asks the user's browser for.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuthorizeQuery {
    /// `jupyterhub-user-NAME`, `jupyterhub-user-NAME-SERVER` or `service-NAME`.
    pub client_id: Option<String>,
    /// The client's own callback; absent: the one that is known.
    pub redirect_uri: Option<String>,
    /// `code`.
    pub response_type: Option<String>,
    /// Separated by spaces; absent: what the client may ask for.
    pub scope: Option<String>,
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
    /// The user has to agree first.
    Ask {
        /// What asks.
        client: String,
        /// Where it is.
        redirect_uri: String,
        /// What it would get.
        scopes: Vec<String>,
    },
}

/// What the user has said to the question.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said<'a> {
    /// They were not asked.
    Nothing,
    /// They let the client have these scopes.
    Yes(&'a [String]),
}

/// What a client sends to get a token.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = hub::OAuthTokenRequest)]
pub(crate) struct Exchange {
    /// `authorization_code`.
    pub grant_type: Option<String>,
    /// The client.
    #[serde(default)]
    pub client_id: String,
    /// Its secret: the server's or service's own token.
    #[serde(default)]
    pub client_secret: String,
    /// From the callback.
    pub code: Option<String>,
    /// The same as before.
    pub redirect_uri: Option<String>,
    /// PKCE.
    pub code_verifier: Option<String>,
}

/// A token for a client.
pub(crate) struct Granted {
    pub secret: String,
    pub scopes: Vec<String>,
}

/// An OAuth error name with its HTTP status (RFC 6749, 5.2) and what is wrong.
pub(crate) type Refused = (u16, &'static str, &'static str);

impl Hub {
    /// Decides about a question of `who`, who is logged in with a browser.
    pub(crate) async fn authorize(&self, who: &Identity, query: &AuthorizeQuery, said: Said<'_>) -> Result<Authorized> {
        let client = self.client_of(query).await?;
        if let Some(refusal) = self.refusal(query) {
            return Ok(Authorized::Redirect(callback(&client, query, &refusal)));
        }
        let requested = match said {
            Said::Yes(scopes) => scopes.iter().cloned().collect(),
            Said::Nothing => client.requested(query.scope.as_deref()),
        };
        let Some(requested) = self.within_client(&client, who, requested).await? else {
            return Ok(Authorized::Redirect(callback(&client, query, &[("error", "invalid_scope")])));
        };
        let (scope, over) = client.access();
        if !self.holds(&who.scopes, scope, over).await? {
            return Err(Error::denied(format!("You do not have permission to access {}", client.description())));
        }
        let scopes = self.within_user(&client, who, requested).await?;
        if matches!(said, Said::Nothing) && self.must_ask(&client, who, &scopes).await? {
            return Ok(Authorized::Ask {
                client: client.description(),
                redirect_uri: client.redirect_uri,
                scopes: scopes.into_iter().collect(),
            });
        }
        let code = self.cx.ids.secret();
        let stored = Code {
            client_id: client.id.clone(),
            user: who.name.clone(),
            redirect_uri: client.redirect_uri.clone(),
            challenge: query.code_challenge.clone(),
            session_id: who.session.clone(),
            scopes: scopes.into_iter().collect(),
            expires: self.cx.clock.now() + CODE_LIFE * 1000,
        };
        let mut tx = self.db.begin().await?;
        codes::insert(&mut tx, &hash(&code), &stored).await?;
        tx.commit().await?;
        Ok(Authorized::Redirect(callback(&client, query, &[("code", &code)])))
    }

    /// What the client is told when its question is none, as upstream's library says it.
    fn refusal(&self, query: &AuthorizeQuery) -> Option<[(&'static str, &'static str); 2]> {
        let invalid = |why| Some([("error", "invalid_request"), ("error_description", why)]);
        match query.response_type.as_deref() {
            Some("code") => {}
            None => return invalid("Missing response_type parameter."),
            Some(_) => return Some([("error", "unsupported_response_type"), ("error_description", "")]),
        }
        if self.settings.oauth_require_pkce && query.code_challenge.is_none() {
            return invalid("Code challenge required.");
        }
        if query.code_challenge.is_some() && query.code_challenge_method.as_deref() != Some("S256") {
            return invalid("Transform algorithm not supported.");
        }
        None
    }

    /// What is asked for with what every client gets; `None` when the client may not ask for it.
    async fn within_client(&self, client: &Client, who: &Identity, requested: BTreeSet<String>) -> Result<Option<BTreeSet<String>>> {
        let mut requested = requested;
        // upstream's only scope before there were any
        requested.remove("identify");
        let names: Vec<String> = requested.iter().cloned().collect();
        if self.vocabulary.check(&names, "an OAuth client").is_err() {
            // upstream takes the names of roles too
            requested.clear();
            for name in &names {
                let Some(role) = self.scope_role(name).await? else { return Ok(None) };
                requested.extend(role.scopes);
            }
        }
        let required = client.required();
        requested.extend(required.iter().cloned());
        let allowed: BTreeSet<String> = client.allowed_scopes.iter().cloned().chain(required).collect();
        let (_, excess) = self.resolve(client, who, requested.clone(), &allowed).await?;
        Ok(excess.is_empty().then_some(requested))
    }

    /// What of it the user has.
    async fn within_user(&self, client: &Client, who: &Identity, requested: BTreeSet<String>) -> Result<BTreeSet<String>> {
        let owner = Owner::User { name: &who.name, admin: who.admin };
        let mut held: BTreeSet<String> = self.raw_scopes_of(&owner).await?.into_iter().collect();
        held.insert(INHERIT.into());
        held.extend(client.required());
        let (scopes, _) = self.resolve(client, who, requested, &held).await?;
        // in everything the rest is contained
        if scopes.contains(INHERIT) {
            Ok(BTreeSet::from([INHERIT.to_owned()]))
        } else {
            Ok(scopes.iter().map(|scope| client.own(scope)).collect())
        }
    }

    /// Which of `requested` are in `held` and which are not, as they are written where possible.
    async fn resolve(
        &self,
        client: &Client,
        who: &Identity,
        requested: BTreeSet<String>,
        held: &BTreeSet<String>,
    ) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
        let holder = client.holder(&who.name);
        let expand = |scopes: &BTreeSet<String>| self.vocabulary.expand(&scopes.iter().cloned().collect::<Vec<_>>(), &holder);
        let expanded_held = expand(held);
        let mut allowed: BTreeSet<String> = requested.intersection(held).cloned().collect();
        let mut excess = BTreeSet::new();
        for scope in requested.difference(held) {
            let before = expand(&allowed);
            let wanted: BTreeSet<String> = expand(&BTreeSet::from([scope.clone()])).difference(&before).cloned().collect();
            let granted = self.both(&wanted, &expanded_held).await?;
            if granted == wanted {
                allowed.insert(scope.clone());
            } else {
                allowed.extend(granted);
                excess.insert(scope.clone());
            }
        }
        Ok((allowed, excess))
    }

    /// Has the user to be asked? Not for their own servers, not for what they have agreed to before.
    async fn must_ask(&self, client: &Client, who: &Identity, scopes: &BTreeSet<String>) -> Result<bool> {
        if client.is_of(&who.name) || client.no_confirm {
            return Ok(false);
        }
        let before = tokens::granted(&self.db, &who.name, &client.id, self.cx.clock.now()).await?;
        let before: BTreeSet<String> = before.into_iter().flat_map(|token| token.scopes).collect();
        Ok(before.is_empty() || !scopes.is_subset(&before))
    }

    /// Gives a token for a code, once.
    pub(crate) async fn exchange(&self, wish: &Exchange) -> Result<Result<Granted, Refused>> {
        let Some(code) = wish.code.as_deref().filter(|_| wish.grant_type.as_deref() == Some("authorization_code")) else {
            return Ok(Err(match wish.grant_type.as_deref() {
                Some("authorization_code") => (400, "invalid_request", "Missing code parameter."),
                _ => (400, "unsupported_grant_type", ""),
            }));
        };
        let now = self.cx.clock.now();
        if !self.is_client(&wish.client_id, &wish.client_secret).await? {
            return Ok(Err((401, "invalid_client", "")));
        }
        // taken in a transaction of its own: a code that was shown once is spent, whatever comes of it
        let mut tx = self.db.begin().await?;
        let code = codes::take(&mut tx, &hash(code)).await?;
        tx.commit().await?;
        let invalid = Ok(Err((400, "invalid_grant", "")));
        let Some(code) = code.filter(|code| code.expires > now && code.client_id == wish.client_id) else { return invalid };
        match (&code.challenge, &wish.code_verifier) {
            (Some(_), None) => return Ok(Err((400, "invalid_request", "Code verifier required."))),
            _ if !pkce(code.challenge.as_deref(), wish.code_verifier.as_deref()) => return invalid,
            _ => {}
        }
        if wish.redirect_uri.as_ref().is_some_and(|uri| *uri != code.redirect_uri) {
            return Ok(Err((400, "invalid_request", "Mismatching redirect URI.")));
        }
        if let Some(session) = &code.session_id
            && !sessions::is_open(&self.db, session, now).await?
        {
            return invalid;
        }
        Ok(Ok(self.grant(code, now).await?))
    }

    async fn grant(&self, code: Code, now: i64) -> Result<Granted> {
        let note = format!("OAuth token of {}", code.client_id);
        let (token, secret) = self.new_token(Kind::Oauth, &code.user, &note, code.scopes.clone());
        let token = Token { client_id: Some(code.client_id), session_id: code.session_id, expires: Some(now + TOKEN_LIFE * 1000), ..token };
        let mut tx = self.db.begin().await?;
        tokens::insert(&mut tx, &hash(&secret), &token).await?;
        tx.commit().await?;
        Ok(Granted { secret, scopes: code.scopes })
    }
}

impl Client {
    /// The scopes that it asks for: those that it names, or all that it may.
    fn requested(&self, scope: Option<&str>) -> BTreeSet<String> {
        let named: BTreeSet<String> = scope.unwrap_or_default().split_whitespace().map(Into::into).collect();
        if !named.is_empty() {
            return named;
        }
        self.allowed_scopes.iter().cloned().collect()
    }

    /// What it gets in any case: who the user is, and that they may come here.
    fn required(&self) -> Vec<String> {
        IDENTIFY.iter().map(|scope| (*scope).to_owned()).chain([self.access_scope()]).collect()
    }

    /// The scope that whoever comes here needs, and for what.
    fn access(&self) -> (&'static str, Over<'_>) {
        self.place.access()
    }

    /// A scope whose filter means the client, with the client's name.
    fn own(&self, scope: &str) -> String {
        match (split(scope), self.place.filter()) {
            ((base, Some(filter @ ("server" | "service"))), own) if own.starts_with(filter) => format!("{base}!{own}"),
            _ => scope.to_owned(),
        }
    }
}

fn callback(client: &Client, query: &AuthorizeQuery, answer: &[(&str, &str)]) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(answer.iter().filter(|(_, value)| !value.is_empty()));
    if let Some(state) = &query.state {
        text.append_pair("state", state);
    }
    let separator = if client.redirect_uri.contains('?') { '&' } else { '?' };
    format!("{}{separator}{}", client.redirect_uri, text.finish())
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
        let query = AuthorizeQuery { state: Some("a&b=c".into()), ..Default::default() };
        let mut client = Client::server("ada", "");
        assert_eq!(callback(&client, &query, &[("code", "x")]), "/user/ada/oauth_callback?code=x&state=a%26b%3Dc");
        client.redirect_uri = "https://app.example/back?from=hub".into();
        assert_eq!(
            callback(&client, &query, &[("error", "e"), ("error_description", "")]),
            "https://app.example/back?from=hub&error=e&state=a%26b%3Dc"
        );
    }

    #[test]
    fn a_clients_own_filter_gets_its_name() {
        let client = Client::server("ada", "gpu");
        assert_eq!(client.own("read:servers!server"), "read:servers!server=ada/gpu");
        assert_eq!(client.own("read:servers!service"), "read:servers!service");
        assert_eq!(client.own("read:users!user"), "read:users!user");
    }
}
