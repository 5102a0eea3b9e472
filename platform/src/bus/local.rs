//! The bus inside one process: for each outbox a courier hands its events to every consumer, in order.

use super::consumer::Consumer;
use super::outbox;
use crate::db::Db;
use crate::error::Result;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const BATCH: i64 = 256;
/// A lost wake-up is repaired after this long.
const SWEEP: Duration = Duration::from_secs(5);
/// How long handled events are remembered.
const MEMORY_MS: i64 = 7 * 24 * 3600 * 1000;

/// What was handled is removed from the outbox together with more of its kind: when there are so many, or after this time.
const REMOVE_AT: usize = 64;
const REMOVE_AFTER: Duration = Duration::from_millis(250);

/// Delivers `source`'s events until `stop`.
pub(super) async fn deliver(source: Db, consumers: Vec<Arc<Consumer>>, stop: CancellationToken) {
    let mut courier = Courier { source, consumers, stop, handled: HashSet::new(), old_forgotten: false };
    loop {
        let more = match courier.round().await {
            Ok(more) => more,
            Err(error) => {
                let service = courier.source.outbox().service();
                tracing::warn!(service, error = %error.chain(), "events wait, the database does not answer");
                tokio::time::sleep(Duration::from_millis(500)).await;
                false
            }
        };
        let over = courier.stop.is_cancelled();
        let idle = !more && !over;
        if idle {
            courier.forget_old().await;
        }
        let quiet = idle && !courier.waited().await;
        if (quiet || over || courier.handled.len() >= REMOVE_AT)
            && let Err(error) = courier.remove_handled().await
        {
            tracing::warn!(error = %error.chain(), "delivered events not removed yet");
        }
        if over {
            return;
        }
    }
}

/// Takes the events of one outbox to every consumer.
struct Courier {
    source: Db,
    consumers: Vec<Arc<Consumer>>,
    stop: CancellationToken,
    /// Events in the outbox that every consumer has handled. Should the process end before they are removed, they are
    /// handed out again, and those who handled them know them by their inbox.
    handled: HashSet<String>,
    old_forgotten: bool,
}

impl Courier {
    /// One pass; `true` when there may be more at once. What none wants counts as handled.
    async fn round(&mut self) -> Result<bool> {
        let mut events = outbox::waiting(&self.source, BATCH, &self.handled).await?;
        let more = events.len() as i64 == BATCH;
        let work = self.consumers.iter().map(|consumer| async {
            for (number, event) in events.iter().enumerate() {
                if consumer.wants(event) && !consumer.handle(event, &self.stop).await {
                    return number;
                }
            }
            events.len()
        });
        let handled = futures::future::join_all(work).await.into_iter().min().unwrap_or(events.len());
        self.handled.extend(events.drain(..handled).map(|event| event.id));
        Ok(more)
    }

    /// Waits for something new; `false` when there was time to remove what is handled.
    async fn waited(&self) -> bool {
        let limit = if self.handled.is_empty() { SWEEP } else { REMOVE_AFTER };
        tokio::select! {
            () = self.stop.cancelled() => false,
            new = self.source.outbox().changed(limit) => new,
        }
    }

    async fn remove_handled(&mut self) -> Result<()> {
        let ids: Vec<&str> = self.handled.iter().map(String::as_str).collect();
        outbox::remove(&self.source, &ids).await?;
        self.handled.clear();
        Ok(())
    }

    /// Once there is nothing to do. Not before: an event that waited longer than the memory lasts may have been handled by
    /// some already.
    async fn forget_old(&mut self) {
        if !std::mem::replace(&mut self.old_forgotten, true) {
            for consumer in &self.consumers {
                let _ = consumer.forget(chrono::Utc::now().timestamp_millis() - MEMORY_MS).await;
            }
        }
    }
}
