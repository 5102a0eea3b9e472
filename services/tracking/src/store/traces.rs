//! Traces and what belongs to them, but for their spans.

use super::in_list;
use crate::traces::{Details, Stored, assessments};
use artel_platform::db::{AssertSqlSafe, Db, Row, Tx, Value};
use artel_platform::{Result, args};
use std::collections::HashMap;

/// The columns that [`read`] needs.
pub(crate) const COLUMNS: &str = "t.trace_id, t.workspace, t.experiment, t.timestamp_ms, t.execution_time_ms, t.status, t.client_request_id, \
    t.request_preview, t.response_preview, t.trace_name, t.session_id, t.finalized, \
    t.input_tokens, t.output_tokens, t.total_tokens, t.cache_read_input_tokens, t.cache_creation_input_tokens, \
    t.cache_creation_input_tokens_above_1hr, t.input_cost, t.output_cost, t.total_cost";

pub(crate) fn read(row: &Row) -> Result<Stored> {
    let mut tokens = [None; 6];
    for (slot, column) in tokens.iter_mut().zip(crate::traces::usage::TOKENS) {
        *slot = row.opt(column)?;
    }
    let mut costs = [None; 3];
    for (slot, column) in costs.iter_mut().zip(crate::traces::usage::COSTS) {
        *slot = row.opt(column)?;
    }
    Ok(Stored {
        trace_id: row.get("trace_id")?,
        workspace: row.get("workspace")?,
        experiment: row.get("experiment")?,
        timestamp_ms: row.get("timestamp_ms")?,
        execution_time_ms: row.opt("execution_time_ms")?,
        status: row.get("status")?,
        client_request_id: row.opt("client_request_id")?,
        request_preview: row.opt("request_preview")?,
        response_preview: row.opt("response_preview")?,
        trace_name: row.opt("trace_name")?,
        session_id: row.opt("session_id")?,
        finalized: row.get("finalized")?,
        tokens,
        costs,
    })
}

pub(crate) async fn find(db: &Db, workspace: &str, trace_id: &str) -> Result<Option<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM traces t WHERE t.trace_id = $1 AND t.workspace = $2");
    db.fetch_optional(AssertSqlSafe(sql), args![trace_id, workspace]).await?.as_ref().map(read).transpose()
}

/// Those of the traces that are there, by id.
pub(crate) async fn among(db: &Db, workspace: &str, ids: &[String]) -> Result<HashMap<String, Stored>> {
    let mut found = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(100) {
        let mut args = args![workspace];
        let list = in_list(chunk.iter().map(Value::from), &mut args);
        let sql = format!("SELECT {COLUMNS} FROM traces t WHERE t.workspace = $1 AND t.trace_id IN {list}");
        for row in db.fetch_all(AssertSqlSafe(sql), args).await? {
            let trace = read(&row)?;
            found.insert(trace.trace_id.clone(), trace);
        }
    }
    Ok(found)
}

/// A trace that nobody else changes until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, workspace: &str, trace_id: &str) -> Result<Option<Stored>> {
    let columns = COLUMNS.replace("t.", "");
    let sql = format!("UPDATE traces SET finalized = finalized WHERE trace_id = $1 AND workspace = $2 RETURNING {columns}");
    tx.fetch_optional(AssertSqlSafe(sql), args![trace_id, workspace]).await?.as_ref().map(read).transpose()
}

/// False when the id is taken.
pub(crate) async fn insert(tx: &mut Tx, t: &Stored) -> Result<bool> {
    let mut args = args![&t.trace_id, &t.workspace];
    args.extend(changing(t));
    let placeholders: Vec<String> = (1..=args.len()).map(|n| format!("${n}")).collect();
    let sql = format!("INSERT INTO traces ({}) VALUES ({}) ON CONFLICT DO NOTHING", COLUMNS.replace("t.", ""), placeholders.join(", "));
    Ok(tx.execute(AssertSqlSafe(sql), args).await? > 0)
}

pub(crate) async fn update(tx: &mut Tx, t: &Stored) -> Result<()> {
    let mut args = args![&t.trace_id];
    args.extend(changing(t));
    let columns = COLUMNS.replace("t.", "");
    let sets: Vec<String> = columns.split(',').skip(2).enumerate().map(|(n, column)| format!("{} = ${}", column.trim(), n + 2)).collect();
    tx.execute(AssertSqlSafe(format!("UPDATE traces SET {} WHERE trace_id = $1", sets.join(", "))), args).await.map(drop)
}

