//! Metric points and the latest of each.

use super::in_ids;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx};
use artel_platform::{Result, args};

/// A point. As upstream has it, the infinities become the largest numbers, and NaN counts as 0 where points are compared.
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
        // adding zero turns -0 into 0
        let value = if is_nan { 0.0 } else { value.clamp(f64::MIN, f64::MAX) + 0.0 };
        Self { key, value, is_nan, timestamp, step }
    }

    /// The value as it was logged.
    pub(crate) fn logged(&self) -> f64 {
        if self.is_nan { f64::NAN } else { self.value }
    }

    /// Of a row of the latest ones that begins with timestamp, step, value, is_nan.
    fn latest(row: &Row, key: i64) -> Result<Self> {
        Ok(Self { key, timestamp: row.at(0)?, step: row.at(1)?, value: row.at(2)?, is_nan: row.at(3)? })
    }

    /// The value as the table of points has it.
    pub(crate) fn sortable(&self) -> i64 {
        flip(self.logged().to_bits() as i64)
    }

    /// A point of the table of points.
    pub(crate) fn stored(key: i64, timestamp: i64, step: i64, sortable: i64) -> Self {
        Self::new(key, f64::from_bits(flip(sortable) as u64), timestamp, step)
    }

    /// Which is later: by step, then time, then value.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        (self.step, self.timestamp).cmp(&(other.step, other.timestamp)).then(self.value.total_cmp(&other.value))
    }
}

/// Bits of a real number to a whole number that sorts like it, and back.
fn flip(bits: i64) -> i64 {
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// Adds points (a repeated one changes nothing) and moves the latest ones on.
pub(crate) async fn add(tx: &mut Tx, run: i64, experiment: i64, points: &[Point]) -> Result<()> {
    let rows = points.iter().map(|p| args![run, p.key, p.timestamp, p.step, p.sortable()]).collect();
    let fresh = tx.insert_many("INSERT INTO metrics (run, key, timestamp, step, value)", "ON CONFLICT DO NOTHING", rows).await?;
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
    rows.iter().map(|row| Ok((row.at(5)?, Point::latest(row, row.at(4)?)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Point, flip};

    #[test]
    fn values_come_back_exactly_and_sort_like_numbers() {
        let values = [f64::MIN, -1e10, -1.0, -f64::MIN_POSITIVE, 0.0, 0.1 + 0.2, 1.0, 1e300, f64::MAX, f64::NAN];
        let stored: Vec<i64> = values.iter().map(|v| Point::new(1, *v, 2, 3).sortable()).collect();
        assert!(stored.is_sorted());
        for (value, stored) in values.iter().zip(stored) {
            let back = Point::stored(1, 2, 3, stored).logged();
            assert!(back == *value || (back.is_nan() && value.is_nan()), "{value} {back}");
            assert_eq!(flip(flip(stored)), stored);
        }
        assert_eq!(Point::new(1, f64::NEG_INFINITY, 0, 0).logged(), f64::MIN);
        assert_eq!(Point::new(1, -0.0, 0, 0).sortable(), Point::new(1, 0.0, 0, 0).sortable());
    }
}
