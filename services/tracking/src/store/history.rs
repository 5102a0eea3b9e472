//! Histories of metrics.

use super::metrics::Point;
use artel_platform::db::{AssertSqlSafe, Db, Value};
use artel_platform::search::Keyset;
use artel_platform::{Error, Result, args};

/// Some points of one metric of one run.
pub(crate) struct Range {
    pub(crate) run: i64,
    pub(crate) key: i64,
    /// First and last step.
    pub(crate) steps: Option<(i64, i64)>,
}

/// The sort keys of a point.
pub(crate) fn place(point: &Point) -> Vec<Value> {
    args![point.timestamp, point.step, point.value, point.is_nan]
}

/// Points in the order of the primary key, after the one with the sort keys `after`.
pub(crate) async fn page(db: &Db, run: i64, key: i64, after: Option<&[Value]>, limit: i64) -> Result<Vec<Point>> {
    let mut order = Keyset::default();
    for column in ["timestamp", "step", "value", "is_nan"] {
        order.push(column, true);
    }
    let mut args = args![run, key];
    let mut sql = "SELECT timestamp, step, value, is_nan FROM metrics WHERE run = $1 AND key = $2".to_owned();
    if let Some(after) = after {
        let condition = order.after(after, &mut args).ok_or_else(|| Error::invalid("Invalid page token, it belongs to another request"))?;
        sql.push_str(" AND ");
        sql.push_str(&condition);
    }
    args.push(limit.into());
    sql.push_str(&format!(" ORDER BY {} LIMIT ${}", order.order_by(), args.len()));
    let rows = db.fetch_all(AssertSqlSafe(sql), args).await?;
    rows.iter().map(|row| Point::read(row, key)).collect()
}

const BY_STEP: &str = "step, timestamp, value, is_nan";

fn within(range: &Range) -> (String, Vec<Value>) {
    let mut args = args![range.run, range.key];
    let mut sql = "run = $1 AND key = $2".to_owned();
    if let Some((first, last)) = range.steps {
        args.extend(args![first, last]);
        sql.push_str(" AND step >= $3 AND step <= $4");
    }
    (sql, args)
}

/// The first point of each of `buckets` equally filled buckets.
pub(crate) async fn sample(db: &Db, range: &Range, buckets: i64) -> Result<Vec<Point>> {
    let (within, args) = within(range);
    let buckets = buckets.max(1); // a number of our own: it may stand in the text, and NTILE takes no placeholder everywhere
    let sql = format!(
        "WITH bucketed AS (SELECT timestamp, step, value, is_nan, NTILE({buckets}) OVER (ORDER BY {BY_STEP}) AS bucket FROM metrics WHERE {within}),
              ranked AS (SELECT timestamp, step, value, is_nan, ROW_NUMBER() OVER (PARTITION BY bucket ORDER BY {BY_STEP}) AS place FROM bucketed)
         SELECT timestamp, step, value, is_nan FROM ranked WHERE place = 1 ORDER BY {BY_STEP}"
    );
    let rows = db.fetch_all(AssertSqlSafe(sql), args).await?;
    rows.iter().map(|row| Point::read(row, range.key)).collect()
}

/// The last point by step.
pub(crate) async fn last(db: &Db, range: &Range) -> Result<Option<Point>> {
    let (within, args) = within(range);
    let sql = format!("SELECT timestamp, step, value, is_nan FROM metrics WHERE {within} ORDER BY step DESC, timestamp DESC, value DESC, is_nan DESC LIMIT 1");
    db.fetch_optional(AssertSqlSafe(sql), args).await?.map(|row| Point::read(&row, range.key)).transpose()
}
