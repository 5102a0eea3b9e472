//! The processes that do the scheduler's work, as upstream's operators know them: its jobs.

use crate::Scheduler;
use crate::store::jobs;
use artel_platform::Result;
use std::sync::OnceLock;

/// What each process of Artel's scheduler does in place of a process of its own.
const TYPES: &[&str] = &["SchedulerJob", "DagProcessorJob", "TriggererJob"];
/// Jobs that were silent for a week are forgotten when another one begins.
const MEMORY: i64 = 7 * 24 * 60 * 60 * 1000;
/// One that was silent for longer counts as dead, in milliseconds (upstream's `scheduler_health_check_threshold`).
pub(crate) const ALIVE: i64 = 30_000;

/// The jobs of this process.
#[derive(Default)]
pub(crate) struct Jobs(OnceLock<Vec<String>>);

impl Scheduler {
    /// Gives a sign of life: the first one says that the jobs have begun.
    pub(crate) async fn beat(&self, now: i64) -> Result<()> {
        if let Some(uids) = self.jobs.0.get() {
            return jobs::beat(&self.db, uids, now).await;
        }
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let mut uids = Vec::new();
        let mut tx = self.db.begin().await?;
        jobs::forget(&mut tx, now - MEMORY).await?;
        for (job_type, position) in TYPES.iter().zip(0..) {
            let uid = self.cx.ids.ordered().to_string();
            jobs::begin(&mut tx, (&uid, now * 1000 + position), job_type, &hostname, now).await?;
            uids.push(uid);
        }
        tx.commit().await?;
        // only the timer gives signs of life: nobody else has set it meanwhile
        let _ = self.jobs.0.set(uids);
        Ok(())
    }

    /// The process stops.
    pub(crate) async fn end_jobs(&self) -> Result<()> {
        match self.jobs.0.get() {
            Some(uids) => jobs::end(&self.db, uids, self.cx.clock.now()).await,
            None => Ok(()),
        }
    }
}
