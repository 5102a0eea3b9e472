//! Which runs were announced lately: a run that logs a thousand batches a second is one event a second to the web app.

use std::collections::HashMap;
use std::sync::Mutex;

/// Shortest time between two announcements of one run for what is logged to it, milliseconds.
const INTERVAL: i64 = 1000;
/// How many runs are remembered; beyond it the old ones are forgotten.
const REMEMBERED: usize = 10_000;

/// Run numbers and when each was last announced.
#[derive(Default)]
pub(crate) struct Live(Mutex<HashMap<i64, i64>>);

impl Live {
    /// May this run be announced now? If so, the time is noted.
    pub(crate) fn due(&self, run: i64, now: i64) -> bool {
        let mut announced = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if announced.len() >= REMEMBERED {
            announced.retain(|_, time| now - *time < INTERVAL);
        }
        match announced.get(&run) {
            Some(time) if now - *time < INTERVAL => false,
            _ => {
                announced.insert(run, now);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_busy_run_is_announced_once_a_second() {
        let live = super::Live::default();
        assert!(live.due(1, 5000));
        assert!(!live.due(1, 5999));
        assert!(live.due(2, 5999));
        assert!(live.due(1, 6000));
    }
}
