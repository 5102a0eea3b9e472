//! Tokens that were found good a moment ago. A worker and another service show the same one with every call, and to check
//! its signature again would cost more than most calls do.

use super::{Audience, Identity};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How many are kept.
const KEPT: usize = 1000;

#[derive(Default)]
pub(super) struct Verified(Mutex<HashMap<String, Known>>);

struct Known {
    audience: Audience,
    identity: Identity,
    /// When it is no longer good, in seconds.
    until: i64,
}

impl Verified {
    /// What is known of a token that is good at `now` (seconds).
    pub(super) fn get(&self, token: &str, now: i64) -> Option<(Audience, Identity)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(token).filter(|known| now < known.until).map(|known| (known.audience, known.identity.clone()))
    }

    pub(super) fn put(&self, token: &str, audience: Audience, identity: &Identity, until: i64, now: i64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.retain(|_, known| now < known.until);
        }
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(token.to_owned(), Known { audience, identity: identity.clone(), until });
    }
}
