//! The bus inside one process: for each outbox a courier hands its events to every consumer, in order.

use super::consumer::Consumer;
use super::outbox;
use crate::db::Db;
use crate::error::Result;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const BATCH: i64 = 256;
/// A lost wake-up is repaired after this long.
const SWEEP: Duration = Duration::from_secs(5);
/// How long handled events are remembered.
const MEMORY_MS: i64 = 7 * 24 * 3600 * 1000;

/// Delivers `source`'s events until `stop`.
pub(super) async fn deliver(source: Db, consumers: Vec<Arc<Consumer>>, stop: CancellationToken) {
    let mut old_forgotten = false;
    loop {
        let more = match round(&source, &consumers, &stop).await {
            Ok(more) => more,
            Err(error) => {
                tracing::warn!(service = source.outbox().service(), error = %error.chain(), "events wait, the database does not answer");
                tokio::time::sleep(Duration::from_millis(500)).await;
                false
            }
        };
        if stop.is_cancelled() {
            return;
        }
        if !more {
            // not before: an event that waited longer than the memory lasts may have been handled by some already
            if !std::mem::replace(&mut old_forgotten, true) {
                for consumer in &consumers {
                    let _ = consumer.forget(chrono::Utc::now().timestamp_millis() - MEMORY_MS).await;
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = source.outbox().changed(SWEEP) => {}
            }
        }
    }
}

/// One pass; `true` when there may be more at once. What every consumer has handled is removed, and with it what none
/// wants. An event that is handed out again, because the process ended before it was removed, is known to those who
/// handled it by their inbox.
async fn round(source: &Db, consumers: &[Arc<Consumer>], stop: &CancellationToken) -> Result<bool> {
    let events = outbox::waiting(source, BATCH).await?;
    if events.is_empty() {
        return Ok(false);
    }
    let work = consumers.iter().map(|consumer| async {
        for (number, event) in events.iter().enumerate() {
            if consumer.wants(event) && !consumer.handle(event, stop).await {
                return number;
            }
        }
        events.len()
    });
    let handled = futures::future::join_all(work).await.into_iter().min().unwrap_or(events.len());
    let ids: Vec<&str> = events[..handled].iter().map(|event| event.id.as_str()).collect();
    outbox::remove(source, &ids).await?;
    Ok(events.len() as i64 == BATCH)
}