/// The values of the columns from the third on.
fn changing(t: &Stored) -> Vec<Value> {
    let mut values = args![
        t.experiment,
        t.timestamp_ms,
        t.execution_time_ms,
        &t.status,
        t.client_request_id.clone(),
        t.request_preview.clone(),
        t.response_preview.clone(),
        t.trace_name.clone(),
        t.session_id.clone(),
        t.finalized
    ];
    values.extend(t.tokens.iter().map(|n| Value::from(*n)));
    values.extend(t.costs.iter().map(|n| Value::from(*n)));
    values
}

/// Sets tags.
pub(crate) async fn set_tags(tx: &mut Tx, trace_id: &str, tags: HashMap<String, String>) -> Result<()> {
    set_pairs(tx, "trace_tags", trace_id, tags).await
}

/// Sets metadata.
pub(crate) async fn set_metadata(tx: &mut Tx, trace_id: &str, metadata: HashMap<String, String>) -> Result<()> {
    set_pairs(tx, "trace_metadata", trace_id, metadata).await
}

async fn set_pairs(tx: &mut Tx, table: &str, trace_id: &str, pairs: HashMap<String, String>) -> Result<()> {
    let rows = pairs.into_iter().map(|(key, value)| args![trace_id, key, value]).collect();
    let head = format!("INSERT INTO {table} (trace_id, key, value)");
    tx.insert_many(&head, "ON CONFLICT (trace_id, key) DO UPDATE SET value = excluded.value", rows).await.map(drop)
}

/// Adds a metadata value unless the key has one.
pub(crate) async fn add_metadata(tx: &mut Tx, trace_id: &str, key: &str, value: &str) -> Result<()> {
    let sql = "INSERT INTO trace_metadata (trace_id, key, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, args![trace_id, key, value]).await.map(drop)
}

/// Returns how many were removed: one or none.
pub(crate) async fn delete_tag(tx: &mut Tx, trace_id: &str, key: &str) -> Result<u64> {
    tx.execute("DELETE FROM trace_tags WHERE trace_id = $1 AND key = $2", args![trace_id, key]).await
}

pub(crate) async fn link(tx: &mut Tx, trace_id: &str, kind: &str, target: &str) -> Result<()> {
    let sql = "INSERT INTO trace_links (trace_id, kind, target) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, args![trace_id, kind, target]).await.map(drop)
}

/// Tags, metadata and assessments of these traces, by trace.
pub(crate) async fn details(db: &Db, traces: &[&str]) -> Result<HashMap<String, Details>> {
    let mut details: HashMap<String, Details> = HashMap::with_capacity(traces.len());
    for chunk in traces.chunks(100) {
        let mut args = Vec::new();
        let list = in_list(chunk.iter().map(|id| Value::from(*id)), &mut args);
        let pairs = |table: &str| AssertSqlSafe(format!("SELECT trace_id, key, value FROM {table} WHERE trace_id IN {list}"));
        for row in db.fetch_all(pairs("trace_tags"), args.clone()).await? {
            details.entry(row.at(0)?).or_default().tags.insert(row.at(1)?, row.at(2)?);
        }
        for row in db.fetch_all(pairs("trace_metadata"), args.clone()).await? {
            details.entry(row.at(0)?).or_default().metadata.insert(row.at(1)?, row.at(2)?);
        }
        let sql = format!("SELECT {ASSESSMENT} FROM assessments WHERE trace_id IN {list} ORDER BY trace_id, create_time_ms, assessment_id");
        for row in db.fetch_all(AssertSqlSafe(sql), args).await? {
            let assessment = read_assessment(&row)?;
            details.entry(assessment.trace_id.clone()).or_default().assessments.push(assessment);
        }
    }
    Ok(details)
}

/// The traces of an experiment up to a time, the oldest first.
pub(crate) async fn until_in(tx: &mut Tx, workspace: &str, experiment: i64, until: i64, most: Option<i64>) -> Result<Vec<String>> {
    let sql = "SELECT trace_id FROM traces WHERE workspace = $1 AND experiment = $2 AND timestamp_ms <= $3 ORDER BY timestamp_ms, trace_id LIMIT $4";
    let rows = tx.fetch_all(sql, args![workspace, experiment, until, most.unwrap_or(i64::MAX)]).await?;
    rows.iter().map(|row| row.at(0)).collect()
}

