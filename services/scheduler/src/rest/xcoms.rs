//! XComs, for people.

use super::query::{Paging, Query};
use crate::Scheduler;
use crate::store::xcoms::{self, XCom, XComKey};
use crate::store::{Filter, dags, instances, runs};
use crate::times::{shown, shown_opt};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde_json::{Value, json};

/// A column of the run that an XCom is of.
macro_rules! of_run {
    ($column:literal) => {
        concat!("(SELECT r.", $column, " FROM dag_runs r WHERE r.dag_id = xcoms.dag_id AND r.run_id = xcoms.run_id)")
    };
}

pub(super) async fn entry(scheduler: &Scheduler, x: &XCom) -> Result<Value> {
    let run = runs::get(&scheduler.db, &x.dag_id, &x.run_id).await?;
    let task = instances::of_task(&scheduler.db, &x.dag_id, &x.run_id, &x.task_id, x.map_index).await?;
    let dag = dags::get(&scheduler.db, &x.dag_id).await?;
    Ok(json!({
        "key": x.key,
        "timestamp": shown(x.created_at),
        "logical_date": shown_opt(run.as_ref().and_then(|r| r.logical_date)),
        "map_index": x.map_index,
        "task_id": x.task_id,
        "dag_id": x.dag_id,
        "run_id": x.run_id,
        "dag_display_name": dag.map_or_else(|| x.dag_id.clone(), |d| d.display_name),
        "task_display_name": task.map_or_else(|| x.task_id.clone(), |t| t.task_display_name),
        "run_after": shown(run.map_or(x.created_at, |r| r.run_after)),
    }))
}

/// XComs of a task; `~` for any DAG, run or task.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries", tag = "pipelines", params(Paging), responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id) = path.into_inner();
    let query = Query::of(&request);
    let mut filter = Filter::default();
    for (column, value) in [("dag_id", &dag_id), ("run_id", &run_id), ("task_id", &task_id)] {
        if value != "~" {
            filter.compare(column, "=", value.as_str());
        }
    }
    if let Some(key) = query.get("xcom_key") {
        filter.compare("key", "=", key);
    }
    if let Some(index) = query.int("map_index")? {
        filter.compare("map_index", "=", index);
    }
    query.ints(&mut filter, "map_index_filter", "map_index")?;
    query.patterns(&mut filter, "xcom_key", "key");
    query.patterns(&mut filter, "task_id", "task_id");
    query.patterns(&mut filter, "run_id", "run_id");
    query.patterns(&mut filter, "dag_display_name", "(SELECT d.display_name FROM dags d WHERE d.dag_id = xcoms.dag_id)");
    for (key, column) in [("run_after", of_run!("run_after")), ("logical_date", of_run!("logical_date"))] {
        query.times(&mut filter, key, column)?;
    }
    let order = [
        ("key", "key"),
        ("dag_id", "dag_id"),
        ("run_id", "run_id"),
        ("task_id", "task_id"),
        ("map_index", "map_index"),
        ("timestamp", "created_at"),
        ("run_after", of_run!("run_after")),
    ];
    let page = query.page(&order, "dag_id", "task_id, run_id, map_index, key")?;
    let (found, total_entries) = xcoms::list(&scheduler.db, filter, &page).await?;
    let mut xcom_entries = Vec::with_capacity(found.len());
    for x in &found {
        xcom_entries.push(entry(&scheduler, x).await?);
    }
    Ok(HttpResponse::Ok().json(json!({"xcom_entries": xcom_entries, "total_entries": total_entries})))
}

/// One XCom with its value, as text unless `stringify=false`.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key:.*}", tag = "pipelines", responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, xcom_key) = path.into_inner();
    let query = Query::of(&request);
    let map_index = query.int("map_index")?.unwrap_or(-1);
    let key = XComKey { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, key: &xcom_key };
    let found = xcoms::get(&scheduler.db, &key, map_index)
        .await?
        .ok_or_else(|| Error::not_found(format!("XCom entry with key: `{xcom_key}` not found")))?;
    let mut shown = entry(&scheduler, &found).await?;
    let value: Value = serde_json::from_str(&scheduler.xcom_text(&found).await?)?;
    let as_text = query.flag("stringify")?.unwrap_or(false);
    shown["value"] = if as_text { Value::String(python_text(&value)) } else { value };
    Ok(HttpResponse::Ok().json(shown))
}

/// A value as Python's `str` writes it.
fn python_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => python_repr(other),
    }
}

fn python_repr(value: &Value) -> String {
    let joined = |items: Vec<String>| items.join(", ");
    match value {
        Value::Null => "None".into(),
        Value::Bool(yes) => if *yes { "True" } else { "False" }.into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", joined(items.iter().map(python_repr).collect())),
        Value::Object(items) => {
            format!("{{{}}}", joined(items.iter().map(|(key, item)| format!("{}: {}", quoted(key), python_repr(item))).collect()))
        }
    }
}

/// In single quotes, in double quotes where the text has single ones only.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut written = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            '\\' => written.push_str("\\\\"),
            c if c == quote => written.extend(['\\', c]),
            c if c.is_ascii_control() => written.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => written.push(c),
        }
    }
    written.push(quote);
    written
}

#[cfg(test)]
mod tests {
    use super::python_text;
    use serde_json::json;

    #[test]
    fn values_are_written_as_python_writes_them() {
        assert_eq!(python_text(&json!("plain 'text'")), "plain 'text'");
        let value = json!([1, 2.5, true, null, "it's", "a\n\"b\" it's", {"k": [false]}]);
        assert_eq!(python_text(&value), r#"[1, 2.5, True, None, "it's", 'a\n"b" it\'s', {'k': [False]}]"#);
    }
}
