//! Searching traces. What an index or the database's own comparisons can decide is one statement; regular expressions,
//! which the engines do not have in common, are tried on what it finds, chunk by chunk.

mod grammar;
mod sql;

use super::{Binds, Page};
use crate::store::traces as store;
use crate::traces::Stored;
use crate::{Tracking, validate};
use artel_platform::db::{AssertSqlSafe, Row, Value};
use artel_platform::search::{Keyset, PageToken};
use artel_platform::{Error, Result};
use artel_proto::mlflow::TraceInfoV3;
use grammar::{Condition, Subject};
use std::collections::{HashMap, HashSet};

/// Most traces of one page.
const MAX_RESULTS: i64 = 500;
/// How many traces are read at a time where a regular expression has to be tried.
const CHUNK: usize = 200;

/// What is searched for.
pub(crate) struct Search<'a> {
    pub(crate) experiment_ids: Vec<String>,
    pub(crate) filter: &'a str,
    pub(crate) order_by: &'a [String],
    pub(crate) max_results: i64,
    pub(crate) page_token: Option<&'a str>,
}

/// A search, read and checked.
struct Query {
    experiments: Vec<i64>,
    filter: Vec<Condition>,
    order: Vec<(Subject, bool)>,
}

type Found = Vec<(Stored, Vec<Value>)>;

