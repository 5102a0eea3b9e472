//! Metrics are logged to a journal and sorted into their tables afterwards.
//!
//! A request with a hundred metrics touches a hundred places of the tables, and the next one the same hundred places
//! again. So the request only notes its points, in one row at the end of the journal; once a second, or before somebody
//! reads, what many requests noted goes to its places together. Readers never miss what was acknowledged: whatever
//! reads metrics calls [`Tracking::settle`] first.

use crate::Tracking;
use crate::store::{journal as store, leaves, metrics};
use artel_platform::Result;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;

/// How long points wait where nobody reads them.
const REST: Duration = Duration::from_secs(1);
/// How many requests are sorted in one transaction: writers wait for its end on SQLite.
const AT_ONCE: usize = 64;
/// How many points of an earlier version are moved in one transaction.
const ROWS_AT_ONCE: usize = 50_000;

/// What the requests and the sorting share.
#[derive(Default)]
pub(crate) struct Journal {
    /// One sorts at a time; who waits finds it done.
    turn: Mutex<()>,
    arrived: Notify,
}

impl Journal {
    /// Something was noted.
    pub(crate) fn arrived(&self) {
        self.arrived.notify_one();
    }
}

impl Tracking {
    /// When it returns, every point that was acknowledged before is in the tables of metrics.
    pub(crate) async fn settle(&self) -> Result<()> {
        if store::count(&self.db).await? == 0 {
            return Ok(());
        }
        let _turn = self.journal.turn.lock().await;
        // what comes meanwhile is not waited for
        let mut left = store::count(&self.db).await?;
        while left > 0 {
            let sorted = self.sort_some().await?;
            if sorted == 0 {
                break;
            }
            left = left.saturating_sub(sorted);
        }
        Ok(())
    }

    /// Moves the points that an earlier version kept in rows of their own; nobody is served before it is done.
    pub(crate) async fn move_rows(&self) -> Result<()> {
        let mut moved = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let some = leaves::move_rows(&mut tx, ROWS_AT_ONCE).await?;
            tx.commit().await?;
            if some == 0 {
                return Ok(());
            }
            moved += some;
            tracing::info!(moved, "points of metrics are moved into the tables of this version");
        }
    }

    async fn sort_some(&self) -> Result<u64> {
        let mut tx = self.db.begin().await?;
        leaves::take_turn(&mut tx).await?;
        let (requests, points) = store::take(&mut tx, AT_ONCE).await?;
        metrics::add(&mut tx, points).await?;
        tx.commit().await?;
        Ok(requests)
    }
}

/// Sorts what nobody asks for, what a process before this one left included.
pub(crate) async fn run(tracking: Arc<Tracking>, stop: CancellationToken) {
    loop {
        if let Err(error) = tracking.settle().await {
            tracing::warn!(%error, "logged metrics could not be sorted; it is tried again");
            tracking.journal.arrived();
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tracking.journal.arrived.notified() => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(REST) => {}
        }
    }
}
