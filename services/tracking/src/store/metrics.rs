//! Metric points and the latest of each.

use super::in_ids;
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
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

    /// The value as the table of points has it. NaN comes right after zero there, where upstream has it; for that
    /// zero takes the place of the negative zero, which is never kept.
    pub(crate) fn sortable(&self) -> i64 {
        match self.is_nan {
            true => NAN,
            false if self.value == 0.0 => ZERO,
            false => flip(self.value.to_bits() as i64),
        }
    }

    /// A point of the table of points.
    pub(crate) fn stored(key: i64, timestamp: i64, step: i64, sortable: i64) -> Self {
        let value = match sortable {
            NAN => f64::NAN,
            ZERO => 0.0,
            bits => f64::from_bits(flip(bits) as u64),
        };
        Self::new(key, value, timestamp, step)
    }

    /// Which is later: by step, then time, then value.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        (self.step, self.timestamp).cmp(&(other.step, other.timestamp)).then(self.value.total_cmp(&other.value))
    }
}

const ZERO: i64 = -1;
const NAN: i64 = 0;

/// Bits of a real number to a whole number that sorts like it, and back.
fn flip(bits: i64) -> i64 {
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// A point and where it belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Logged {
    pub(crate) run: i64,
    pub(crate) experiment: i64,
    pub(crate) point: Point,
}

/// The points of one metric of a run that come together.
struct Span {
    first: Logged,
    last: Logged,
    /// Do the steps never fall as time goes on?
    in_order: bool,
}

/// A span for each run and metric, of points that are sorted as their table is.
fn spans(points: &[Logged]) -> Vec<Span> {
    let span = |points: &[Logged]| {
        let last = *points.iter().max_by(|a, b| a.point.order(&b.point))?;
        Some(Span { first: points[0], last, in_order: points.is_sorted_by_key(|p| p.point.step) })
    };
    points.chunk_by(|a, b| (a.run, a.point.key) == (b.run, b.point.key)).filter_map(span).collect()
}

/// Sorts points as their table is: neighbours are written to one place.
fn sort(points: &mut [Logged]) {
    points.sort_unstable_by_key(|p| (p.run, p.point.key, p.point.timestamp, p.point.step, p.point.sortable()));
}

/// Adds points (a repeated one changes nothing) and moves the latest ones on.
pub(crate) async fn add(tx: &mut Tx, mut points: Vec<Logged>) -> Result<()> {
    sort(&mut points);
    let row = |p: &Logged| args![p.run, p.point.key, p.point.timestamp, p.point.step, p.point.sortable()];
    let rows = points.iter().map(row).collect();
    let fresh = tx.insert_many("INSERT INTO metrics (run, key, timestamp, step, value)", "ON CONFLICT DO NOTHING", rows).await?;
    if fresh == 0 {
        return Ok(());
    }
    // one row of a statement may meet another only once, and always in the same order: no deadlocks
    let spans = spans(&points);
    if spans.len() < points.len() {
        // what is between the first and the last is in order only where the first follows what was there
        move_on(tx, spans.iter().map(|s| (s.first, s.in_order))).await?;
    }
    move_on(tx, spans.iter().map(|s| (s.last, s.in_order))).await
}

/// Makes these points the latest of their metrics where they are, and notes where the order of time and that of steps
/// part.
async fn move_on(tx: &mut Tx, points: impl Iterator<Item = (Logged, bool)>) -> Result<()> {
    const INSERT: &str = "INSERT INTO latest_metrics (run, key, experiment, value, is_nan, step, timestamp, in_order)";
    let row = |(at, in_order): (Logged, bool)| {
        let p = at.point;
        args![at.run, p.key, at.experiment, p.value, p.is_nan, p.step, p.timestamp, in_order]
    };
    let rows: Vec<Vec<Value>> = points.map(row).collect();
    let moved = tx
        .insert_many(
            INSERT,
            "ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, is_nan = excluded.is_nan, step = excluded.step, timestamp = excluded.timestamp,
             in_order = CASE WHEN excluded.timestamp < latest_metrics.timestamp OR excluded.in_order = 0 THEN 0 ELSE latest_metrics.in_order END
             WHERE (excluded.step, excluded.timestamp, excluded.value) > (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)",
            rows.clone(),
        )
        .await?;
    if moved < rows.len() as u64 {
        tx.insert_many(
            INSERT,
            "ON CONFLICT (run, key) DO UPDATE SET in_order = 0 WHERE latest_metrics.in_order = 1
             AND (excluded.in_order = 0 OR excluded.step < latest_metrics.step OR excluded.timestamp < latest_metrics.timestamp)",
            rows,
        )
        .await?;
    }
    Ok(())
}

/// Is the order of time that of steps too? `None` where the run has no such metric.
pub(crate) async fn in_order(db: &Db, run: i64, key: i64) -> Result<Option<bool>> {
    let row = db.fetch_optional("SELECT in_order FROM latest_metrics WHERE run = $1 AND key = $2", args![run, key]).await?;
    row.map(|row| row.at(0)).transpose()
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
    use super::{Logged, Point, sort, spans};

    #[test]
    fn values_come_back_exactly_and_sort_like_numbers() {
        let values = [f64::MIN, -1e10, -1.0, -f64::MIN_POSITIVE, -5e-324, 0.0, f64::NAN, 5e-324, 0.1 + 0.2, 1.0, 1e300, f64::MAX];
        let stored: Vec<i64> = values.iter().map(|v| Point::new(1, *v, 2, 3).sortable()).collect();
        assert!(stored.is_sorted_by(|a, b| a < b));
        for (value, stored) in values.iter().zip(stored) {
            let back = Point::stored(1, 2, 3, stored).logged();
            assert!(back == *value || (back.is_nan() && value.is_nan()), "{value} {back}");
            assert_eq!(Point::new(1, back, 2, 3).sortable(), stored);
        }
        assert_eq!(Point::new(1, f64::NEG_INFINITY, 0, 0).logged(), f64::MIN);
        assert_eq!(Point::new(1, -0.0, 0, 0).sortable(), Point::new(1, 0.0, 0, 0).sortable());
    }

    #[test]
    fn a_span_says_whether_steps_follow_time() {
        let span = |points: &[(i64, i64)]| {
            let logged = |(timestamp, step): &(i64, i64)| Logged { run: 1, experiment: 1, point: Point::new(1, 0.5, *timestamp, *step) };
            let mut points: Vec<Logged> = points.iter().map(logged).collect();
            sort(&mut points);
            let span = spans(&points).pop().unwrap();
            let at = |logged: Logged| (logged.point.timestamp, logged.point.step);
            (at(span.first), at(span.last), span.in_order)
        };
        assert_eq!(span(&[(3, 7)]), ((3, 7), (3, 7), true));
        assert_eq!(span(&[(5, 2), (3, 1), (5, 1)]), ((3, 1), (5, 2), true));
        assert_eq!(span(&[(5, 1), (3, 2)]), ((3, 2), (3, 2), false));
    }
}
