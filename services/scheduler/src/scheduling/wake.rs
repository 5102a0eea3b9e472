//! Runs that something happened to, each at most once, in the order in which it happened.

use crate::store::runs::RunKey;
use indexmap::IndexSet;
use std::collections::HashSet;
use std::sync::Mutex;
use tokio::sync::Notify;

/// The queue of runs to look at.
#[derive(Default)]
pub(crate) struct Wake {
    queue: Mutex<Queue>,
    changed: Notify,
}

#[derive(Default)]
struct Queue {
    waiting: IndexSet<RunKey>,
    /// Being looked at: not given out a second time meanwhile.
    busy: HashSet<RunKey>,
}

impl Wake {
    /// Something happened to this run.
    pub(crate) fn run(&self, dag_id: &str, run_id: &str) {
        self.queue.lock().expect("not poisoned").waiting.insert((dag_id.to_owned(), run_id.to_owned()));
        self.changed.notify_one();
    }

    /// The next run to look at; waits for one.
    pub(crate) async fn next(&self) -> RunKey {
        loop {
            if let Some(run) = self.take() {
                return run;
            }
            self.changed.notified().await;
        }
    }

    /// The next run to look at, if there is one.
    pub(crate) fn take(&self) -> Option<RunKey> {
        let mut queue = self.queue.lock().expect("not poisoned");
        let free = queue.waiting.iter().position(|run| !queue.busy.contains(run))?;
        let run = queue.waiting.shift_remove_index(free)?;
        queue.busy.insert(run.clone());
        if !queue.waiting.is_empty() {
            self.changed.notify_one(); // another evaluator may go on
        }
        Some(run)
    }

    /// The run was looked at. What happened to it meanwhile is looked at next.
    pub(crate) fn done(&self, run: &RunKey) {
        let mut queue = self.queue.lock().expect("not poisoned");
        queue.busy.remove(run);
        if !queue.waiting.is_empty() {
            self.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_looked_at_by_one_at_a_time_and_again_after_a_change() {
        let wake = Wake::default();
        wake.run("d", "1");
        wake.run("d", "1");
        wake.run("d", "2");
        let first = wake.take().unwrap();
        assert_eq!(first.1, "1");
        wake.run("d", "1");
        assert_eq!(wake.take().unwrap().1, "2");
        assert_eq!(wake.take(), None);
        wake.done(&first);
        assert_eq!(wake.take().unwrap().1, "1");
    }
}
