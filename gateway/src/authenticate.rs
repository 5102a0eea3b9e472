//! Who makes a request. The hub is asked; its answers are remembered for a few seconds and forgotten at once when it
//! tells that a credential was revoked.

use crate::credentials::{self, Credential};
use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, header};
use artel_platform::http::CSRF_HEADER;
use artel_platform::identity::{Audience, Identity, Keys, Kind, Scopes};
use artel_platform::rpc::Peers;
use artel_platform::{Code, Error, Result};
use artel_proto::artel::hub::v1 as hub;
use artel_proto::artel::hub::v1::authenticate_request as request_kind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long an answer of the hub is believed.
const MEMORY: Duration = Duration::from_secs(5);
const REMEMBERED: u64 = 10_000;
/// How long a signed identity is good for: as long as it is believed, and then until it has reached the service.
const IDENTITY_LIFE: Duration = Duration::from_secs(60);

/// An identity, and the CSRF token that its cookie session must show on writes.
#[derive(Clone)]
pub(crate) struct Authenticated {
    pub(crate) identity: Identity,
    pub(crate) csrf: Option<String>,
    /// What tells services in other processes, for as long as the answer is remembered.
    signed: Arc<OnceLock<String>>,
}

impl Authenticated {
    fn new(identity: Identity, csrf: Option<String>) -> Self {
        Self { identity, csrf, signed: Arc::default() }
    }

    /// The identity, signed for another process of the suite.
    pub(crate) fn signed(&self, keys: &Keys, now: i64) -> Result<String> {
        if let Some(signed) = self.signed.get() {
            return Ok(signed.clone());
        }
        let signed = keys.sign(&self.identity, Audience::Internal, now, IDENTITY_LIFE)?;
        Ok(self.signed.get_or_init(|| signed).clone())
    }
}

pub(crate) struct Authenticator {
    peers: Peers,
    keys: Keys,
    /// `--auth none`: everybody is the administrator, on loopback only.
    open: bool,
    known: moka::future::Cache<Credential, Authenticated>,
    /// How often everything was forgotten.
    forgotten: AtomicU64,
}

impl Authenticator {
    pub(crate) fn new(peers: Peers, keys: Keys, open: bool) -> Self {
        let known = moka::future::Cache::builder().max_capacity(REMEMBERED).time_to_live(MEMORY).build();
        Self { peers, keys, open, known, forgotten: AtomicU64::new(0) }
    }

    /// Puts the caller's `Identity` into the request. Nobody is fine here: each route says what it needs.
    pub(crate) async fn authenticate(&self, request: &ServiceRequest) -> Result<()> {
        if self.open {
            only_from_loopback(request)?;
            let anonymous = Authenticated::new(Identity::anonymous_admin(), None);
            request.extensions_mut().insert(anonymous.identity.clone());
            request.extensions_mut().insert(anonymous);
            return Ok(());
        }
        let Some(credential) = credentials::find(request) else { return Ok(()) };
        let from_cookie = matches!(credential, Credential::Session(_));
        let authenticated = match self.identify(credential).await {
            Ok(authenticated) => authenticated,
            // an expired cookie is no error: the login page must still open
            Err(error) if from_cookie && error.code == Code::Unauthenticated => return Ok(()),
            Err(error) => return Err(error),
        };
        if from_cookie && !is_safe(request.method()) {
            check_csrf(request, authenticated.csrf.as_deref())?;
        }
        request.extensions_mut().insert(authenticated.identity.clone());
        request.extensions_mut().insert(authenticated);
        Ok(())
    }

    /// Forgets every remembered answer.
    pub(crate) fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.known.invalidate_all();
    }

    async fn identify(&self, credential: Credential) -> Result<Authenticated> {
        if let Credential::Token(token) = &credential
            && token.matches('.').count() == 2
        {
            let identity = self.keys.verify(token, Audience::Gateway)?;
            return Ok(Authenticated::new(identity, None));
        }
        if let Some(known) = self.known.get(&credential).await {
            return Ok(known);
        }
        let before = self.forgotten.load(Ordering::SeqCst);
        let ask = self.ask(credential.clone());
        let answer = self.known.try_get_with(credential.clone(), ask).await.map_err(|e| Error::new(e.code, e.message.clone()));
        if self.forgotten.load(Ordering::SeqCst) != before {
            // it may have been given before what made everything else be forgotten
            self.known.invalidate(&credential).await;
        }
        answer
    }

    async fn ask(&self, credential: Credential) -> Result<Authenticated> {
        let credential = match credential {
            Credential::Password { username, password } => request_kind::Credential::Password(hub::Password { username, password }),
            Credential::Token(token) => request_kind::Credential::Token(token),
            Credential::Session(session) => request_kind::Credential::Session(session),
        };
        let request = hub::AuthenticateRequest { credential: Some(credential) };
        let principal = self.peers.hub().authenticate(request).await?.into_inner();
        let some = |text: String| (!text.is_empty()).then_some(text);
        let csrf = some(principal.csrf);
        Ok(Authenticated::new(
            Identity {
                kind: match principal.kind.as_str() {
                    "server" => Kind::Server,
                    "service" => Kind::Service,
                    _ => Kind::User,
                },
                name: principal.name,
                admin: principal.admin,
                groups: principal.groups,
                scopes: Scopes::from_iter(principal.scopes),
                session: some(principal.session_id),
                token_id: some(principal.token_id),
                restricted: principal.restricted,
            },
            csrf,
        ))
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A write that is authenticated by cookie must show the session's token, which another site cannot read.
fn check_csrf(request: &ServiceRequest, expected: Option<&str>) -> Result<()> {
    let header = request.headers().get(CSRF_HEADER).and_then(|v| v.to_str().ok());
    let query = request.query_string().split('&').find_map(|pair| pair.strip_prefix("_xsrf="));
    match (header.or(query), expected) {
        (Some(shown), Some(expected)) if shown == expected => Ok(()),
        _ => {
            Err(Error::denied("this write needs the header X-XSRFToken with the value of the cookie _xsrf; reload the page and try again"))
        }
    }
}

/// With `--auth none` a page of another site could reach us by a name that resolves to loopback: refuse such names.
fn only_from_loopback(request: &ServiceRequest) -> Result<()> {
    let is_local = |host: &str| {
        let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host });
        matches!(name, "localhost" | "127.0.0.1" | "[::1]")
    };
    let host = request.headers().get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or("localhost");
    let origin = request.headers().get(header::ORIGIN).and_then(|v| v.to_str().ok());
    let foreign_origin = origin.is_some_and(|o| o != "null" && !o.split_once("://").is_some_and(|(_, host)| is_local(host)));
    if is_local(host) && !foreign_origin {
        Ok(())
    } else {
        Err(Error::denied("with --auth none only pages and programs of this machine may call; start with passwords to serve others"))
    }
}
