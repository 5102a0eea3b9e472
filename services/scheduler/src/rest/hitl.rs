//! What tasks ask of people (routes/public/hitl.py).

use super::body::Body;
use super::paging::Paging;
use super::query::Query;
use super::task_instances::{no_instance, show};
use crate::Scheduler;
use crate::hitl::{Response, no_detail};
use crate::states::TaskState;
use crate::store::hitl::{self, HitlDetail};
use crate::store::instances::{self, TaskInstance};
use crate::store::{Filter, history};
use crate::times::{shown, shown_opt};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::Result;
use artel_platform::identity::Identity;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use utoipa::ToSchema;

type Place = web::Path<(String, String, String, i64)>;

const ORDER: &[(&str, &str)] = &[
    ("ti_id", "h.ti_id"),
    ("subject", "h.subject"),
    ("responded_at", "h.responded_at"),
    ("created_at", "h.created_at"),
    ("responded_by_user_id", "h.responded_by_id"),
    ("responded_by_user_name", "h.responded_by_name"),
    ("dag_id", "t.dag_id"),
    ("run_id", "t.run_id"),
    ("task_display_name", "t.task_display_name"),
    ("run_after", "(SELECT r.run_after FROM dag_runs r WHERE r.dag_id = t.dag_id AND r.run_id = t.run_id)"),
    ("rendered_map_index", "t.rendered_map_index"),
    ("task_instance_operator", "t.operator"),
    ("task_instance_state", "t.state"),
];

async fn details(scheduler: &Scheduler, found: &[(HitlDetail, TaskInstance)]) -> Result<Vec<Value>> {
    let instances: Vec<TaskInstance> = found.iter().map(|f| f.1.clone()).collect();
    let shown = show(scheduler, &instances, true).await?;
    found.iter().zip(shown).map(|((detail, _), instance)| one(detail, serde_json::to_value(instance)?)).collect()
}

fn one(d: &HitlDetail, task_instance: Value) -> Result<Value> {
    let list = |text: &Option<String>| text.as_deref().map(HitlDetail::list).transpose();
    Ok(json!({
        "task_instance": task_instance,
        "options": HitlDetail::list(&d.options)?,
        "subject": d.subject,
        "body": d.body,
        "defaults": list(&d.defaults)?,
        "multiple": d.multiple,
        "params": params(serde_json::from_str(&d.params)?),
        "assigned_users": HitlDetail::list(&d.assigned_users)?,
        "created_at": shown(d.created_at),
        "responded_by_user": d.responded_by_user(),
        "responded_at": shown_opt(d.responded_at),
        "chosen_options": list(&d.chosen_options)?,
        "params_input": serde_json::from_str::<Value>(&d.params_input)?,
        "response_received": d.responded_at.is_some(),
    }))
}

/// A bare value is shown as a parameter.
fn params(given: Map<String, Value>) -> Value {
    let whole = |v: &Value| ["description", "schema", "value"].iter().all(|key| v.get(key).is_some());
    let shown = |v: Value| if whole(&v) { v } else { json!({"value": v, "description": null, "schema": {}}) };
    Value::Object(given.into_iter().map(|(name, value)| (name, shown(value))).collect())
}

async fn present(scheduler: &Scheduler, (dag_id, run_id, task_id, map_index): (String, String, String, i64)) -> Result<TaskInstance> {
    let found = instances::of_task(&scheduler.db, &dag_id, &run_id, &task_id, map_index).await?;
    found.ok_or_else(|| no_instance((&dag_id, &run_id, &task_id), map_index))
}

async fn answer(scheduler: &Scheduler, instance: TaskInstance) -> Result<HttpResponse> {
    let detail = hitl::get(&scheduler.db, &instance.id).await?.ok_or_else(|| no_detail(&instance.id))?;
    let shown = details(scheduler, &[(detail, instance)]).await?;
    Ok(HttpResponse::Ok().json(&shown[0]))
}

/// What a task asks.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails", tag = "pipelines", responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, place: Place) -> Result<HttpResponse> {
    let instance = present(&scheduler, place.into_inner()).await?;
    answer(&scheduler, instance).await
}

