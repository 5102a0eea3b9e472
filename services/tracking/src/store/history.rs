//! Histories of metrics. Points come packed, many in one text: a row of its own for each would cost more than all else.

use super::metrics::Point;
use artel_platform::db::{AssertSqlSafe, Db, Row, Value};
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
    args![point.timestamp, point.step, point.sortable()]
}

/// Points in the order of the primary key, after the one with the sort keys `after`.
pub(crate) async fn page(db: &Db, run: i64, key: i64, after: Option<&[Value]>, limit: i64) -> Result<Vec<Point>> {
    let mut order = Keyset::default();
    for column in ["timestamp", "step", "value"] {
        order.push(column, true);
    }
    let mut args = args![run, key];
    let mut within = "run = $1 AND key = $2".to_owned();
    if let Some(after) = after {
        let condition = order.after(after, &mut args).ok_or_else(|| Error::invalid("Invalid page token, it belongs to another request"))?;
        within.push_str(&format!(" AND timestamp >= ${} AND {condition}", args.len() - 2));
    }
    args.push(limit.into());
    let inner = format!("SELECT timestamp, step, value FROM metrics WHERE {within} ORDER BY {} LIMIT ${}", order.order_by(), args.len());
    let mut points = packed(db, &inner, args, key).await?;
    points.sort_unstable_by_key(|p| (p.timestamp, p.step, p.sortable()));
    Ok(points)
}

const BY_STEP: &str = "step, timestamp, value";

fn within(range: &Range) -> (String, Vec<Value>) {
    let mut args = args![range.run, range.key];
    let mut sql = "run = $1 AND key = $2".to_owned();
    if let Some((first, last)) = range.steps {
        args.extend(args![first, last]);
        sql.push_str(" AND step >= $3 AND step <= $4");
    }
    (sql, args)
}

/// The first point of each of `buckets` buckets that are as equally filled as can be (NTILE's), by step.
pub(crate) async fn sample(db: &Db, range: &Range, buckets: i64) -> Result<Vec<Point>> {
    let (within, mut args) = within(range);
    let count: i64 = db.fetch_one(AssertSqlSafe(format!("SELECT COUNT(*) FROM metrics WHERE {within}")), args.clone()).await?.at(0)?;
    let (size, larger) = (count / buckets.max(1), count % buckets.max(1));
    let mut chosen = "1 = 1".to_owned();
    if size > 0 {
        // the first `larger` buckets hold one more
        args.extend(args![larger * (size + 1), size + 1, size]);
        let n = args.len();
        chosen = format!("CASE WHEN place < ${} THEN place % ${} ELSE (place - ${}) % ${n} END = 0", n - 2, n - 1, n - 2);
    }
    let numbered =
        format!("SELECT timestamp, step, value, ROW_NUMBER() OVER (ORDER BY {BY_STEP}) - 1 AS place FROM metrics WHERE {within}");
    let inner = format!("SELECT timestamp, step, value FROM ({numbered}) AS numbered WHERE {chosen}");
    let mut points = packed(db, &inner, args, range.key).await?;
    points.sort_unstable_by_key(|p| (p.step, p.timestamp, p.sortable()));
    Ok(points)
}

/// The last point by step.
pub(crate) async fn last(db: &Db, range: &Range) -> Result<Option<Point>> {
    let (within, args) = within(range);
    let sql = format!("SELECT timestamp, step, value FROM metrics WHERE {within} ORDER BY step DESC, timestamp DESC, value DESC LIMIT 1");
    let read = |row: Row| Ok(Point::stored(range.key, row.at(0)?, row.at(1)?, row.at(2)?));
    db.fetch_optional(AssertSqlSafe(sql), args).await?.map(read).transpose()
}

/// The points of a query that gives timestamp, step and value, as one text, in no order that is promised (though the
/// query's own as a rule, and sorting what is sorted costs little).
async fn packed(db: &Db, inner: &str, args: Vec<Value>, key: i64) -> Result<Vec<Point>> {
    let sql = format!("SELECT COALESCE(string_agg(timestamp || ',' || step || ',' || value, ';'), '') FROM ({inner}) AS points");
    let text: String = db.fetch_one(AssertSqlSafe(sql), args).await?.at(0)?;
    let unreadable = || Error::internal("packed points cannot be read");
    let point = |packed: &str| {
        let mut numbers = packed.split(',').map(str::parse::<i64>);
        let mut next = || numbers.next().and_then(std::result::Result::ok).ok_or_else(unreadable);
        Ok(Point::stored(key, next()?, next()?, next()?))
    };
    text.split_terminator(';').map(point).collect()
}
