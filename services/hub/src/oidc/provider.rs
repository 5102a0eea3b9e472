//! The provider: what it is, exchanging a code, asking again.

use super::claims::{self, Claims};
use super::{Oidc, Trip};
use crate::identities::Vouched;
use artel_platform::{Error, Result};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreErrorResponseType, CoreProviderMetadata, CoreTokenResponse,
};
use openidconnect::http::{Method, StatusCode, header};
use openidconnect::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, IssuerUrl,
    Nonce, NonceVerifier, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    StandardErrorResponse, TokenResponse,
};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How long the provider's description and keys are believed.
const BELIEVED: Duration = Duration::from_secs(3600);
/// How soon they are fetched anew when a signature does not fit them.
const SOONEST: Duration = Duration::from_secs(10);

type Client = CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;
type Refusal = RequestTokenError<Error, StandardErrorResponse<CoreErrorResponseType>>;

/// The provider as it describes itself.
#[derive(Clone)]
pub(super) struct Known {
    client: Client,
    userinfo: Option<String>,
    at: Instant,
}

/// What is kept of a sign-in, sealed: upstream's `auth_state`, with its names.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    access_token: String,
    refresh_token: Option<String>,
    id_token: Option<String>,
    /// When the access token ends, milliseconds; `None`: nobody knows.
    expires_at: Option<i64>,
    /// The claims of the ID token, and those of it and the userinfo endpoint together.
    id_claims: Claims,
    oauth_user: Claims,
}

/// Somebody and what is kept of their sign-in.
pub(crate) struct SignedIn {
    pub who: Vouched,
    pub state: State,
}

/// What the provider says when it is asked again.
pub(crate) enum Checked {
    Still(Box<SignedIn>),
    /// It knows them no more, has blocked them, or has taken back what it gave.
    Gone(String),
    /// It cannot be asked without the user: the access token has ended, and there is none to get another with.
    Unknown,
}

/// The userinfo endpoint's answer to a token that it does not take.
enum Userinfo {
    Claims(Claims),
    Refused(String),
}

/// Which nonce an ID token has to have.
#[derive(Clone, Copy)]
enum Expected<'a> {
    Exactly(&'a Nonce),
    /// One that comes with a refresh has that of the sign-in, or none.
    Any,
}

impl NonceVerifier for Expected<'_> {
    fn verify(self, given: Option<&Nonce>) -> Result<(), String> {
        match self {
            Self::Exactly(nonce) => nonce.verify(given),
            Self::Any => Ok(()),
        }
    }
}