impl Tracking {
    /// A page of traces that a filter lets through, in the order asked for.
    pub(crate) async fn search_traces(&self, workspace: &str, search: Search<'_>) -> Result<Page<TraceInfoV3>> {
        let most = search.max_results;
        if !(1..=MAX_RESULTS).contains(&most) {
            let why = if most < 1 { "It must be a positive integer".to_owned() } else { format!("It must be at most {MAX_RESULTS}") };
            return Err(Error::invalid(format!("Invalid value {most} for parameter 'max_results' supplied. {why}")));
        }
        let limit = most as usize;
        let query = Query::read(&search.experiment_ids, search.filter, search.order_by)?;
        let described = format!("{workspace}\n{:?}\n{}\n{:?}", search.experiment_ids, search.filter, search.order_by);
        let mut after = PageToken::decode(search.page_token, &described)?.map(|token| token.keys());
        if query.experiments.is_empty() {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        let tried = query.filter.iter().any(|c| c.pattern.is_some());
        let chunk = if tried { CHUNK.max(limit + 1) } else { limit + 1 };
        let mut rows: Vec<(TraceInfoV3, Vec<Value>)> = Vec::new();
        loop {
            let found = self.find_matching(workspace, &query, after.as_deref(), chunk).await?;
            let last = found.len() < chunk;
            after = found.last().map(|row| row.1.clone());
            let (traces, keys): (Vec<Stored>, Vec<Vec<Value>>) = found.into_iter().unzip();
            let infos = self.complete_traces(traces).await?;
            let kept = if tried { self.tried(&query, &infos).await? } else { vec![true; infos.len()] };
            rows.extend(infos.into_iter().zip(keys).zip(kept).filter(|(_, keep)| *keep).map(|(row, _)| row));
            if last || rows.len() > limit {
                break;
            }
        }
        let next = rows.get(limit).and_then(|_| rows.get(limit - 1)).map(|(_, keys)| PageToken::new(&described, 0, keys).encode());
        rows.truncate(limit);
        Ok(Page { rows: rows.into_iter().map(|row| row.0).collect(), next })
    }

    /// The ids of every trace that a filter lets through.
    pub(crate) async fn matching_traces(&self, workspace: &str, experiments: &[String], filter: &str) -> Result<HashSet<String>> {
        let query = Query::read(experiments, filter, &[])?;
        let mut ids = HashSet::new();
        if query.experiments.is_empty() {
            return Ok(ids);
        }
        let tried = query.filter.iter().any(|c| c.pattern.is_some());
        let mut after: Option<Vec<Value>> = None;
        loop {
            let found = self.find_matching(workspace, &query, after.as_deref(), CHUNK).await?;
            let last = found.len() < CHUNK;
            after = found.last().map(|row| row.1.clone());
            let traces: Vec<Stored> = found.into_iter().map(|row| row.0).collect();
            if tried {
                let infos = self.complete_traces(traces).await?;
                let kept = self.tried(&query, &infos).await?;
                ids.extend(infos.into_iter().zip(kept).filter(|(_, keep)| *keep).filter_map(|(info, _)| info.trace_id));
            } else {
                ids.extend(traces.into_iter().map(|t| t.trace_id));
            }
            if last {
                return Ok(ids);
            }
        }
    }

    async fn find_matching(&self, workspace: &str, query: &Query, after: Option<&[Value]>, limit: usize) -> Result<Found> {
        let mut binds = Binds::default();
        let mut joins = String::new();
        let (order, kinds) = query.order_terms(&mut binds, &mut joins);
        let scope = sql::Scope { workspace: binds.add(workspace), experiments: binds.list(query.experiments.iter().copied()) };
        let mut conditions = vec![format!("t.workspace = {}", scope.workspace), format!("t.experiment IN {}", scope.experiments)];
        conditions.extend(sql::conditions(&query.filter, &scope, &mut binds)?);
        if let Some(after) = after {
            let other = || Error::invalid("Invalid page token: it belongs to another search; start from the first page");
            conditions.push(order.after(after, &mut binds.0).ok_or_else(other)?);
        }
        let limit = binds.add(limit);
        let statement = format!(
            "SELECT {}, {} FROM traces t{joins} WHERE {} ORDER BY {} LIMIT {limit}",
            store::COLUMNS,
            order.columns(),
            conditions.join(" AND "),
            order.order_by()
        );
        let rows = self.db.fetch_all(AssertSqlSafe(statement), binds.0).await?;
        rows.iter().map(|row| Ok((store::read(row)?, keys_of(row, &kinds)?))).collect()
    }

    /// Which of the traces every regular expression of the filter matches.
    async fn tried(&self, query: &Query, traces: &[TraceInfoV3]) -> Result<Vec<bool>> {
        let of_spans = |c: &&Condition| matches!(c.subject, Subject::Span(_) | Subject::SpanAttribute(_));
        let (spans, others): (Vec<&Condition>, Vec<&Condition>) = query.filter.iter().filter(|c| c.pattern.is_some()).partition(of_spans);
        let mut kept: Vec<bool> = traces.iter().map(|trace| others.iter().all(|c| matches(c, trace))).collect();
        if !spans.is_empty() {
            let ids: Vec<&str> = traces.iter().zip(&kept).filter(|(_, keep)| **keep).map(|(t, _)| t.trace_id()).collect();
            let matched = self.traces_with_spans(query, &spans, &ids).await?;
            for (trace, keep) in traces.iter().zip(&mut kept) {
                *keep = *keep && matched.contains(trace.trace_id());
            }
        }
        Ok(kept)
    }

    /// Those of the traces that have a span that meets all conditions on spans at once.
    async fn traces_with_spans(&self, query: &Query, patterns: &[&Condition], ids: &[&str]) -> Result<HashSet<String>> {
        let mut matched = HashSet::new();
        for chunk in ids.chunks(50) {
            let mut binds = Binds::default();
            let list = binds.list(chunk.iter().copied());
            let mut conditions = vec![format!("s.trace_id IN {list}")];
            conditions.extend(sql::span_conditions(&query.filter, &mut binds)?);
            let statement =
                format!("SELECT s.trace_id, s.name, s.type, s.status, s.content FROM spans s WHERE {}", conditions.join(" AND "));
            for row in self.db.fetch_all(AssertSqlSafe(statement), binds.0).await? {
                let mut all = true;
                for condition in patterns {
                    let column = match condition.subject {
                        Subject::Span(column) => column.trim_start_matches("s."),
                        _ => "content",
                    };
                    let text: String = row.get(column)?;
                    all = all && condition.pattern.as_ref().is_some_and(|p| p.is_match(&text));
                }
                if all {
                    matched.insert(row.at(0)?);
                }
            }
        }
        Ok(matched)
    }
}

/// Does the regular expression match what the trace tells?
fn matches(condition: &Condition, trace: &TraceInfoV3) -> bool {
    let Some(pattern) = &condition.pattern else { return true };
    let of = |map: &HashMap<String, String>, key: &str| map.get(key).is_some_and(|text| pattern.is_match(text));
    match &condition.subject {
        Subject::Text("t.trace_id") => pattern.is_match(trace.trace_id()),
        Subject::Text("t.status") => pattern.is_match(trace.state().as_str_name()),
        Subject::Text("t.client_request_id") => trace.client_request_id.as_ref().is_some_and(|id| pattern.is_match(id)),
        Subject::Text("t.session_id") => of(&trace.trace_metadata, crate::traces::SESSION),
        Subject::Text(_) => of(&trace.tags, crate::traces::tags::TRACE_NAME),
        Subject::Tag(key) => of(&trace.tags, key),
        Subject::Metadata(key) => of(&trace.trace_metadata, key),
        Subject::Assessment(kind, name) => trace.assessments.iter().any(|a| {
            let value = match *kind {
                "feedback" => a.feedback.as_ref().and_then(|f| f.value.as_ref()).map(artel_proto::json::value::to_json),
                _ => a.expectation.as_ref().and_then(|e| e.value.as_ref()).map(artel_proto::json::value::to_json),
            };
            a.assessment_name() == name && a.valid() && value.is_some_and(|v| pattern.is_match(&v.to_string()))
        }),
        _ => false,
    }
}

/// The sort keys of a row: `i`ntegers or `t`exts.
fn keys_of(row: &Row, kinds: &[char]) -> Result<Vec<Value>> {
    let key = |(n, kind): (usize, &char)| {
        let name = format!("key{n}");
        Ok(if *kind == 'i' { Value::from(row.get::<i64>(&name)?) } else { Value::from(row.get::<String>(&name)?) })
    };
    kinds.iter().enumerate().map(key).collect()
}

impl Query {
    fn read(experiments: &[String], filter: &str, order_by: &[String]) -> Result<Self> {
        Ok(Self {
            experiments: experiments.iter().map(|id| validate::experiment_id(id)).collect::<Result<_>>()?,
            filter: grammar::filter(filter)?,
            order: grammar::order_by(order_by)?,
        })
    }

