//! The tasks of a DAG.

use super::collections::TaskCollection;
use super::models::{params, time_delta};
use super::paging::no_order;
use super::query::Query;
use crate::Scheduler;
use crate::dag::{Dag, Task};
use crate::times::shown_opt;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde_json::{Value, json};
use std::cmp::Ordering;

fn shown(dag: &Dag, task: &Task) -> Value {
    let text = |key: &str| task.attribute(key);
    json!({
        "task_id": task.task_id,
        "task_display_name": task.display_name,
        "owner": task.owner,
        // a task without dates of its own has its DAG's
        "start_date": shown_opt(task.start_date.or(dag.start_date).map(|t| t.timestamp_millis())),
        "end_date": shown_opt(task.end_date.or(dag.end_date).map(|t| t.timestamp_millis())),
        "trigger_rule": task.trigger_rule.as_str(),
        "depends_on_past": task.owed.depends_on_past,
        "wait_for_downstream": task.owed.wait_for_downstream,
        "retries": task.retries as f64,
        "queue": task.queue,
        "pool": task.pool,
        "pool_slots": task.pool_slots as f64,
        "execution_timeout": task.execution_timeout.map(time_delta),
        "retry_delay": time_delta(task.retry_delay),
        "retry_exponential_backoff": task.retry_exponential_backoff,
        "priority_weight": task.priority_weight as f64,
        "weight_rule": task.weight_rule.as_str(),
        "ui_color": text("ui_color").as_str().unwrap_or("#fff"),
        "ui_fgcolor": text("ui_fgcolor").as_str().unwrap_or("#000"),
        "template_fields": text("template_fields"),
        "downstream_task_ids": task.downstream_ids,
        "doc_md": text("doc_md"),
        "operator_name": task.operator_name,
        "params": params(&task.params()),
        "class_ref": {"module_path": text("_task_module"), "class_name": task.task_type},
        "is_mapped": task.expand.is_some(),
        "extra_links": task.extra_links().into_keys().collect::<Vec<_>>(),
    })
}

/// Numbers as numbers, anything else as text.
fn compared(one: &Value, other: &Value) -> Ordering {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => one
            .as_str()
            .map_or_else(|| one.to_string(), str::to_owned)
            .cmp(&other.as_str().map_or_else(|| other.to_string(), str::to_owned)),
    }
}

/// Tasks.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/tasks", tag = "pipelines", responses((status = 200, body = TaskCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, request: HttpRequest) -> Result<HttpResponse> {
    let dag = scheduler.latest(&dag_id).await?;
    let order = Query::of(&request).get("order_by").unwrap_or("task_id").to_owned();
    let (field, backwards) = order.strip_prefix('-').map_or((order.as_str(), false), |field| (field, true));
    let mut in_file: Vec<&Task> = dag.tasks.iter().collect();
    in_file.sort_by_key(|task| task.place);
    let mut tasks: Vec<Value> = in_file.into_iter().map(|task| shown(&dag, task)).collect();
    if tasks.first().is_some_and(|t| t.get(field).is_none()) {
        return Err(no_order(field));
    }
    tasks.sort_by(|one, other| {
        let order = compared(&one[field], &other[field]);
        if backwards { order.reverse() } else { order }
    });
    let total_entries = tasks.len();
    Ok(HttpResponse::Ok().json(TaskCollection { tasks, total_entries }))
}

/// One task.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/tasks/{task_id}", tag = "pipelines", responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, path: web::Path<(String, String)>) -> Result<HttpResponse> {
    let (dag_id, task_id) = path.into_inner();
    let dag = scheduler.latest(&dag_id).await?;
    let task = dag.task(&task_id).ok_or_else(|| Error::not_found(format!("Task with id {task_id} was not found")))?;
    Ok(HttpResponse::Ok().json(shown(&dag, task)))
}
