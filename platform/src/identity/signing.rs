//! Signed tokens (EdDSA). One secret of the installation gives every process the same key pair, so that what one
//! part signs another verifies without asking. Audiences keep their uses apart: a token made for a task's
//! process is never taken for one that the gateway sends to a service, nor the other way round.

use super::Identity;
use super::verified::Verified;
use crate::error::{Error, Result, ResultExt};
use base64::Engine as _;
use hkdf::Hkdf;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::Rng;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Whom a token is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A service, from the gateway or another service; lives a minute.
    Internal,
    /// The gateway, from a task or notebook process.
    Gateway,
    /// The scheduler, from a worker on another host.
    Worker,
}

impl Audience {
    fn name(self) -> &'static str {
        match self {
            Self::Internal => "artel-internal",
            Self::Gateway => "artel-gateway",
            Self::Worker => "artel-worker",
        }
    }
}

/// By how many seconds the clocks of two hosts may differ.
const LEEWAY: u64 = 5;

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    iat: i64,
    exp: i64,
    identity: Identity,
}

/// The installation's keys, all derived from its secret.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    encoding: EncodingKey,
    decoding: DecodingKey,
    storage: [u8; 32],
    access_keys: [u8; 32],
    verified: Verified,
}

/// DER framing of an Ed25519 private key (RFC 8410): the 32 bytes of the seed follow.
const PKCS8_ED25519: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

impl Keys {
    /// Keys from the installation's secret (any length; 32 random bytes are recommended).
    pub fn derive(secret: &[u8]) -> Result<Self> {
        let expand = |purpose: &str| -> Result<[u8; 32]> {
            let mut out = [0; 32];
            Hkdf::<Sha256>::new(None, secret).expand(purpose.as_bytes(), &mut out).map_err(|_| Error::internal("cannot derive keys"))?;
            Ok(out)
        };
        let seed = expand("artel signing v1")?;
        let mut der = PKCS8_ED25519.to_vec();
        der.extend_from_slice(&seed);
        let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&seed).or_internal("cannot make the signing key")?;
        let public = aws_lc_rs::signature::KeyPair::public_key(&pair);
        Ok(Self(Arc::new(Inner {
            encoding: EncodingKey::from_ed_der(&der),
            decoding: DecodingKey::from_ed_der(public.as_ref()),
            storage: expand("artel storage v1")?,
            access_keys: expand("artel access keys v1")?,
            verified: Verified::default(),
        })))
    }

    /// The secret in `path`, made on first use (mode 600).
    pub fn load_or_create(path: &Path) -> Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        match std::fs::read(path) {
            Ok(secret) => return Self::derive(secret.trim_ascii()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::internal(format!("cannot read the secret file {}", path.display())).because(e)),
        }
        let mut secret = [0u8; 32];
        rand::rng().fill_bytes(&mut secret);
        let text = hex::encode(secret);
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut f| std::io::Write::write_all(&mut f, text.as_bytes()));
        written.or_internal(&format!("cannot write the secret file {}", path.display()))?;
        Self::derive(text.as_bytes())
    }

    /// A signed token that says `identity`, for `audience`, good for `life` from `now` (milliseconds).
    pub fn sign(&self, identity: &Identity, audience: Audience, now: i64, life: Duration) -> Result<String> {
        let iat = now / 1000;
        let claims = Claims { aud: audience.name().into(), iat, exp: iat + life.as_secs() as i64, identity: identity.clone() };
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &self.0.encoding).or_internal("cannot sign a token")
    }

    /// Who a signed token says it is. `UNAUTHENTICATED` when it is not ours, not for `audience` or too old.
    pub fn verify(&self, token: &str, audience: Audience) -> Result<Identity> {
        self.verify_for_any(token, &[audience]).map(|(_, identity)| identity)
    }

    /// The same for a token that may be for any of `audiences`, and for which of them it is.
    pub fn verify_for_any(&self, token: &str, audiences: &[Audience]) -> Result<(Audience, Identity)> {
        let now = chrono::Utc::now().timestamp();
        if let Some(known) = self.0.verified.get(token, now).filter(|(audience, _)| audiences.contains(audience)) {
            return Ok(known);
        }
        let refused = || Error::unauthenticated("this token is not valid or has expired");
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&audiences.iter().map(|audience| audience.name()).collect::<Vec<_>>());
        validation.leeway = LEEWAY;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.0.decoding, &validation).map_err(|e| refused().because(e))?.claims;
        let audience = *audiences.iter().find(|audience| audience.name() == claims.aud).ok_or_else(refused)?;
        self.0.verified.put(token, audience, &claims.identity, claims.exp + LEEWAY as i64, now);
        Ok((audience, claims.identity))
    }

    /// The secret of the S3 access key with this id: HMAC-SHA256 of it (as HKDF's one-block expansion), in base64.
    pub fn access_key_secret(&self, id: &str) -> Result<String> {
        let key = Hkdf::<Sha256>::from_prk(&self.0.access_keys).map_err(|_| Error::internal("cannot derive keys"))?;
        let mut out = [0; 32];
        key.expand(id.as_bytes(), &mut out).map_err(|_| Error::internal("cannot derive keys"))?;
        Ok(base64::engine::general_purpose::STANDARD_NO_PAD.encode(out))
    }

    /// The key for secrets at rest (AES-256-GCM).
    pub fn storage(&self) -> &[u8; 32] {
        &self.0.storage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_its_audience_and_its_installation() {
        let keys = Keys::derive(b"one").unwrap();
        let now = chrono::Utc::now().timestamp_millis();
        let token = keys.sign(&Identity::internal("gateway"), Audience::Internal, now, Duration::from_secs(60)).unwrap();
        for _ in 0..2 {
            assert_eq!(keys.verify(&token, Audience::Internal).unwrap().name, "artel-gateway");
            assert!(keys.verify(&token, Audience::Gateway).is_err());
        }
        let (audience, _) = keys.verify_for_any(&token, &[Audience::Worker, Audience::Internal]).unwrap();
        assert_eq!(audience, Audience::Internal);
        assert!(Keys::derive(b"two").unwrap().verify(&token, Audience::Internal).is_err());
        let old = keys.sign(&Identity::internal("gateway"), Audience::Internal, now - 120_000, Duration::from_secs(60)).unwrap();
        assert!(keys.verify(&old, Audience::Internal).is_err());
        let ends = keys.sign(&Identity::internal("gateway"), Audience::Internal, now - 64_000, Duration::from_secs(60)).unwrap();
        assert!(keys.verify(&ends, Audience::Internal).is_ok());
        std::thread::sleep(Duration::from_millis(2100));
        assert!(keys.verify(&ends, Audience::Internal).is_err(), "what was good a moment ago ends like any other");
    }

    #[test]
    fn a_secret_belongs_to_one_key_of_one_installation() {
        let keys = Keys::derive(b"one").unwrap();
        let secret = keys.access_key_secret("a1").unwrap();
        assert_eq!((secret.len(), keys.access_key_secret("a1").unwrap()), (43, secret.clone()));
        assert_ne!(keys.access_key_secret("a2").unwrap(), secret);
        assert_ne!(Keys::derive(b"two").unwrap().access_key_secret("a1").unwrap(), secret);
    }
}
