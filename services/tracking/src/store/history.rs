//! Histories of metrics. Points come packed, many in one text: a row of its own for each would cost more than all else.

use super::metrics::Point;
use artel_platform::db::{AssertSqlSafe, Db, Dialect, Row, Value};
use artel_platform::search::Keyset;
use artel_platform::{Error, Result, args};

/// Some points of one metric of one run.
pub(crate) struct Range {
    pub(crate) run: i64,
    pub(crate) key: i64,
    /// First and last step.
    pub(crate) steps: Option<(i64, i64)>,
    /// Is the order of time that of steps too? Then the primary key has the points in the order of steps.
    pub(crate) in_order: bool,
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
    // the first `larger` buckets hold one more
    let (size, larger) = (count / buckets.max(1), count % buckets.max(1));
    let inner = match size {
        0 => format!("SELECT timestamp, step, value FROM metrics WHERE {within}"),
        _ if range.in_order => leaps(db.dialect(), &within, &mut args, size, larger),
        _ => numbered(&within, &mut args, size, larger),
    };
    let mut points = packed(db, &inner, args, range.key).await?;
    points.sort_unstable_by_key(|p| (p.step, p.timestamp, p.sortable()));
    Ok(points)
}

/// From the first point of a bucket to that of the next, by the primary key: what lies between is passed over in the
/// index, and nothing is sorted.
fn leaps(dialect: Dialect, within: &str, args: &mut Vec<Value>, size: i64, larger: i64) -> String {
    const ORDER: &str = "timestamp, step, value";
    let at = match dialect {
        Dialect::Sqlite => "rowid",
        Dialect::Postgres => "ctid",
    };
    args.extend(args![larger, size, size - 1]);
    let n = args.len();
    let ahead = |skipped: usize| {
        format!(
            "(SELECT {at} FROM metrics WHERE {within} AND (timestamp, step, value) > (l.timestamp, l.step, l.value) ORDER BY {ORDER} LIMIT 1 OFFSET ${skipped})"
        )
    };
    format!(
        "WITH RECURSIVE leap (bucket, timestamp, step, value) AS (
             SELECT * FROM (SELECT CAST(1 AS BIGINT), timestamp, step, value FROM metrics WHERE {within} ORDER BY {ORDER} LIMIT 1) AS first
             UNION ALL
             SELECT l.bucket + 1, m.timestamp, m.step, m.value FROM leap l CROSS JOIN metrics m
             WHERE m.{at} = CASE WHEN l.bucket <= ${} THEN {} ELSE {} END)
         SELECT timestamp, step, value FROM leap",
        n - 2,
        ahead(n - 1),
        ahead(n)
    )
}

/// By numbers that the points get, all of them.
fn numbered(within: &str, args: &mut Vec<Value>, size: i64, larger: i64) -> String {
    args.extend(args![larger * (size + 1), size + 1, size]);
    let n = args.len();
    format!(
        "SELECT timestamp, step, value
         FROM (SELECT timestamp, step, value, ROW_NUMBER() OVER (ORDER BY step, timestamp, value) - 1 AS place FROM metrics WHERE {within}) AS numbered
         WHERE CASE WHEN place < ${} THEN place % ${} ELSE (place - ${}) % ${n} END = 0",
        n - 2,
        n - 1,
        n - 2
    )
}

/// The last point by step.
pub(crate) async fn last(db: &Db, range: &Range) -> Result<Option<Point>> {
    let (within, args) = within(range);
    let order = if range.in_order { "timestamp DESC, step DESC, value DESC" } else { "step DESC, timestamp DESC, value DESC" };
    let sql = format!("SELECT timestamp, step, value FROM metrics WHERE {within} ORDER BY {order} LIMIT 1");
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
