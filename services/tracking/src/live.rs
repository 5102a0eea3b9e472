//! Which runs were announced lately: a run that logs a thousand batches a second is one event a second to the web app.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Shortest time between two announcements of one run for what is logged to it, milliseconds.
const INTERVAL: i64 = 1000;
/// How many runs are remembered; beyond it the old ones are forgotten.
const REMEMBERED: usize = 10_000;

/// Ids of runs and when each was last announced.
#[derive(Default)]
pub(crate) struct Live(Mutex<HashMap<String, i64>>);

impl Live {
    /// May this run be announced now? If so, the time is noted.
    pub(crate) fn due(&self, run: &str, now: i64) -> bool {
        let mut announced = self.announced();
        if announced.len() >= REMEMBERED {
            announced.retain(|_, time| now - *time < INTERVAL);
        }
        match announced.get(run) {
            Some(time) if now - *time < INTERVAL => false,
            _ => {
                announced.insert(run.to_owned(), now);
                true
            }
        }
    }

    /// Was this run announced just now?
    pub(crate) fn told(&self, run: &str, now: i64) -> bool {
        self.announced().get(run).is_some_and(|time| now - *time < INTERVAL)
    }

    fn announced(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_busy_run_is_announced_once_a_second() {
        let live = super::Live::default();
        assert!(!live.told("a", 5000));
        assert!(live.due("a", 5000));
        assert!(!live.due("a", 5999) && live.told("a", 5999));
        assert!(live.due("b", 5999));
        assert!(!live.told("a", 6000));
        assert!(live.due("a", 6000));
    }
}
