//! Metric points come in, and the latest of each.

use super::in_ids;
use super::leaves::{self, Group};
use super::point::{Logged, Point};
use artel_platform::db::{AssertSqlSafe, Db, Tx, Value};
use artel_platform::{Result, args};

/// The points of one metric of a run that come together.
struct Span {
    first: Logged,
    last: Logged,
    /// Do the steps never fall as time goes on?
    in_order: bool,
}

/// A span for each run and metric, of points that are sorted as their leaves are.
fn spans(points: &[Logged]) -> Vec<Span> {
    let span = |points: &[Logged]| {
        let last = *points.iter().max_by(|a, b| a.point.order(&b.point))?;
        Some(Span { first: points[0], last, in_order: points.is_sorted_by_key(|p| p.point.step) })
    };
    points.chunk_by(|a, b| (a.run, a.point.key) == (b.run, b.point.key)).filter_map(span).collect()
}

/// Sorts points as their leaves are.
fn sort(points: &mut [Logged]) {
    points.sort_unstable_by_key(|p| (p.run, p.point.key, p.point.place()));
}

/// Adds points (a repeated one changes nothing) and moves the latest ones on.
pub(crate) async fn add(tx: &mut Tx, mut points: Vec<Logged>) -> Result<()> {
    sort(&mut points);
    let group = |some: &[Logged]| {
        let Logged { run, point: Point { key, .. }, .. } = some[0];
        Group { run, key, places: some.iter().map(|p| p.point.place()).collect() }
    };
    let groups = points.chunk_by(|a, b| (a.run, a.point.key) == (b.run, b.point.key)).map(group).collect();
    if leaves::add(tx, groups).await? == 0 {
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
