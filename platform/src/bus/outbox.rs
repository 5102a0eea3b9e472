//! The outbox table of one service: where its events wait until they are delivered.

use super::Envelope;
use crate::db::{AssertSqlSafe, Db, Row, Value};
use crate::error::Result;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Notify, broadcast};

/// Wakes the relay at commit and feeds live listeners.
#[derive(Clone)]
pub struct Outbox(Arc<Inner>);

struct Inner {
    service: String,
    woken: Notify,
    live: OnceLock<broadcast::Sender<Envelope>>,
    /// Says of an event whether anybody waits for it; not set where that is not known here.
    wanted: OnceLock<Wanted>,
}

type Wanted = Box<dyn Fn(&Envelope) -> bool + Send + Sync>;

impl Outbox {
    pub(crate) fn new(service: &str) -> Self {
        Self(Arc::new(Inner { service: service.into(), woken: Notify::new(), live: OnceLock::new(), wanted: OnceLock::new() }))
    }

    /// The service whose events these are.
    pub fn service(&self) -> &str {
        &self.0.service
    }

    pub(super) fn set_live(&self, live: broadcast::Sender<Envelope>) {
        let _ = self.0.live.set(live);
    }

    pub(super) fn set_wanted(&self, wanted: impl Fn(&Envelope) -> bool + Send + Sync + 'static) {
        let _ = self.0.wanted.set(Box::new(wanted));
    }

    /// Is the event to be kept until it is delivered? One that no consumer of the only process waits for need not be.
    pub(crate) fn keeps(&self, event: &Envelope) -> bool {
        self.0.wanted.get().is_none_or(|wanted| wanted(event))
    }

    /// Called after the commit that made these events durable.
    pub(crate) fn announce(&self, events: Vec<Envelope>) {
        let kept = events.iter().any(|event| self.keeps(event));
        if let Some(live) = self.0.live.get() {
            for event in events {
                let _ = live.send(event);
            }
        }
        if kept {
            self.0.woken.notify_one();
        }
    }

    /// Returns when there may be something new, at the latest after `limit`: then `false`.
    pub(super) async fn changed(&self, limit: std::time::Duration) -> bool {
        tokio::time::timeout(limit, self.0.woken.notified()).await.is_ok()
    }
}

/// The oldest `limit` waiting events other than `except`, in order.
pub(super) async fn waiting(db: &Db, limit: i64, except: &HashSet<String>) -> Result<Vec<Envelope>> {
    let mut values = Vec::new();
    // said again until there are a power of two: few texts, whatever their number
    values.extend(except.iter().cycle().take(if except.is_empty() { 0 } else { except.len().next_power_of_two() }).map(Value::from));
    let clause = if except.is_empty() { String::new() } else { format!("WHERE id NOT IN ({}) ", places(1..=values.len())) };
    // a bound limit would have SQLite plan it anew each time
    let sql = format!("SELECT id, topic, type, key, payload, time, traceparent FROM outbox {clause}ORDER BY id LIMIT {limit}");
    db.fetch_all(AssertSqlSafe(sql), values).await?.iter().map(envelope).collect()
}

/// Removes events that are on their way for good.
pub(super) async fn remove(db: &Db, ids: &[&str]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let sql = AssertSqlSafe(format!("DELETE FROM outbox WHERE id IN ({})", places(1..=ids.len())));
    db.execute(sql, ids.iter().map(|id| (*id).into()).collect()).await.map(drop)
}

fn places(numbers: RangeInclusive<usize>) -> String {
    numbers.map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
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