impl Oidc {
    /// The provider as it describes itself, fetched where it is not known or older than `than`.
    async fn known(&self, than: Duration) -> Result<Known> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.at.elapsed() < than) {
            return Ok(known.clone());
        }
        let fresh = self.discover().await?;
        *known = Some(fresh.clone());
        Ok(fresh)
    }

    async fn discover(&self) -> Result<Known> {
        let settings = &self.settings;
        let wrong = |why: String| {
            Error::unavailable(format!("the sign-in provider {} cannot be used ({why}); see hub.oidc.issuer", settings.issuer))
        };
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|e| wrong(e.to_string()))?;
        let found = CoreProviderMetadata::discover_async(issuer, &self.http).await.map_err(|error| match error {
            openidconnect::DiscoveryError::Request(error) => error,
            other => wrong(other.to_string()),
        })?;
        let methods = found.token_endpoint_auth_methods_supported().cloned().unwrap_or_default();
        let by_body =
            methods.contains(&CoreClientAuthMethod::ClientSecretPost) && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic);
        let userinfo = found.userinfo_endpoint().map(|url| url.url().to_string());
        let secret = (!settings.client_secret.is_empty()).then(|| ClientSecret::new(settings.client_secret.clone()));
        let redirect = RedirectUrl::new(self.redirect_uri.clone()).map_err(|e| wrong(e.to_string()))?;
        let client = CoreClient::from_provider_metadata(found, ClientId::new(settings.client_id.clone()), secret)
            .set_redirect_uri(redirect)
            .set_auth_type(if by_body { AuthType::RequestBody } else { AuthType::BasicAuth });
        Ok(Known { client, userinfo, at: Instant::now() })
    }

    /// Where a browser goes to sign in, and what has to be remembered until it comes back to `next`.
    pub(crate) async fn depart(&self, next: &str, now: i64) -> Result<(String, Trip)> {
        let known = self.known(BELIEVED).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = known
            .client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .set_pkce_challenge(challenge);
        // the crate asks for `openid` by itself
        for scope in self.settings.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = request.url();
        let trip = Trip {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            next: next.to_owned(),
            at: now,
        };
        Ok((url.into(), trip))
    }

    /// Who has come back with `code` from `trip`. `UNAUTHENTICATED` when the provider does not take the code, or its ID
    /// token is not what it should be.
    pub(crate) async fn arrive(&self, code: &str, trip: &Trip, now: i64) -> Result<SignedIn> {
        let known = self.known(BELIEVED).await?;
        let request = known
            .client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| Error::unavailable("the sign-in provider has no token endpoint; see hub.oidc.issuer"))?
            .set_pkce_verifier(PkceCodeVerifier::new(trip.verifier.clone()));
        let tokens = request.request_async(&self.http).await.map_err(|error| refusal(error, "the sign-in"))?;
        let nonce = Nonce::new(trip.nonce.clone());
        let id_claims = self.id_claims(&known, &tokens, Expected::Exactly(&nonce)).await?;
        let id_claims = id_claims.ok_or_else(|| Error::unauthenticated("the sign-in provider has sent no ID token"))?;
        self.signed_in(&known, &tokens, id_claims, None, now).await
    }

    /// Asks again whether somebody who has signed in may still be here.
    pub(crate) async fn ask_again(&self, state: State, now: i64) -> Result<Checked> {
        let known = self.known(BELIEVED).await?;
        let Some(refresh_token) = &state.refresh_token else { return self.ask_userinfo(&known, state, now).await };
        let token = RefreshToken::new(refresh_token.clone());
        let request = known.client.exchange_refresh_token(&token);
        let request = request.map_err(|_| Error::unavailable("the sign-in provider has no token endpoint; see hub.oidc.issuer"))?;
        let tokens = match request.request_async(&self.http).await {
            Ok(tokens) => tokens,
            Err(RequestTokenError::ServerResponse(answer)) if *answer.error() == CoreErrorResponseType::InvalidGrant => {
                return Ok(Checked::Gone(answer.to_string()));
            }
            Err(error) => return Err(refusal(error, "a refresh")),
        };
        let fresh = self.id_claims(&known, &tokens, Expected::Any).await?;
        if fresh.as_ref().is_some_and(|fresh| fresh.get("sub") != state.id_claims.get("sub")) {
            return Ok(Checked::Gone("it has answered for somebody else".into()));
        }
        let claims = fresh.unwrap_or_else(|| state.id_claims.clone());
        match self.signed_in(&known, &tokens, claims, Some(&state), now).await {
            Ok(found) => Ok(Checked::Still(Box::new(found))),
            Err(error) if error.code == artel_platform::Code::Unauthenticated => Ok(Checked::Gone(error.message)),
            Err(error) => Err(error),
        }
    }

    async fn ask_userinfo(&self, known: &Known, state: State, now: i64) -> Result<Checked> {
        if known.userinfo.is_none() || state.expires_at.is_some_and(|end| end <= now) {
            return Ok(Checked::Unknown);
        }
        Ok(match self.userinfo(known, &state.access_token).await? {
            Userinfo::Refused(why) => Checked::Gone(why),
            Userinfo::Claims(claims) if claims.get("sub") != state.id_claims.get("sub") => {
                Checked::Gone("it has answered for somebody else".into())
            }
            Userinfo::Claims(claims) => {
                let together: Claims = state.id_claims.clone().into_iter().chain(claims).collect();
                let who = self.vouched(&together)?;
                Checked::Still(Box::new(SignedIn { who, state: State { oauth_user: together, ..state } }))
            }
        })
    }

    /// The claims of the ID token that came with `tokens`, after its signature, issuer, audience, time and nonce were
    /// checked. A signature by a key that is not known makes the keys be fetched again.
    async fn id_claims(&self, known: &Known, tokens: &CoreTokenResponse, nonce: Expected<'_>) -> Result<Option<Claims>> {
        let Some(token) = tokens.id_token() else { return Ok(None) };
        let wrong = |error: openidconnect::ClaimsVerificationError| {
            Error::unauthenticated(format!("the sign-in provider's ID token is not valid: {error}")).because(error)
        };
        let checked = token.claims(&known.client.id_token_verifier(), nonce).map(drop);
        if let Err(error) = checked {
            if !matches!(error, openidconnect::ClaimsVerificationError::SignatureVerification(_)) {
                return Err(wrong(error));
            }
            let known = self.known(SOONEST).await?;
            token.claims(&known.client.id_token_verifier(), nonce).map(drop).map_err(wrong)?;
        }
        claims::of_token(&token.to_string()).map(Some)
    }

    async fn signed_in(
        &self,
        known: &Known,
        tokens: &CoreTokenResponse,
        id_claims: Claims,
        before: Option<&State>,
        now: i64,
    ) -> Result<SignedIn> {
        let access_token = tokens.access_token().secret().clone();
        let mut together = id_claims.clone();
        if known.userinfo.is_some() {
            match self.userinfo(known, &access_token).await? {
                // (OpenID Connect Core 1.0, 5.3.2: these must be the same)
                Userinfo::Claims(claims) if claims.get("sub") == id_claims.get("sub") => together.extend(claims),
                Userinfo::Claims(_) => return Err(Error::unauthenticated("the sign-in provider's userinfo is about somebody else")),
                Userinfo::Refused(why) => return Err(Error::unauthenticated(format!("the sign-in provider gives no userinfo: {why}"))),
            }
        }
        let state = State {
            access_token,
            refresh_token: tokens.refresh_token().map(|t| t.secret().clone()).or_else(|| before.and_then(|b| b.refresh_token.clone())),
            id_token: tokens.id_token().map(ToString::to_string).or_else(|| before.and_then(|b| b.id_token.clone())),
            expires_at: tokens.expires_in().map(|life| now.saturating_add(i64::try_from(life.as_millis()).unwrap_or(i64::MAX))),
            id_claims,
            oauth_user: together,
        };
        Ok(SignedIn { who: self.vouched(&state.oauth_user)?, state })
    }

    async fn userinfo(&self, known: &Known, access_token: &str) -> Result<Userinfo> {
        let url = known.userinfo.as_deref().unwrap_or_default();
        let mut request = HttpRequest::new(Vec::new());
        *request.method_mut() = Method::GET;
        let uri = url
            .parse()
            .map_err(|e| Error::unavailable(format!("the sign-in provider's userinfo endpoint {url:?} is no URL")).because(e))?;
        *request.uri_mut() = uri;
        let bearer = header::HeaderValue::from_str(&format!("Bearer {access_token}"));
        let bearer = bearer.map_err(|e| Error::unauthenticated("the sign-in provider's access token cannot be sent").because(e))?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
        let answer = self.http.send(request).await?;
        match answer.status() {
            StatusCode::OK => {
                let claims = serde_json::from_slice(answer.body());
                claims.map(Userinfo::Claims).map_err(|e| Error::unavailable("the sign-in provider's userinfo cannot be read").because(e))
            }
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Ok(Userinfo::Refused(format!("it answers {}", answer.status())))
            }
            status => Err(Error::unavailable(format!("the sign-in provider's userinfo endpoint answers {status}; try again"))),
        }
    }
}

/// What a refused token request means. A provider that takes this installation's own credentials for wrong is no fault
/// of the user's.
fn refusal(error: Refusal, what: &str) -> Error {
    match error {
        RequestTokenError::ServerResponse(answer) if *answer.error() == CoreErrorResponseType::InvalidGrant => {
            Error::unauthenticated(format!("the sign-in provider has refused {what}: {answer}; sign in again"))
        }
        RequestTokenError::ServerResponse(answer) => {
            Error::unavailable(format!("the sign-in provider has refused {what}: {answer}; see hub.oidc.client_id and client_secret"))
        }
        RequestTokenError::Request(error) => error,
        RequestTokenError::Parse(error, _) => {
            Error::unavailable(format!("the sign-in provider's answer to {what} cannot be read")).because(error)
        }
        RequestTokenError::Other(text) => Error::unavailable(format!("the sign-in provider cannot be used for {what}: {text}")),
    }
}
