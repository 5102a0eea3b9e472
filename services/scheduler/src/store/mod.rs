//! SQL, and nothing else. One module per table or group of tables.

pub(crate) mod admission;
pub(crate) mod asset_events;
pub(crate) mod asset_partitions;
pub(crate) mod asset_queue;
pub(crate) mod asset_references;
pub(crate) mod asset_state;
pub(crate) mod assets;
pub(crate) mod backfills;
pub(crate) mod briefs;
pub(crate) mod bundles;
pub(crate) mod callbacks;
pub(crate) mod claims;
pub(crate) mod connections;
pub(crate) mod dags;
pub(crate) mod deadlines;
pub(crate) mod event_logs;
pub(crate) mod files;
pub(crate) mod history;
pub(crate) mod hitl;
pub(crate) mod instances;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod moments;
pub(crate) mod objects;
pub(crate) mod parked;
pub(crate) mod pools;
pub(crate) mod runs;
pub(crate) mod task_state;
pub(crate) mod triggers;
pub(crate) mod variables;
pub(crate) mod versions;
pub(crate) mod warnings;
pub(crate) mod watchers;
pub(crate) mod workers;
pub(crate) mod xcoms;

use artel_platform::Result;
#[cfg(test)]
pub(crate) use artel_platform::db::Value as SqlValue;
use artel_platform::db::{AssertSqlSafe, Db, Dialect, Query, Row, SqlSafeStr, Tx, Value};

/// Reads, inside a transaction or outside.
pub(crate) enum Read<'a> {
    Db(&'a Db),
    Tx(&'a mut Tx),
}

impl<'a> From<&'a Db> for Read<'a> {
    fn from(db: &'a Db) -> Self {
        Self::Db(db)
    }
}

impl<'a> From<&'a mut Tx> for Read<'a> {
    fn from(tx: &'a mut Tx) -> Self {
        Self::Tx(tx)
    }
}

impl Read<'_> {
    /// The same, for one of several reads.
    pub(crate) fn again(&mut self) -> Read<'_> {
        match self {
            Self::Db(db) => Read::Db(db),
            Self::Tx(tx) => Read::Tx(tx),
        }
    }

    /// The answer to a query.
    pub(crate) async fn ask<T>(self, query: Query<T>) -> Result<T> {
        match self {
            Self::Db(db) => db.ask(query).await,
            Self::Tx(tx) => tx.ask(query).await,
        }
    }

    /// Every row.
    pub(crate) async fn all(self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Vec<Row>> {
        match self {
            Self::Db(db) => db.fetch_all(sql, args).await,
            Self::Tx(tx) => tx.fetch_all(sql, args).await,
        }
    }

    /// The first row.
    pub(crate) async fn first(self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Option<Row>> {
        match self {
            Self::Db(db) => db.fetch_optional(sql, args).await,
            Self::Tx(tx) => tx.fetch_optional(sql, args).await,
        }
    }
}

/// Conditions of a query under construction, and their values.
#[derive(Default)]
pub(crate) struct Filter {
    conditions: Vec<String>,
    pub(crate) args: Vec<Value>,
}

impl Filter {
    /// Adds a value; returns its placeholder.
    pub(crate) fn arg(&mut self, value: impl Into<Value>) -> String {
        self.args.push(value.into());
        format!("${}", self.args.len())
    }

    /// `column operator value`.
    pub(crate) fn compare(&mut self, column: &str, operator: &str, value: impl Into<Value>) {
        let place = self.arg(value);
        self.conditions.push(format!("{column} {operator} {place}"));
    }

    /// `column IN (…)`; no condition for an empty list.
    pub(crate) fn any_of<V: Into<Value> + Clone>(&mut self, column: &str, values: &[V]) {
        if !values.is_empty() {
            let places: Vec<String> = values.iter().map(|v| self.arg(v.clone())).collect();
            self.conditions.push(format!("{column} IN ({})", places.join(",")));
        }
    }

    /// The condition for one of several values; `{}` stands for its placeholder. No condition for no values.
    pub(crate) fn either<V: Into<Value>>(&mut self, condition: &str, values: impl IntoIterator<Item = V>) {
        let each: Vec<String> = values.into_iter().map(|value| condition.replace("{}", &self.arg(value))).collect();
        if !each.is_empty() {
            self.conditions.push(format!("({})", each.join(" OR ")));
        }
    }

    /// A condition without values of its own.
    pub(crate) fn that(&mut self, condition: impl Into<String>) {
        self.conditions.push(condition.into());
    }

    /// A condition around one value; `{}` stands for its placeholder.
    pub(crate) fn with(&mut self, condition: &str, value: impl Into<Value>) {
        let place = self.arg(value);
        self.conditions.push(condition.replace("{}", &place));
    }

    /// `WHERE …`, or nothing.
    pub(crate) fn clause(&self) -> String {
        if self.conditions.is_empty() { String::new() } else { format!("WHERE {}", self.conditions.join(" AND ")) }
    }
}

/// A piece of a list: how many, after how many, in which order.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) limit: i64,
    pub(crate) offset: i64,
    /// `ORDER BY` expressions, already checked against the columns that may be ordered by.
    pub(crate) order: String,
}

impl Page {
    /// Everything, in that order.
    pub(crate) fn all(order: &str) -> Self {
        Self { limit: i64::from(i32::MAX), offset: 0, order: order.into() }
    }
}

/// A page of `columns FROM from` under `filter`, and how many rows there are in all.
pub(crate) async fn page<T>(
    db: &Db,
    columns: &str,
    from: &str,
    filter: Filter,
    page: &Page,
    read: impl Fn(&Row) -> Result<T>,
) -> Result<(Vec<T>, i64)> {
    let clause = filter.clause();
    let total: i64 =
        db.fetch_one(sql(format!("SELECT COUNT(*) AS total FROM {from} {clause}")), filter.args.clone()).await?.get("total")?;
    let mut args = filter.args;
    args.extend([Value::Int(page.limit), Value::Int(page.offset)]);
    let (limit, offset) = (args.len() - 1, args.len());
    let text = format!("SELECT {columns} FROM {from} {clause} ORDER BY {} LIMIT ${limit} OFFSET ${offset}", page.order);
    let rows = db.fetch_all(sql(text), args).await?;
    Ok((rows.iter().map(read).collect::<Result<_>>()?, total))
}

/// A statement put together of literals and placeholders.
pub(crate) fn sql(text: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(text)
}

/// `$from, $from+1, …`: placeholders for so many values.
pub(crate) fn places(from: usize, count: usize) -> String {
    (from..from + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(",")
}

/// Ends a `SELECT` whose row others must not change before the transaction ends. SQLite has one writer anyway.
pub(crate) fn for_update(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE",
    }
}

/// The same, passing over rows that others hold.
pub(crate) fn for_update_skip_locked(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE SKIP LOCKED",
    }
}
