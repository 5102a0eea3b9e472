//! The outbox table of one service: where its events wait until they are delivered.

use super::Envelope;
use crate::db::{AssertSqlSafe, Db, Row};
use crate::error::Result;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Notify, broadcast};

/// Wakes the relay at commit and feeds live listeners.
#[derive(Clone)]
pub struct Outbox(Arc<Inner>);

struct Inner {
    service: String,
    woken: Notify,
    live: OnceLock<broadcast::Sender<Envelope>>,
}

impl Outbox {
    pub(crate) fn new(service: &str) -> Self {
        Self(Arc::new(Inner { service: service.into(), woken: Notify::new(), live: OnceLock::new() }))
    }

    /// The service whose events these are.
    pub fn service(&self) -> &str {
        &self.0.service
    }

    pub(super) fn set_live(&self, live: broadcast::Sender<Envelope>) {
        let _ = self.0.live.set(live);
    }

    /// Called after the commit that made these events durable.
    pub(crate) fn announce(&self, events: Vec<Envelope>) {
        if events.is_empty() {
            return;
        }
        if let Some(live) = self.0.live.get() {
            for event in events {
                let _ = live.send(event);
            }
        }
        self.0.woken.notify_one();
    }

    /// Returns when there may be something new, at the latest after `limit`: then `false`.
    pub(super) async fn changed(&self, limit: std::time::Duration) -> bool {
        tokio::time::timeout(limit, self.0.woken.notified()).await.is_ok()
    }
}

/// The oldest `limit` waiting events, in order.
pub(super) async fn waiting(db: &Db, limit: i64) -> Result<Vec<Envelope>> {
    let rows = db
        .fetch_all("SELECT id, topic, type, key, payload, time, traceparent FROM outbox ORDER BY id LIMIT $1", crate::args![limit])
        .await?;
    rows.iter().map(envelope).collect()
}

/// Removes events that are on their way for good.
pub(super) async fn remove(db: &Db, ids: &[&str]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let places: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    let sql = AssertSqlSafe(format!("DELETE FROM outbox WHERE id IN ({})", places.join(", ")));
    db.execute(sql, ids.iter().map(|id| (*id).into()).collect()).await.map(drop)
}

fn envelope(row: &Row) -> Result<Envelope> {
    Ok(Envelope {
        id: row.get("id")?,
        topic: row.get("topic")?,
        kind: row.get("type")?,
        key: row.get("key")?,
        payload: row.get::<Vec<u8>>("payload")?.into(),
        time: row.get("time")?,
        traceparent: row.opt("traceparent")?,
    })
}
