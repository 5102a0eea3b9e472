//! What people do over the API is kept in the log of events (airflow/api_fastapi/logging/decorators.py `action_logging`):
//! also what then fails, but not what the caller may not do. Values of variables and secrets of connections are not kept.

use crate::Scheduler;
use crate::python_json::dumps;
use crate::sensitive::redacted;
use crate::store::event_logs::NewEvent;
use crate::times;
use actix_web::dev::ServiceRequest;
use actix_web::{http::header, web};
use artel_platform::http::{Hook, RouteInfo, peek_body};
use artel_platform::{Error, Identity, Result};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Method, path and upstream's name for what is done there.
const EVENTS: &[(&str, &str, &str)] = &[
    ("POST", "/api/v2/assets/events", "create_asset_event"),
    ("POST", "/api/v2/assets/{asset_id}/materialize", "materialize_asset"),
    ("DELETE", "/api/v2/assets/{asset_id}/queuedEvents", "delete_asset_queued_events"),
    ("DELETE", "/api/v2/dags/{dag_id}/assets/queuedEvents", "delete_dag_asset_queued_events"),
    ("DELETE", "/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents", "delete_dag_asset_queued_event"),
    ("PUT", "/api/v2/backfills/{backfill_id}/pause", "pause_backfill"),
    ("PUT", "/api/v2/backfills/{backfill_id}/unpause", "unpause_backfill"),
    ("PUT", "/api/v2/backfills/{backfill_id}/cancel", "cancel_backfill"),
    ("POST", "/api/v2/backfills", "create_backfill"),
    ("DELETE", "/api/v2/connections/{connection_id}", "delete_connection"),
    ("POST", "/api/v2/connections", "post_connection"),
    ("PATCH", "/api/v2/connections", "bulk_connections"),
    ("PATCH", "/api/v2/connections/{connection_id}", "patch_connection"),
    ("POST", "/api/v2/connections/enqueue-test", "enqueue_connection_test"),
    ("POST", "/api/v2/connections/defaults", "create_default_connections"),
    ("DELETE", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", "delete_dag_run"),
    ("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", "patch_dag_run"),
    ("PATCH", "/api/v2/dags/{dag_id}/dagRuns", "bulk_dag_runs"),
    ("POST", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear", "clear_dag_run"),
    ("POST", "/api/v2/dags/{dag_id}/dagRuns", "trigger_dag_run"),
    ("POST", "/api/v2/dags/{dag_id}/clearDagRuns", "clear_dag_runs"),
    ("POST", "/api/v2/dags/{dag_id}/clearPartitions", "clear_dag_run_partitions"),
    ("PATCH", "/api/v2/dags/{dag_id}", "patch_dag"),
    ("PATCH", "/api/v2/dags", "patch_dags"),
    ("POST", "/api/v2/dags/{dag_id}/favorite", "favorite_dag"),
    ("POST", "/api/v2/dags/{dag_id}/unfavorite", "unfavorite_dag"),
    ("DELETE", "/api/v2/dags/{dag_id}", "delete_dag"),
    ("DELETE", "/api/v2/pools/{pool_name}", "delete_pool"),
    ("PATCH", "/api/v2/pools/{pool_name}", "patch_pool"),
    ("POST", "/api/v2/pools", "post_pool"),
    ("PATCH", "/api/v2/pools", "bulk_pools"),
    ("POST", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries", "create_xcom_entry"),
    ("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}", "update_xcom_entry"),
    ("DELETE", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}", "delete_xcom_entry"),
    ("POST", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/list", "get_task_instances_batch"),
    ("POST", "/api/v2/dags/{dag_id}/clearTaskInstances", CLEAR_TASK_INSTANCES),
    ("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskGroupInstances/{group_id}", "patch_task_group_instances"),
    ("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}", "patch_task_instance"),
    ("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", "patch_task_instance"),
    ("DELETE", "/api/v2/variables/{variable_key}", "delete_variable"),
    ("PATCH", "/api/v2/variables/{variable_key}", "patch_variable"),
    ("POST", "/api/v2/variables", "post_variable"),
    ("PATCH", "/api/v2/variables", "bulk_variables"),
    ("PUT", "/api/v2/parseDagFile/{file_token}", "reparse_dag_file"),
    ("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails", "update_hitl_detail"),
    // Artel's own
    ("POST", "/api/artel/v1/scheduler/dag-runs", "act_on_dag_runs"),
    ("POST", "/api/artel/v1/scheduler/task-instances", "act_on_task_instances"),
    ("POST", "/git/bundles/{name}/refresh", "refresh_bundle"),
];

const CLEAR_TASK_INSTANCES: &str = "post_clear_task_instances";
/// Not kept when they only ask what would be done, which they do unless told otherwise.
const DRY_RUNS: &[&str] = &["clear_dag_run", CLEAR_TASK_INSTANCES];
/// Have columns of their own, or are nobody's business.
const NOT_EXTRA: &[&str] = &["csrf_token", "_csrf_token", "is_paused", "dag_id", "task_id", "dag_run_id", "run_id", "logical_date"];
/// A longer body is not kept.
const LONGEST_BODY: usize = 64 * 1024;

/// What is to be done before the handler of a route.
pub(super) fn of_route(route: &RouteInfo) -> Option<Hook> {
    let path = without_patterns(&route.path);
    let (.., event) = EVENTS.iter().find(|(method, at, _)| *method == route.method.as_str() && *at == path)?;
    Some(Arc::new(move |request, who| Box::pin(record(request, who, event))))
}

/// `{key:.*}` is `{key}`.
fn without_patterns(path: &str) -> String {
    let shown = |part: &str| match part.split_once(':') {
        Some((name, _)) if name.starts_with('{') => format!("{name}}}"),
        _ => part.to_owned(),
    };
    path.split('/').map(shown).collect::<Vec<_>>().join("/")
}

async fn record(request: &mut ServiceRequest, who: &Identity, event: &'static str) -> Result<()> {
    let scheduler = request.app_data::<web::Data<Scheduler>>().cloned();
    let scheduler = scheduler.ok_or_else(|| Error::internal("the scheduler's routes have no scheduler"))?;
    let body = if is_json(request) { peek_body(request).await? } else { web::Bytes::new() };
    let fields = match serde_json::from_slice(&body) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(), // which the handler will say
    };
    if DRY_RUNS.contains(&event) && fields.get("dry_run") != Some(&Value::Bool(false)) {
        return Ok(());
    }
    let given = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
    let mut asked: Map<String, Value> = url::form_urlencoded::parse(request.query_string().as_bytes())
        .map(|(name, value)| given((name.as_ref(), value.as_ref())))
        .collect();
    let logical_date = asked.get("logical_date").and_then(Value::as_str).and_then(|text| times::parse(text).ok());
    asked.extend(request.match_info().iter().map(given));
    let named = |field: &str| fields.get(field).or_else(|| asked.get(field)).and_then(Value::as_str).map(str::to_owned);
    let new = NewEvent {
        event: event.into(),
        dag_id: named("dag_id"),
        task_id: named("task_id"),
        run_id: named("run_id").or_else(|| named("dag_run_id")),
        logical_date,
        owner: Some(who.name.clone()),
        extra: None,
        map_index: None,
        try_number: None,
    };
    let fields = if body.len() > LONGEST_BODY { Map::from_iter([("body_bytes".to_owned(), body.len().into())]) } else { fields };
    let extra = Some(dumps(&extra(event, request.method().as_str(), asked, fields)));
    scheduler.note_event(&NewEvent { extra, ..new }).await
}

fn is_json(request: &ServiceRequest) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.contains("application/json"))
}

/// What is kept of a request beside who it was and what it was about.
fn extra(event: &str, method: &str, asked: Map<String, Value>, fields: Map<String, Value>) -> Value {
    let is_paused = fields.get("is_paused").or_else(|| asked.get("is_paused")).cloned();
    let mut kept: Map<String, Value> = asked.into_iter().filter(|(name, _)| !NOT_EXTRA.contains(&name.as_str())).collect();
    let about = ["variable", "connection"].into_iter().find(|word| event.contains(word));
    match about {
        Some(_) if fields.is_empty() => {}
        Some(about) => kept = masked(about, fields),
        None => kept.extend(fields),
    }
    let mut kept = redacted(Value::Object(kept));
    if let Some(is_paused) = is_paused {
        kept["is_paused"] = is_paused;
    }
    kept["method"] = json!(method);
    kept
}

/// Fields of a variable or connection, or of several in one request, without what is a secret whatever its name.
fn masked(about: &str, mut fields: Map<String, Value>) -> Map<String, Value> {
    let mask = |entity: &mut Map<String, Value>| match about {
        "variable" => ["val", "value"].iter().for_each(|key| {
            if let Some(value) = entity.get_mut(*key) {
                *value = "***".into();
            }
        }),
        _ => {
            if let Some(extra) = entity.get_mut("extra").filter(|extra| !extra.is_null()) {
                *extra = names_only(extra);
            }
        }
    };
    let Some(Value::Array(actions)) = fields.get_mut("actions") else {
        mask(&mut fields);
        return fields;
    };
    for entity in actions.iter_mut().filter_map(|action| action["entities"].as_array_mut()).flatten() {
        if let Value::Object(entity) = entity {
            mask(entity);
        }
    }
    fields
}

/// Of what a connection has more, only which it is.
fn names_only(extra: &Value) -> Value {
    match extra.as_str().map(serde_json::from_str::<Value>) {
        Some(Ok(Value::Object(fields))) => Value::Object(fields.into_iter().map(|(name, _)| (name, "***".into())).collect()),
        Some(Ok(_)) => "Expected JSON object in `extra` field, got non-dict JSON".into(),
        _ => "Encountered non-JSON in `extra` field".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_its_route() {
        let routes = crate::routes().list();
        let there = |method: &str, at: &str| routes.iter().any(|r| r.method.as_str() == method && without_patterns(&r.path) == at);
        for (method, at, event) in EVENTS {
            assert!(there(method, at), "{event}: there is no {method} {at}");
        }
        assert_eq!(routes.iter().filter(|route| of_route(route).is_some()).count(), EVENTS.len());
    }

    #[test]
    fn secrets_are_not_kept() {
        let of = |event: &str, body: Value| match body {
            Value::Object(fields) => extra(event, "POST", Map::new(), fields),
            other => other,
        };
        let kept = of("post_variable", json!({"key": "k", "value": "hush", "description": "d"}));
        assert_eq!(kept, json!({"key": "k", "value": "***", "description": "d", "method": "POST"}));
        let connection = json!({"connection_id": "c", "password": "hush", "extra": "{\"region\": \"hush\"}"});
        let shown = json!({"connection_id": "c", "password": "***", "extra": {"region": "***"}});
        let mut one = shown.clone();
        one["method"] = json!("POST");
        assert_eq!(of("post_connection", connection.clone()), one);
        let several = of("bulk_connections", json!({"actions": [{"action": "create", "entities": [connection, "name"]}]}));
        assert_eq!(several["actions"][0]["entities"], json!([shown, "name"]));
        assert_eq!(of("trigger_dag_run", json!({"conf": {"api_key": "hush", "n": 1}}))["conf"], json!({"api_key": "***", "n": 1}));
    }
}