/// Those of the traces that are in an experiment.
pub(crate) async fn among_in(tx: &mut Tx, workspace: &str, experiment: i64, ids: &[String]) -> Result<Vec<String>> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(100) {
        let mut args = args![workspace, experiment];
        let list = in_list(chunk.iter().map(Value::from), &mut args);
        let sql = format!("SELECT trace_id FROM traces WHERE workspace = $1 AND experiment = $2 AND trace_id IN {list} ORDER BY trace_id");
        for row in tx.fetch_all(AssertSqlSafe(sql), args).await? {
            found.push(row.at(0)?);
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Deletes traces with all that belongs to them; returns what their tag `place` says.
pub(crate) async fn delete(tx: &mut Tx, traces: &[String], place: &str) -> Result<Vec<String>> {
    let mut places = Vec::new();
    for chunk in traces.chunks(100) {
        let mut args = Vec::new();
        let list = in_list(chunk.iter().map(Value::from), &mut args);
        let mut named = args.clone();
        named.push(place.into());
        let sql = format!("SELECT value FROM trace_tags WHERE trace_id IN {list} AND key = ${}", named.len());
        for row in tx.fetch_all(AssertSqlSafe(sql), named).await? {
            places.push(row.at(0)?);
        }
        for table in ["traces", "trace_tags", "trace_metadata", "trace_links", "spans", "assessments"] {
            tx.execute(AssertSqlSafe(format!("DELETE FROM {table} WHERE trace_id IN {list}")), args.clone()).await?;
        }
    }
    Ok(places)
}

const ASSESSMENT: &str = "assessment_id, trace_id, name, assessment_type, value, number, error, create_time_ms, last_update_time_ms, \
    source_type, source_id, span_id, rationale, overrides, valid, metadata";

fn read_assessment(row: &Row) -> Result<assessments::Stored> {
    Ok(assessments::Stored {
        assessment_id: row.get("assessment_id")?,
        trace_id: row.get("trace_id")?,
        name: row.get("name")?,
        kind: row.get("assessment_type")?,
        value: row.get("value")?,
        error: row.opt("error")?,
        create_time_ms: row.get("create_time_ms")?,
        last_update_time_ms: row.get("last_update_time_ms")?,
        source_type: row.get("source_type")?,
        source_id: row.opt("source_id")?,
        span_id: row.opt("span_id")?,
        rationale: row.opt("rationale")?,
        overrides: row.opt("overrides")?,
        valid: row.get("valid")?,
        metadata: row.opt("metadata")?,
    })
}

fn find_assessment_sql() -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SELECT {ASSESSMENT} FROM assessments WHERE trace_id = $1 AND assessment_id = $2"))
}

pub(crate) async fn find_assessment(db: &Db, trace_id: &str, id: &str) -> Result<Option<assessments::Stored>> {
    db.fetch_optional(find_assessment_sql(), args![trace_id, id]).await?.as_ref().map(read_assessment).transpose()
}

pub(crate) async fn find_assessment_in(tx: &mut Tx, trace_id: &str, id: &str) -> Result<Option<assessments::Stored>> {
    tx.fetch_optional(find_assessment_sql(), args![trace_id, id]).await?.as_ref().map(read_assessment).transpose()
}

/// `ALREADY_EXISTS` when the id is taken.
pub(crate) async fn insert_assessment(tx: &mut Tx, assessment: &assessments::Stored) -> Result<()> {
    write_assessment(tx, assessment, "").await
}

/// Adds an assessment or replaces the one with its id, if that is of the same trace.
pub(crate) async fn put_assessment(tx: &mut Tx, assessment: &assessments::Stored) -> Result<()> {
    let sets: Vec<String> = ASSESSMENT.split(',').skip(2).map(|c| format!("{0} = excluded.{0}", c.trim())).collect();
    let tail = format!("ON CONFLICT (assessment_id) DO UPDATE SET {} WHERE assessments.trace_id = excluded.trace_id", sets.join(", "));
    write_assessment(tx, assessment, &tail).await
}

async fn write_assessment(tx: &mut Tx, a: &assessments::Stored, tail: &str) -> Result<()> {
    let args = args![
        &a.assessment_id,
        &a.trace_id,
        &a.name,
        &a.kind,
        &a.value,
        a.number(),
        a.error.clone(),
        a.create_time_ms,
        a.last_update_time_ms,
        &a.source_type,
        a.source_id.clone(),
        a.span_id.clone(),
        a.rationale.clone(),
        a.overrides.clone(),
        a.valid,
        a.metadata.clone()
    ];
    let placeholders: Vec<String> = (1..=args.len()).map(|n| format!("${n}")).collect();
    let sql = format!("INSERT INTO assessments ({ASSESSMENT}) VALUES ({}) {tail}", placeholders.join(", "));
    tx.execute(AssertSqlSafe(sql), args).await.map(drop)
}

/// Returns how many there were: one or none.
pub(crate) async fn set_assessment_valid(tx: &mut Tx, trace_id: &str, id: &str, valid: bool) -> Result<u64> {
    tx.execute("UPDATE assessments SET valid = $1 WHERE trace_id = $2 AND assessment_id = $3", args![valid, trace_id, id]).await
}

pub(crate) async fn delete_assessment(tx: &mut Tx, trace_id: &str, id: &str) -> Result<()> {
    tx.execute("DELETE FROM assessments WHERE trace_id = $1 AND assessment_id = $2", args![trace_id, id]).await.map(drop)
}
