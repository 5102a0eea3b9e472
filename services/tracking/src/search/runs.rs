//! Searching runs.
//!
//! The usual question of a runs table, one experiment ordered by one metric, is read off the index of latest metrics
//! in three parts: runs with a value in the order of the value, then those whose latest value is NaN, then those
//! without the metric. Everything else is one statement over the runs, with a probe per filter and an outer join per
//! order. Where a filter names only few runs, these are what is read (`narrow`).

use super::narrow::table;
use super::{Binds, Page, stages};
use crate::datasets::CONTEXT;
use crate::runs::Stored;
use crate::store::{in_ids, runs as store};
use crate::{Tracking, validate};
use artel_platform::db::{AssertSqlSafe, Dialect, Row, Value};
use artel_platform::search::{Comparator, Condition, Entity, Grammar, Keys, Keyset, Operand, Order, PageToken, Type};
use artel_platform::{Error, Result};
use artel_proto::mlflow::{Run, SearchRuns};

const ATTRIBUTES: &[(&str, &str, Type)] = &[
    ("run_id", "run_id", Type::TextOrList),
    ("run_name", "name", Type::Text),
    ("run name", "name", Type::Text),
    ("Run name", "name", Type::Text),
    ("Run Name", "name", Type::Text),
    ("status", "status", Type::Text),
    ("artifact_uri", "artifact_uri", Type::Text),
    ("user_id", "user_id", Type::Text),
    ("start_time", "start_time", Type::Number),
    ("created", "start_time", Type::Number),
    ("Created", "start_time", Type::Number),
    ("end_time", "end_time", Type::Number),
];
const DATASET: &[(&str, &str, Type)] =
    &[("name", "name", Type::TextOrList), ("digest", "digest", Type::TextOrList), ("context", "context", Type::TextOrList)];

/// What a search of runs may name.
const GRAMMAR: Grammar = Grammar {
    entities: &[
        Entity { name: "attribute", aliases: &["attr", "attributes", "run"], keys: Keys::Named(ATTRIBUTES), orders: true },
        Entity { name: "metric", aliases: &["metrics"], keys: Keys::Any(Type::Number), orders: true },
        Entity { name: "parameter", aliases: &["parameters", "param", "params"], keys: Keys::Any(Type::TextOrNull), orders: true },
        Entity { name: "tag", aliases: &["tags"], keys: Keys::Any(Type::TextOrNull), orders: true },
        Entity { name: "dataset", aliases: &["datasets"], keys: Keys::Named(DATASET), orders: false },
    ],
};

/// A search, read and checked.
pub(super) struct Query {
    pub(super) experiments: Vec<i64>,
    stages: &'static [&'static str],
    pub(super) filter: Vec<Filter>,
    /// The runs to read, where a filter lets few through.
    narrowed: Option<Vec<i64>>,
    order: Vec<(Order, Option<i64>)>,
    limit: usize,
    /// Everything that a page token must agree with.
    described: String,
    dialect: Dialect,
}

/// A condition with the number of its metric, where it is about one that was ever logged.
pub(super) struct Filter {
    pub(super) condition: Condition,
    pub(super) metric: Option<i64>,
}

/// What the rows of a statement are driven by.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// Runs, in any order.
    All,
    /// The index of one metric's latest values; NaN or not.
    Metric { key: i64, ascending: bool, nan: bool },
    /// Runs without the metric.
    Without { key: i64 },
}

/// The number that page tokens give to [`Part::All`] where the metric's parts would have been read.
const NARROWED: u32 = 9;

type Found = (Vec<(Stored, Vec<Value>)>, bool);

