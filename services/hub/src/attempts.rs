//! How often somebody has failed to come in lately: a limit on guessing.

use std::collections::HashMap;
use std::sync::Mutex;

/// How many failures a name gets from one address in a window; and from anywhere.
const PER_ADDRESS: u32 = 10;
const PER_NAME: u32 = 100;
/// Length of the window in milliseconds.
const WINDOW: i64 = 60_000;
/// How many names and addresses are remembered before the old ones are forgotten.
const REMEMBERED: usize = 10_000;

/// Failures by name and address.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<HashMap<(String, String), Failed>>);

#[derive(Clone, Copy)]
struct Failed {
    count: u32,
    since: i64,
}

impl Attempts {
    /// May `name` try from `address`? Else the seconds to wait.
    pub(crate) fn check(&self, name: &str, address: &str, now: i64) -> Result<(), u64> {
        let failed = self.0.lock().expect("not poisoned");
        for (address, limit) in [(address, PER_ADDRESS), ("", PER_NAME)] {
            let seen = failed.get(&(name.to_owned(), address.to_owned())).filter(|f| now - f.since < WINDOW);
            if let Some(seen) = seen.filter(|f| f.count >= limit) {
                return Err(u64::try_from((seen.since + WINDOW - now).max(1000) / 1000).unwrap_or(1));
            }
        }
        Ok(())
    }

    /// Notes a failure.
    pub(crate) fn note(&self, name: &str, address: &str, now: i64) {
        let mut failed = self.0.lock().expect("not poisoned");
        if failed.len() >= REMEMBERED {
            failed.retain(|_, f| now - f.since < WINDOW);
        }
        for address in [address, ""] {
            let seen = failed.entry((name.to_owned(), address.to_owned())).or_insert(Failed { count: 0, since: now });
            if now - seen.since >= WINDOW {
                *seen = Failed { count: 0, since: now };
            }
            seen.count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_failures_are_followed_by_a_pause() {
        let attempts = Attempts::default();
        for _ in 0..PER_ADDRESS {
            attempts.note("ada", "there", 1000);
        }
        assert_eq!(attempts.check("ada", "there", 2000), Err(59));
        assert!(attempts.check("ada", "here", 2000).is_ok());
        assert!(attempts.check("bob", "there", 2000).is_ok());
        assert!(attempts.check("ada", "there", 1000 + WINDOW).is_ok());
    }
}
