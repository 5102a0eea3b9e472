//! Whether there may be queued tasks that no worker was given. Without this every claim would begin with a question to the
//! database whose answer is no.

use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::watch;

/// How often it is asked anyway: another scheduler process may have queued something, or a lease have run out.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Counts what this process has queued for whoever claims it.
pub(crate) struct Unclaimed {
    queued: watch::Sender<u64>,
    /// When nothing was left, in milliseconds, and how much had been queued by then.
    empty: Mutex<Option<(i64, u64)>>,
}

impl Default for Unclaimed {
    fn default() -> Self {
        Self { queued: watch::Sender::new(0), empty: Mutex::default() }
    }
}

impl Unclaimed {
    /// Something was queued.
    pub(crate) fn announce(&self) {
        self.queued.send_modify(|count| *count += 1);
    }

    /// What tells of more from now on.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.queued.subscribe()
    }

    /// May there be something, if so much was queued?
    pub(crate) fn is_likely(&self, queued: u64, now: i64) -> bool {
        self.empty.lock().expect("not poisoned").is_none_or(|(at, by)| queued != by || now.abs_diff(at) >= LOOK_AGAIN.as_millis() as u64)
    }

    /// May there be something now?
    pub(crate) fn may_be_there(&self, now: i64) -> bool {
        self.is_likely(*self.queued.borrow(), now)
    }

    /// Nothing was found, though so much had been queued.
    pub(crate) fn nothing_left(&self, queued: u64, now: i64) {
        *self.empty.lock().expect("not poisoned") = Some((now, queued));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_looked_at_the_start_after_news_and_now_and_then() {
        let unclaimed = Unclaimed::default();
        let mut news = unclaimed.news();
        let so_far = *news.borrow_and_update();
        assert!(unclaimed.is_likely(so_far, 0));
        unclaimed.nothing_left(so_far, 5000);
        assert!(!unclaimed.is_likely(so_far, 5999));
        assert!(unclaimed.is_likely(so_far, 6000));
        assert!(unclaimed.is_likely(so_far, 0), "also when the clock was put back");
        unclaimed.announce();
        news.changed().await.unwrap();
        let so_far = *news.borrow_and_update();
        assert!(unclaimed.is_likely(so_far, 5001));
    }
}
