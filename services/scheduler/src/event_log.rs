//! The log of events: what people do over the API, and what tasks say of their states (airflow/models/log.py).

use crate::Scheduler;
use crate::python_json::dumps;
use crate::states::TaskState;
use crate::store::event_logs::{self, NewEvent};
use crate::store::instances::TaskInstance;
use artel_platform::Result;
use artel_platform::db::Tx;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Numbers of events, which sort by time: the last one that was given.
#[derive(Default)]
pub(crate) struct Numbers(AtomicI64);

impl Numbers {
    /// A time in milliseconds leaves room for three more digits: numbers of clients end at 2^53. `apart` keeps those of
    /// several processes apart, as far as it goes.
    fn next(&self, now: i64, apart: i64) -> i64 {
        let after = |last: i64| (last + 1).max(now * 1000 + apart % 1000);
        let last = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(after(last)));
        last.map_or_else(after, after)
    }
}

/// How often old events are removed, and how many in one statement, which nobody else can write beside.
const SWEEP: Duration = Duration::from_secs(3600);
const AT_ONCE: u64 = 1000;
const DAY: i64 = 24 * 60 * 60 * 1000;

impl Scheduler {
    /// Starts the task that removes events that are old enough, where a setting says what that is.
    pub(crate) fn start_event_sweeper(self: &Arc<Self>) {
        let days = self.settings.keep_events_days;
        if days == 0 {
            return;
        }
        let scheduler = self.clone();
        self.cx.spawn("remove old events", async move {
            loop {
                if let Err(error) = scheduler.sweep_events(days).await {
                    tracing::warn!(error = %error.chain(), "old events stay for now");
                }
                tokio::select! {
                    () = scheduler.cx.stop.cancelled() => return,
                    () = tokio::time::sleep(SWEEP) => {}
                }
            }
        });
    }

    /// Removes what is older than so many days.
    pub(crate) async fn sweep_events(&self, days: u32) -> Result<()> {
        let before = self.cx.clock.now() - i64::from(days) * DAY;
        while event_logs::forget(&self.db, before, AT_ONCE).await? == AT_ONCE {}
        Ok(())
    }

    /// Notes that something happened.
    pub(crate) async fn note_event(&self, event: &NewEvent) -> Result<()> {
        let (uid, id, now) = self.event_key();
        event_logs::add(&self.db, (&uid, id), event, now).await
    }

    /// Notes that a task says it is in this state now, along with what the transaction writes of it: this is done for every
    /// try, and must cost no journey to the database.
    pub(crate) async fn note_state(&self, tx: &mut Tx, instance: &TaskInstance, state: TaskState, hostname: Option<&str>) -> Result<()> {
        let dag = self.version_in(tx, &instance.dag_version_id).await?;
        let event = NewEvent {
            event: state.as_str().into(),
            dag_id: Some(instance.dag_id.clone()),
            task_id: Some(instance.task_id.clone()),
            run_id: Some(instance.run_id.clone()),
            map_index: Some(instance.map_index),
            try_number: Some(instance.try_number),
            owner: dag.task(&instance.task_id).map(|task| task.owner.clone()),
            extra: hostname.filter(|name| !name.is_empty()).map(|name| dumps(&json!({"host_name": name}))),
            logical_date: None,
        };
        let (uid, id, now) = self.event_key();
        event_logs::add_along(tx, (&uid, id), &event, now);
        Ok(())
    }

    fn event_key(&self) -> (String, i64, i64) {
        let (uid, now) = (self.cx.ids.ordered(), self.cx.clock.now());
        let apart = (uid.as_u128() % 1000) as i64;
        (uid.to_string(), self.event_numbers.next(now, apart), now)
    }
}

#[cfg(test)]
mod tests {
    use super::Numbers;

    #[test]
    fn numbers_go_up_and_stay_whole_in_clients() {
        let numbers = Numbers::default();
        let now = 1_767_571_200_000;
        let given: Vec<i64> = [(now, 900), (now, 3), (now + 1, 0), (now - 5, 0)].map(|(at, apart)| numbers.next(at, apart)).into();
        let first = now * 1000 + 900;
        assert_eq!(given, [first, first + 1, first + 100, first + 101]);
        assert!(given[3] < 1 << 53);
    }
}