impl Tracking {
    /// A page of runs that a filter lets through, in the order asked for.
    pub(crate) async fn search_runs(&self, workspace: &str, request: SearchRuns) -> Result<Page<Run>> {
        let limit = validate::max_results(i64::from(request.max_results()))?;
        let mut query = Query {
            narrowed: None,
            experiments: request.experiment_ids.iter().map(|id| validate::experiment_id(id)).collect::<Result<_>>()?,
            stages: stages(Some(request.run_view_type() as i32)),
            filter: self.filters(GRAMMAR.filter(request.filter())?).await?,
            order: self.orders(GRAMMAR.order_by(&request.order_by)?).await?,
            limit: limit as usize,
            described: format!(
                "{workspace}\n{:?}\n{}\n{:?}\n{:?}",
                request.experiment_ids,
                request.filter(),
                request.order_by,
                request.run_view_type
            ),
            dialect: self.db.dialect(),
        };
        let token = PageToken::decode(request.page_token.as_deref(), &query.described)?;
        if query.experiments.is_empty() {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        if query.about_metrics() {
            self.settle().await?;
        }
        let part = token.as_ref().map(|t| t.part);
        if query.driving_metric().is_none() || part.is_none_or(|p| p == NARROWED) {
            query.narrowed = self.narrowest(&query).await?;
        }
        let mut after = token.map(|t| t.keys());
        let mut rows: Vec<(Stored, u32, Vec<Value>)> = Vec::new();
        let mut more = false;
        for (number, part) in query.parts(part) {
            let left = query.limit - rows.len();
            let (found, further) = self.find_runs(workspace, &query, part, after.take().as_deref(), left).await?;
            rows.extend(found.into_iter().map(|(run, keys)| (run, number, keys)));
            more = further;
            if more {
                break;
            }
        }
        let next = rows.last().filter(|_| more).map(|(_, part, keys)| PageToken::new(&query.described, *part, keys).encode());
        let rows = self.complete(rows.into_iter().map(|row| row.0).collect()).await?;
        Ok(Page { rows, next })
    }

    async fn filters(&self, conditions: Vec<Condition>) -> Result<Vec<Filter>> {
        let mut filters = Vec::with_capacity(conditions.len());
        for condition in conditions {
            let metric = if condition.entity == "metric" { self.keys.find(&self.db, &condition.key).await? } else { None };
            filters.push(Filter { condition, metric });
        }
        Ok(filters)
    }

    async fn orders(&self, orders: Vec<Order>) -> Result<Vec<(Order, Option<i64>)>> {
        let mut found = Vec::with_capacity(orders.len());
        for order in orders {
            // a name that was never logged has no number; 0 is nobody's
            let metric = if order.entity == "metric" { Some(self.keys.find(&self.db, &order.key).await?.unwrap_or(0)) } else { None };
            found.push((order, metric));
        }
        Ok(found)
    }

    /// Runs of one part after a place, at most `limit`, and whether there are more.
    async fn find_runs(&self, workspace: &str, query: &Query, part: Part, after: Option<&[Value]>, limit: usize) -> Result<Found> {
        let (sql, args, terms) = query.statement(workspace, part, after, limit + 1)?;
        let rows = self.db.fetch_all(AssertSqlSafe(sql), args).await?;
        let more = rows.len() > limit;
        let read = |row: &Row| Ok((store::read(row)?, keys_of(row, &terms)?));
        let found = rows.iter().take(limit).map(read).collect::<Result<_>>()?;
        Ok((found, more))
    }
}

/// The sort keys of a row, of the types that the terms have.
fn keys_of(row: &Row, terms: &[char]) -> Result<Vec<Value>> {
    let mut keys = Vec::with_capacity(terms.len());
    for (i, kind) in terms.iter().enumerate() {
        let name = format!("key{i}");
        keys.push(match kind {
            'i' => Value::from(row.get::<i64>(&name)?),
            'r' => Value::from(row.get::<f64>(&name)?),
            _ => Value::from(row.get::<String>(&name)?),
        });
    }
    Ok(keys)
}

impl Query {
    fn about_metrics(&self) -> bool {
        self.filter.iter().any(|filter| filter.metric.is_some()) || self.order.iter().any(|(_, metric)| metric.is_some())
    }

    /// The metric by whose index the runs can be read in order, and the direction.
    fn driving_metric(&self) -> Option<(i64, bool)> {
        let ([_], [(order, Some(key))]) = (&self.experiments[..], &self.order[..]) else { return None };
        Some((*key, order.ascending))
    }

