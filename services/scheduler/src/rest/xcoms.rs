//! XComs, for people.

use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::python_text;
use crate::store::Filter;
use crate::store::xcoms::{self, Listed, XComKey};
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

fn entry(x: Listed) -> Value {
    json!({
        "key": x.key,
        "timestamp": shown(x.created_at),
        "logical_date": shown_opt(x.logical_date),
        "map_index": x.map_index,
        "dag_display_name": x.dag_display_name.as_ref().unwrap_or(&x.dag_id),
        "task_display_name": x.task_display_name.as_ref().unwrap_or(&x.task_id),
        "task_id": x.task_id,
        "dag_id": x.dag_id,
        "run_id": x.run_id,
        "run_after": shown(x.run_after.unwrap_or(x.created_at)),
    })
}

/// An XCom as it is shown, with this value.
pub(super) async fn with_value(scheduler: &Scheduler, key: &XComKey<'_>, map_index: i64, value: Value) -> Result<Value> {
    let found = xcoms::listed(&scheduler.db, key, map_index).await?.ok_or_else(|| missing(key.key))?;
    let mut shown = entry(found);
    shown["value"] = value;
    Ok(shown)
}

fn missing(key: &str) -> Error {
    Error::not_found(format!("XCom entry with key: `{key}` not found"))
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
    if let Some(index) = query.map_index()? {
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
    let xcom_entries: Vec<Value> = found.into_iter().map(entry).collect();
    Ok(HttpResponse::Ok().json(json!({"xcom_entries": xcom_entries, "total_entries": total_entries})))
}

/// One XCom with its value, with `stringify=true` as text.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key:.*}", tag = "pipelines", responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, xcom_key) = path.into_inner();
    let query = Query::of(&request);
    let map_index = query.map_index()?.unwrap_or(-1);
    let as_text = query.flag("stringify")?.unwrap_or(false);
    query.flag("deserialize")?; // values are kept as what they are
    let key = XComKey { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, key: &xcom_key };
    let found = xcoms::get(&scheduler.db, &key, map_index).await?.ok_or_else(|| missing(&xcom_key))?;
    let value: Value = serde_json::from_str(&scheduler.xcom_text(&found).await?)?;
    let value = if as_text && !value.is_null() { python_text::text(&value).into() } else { value };
    Ok(HttpResponse::Ok().json(with_value(&scheduler, &key, map_index, value).await?))
}
