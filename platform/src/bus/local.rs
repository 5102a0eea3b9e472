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
    for consumer in &consumers {
        let _ = consumer.forget(chrono::Utc::now().timestamp_millis() - MEMORY_MS).await;
    }
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
            tokio::select! {
                () = stop.cancelled() => return,
                () = source.outbox().changed(SWEEP) => {}
            }
        }
    }
}

/// One pass; `true` when there may be more at once.
async fn round(source: &Db, consumers: &[Arc<Consumer>], stop: &CancellationToken) -> Result<bool> {
    let work = consumers.iter().map(|consumer| async move {
        let events = outbox::undelivered(source, &consumer.name, BATCH).await?;
        let mut done = Vec::with_capacity(events.len());
        for event in &events {
            if consumer.wants(event) && !consumer.handle(event, stop).await {
                break;
            }
            done.push(event.id.clone());
        }
        if !done.is_empty() {
            outbox::mark_delivered(source, &consumer.name, &done).await?;
        }
        Ok::<_, crate::Error>(done.len())
    });
    let delivered = futures::future::try_join_all(work).await?;
    trim(source, consumers).await?;
    Ok(delivered.iter().any(|n| *n as i64 == BATCH))
}

/// Removes what every consumer has had.
async fn trim(source: &Db, consumers: &[Arc<Consumer>]) -> Result<()> {
    let rows = source
        .fetch_all(
            "SELECT o.id AS id FROM outbox o WHERE (SELECT COUNT(*) FROM outbox_delivered d WHERE d.id = o.id) >= $1 ORDER BY o.id LIMIT 1000",
            crate::args![consumers.len()],
        )
        .await?;
    let ids = rows.iter().map(|r| r.get("id")).collect::<Result<Vec<String>>>()?;
    if ids.is_empty() { Ok(()) } else { outbox::remove(source, &ids).await }
}
