//! Secrets at rest: AES-256-GCM with the installation's storage key, each bound to the place it is stored in.

use crate::error::{Error, Result};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Marks an encrypted value, and how it is encrypted.
const PREFIX: &str = "v1:";

/// Encrypts and decrypts.
pub struct Vault(LessSafeKey);

impl Vault {
    /// With the key of [`super::Keys::storage`].
    pub fn new(key: &[u8; 32]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::internal("the storage key cannot be used"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// `secret` gives the random bytes of the nonce, as hex; `place` is what the value is bound to.
    pub fn seal(&self, place: &str, text: &str, secret: &str) -> Result<String> {
        let mut nonce = [0u8; NONCE_LEN];
        hex::decode_to_slice(&secret[..NONCE_LEN * 2], &mut nonce).map_err(|e| Error::internal("no random bytes").because(e))?;
        let mut sealed = text.as_bytes().to_vec();
        let nonce_value = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(nonce_value, Aad::from(place.as_bytes()), &mut sealed)
            .map_err(|_| Error::internal("a secret cannot be encrypted"))?;
        Ok(format!("{PREFIX}{}{}", hex::encode(nonce), hex::encode(sealed)))
    }

    /// The text again. Fails when the installation's secret is another than it was.
    pub fn open(&self, place: &str, stored: &str) -> Result<String> {
        let unreadable =
            || Error::conflict(format!("{place} cannot be decrypted: the installation's secret is not the one it was stored with"));
        let bytes = stored.strip_prefix(PREFIX).and_then(|rest| hex::decode(rest).ok()).ok_or_else(unreadable)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or_else(unreadable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| unreadable())?;
        let mut sealed = sealed.to_vec();
        let text = self.0.open_in_place(nonce, Aad::from(place.as_bytes()), &mut sealed).map_err(|_| unreadable())?;
        String::from_utf8(text.to_vec()).map_err(|_| unreadable())
    }
}

#[cfg(test)]
mod tests {
    use super::Vault;

    #[test]
    fn a_secret_opens_only_where_it_was_put() {
        let vault = Vault::new(&[7; 32]).unwrap();
        let sealed = vault.seal("variable a", "s3cret", &"ab".repeat(32)).unwrap();
        assert!(!sealed.contains("s3cret"));
        assert_eq!(vault.open("variable a", &sealed).unwrap(), "s3cret");
        assert!(vault.open("variable b", &sealed).is_err());
        assert!(Vault::new(&[8; 32]).unwrap().open("variable a", &sealed).is_err());
        assert!(vault.open("variable a", "plain").is_err());
    }
}
