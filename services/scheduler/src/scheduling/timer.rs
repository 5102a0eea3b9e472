//! What time brings: runs that are due, queued runs that may start, retries, leases that ran out. One task sleeps until
//! the next of these is due, or until something is woken; and every few seconds it looks for what was missed.

use crate::Scheduler;
use crate::store::runs::Startable;
use crate::store::{claims, instances, moments, runs, triggers, workers};
use artel_platform::Result;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many neglected runs one reconciliation looks at.
const NEGLECTED: i64 = 100;
/// After this, a run that nobody looked at is looked at.
const NEGLECTED_AFTER: i64 = 30_000;
/// A round rests so many times as long as it took, at most [`LONGEST_REST`]: under load each end of a run would be a round of its own.
const REST: u32 = 3;
const LONGEST_REST: Duration = Duration::from_millis(100);
/// Workers that were silent for a day are forgotten.
const WORKER_MEMORY: i64 = 24 * 60 * 60 * 1000;

impl Scheduler {
    /// Starts the timer.
    pub(crate) fn start_timer(self: &Arc<Self>) {
        let scheduler = self.clone();
        self.cx.spawn("timer", async move {
            let mut reconciled = i64::MIN;
            // as long as this process or its database was away, no worker could give a sign of life
            let mut away = true;
            loop {
                let now = scheduler.cx.clock.now();
                let every = scheduler.settings.reconcile().as_millis() as i64;
                if away {
                    let forgiven = scheduler.forgive_silence(now).await;
                    away = forgiven.is_err();
                    report(forgiven);
                }
                if now >= reconciled.saturating_add(every) {
                    reconciled = now;
                    report(scheduler.reconcile(now).await);
                }
                let began = Instant::now();
                let ticked = if away { Ok(Some(now + 1000)) } else { scheduler.tick(now).await };
                let next = match ticked {
                    Ok(next) => next.unwrap_or(i64::MAX),
                    Err(error) => {
                        away |= error.code == artel_platform::Code::Unavailable;
                        report(Err(error));
                        now + 1000
                    }
                };
                scheduler.pause(began.elapsed() * REST).await;
                let wait = next.min(reconciled + every).saturating_sub(scheduler.cx.clock.now()).clamp(1, every);
                tokio::select! {
                    () = scheduler.cx.stop.cancelled() => return report(scheduler.end_jobs().await),
                    () = scheduler.timer.notified() => {}
                    () = tokio::time::sleep(Duration::from_millis(wait as u64)) => {}
                }
            }
        });
    }

    /// Lets what happens meanwhile be seen to together.
    async fn pause(&self, rest: Duration) {
        tokio::select! {
            () = self.cx.stop.cancelled() => {}
            () = tokio::time::sleep(rest.min(LONGEST_REST)) => {}
        }
    }

    /// Gives every worker the time of a lease to tell of its tasks before they count as lost.
    pub(crate) async fn forgive_silence(&self, now: i64) -> Result<()> {
        claims::extend_all(&self.db, now + self.settings.lease().as_millis() as i64).await.map(drop)
    }

    /// Everything that is due now. Returns when the next thing is.
    pub(crate) async fn tick(&self, now: i64) -> Result<Option<i64>> {
        let mut next = Vec::from_iter(self.create_due_runs(now).await?);
        self.start_on_assets().await?;
        let asked = (runs::startable(now), instances::due(now), claims::expired(now));
        let (startable, waited, lost) = self.db.ask(asked).await?;
        self.start_queued_runs(startable).await?;
        self.complete_backfills(now).await?;
        for (dag_id, run_id) in waited {
            self.wake.run(&dag_id, &run_id);
        }
        self.waiting_due(now).await?;
        for id in lost {
            self.lose(&id).await?;
        }
        next.extend(self.tell_missed_deadlines(now).await?);
        next.extend(self.db.ask(moments::next(now)).await?);
        Ok(next.into_iter().min())
    }

    /// Starts queued runs that have room.
    async fn start_queued_runs(&self, startable: Vec<Startable>) -> Result<()> {
        let mut full = std::collections::HashSet::new();
        for run in startable {
            let place = (run.dag_id, run.backfill_id);
            if !full.contains(&place) && !self.start_run(&place.0, &run.run_id).await? {
                full.insert(place);
            }
        }
        Ok(())
    }

    /// Looks at what was not looked at for long: a wake-up may have been lost with the process it was in.
    async fn reconcile(&self, now: i64) -> Result<()> {
        for (dag_id, run_id) in self.db.ask(runs::neglected(now - NEGLECTED_AFTER, NEGLECTED)).await? {
            self.wake.run(&dag_id, &run_id);
        }
        self.assets_due.set();
        self.beat(now).await?;
        workers::forget(&self.db, now - WORKER_MEMORY).await?;
        triggers::sweep(&self.db, now).await?;
        self.refill().await
    }

    /// At the start: every run that goes on may have missed something.
    pub(crate) async fn wake_all(&self) -> Result<()> {
        for (dag_id, run_id) in self.db.ask(runs::neglected(i64::MAX, 10_000)).await? {
            self.wake.run(&dag_id, &run_id);
        }
        Ok(())
    }
}

fn report(result: Result<()>) {
    if let Err(error) = result {
        tracing::warn!(error = %error.chain(), "the timer could not do its round");
    }
}