    /// What stands in ORDER BY: what is absent comes last in both directions; then the newest first.
    fn order_terms(&self, binds: &mut Binds, joins: &mut String) -> (Keyset, Vec<char>) {
        let mut order = Keyset::default();
        let mut kinds = Vec::new();
        for (n, (subject, ascending)) in self.order.iter().enumerate() {
            let (column, kind) = match subject {
                Subject::Number(column) => ((*column).to_owned(), 'i'),
                Subject::Text(column) => ((*column).to_owned(), 't'),
                Subject::Tag(key) | Subject::Metadata(key) => {
                    let table = if matches!(subject, Subject::Tag(_)) { "trace_tags" } else { "trace_metadata" };
                    let key = binds.add(key);
                    joins.push_str(&format!(" LEFT JOIN {table} o{n} ON o{n}.trace_id = t.trace_id AND o{n}.key = {key}"));
                    (format!("o{n}.value"), 't')
                }
                _ => continue,
            };
            order.push(format!("CASE WHEN {column} IS NULL THEN CAST(1 AS BIGINT) ELSE 0 END"), true);
            order.push(format!("COALESCE({column}, {})", if kind == 'i' { "0" } else { "''" }), *ascending);
            kinds.extend(['i', kind]);
        }
        if !self.order.iter().any(|(subject, _)| *subject == Subject::Number("t.timestamp_ms")) {
            order.push("t.timestamp_ms", false);
            kinds.push('i');
        }
        if !self.order.iter().any(|(subject, _)| *subject == Subject::Text("t.trace_id")) {
            order.push("t.trace_id", true);
            kinds.push('t');
        }
        (order, kinds)
    }
}
