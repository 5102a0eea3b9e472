//! Spans of traces.

use super::in_list;
use crate::traces::Incoming;
use artel_platform::db::{AssertSqlSafe, Db, Tx, Value};
use artel_platform::{Result, args};
use std::collections::HashMap;

/// Stores spans; one that is there already is replaced. Each comes once.
pub(crate) async fn put(tx: &mut Tx, spans: &[Incoming]) -> Result<()> {
    let mut rows = Vec::with_capacity(spans.len());
    for incoming in spans {
        let span = &incoming.span;
        rows.push(args![
            &incoming.trace_id,
            &span.span_id,
            span.parent_span_id.clone().unwrap_or_default(),
            &span.name,
            incoming.kind(),
            span.status(),
            span.start_time_unix_nano,
            crate::traces::stored_text(span)
        ]);
    }
    tx.insert_many(
        "INSERT INTO spans (trace_id, span_id, parent_span_id, name, type, status, start_time_unix_nano, content)",
        "ON CONFLICT (trace_id, span_id) DO UPDATE SET parent_span_id = excluded.parent_span_id, name = excluded.name, type = excluded.type,
         status = excluded.status, start_time_unix_nano = excluded.start_time_unix_nano, content = excluded.content",
        rows,
    )
    .await
    .map(drop)
}

/// The spans of these traces, by trace: the root first, then by start.
pub(crate) async fn contents(db: &Db, traces: &[String]) -> Result<HashMap<String, Vec<String>>> {
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for chunk in traces.chunks(100) {
        let mut args = Vec::new();
        let list = in_list(chunk.iter().map(Value::from), &mut args);
        let sql = format!(
            "SELECT trace_id, content FROM spans WHERE trace_id IN {list}
             ORDER BY trace_id, CASE WHEN parent_span_id = '' THEN 0 ELSE 1 END, start_time_unix_nano, span_id"
        );
        for row in db.fetch_all(AssertSqlSafe(sql), args).await? {
            found.entry(row.at(0)?).or_default().push(row.at(1)?);
        }
    }
    Ok(found)
}

/// The spans of one trace, inside the transaction that adds some.
pub(crate) async fn contents_in(tx: &mut Tx, trace_id: &str) -> Result<Vec<String>> {
    let rows = tx.fetch_all("SELECT content FROM spans WHERE trace_id = $1", args![trace_id]).await?;
    rows.iter().map(|row| row.at(0)).collect()
}