/// What one try of a task asked.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails/tries/{try_number}", tag = "pipelines", responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn of_try(scheduler: web::Data<Scheduler>, place: web::Path<(String, String, String, i64, i64)>) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, map_index, number) = place.into_inner();
    let past = history::tries(&scheduler.db, &dag_id, &run_id, &task_id, map_index).await?;
    let found = match past.into_iter().find(|t| t.try_number == number) {
        Some(found) => found,
        None => {
            let of = instances::of_task(&scheduler.db, &dag_id, &run_id, &task_id, map_index).await?;
            of.filter(|i| i.try_number == number).ok_or_else(|| no_instance((&dag_id, &run_id, &task_id), map_index))?
        }
    };
    answer(&scheduler, found).await
}

/// What a person answers.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::UpdateHITLDetailPayload)]
pub(super) struct Answer {
    #[schema(min_items = 1)]
    chosen_options: Vec<String>,
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    params_input: Map<String, Value>,
}

/// Answers a task.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails", tag = "pipelines", request_body = Answer, responses((status = 200, body = serde_json::Value)), security(("artel" = ["run:dags"])))]
pub(super) async fn respond(scheduler: web::Data<Scheduler>, place: Place, who: Identity, body: Body<Answer>) -> Result<HttpResponse> {
    let Answer { chosen_options, params_input } = body.into_inner();
    let response = Response { chosen_options, params_input };
    let instance = present(&scheduler, place.into_inner()).await?;
    let detail = scheduler.respond(&instance.id, &who, &response).await?;
    Ok(HttpResponse::Ok().json(json!({
        "responded_by": detail.responded_by_user(),
        "responded_at": shown_opt(detail.responded_at),
        "chosen_options": response.chosen_options,
        "params_input": response.params_input,
    })))
}

/// What the tasks of a run ask; of every run, every DAG with `~`.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/hitlDetails", tag = "pipelines", params(Paging), responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, path: web::Path<(String, String)>, request: HttpRequest) -> Result<HttpResponse> {
    let (dag_id, run_id) = path.into_inner();
    let query = Query::of(&request);
    let page = query.page(ORDER, "ti_id", "h.ti_id")?;
    let (found, total_entries) = hitl::list(&scheduler.db, filter(&query, &dag_id, &run_id)?, &page).await?;
    let ids: Vec<String> = found.iter().map(|detail| detail.ti_id.clone()).collect();
    let mut of: HashMap<String, TaskInstance> =
        instances::by_ids(&scheduler.db, &ids).await?.into_iter().map(|i| (i.id.clone(), i)).collect();
    let with_instances: Vec<_> = found.into_iter().filter_map(|detail| of.remove(&detail.ti_id).map(|i| (detail, i))).collect();
    let hitl_details = details(&scheduler, &with_instances).await?;
    Ok(HttpResponse::Ok().json(json!({"hitl_details": hitl_details, "total_entries": total_entries})))
}

fn filter(query: &Query, dag_id: &str, run_id: &str) -> Result<Filter> {
    let mut filter = Filter::default();
    for (column, value) in [("t.dag_id", dag_id), ("t.run_id", run_id)] {
        if value != "~" {
            filter.compare(column, "=", value);
        }
    }
    query.equal(&mut filter, "task_id", "t.task_id");
    for (key, column) in [("responded_by_user_id", "h.responded_by_id"), ("responded_by_user_name", "h.responded_by_name")] {
        filter.any_of(column, &query.all(key));
    }
    query.words(&mut filter, "state", "t.state", TaskState::WORDS)?;
    if let Some(index) = query.int("map_index")? {
        filter.compare("t.map_index", "=", index);
    }
    if let Some(received) = query.flag("response_received")? {
        filter.that(if received { "h.responded_at IS NOT NULL" } else { "h.responded_at IS NULL" });
    }
    for (key, column) in [("dag_id", "t.dag_id"), ("task_id", "t.task_id")] {
        query.patterns(&mut filter, key, column);
    }
    for (key, column) in [("subject_search", "h.subject"), ("body_search", "h.body")] {
        query.search(&mut filter, key, column);
    }
    query.times(&mut filter, "created_at", "h.created_at")?;
    Ok(filter)
}