    /// The parts to read one after the other, from the one that a page token names. Each with the number that tokens
    /// give it.
    fn parts(&self, from: Option<u32>) -> Vec<(u32, Part)> {
        let Some((key, ascending)) = self.driving_metric() else { return vec![(0, Part::All)] };
        if from.map_or(self.narrowed.is_some(), |part| part == NARROWED) {
            return vec![(NARROWED, Part::All)];
        }
        // a filter by the very metric leaves no run without it, and of NaN only what differs from a number
        let about_it = || self.filter.iter().filter(|f| f.metric == Some(key)).map(|f| &f.condition.comparator);
        let mut parts = vec![(0, Part::Metric { key, ascending, nan: false })];
        if about_it().all(|c| *c == Comparator::NotEqual) {
            parts.push((1, Part::Metric { key, ascending, nan: true }));
        }
        if about_it().next().is_none() {
            parts.push((2, Part::Without { key }));
        }
        parts.retain(|(number, _)| *number >= from.unwrap_or(0));
        parts
    }

    /// Text, values, and the types of the sort keys (`i`nteger, `r`eal, `t`ext).
    fn statement(&self, workspace: &str, part: Part, after: Option<&[Value]>, limit: usize) -> Result<(String, Vec<Value>, Vec<char>)> {
        let mut binds = Binds::default();
        let mut order = Keyset::default();
        let mut kinds = Vec::new();
        let mut joins = String::new();
        let mut conditions = Vec::new();
        // CROSS JOIN keeps SQLite at this order of the tables; to PostgreSQL it is any join
        let mut from = if matches!(part, Part::Metric { .. }) { "latest_metrics o CROSS JOIN runs r" } else { "runs r" }.to_owned();
        if let Some(runs) = self.narrowed.as_ref().filter(|_| part == Part::All) {
            from = format!("{} n CROSS JOIN runs r", in_ids(self.dialect, runs, &mut binds.0));
            conditions.push("r.id = n.id".to_owned());
        }
        match part {
            Part::All => self.order_terms(&mut binds, &mut joins, &mut order, &mut kinds),
            Part::Metric { key, ascending, nan } => {
                let (experiment, key) = (binds.add(self.experiments[0]), binds.add(key));
                conditions
                    .push(format!("o.experiment = {experiment} AND o.key = {key} AND o.is_nan = {} AND r.id = o.run", i32::from(nan)));
                if !nan {
                    order.push("o.value", ascending);
                    kinds.push('r');
                }
            }
            Part::Without { key } => {
                let key = binds.add(key);
                conditions.push(format!("NOT EXISTS (SELECT 1 FROM latest_metrics o WHERE o.run = r.id AND o.key = {key})"));
            }
        }
        if !self.order.iter().any(|(o, _)| o.key == "start_time" && o.entity == "attribute") {
            order.push("r.start_time", false);
            kinds.push('i');
        }
        order.push("r.run_id", true);
        kinds.push('t');
        conditions.push(format!("r.experiment IN {}", binds.list(self.experiments.iter().copied())));
        conditions.push(format!("r.workspace = {}", binds.add(workspace)));
        conditions.push(match self.stages {
            [stage] => format!("r.lifecycle_stage = {}", binds.add(*stage)),
            stages => format!("r.lifecycle_stage IN {}", binds.list(stages.iter().copied())),
        });
        for filter in &self.filter {
            conditions.push(filter.sql(&mut binds, part)?);
        }
        if let Some(after) = after {
            let other = || Error::invalid("Invalid page token: it belongs to another search; start from the first page");
            conditions.push(order.after(after, &mut binds.0).ok_or_else(other)?);
        }
        let limit = binds.add(limit);
        let sql = format!(
            "SELECT {}, {} FROM {from}{joins} WHERE {} ORDER BY {} LIMIT {limit}",
            store::COLUMNS,
            order.columns(),
            conditions.join(" AND "),
            order.order_by()
        );
        Ok((sql, binds.0, kinds))
    }

