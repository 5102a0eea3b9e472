//! Who makes a request: whom the gateway has authenticated already (a session, a token, everybody with `--auth none`), or
//! who holds the access key that signed it. The hub knows the keys; its answers are believed for some seconds.

use super::body::Signer;
use super::request::Request;
use super::signature::Claim;
use actix_web::HttpMessage;
use artel_platform::clock::Clock;
use artel_platform::identity::{Kind, Scopes};
use artel_platform::rpc::Peers;
use artel_platform::{Code, Error, Identity, Result};
use artel_proto::artel::hub::v1::{AccessKeyRequest, AccessKeyResponse};
use std::sync::Arc;
use std::time::Duration;

/// How long a revoked key may still be taken.
const MEMORY: Duration = Duration::from_secs(5);
const REMEMBERED: u64 = 10_000;

pub(super) struct AccessKeys {
    peers: Peers,
    clock: Clock,
    known: moka::future::Cache<String, Arc<AccessKeyResponse>>,
}

impl AccessKeys {
    pub(super) fn new(peers: Peers, clock: Clock) -> Self {
        let known = moka::future::Cache::builder().max_capacity(REMEMBERED).time_to_live(MEMORY).build();
        Self { peers, clock, known }
    }

    /// Who makes `request`, and what signs the chunks of its body.
    pub(super) async fn identify(&self, request: &Request) -> Result<(Identity, Signer)> {
        // somebody the gateway knows: with --auth none, clients still sign with whatever they were given
        if let Some(identity) = request.http.extensions().get::<Identity>() {
            return Ok((identity.clone(), None));
        }
        let now = self.clock.now();
        let claim =
            Claim::find(request, now)?.ok_or_else(|| Error::unauthenticated("sign the request with an access key, or send a token"))?;
        let key = self.key(claim.id()).await?;
        if key.expires > 0 && key.expires <= now {
            return Err(unknown());
        }
        let signer = claim.verify(request, &key.secret_access_key)?;
        Ok((identity(&key), signer))
    }

    async fn key(&self, id: &str) -> Result<Arc<AccessKeyResponse>> {
        let ask = async {
            let answer = self.peers.hub().access_key(AccessKeyRequest { access_key_id: id.into() }).await;
            answer.map(|a| Arc::new(a.into_inner())).map_err(Error::from)
        };
        self.known.try_get_with(id.to_owned(), ask).await.map_err(|error| match error.code {
            Code::Unauthenticated => unknown(),
            code => Error::new(code, error.message.clone()),
        })
    }
}

fn unknown() -> Error {
    Error::denied("there is no such access key, or it was revoked or has expired").reason("InvalidAccessKeyId")
}

fn identity(key: &AccessKeyResponse) -> Identity {
    let principal = key.principal.clone().unwrap_or_default();
    let some = |text: String| (!text.is_empty()).then_some(text);
    Identity {
        kind: Kind::User,
        name: principal.name,
        admin: principal.admin,
        scopes: Scopes::from_iter(principal.scopes),
        session: some(principal.session_id),
        token_id: some(principal.token_id),
        ..Identity::anonymous_admin()
    }
}
