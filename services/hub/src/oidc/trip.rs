//! What has to be remembered while a browser is at the provider. The browser carries it, sealed, so that any replica can
//! read it when it comes back.

use artel_platform::identity::Vault;
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};

/// How long somebody may take to sign in at the provider, in seconds.
pub(crate) const LIFE: i64 = 900;
/// What the sealed text is bound to.
const PLACE: &str = "a sign-in under way";

/// One way to the provider and back.
#[derive(Serialize, Deserialize)]
pub(crate) struct Trip {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    /// Where to go afterwards, a path of this site.
    pub(crate) next: String,
    pub(super) at: i64,
}

/// The cookie of the trip with this `state`: several may be under way in one browser.
pub(crate) fn cookie(state: &str) -> String {
    let short: String = state.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    format!("artel-oidc-{short}")
}

impl Trip {
    /// The name of its cookie.
    pub(crate) fn cookie(&self) -> String {
        cookie(&self.state)
    }

    /// For the cookie.
    pub(crate) fn seal(&self, vault: &Vault, secret: &str) -> Result<String> {
        vault.seal(PLACE, &serde_json::to_string(self)?, secret)
    }

    /// The trip that the cookie says, if it is that of `state` and not too long ago.
    pub(crate) fn open(vault: &Vault, sealed: &str, state: &str, now: i64) -> Result<Self> {
        let lost = || Error::unauthenticated("this sign-in was not begun in this browser, or too long ago; sign in again");
        let text = vault.open(PLACE, sealed).map_err(|_| lost())?;
        let trip: Self = serde_json::from_str(&text).map_err(|_| lost())?;
        let fits = trip.state == state && now - trip.at < LIFE * 1000;
        fits.then_some(trip).ok_or_else(lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trip_is_good_for_its_state_and_for_a_while() {
        let vault = Vault::new(&[7; 32]).unwrap();
        let trip = Trip { state: "a-b_c".into(), nonce: "n".into(), verifier: "v".into(), next: "/x".into(), at: 1000 };
        let sealed = trip.seal(&vault, &"ab".repeat(32)).unwrap();
        assert!(!sealed.contains("a-b_c"));
        assert_eq!(Trip::open(&vault, &sealed, "a-b_c", 2000).unwrap().next, "/x");
        assert!(Trip::open(&vault, &sealed, "other", 2000).is_err());
        assert!(Trip::open(&vault, &sealed, "a-b_c", 1000 + LIFE * 1000).is_err());
        assert!(Trip::open(&Vault::new(&[8; 32]).unwrap(), &sealed, "a-b_c", 2000).is_err());
        assert_eq!(trip.cookie(), "artel-oidc-abc");
    }
}