    /// What stands in ORDER BY: what is absent comes last in both directions, NaN before that.
    fn order_terms(&self, binds: &mut Binds, joins: &mut String, order: &mut Keyset, kinds: &mut Vec<char>) {
        for (n, (by, metric)) in self.order.iter().enumerate() {
            match by.entity {
                "attribute" if by.key == "end_time" => {
                    order.push("CASE WHEN r.end_time IS NULL THEN CAST(1 AS BIGINT) ELSE 0 END", true);
                    order.push("COALESCE(r.end_time, 0)", by.ascending);
                    kinds.extend(['i', 'i']);
                }
                "attribute" => {
                    order.push(format!("r.{}", by.key), by.ascending);
                    kinds.push(if by.key == "start_time" { 'i' } else { 't' });
                }
                "metric" => {
                    let key = binds.add(metric.unwrap_or_default());
                    joins.push_str(&format!(" LEFT JOIN latest_metrics o{n} ON o{n}.run = r.id AND o{n}.key = {key}"));
                    order.push(format!("CASE WHEN o{n}.is_nan = 1 THEN CAST(1 AS BIGINT) WHEN o{n}.value IS NULL THEN 2 ELSE 0 END"), true);
                    order.push(format!("COALESCE(o{n}.value, 0)"), by.ascending);
                    kinds.extend(['i', 'r']);
                }
                entity => {
                    let table = table(entity);
                    let key = binds.add(&by.key);
                    joins.push_str(&format!(" LEFT JOIN {table} o{n} ON o{n}.run = r.id AND o{n}.key = {key}"));
                    order.push(format!("CASE WHEN o{n}.value IS NULL THEN CAST(1 AS BIGINT) ELSE 0 END"), true);
                    order.push(format!("COALESCE(o{n}.value, '')"), by.ascending);
                    kinds.extend(['i', 't']);
                }
            }
        }
    }
}

impl Filter {
    fn sql(&self, binds: &mut Binds, part: Part) -> Result<String> {
        let Condition { key, comparator, value, .. } = &self.condition;
        match self.condition.entity {
            "attribute" if matches!(value, Operand::Number(_)) => binds.number(&format!("r.{key}"), comparator, value),
            "attribute" => binds.text(&format!("r.{key}"), comparator, value),
            "metric" => self.metric_sql(binds, part),
            "dataset" if key == "context" => Ok(format!(
                "EXISTS (SELECT 1 FROM input_tags t WHERE t.run = r.id AND t.name = {} AND {})",
                binds.add(CONTEXT),
                binds.text("t.value", comparator, value)?
            )),
            "dataset" => Ok(format!(
                "EXISTS (SELECT 1 FROM dataset_inputs i JOIN datasets d ON d.id = i.dataset WHERE i.run = r.id AND {})",
                binds.text(&format!("d.{key}"), comparator, value)?
            )),
            entity => {
                let table = table(entity);
                let key = binds.add(key);
                let probe = format!("SELECT 1 FROM {table} v WHERE v.run = r.id AND v.key = {key}");
                Ok(match comparator {
                    Comparator::IsNull => format!("NOT EXISTS ({probe})"),
                    Comparator::IsNotNull => format!("EXISTS ({probe})"),
                    _ => format!("EXISTS ({probe} AND {})", binds.text("v.value", comparator, value)?),
                })
            }
        }
    }

    /// Compares the latest value. NaN differs from every number and is neither less nor greater.
    fn metric_sql(&self, binds: &mut Binds, part: Part) -> Result<String> {
        let Condition { comparator, value, .. } = &self.condition;
        let Some(metric) = self.metric else { return Ok("1 = 0".into()) };
        let unequal = *comparator == Comparator::NotEqual;
        if let Part::Metric { key, nan, .. } = part
            && key == metric
        {
            // the very metric that drives the search: a bound on the index
            return if nan { Ok(if unequal { "1 = 1" } else { "1 = 0" }.into()) } else { binds.real("o.value", comparator, value) };
        }
        let key = binds.add(metric);
        let compared = binds.real("m.value", comparator, value)?;
        let nan = if unequal { format!("(m.is_nan = 1 OR {compared})") } else { format!("m.is_nan = 0 AND {compared}") };
        Ok(format!("EXISTS (SELECT 1 FROM latest_metrics m WHERE m.run = r.id AND m.key = {key} AND {nan})"))
    }
}
