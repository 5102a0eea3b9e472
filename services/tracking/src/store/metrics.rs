//! Metric points and the latest of each.

use super::in_ids;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx};
use artel_platform::{Result, args};

/// A point as it is stored: NaN is 0 with a mark, the infinities are the largest numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) key: i64,
    pub(crate) value: f64,
    pub(crate) is_nan: bool,
    pub(crate) timestamp: i64,
    pub(crate) step: i64,
}

impl Point {
    pub(crate) fn new(key: i64, value: f64, timestamp: i64, step: i64) -> Self {
        let is_nan = value.is_nan();
        let value = if is_nan { 0.0 } else { value.clamp(f64::MIN, f64::MAX) };
        Self { key, value, is_nan, timestamp, step }
    }

    /// The value as it was logged.
    pub(crate) fn logged(&self) -> f64 {
        if self.is_nan { f64::NAN } else { self.value }
    }

    /// Of a row that begins with timestamp, step, value, is_nan.
    pub(crate) fn read(row: &Row, key: i64) -> Result<Self> {
        Ok(Self { key, timestamp: row.at(0)?, step: row.at(1)?, value: row.at(2)?, is_nan: row.at(3)? })
    }

    /// Which is later: by step, then time, then value.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        (self.step, self.timestamp).cmp(&(other.step, other.timestamp)).then(self.value.total_cmp(&other.value))
    }
}

/// Adds points (a repeated one changes nothing) and moves the latest ones on.
pub(crate) async fn add(tx: &mut Tx, run: i64, experiment: i64, points: &[Point]) -> Result<()> {
    let rows = points.iter().map(|p| args![run, p.key, p.timestamp, p.step, p.value, p.is_nan]).collect();
    let fresh = tx.insert_many("INSERT INTO metrics (run, key, timestamp, step, value, is_nan)", "ON CONFLICT DO NOTHING", rows).await?;
    if fresh == 0 {
        return Ok(());
    }
    // one row of a statement may meet another only once, and always in the same order: no deadlocks
    let mut latest: Vec<Point> = points.to_vec();
    latest.sort_by(|a, b| a.key.cmp(&b.key).then(b.order(a)));
    latest.dedup_by_key(|p| p.key);
    let rows = latest.iter().map(|p| args![run, p.key, experiment, p.value, p.is_nan, p.step, p.timestamp]).collect();
    tx.insert_many(
        "INSERT INTO latest_metrics (run, key, experiment, value, is_nan, step, timestamp)",
        "ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, is_nan = excluded.is_nan, step = excluded.step, timestamp = excluded.timestamp
         WHERE (excluded.step, excluded.timestamp, excluded.value) > (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)",
        rows,
    )
    .await?;
    Ok(())
}

/// The latest points of these runs: run and point.
pub(crate) async fn latest(db: &Db, runs: &[i64]) -> Result<Vec<(i64, Point)>> {
    let mut args = Vec::new();
    let ids = in_ids(db.dialect(), runs, &mut args);
    let sql = format!("SELECT timestamp, step, value, is_nan, key, run FROM latest_metrics WHERE run IN {ids}");
    let rows = db.fetch_all(AssertSqlSafe(sql), args).await?;
    rows.iter().map(|row| Ok((row.at(5)?, Point::read(row, row.at(4)?)?))).collect()
}
