//! Time and randomness, given to whoever needs them so that tests can fix both.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Where "now" comes from.
#[derive(Clone)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still at `millis` until it is moved.
    pub fn fixed(millis: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(millis))))
    }

    /// Moves a fixed clock on; no effect on the machine's.
    pub fn advance(&self, millis: i64) {
        if let Some(time) = &self.0 {
            time.fetch_add(millis, Ordering::Relaxed);
        }
    }

    /// Milliseconds since 1970, UTC.
    pub fn now(&self) -> i64 {
        match &self.0 {
            Some(time) => time.load(Ordering::Relaxed),
            None => chrono::Utc::now().timestamp_millis(),
        }
    }

    /// Now as a date and time.
    pub fn utc(&self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::from_timestamp_millis(self.now()).unwrap_or_default()
    }
}

/// Where new ids and secrets come from.
#[derive(Clone)]
pub struct Ids(Option<Arc<AtomicU64>>);

impl Ids {
    /// Random ones.
    pub fn random() -> Self {
        Self(None)
    }

    /// Counted ones, for snapshots.
    pub fn counted() -> Self {
        Self(Some(Arc::new(AtomicU64::new(1))))
    }

    /// A random UUID (version 4).
    pub fn uuid(&self) -> uuid::Uuid {
        match &self.0 {
            Some(next) => uuid::Uuid::from_u128(u128::from(next.fetch_add(1, Ordering::Relaxed))),
            None => uuid::Uuid::new_v4(),
        }
    }

    /// 32 hex digits, as MLflow's run ids.
    pub fn hex32(&self) -> String {
        self.uuid().simple().to_string()
    }

    /// A UUID that sorts by time (version 7), for rows read in the order of their making.
    pub fn ordered(&self) -> uuid::Uuid {
        match &self.0 {
            Some(_) => self.uuid(),
            None => uuid::Uuid::now_v7(),
        }
    }

    /// A 256-bit secret as 64 hex digits. Always random.
    pub fn secret(&self) -> String {
        hex::encode(rand::random::<[u8; 32]>())
    }
}
