//! XComs that people write (airflow/api_fastapi/core_api/routes/public/xcom.py).

use super::body::Body;
use super::query::Query;
use super::xcoms::with_value;
use crate::Scheduler;
use crate::objects::XComMeta;
use crate::store::xcoms::{self, XComKey};
use crate::store::{instances, runs};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// By these keys tasks know what to make of a value: whoever could write them could have tasks make objects of any class
/// (airflow/_shared/serialization `FORBIDDEN_XCOM_KEYS`).
const RESERVED: &[&str] = &["__cache__", "__classname__", "__data__", "__id__", "__source", "__type", "__var", "__version__"];

/// A value to be written under a new key.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::XComCreateBody)]
#[serde(deny_unknown_fields)]
pub(super) struct XComCreate {
    key: String,
    value: Value,
    /// -1 where the task is not mapped.
    #[serde(default = "not_mapped")]
    map_index: i64,
}

/// Another value.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::XComUpdateBody)]
#[serde(deny_unknown_fields)]
pub(super) struct XComUpdate {
    value: Value,
    /// -1 where the task is not mapped.
    #[serde(default = "not_mapped")]
    map_index: i64,
}

fn not_mapped() -> i64 {
    -1
}

type OfTask = web::Path<(String, String, String)>;
type OfKey = web::Path<(String, String, String, String)>;

/// Refuses what tasks would take for serialized objects, also inside of JSON that is written as text.
fn check(value: &Value, place: &str) -> Result<()> {
    match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(decoded @ (Value::Object(_) | Value::Array(_))) => check(&decoded, place),
            _ => Ok(()),
        },
        Value::Array(items) => items.iter().enumerate().try_for_each(|(i, item)| check(item, &format!("{place}[{i}]"))),
        Value::Object(items) => {
            let found: Vec<&str> = RESERVED.iter().filter(|key| items.contains_key(**key)).copied().collect();
            if !found.is_empty() {
                return Err(Error::invalid(format!(
                    "XCom {place} contains reserved serialization keys: {}. These keys are reserved for internal use.",
                    found.join(", ")
                )));
            }
            items.iter().try_for_each(|(key, item)| check(item, &format!("{place}.{key}")))
        }
        _ => Ok(()),
    }
}

fn missing(key: &str) -> Error {
    Error::not_found(format!("The XCom with key: `{key}` with mentioned task instance doesn't exist."))
}

/// Writes an XCom of a task under a key that has none.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries", tag = "pipelines", request_body = XComCreate, responses((status = 201, body = serde_json::Value)), security(("artel" = ["run:dags"])))]
pub(super) async fn create(scheduler: web::Data<Scheduler>, path: OfTask, body: Body<XComCreate>) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id) = path.into_inner();
    let XComCreate { key: name, value, map_index } = body.into_inner();
    check(&value, "value")?;
    scheduler.has_task(&dag_id, &run_id, &task_id).await?;
    if name.is_empty() {
        return Err(Error::invalid(format!("Couldn't serialise the XCom with key: `{name}`")));
    }
    if instances::of_task(&scheduler.db, &dag_id, &run_id, &task_id, map_index).await?.is_none() {
        let key = format!("dag_id='{dag_id}', run_id='{run_id}', task_id='{task_id}', map_index={map_index}");
        return Err(Error::not_found(format!("Task instance not found for {key}")));
    }
    let key = XComKey { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, key: &name };
    let stored = scheduler.store_value(&key, map_index, value.to_string()).await?;
    let mut tx = scheduler.db.begin().await?;
    // held, so that two who write the same key at once are told apart
    runs::lock(&mut tx, &dag_id, &run_id).await?;
    if xcoms::get(&mut tx, &key, map_index).await?.is_some() {
        return Err(Error::exists(format!("The XCom with key: `{name}` with mentioned task instance already exists.")));
    }
    scheduler.write_xcom(&mut tx, &key, &stored, &XComMeta { map_index, mapped_length: None, dag_result: false }).await?;
    tx.commit().await?;
    Ok(HttpResponse::Created().json(with_value(&scheduler, &key, map_index, value).await?))
}

/// Writes another value over an XCom. What is mapped over it keeps its length.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key:.*}", tag = "pipelines", request_body = XComUpdate, responses((status = 200, body = serde_json::Value)), security(("artel" = ["run:dags"])))]
pub(super) async fn update(scheduler: web::Data<Scheduler>, path: OfKey, body: Body<XComUpdate>) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, name) = path.into_inner();
    let XComUpdate { value, map_index } = body.into_inner();
    check(&value, "value")?;
    let key = XComKey { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, key: &name };
    if xcoms::get(&scheduler.db, &key, map_index).await?.is_none() {
        return Err(missing(&name));
    }
    let stored = scheduler.store_value(&key, map_index, value.to_string()).await?;
    let mut tx = scheduler.db.begin().await?;
    let meta = xcoms::about(&mut tx, &key, map_index).await?.ok_or_else(|| missing(&name))?;
    scheduler.write_xcom(&mut tx, &key, &stored, &XComMeta { map_index, mapped_length: meta.0, dag_result: meta.1 }).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(with_value(&scheduler, &key, map_index, value).await?))
}

/// Removes an XCom.
#[utoipa::path(delete, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key:.*}", tag = "pipelines", params(("map_index" = Option<i64>, Query)), responses((status = 204)), security(("artel" = ["run:dags"])))]
pub(super) async fn delete(scheduler: web::Data<Scheduler>, path: OfKey, request: HttpRequest) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, name) = path.into_inner();
    let map_index = Query::of(&request).map_index()?.unwrap_or(-1);
    let key = XComKey { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, key: &name };
    let mut tx = scheduler.db.begin().await?;
    if !xcoms::delete(&mut tx, &key, map_index, scheduler.cx.clock.now()).await? {
        return Err(missing(&name));
    }
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

impl Scheduler {
    /// Is there this DAG, with this task, with this run? Asked in upstream's order, in the version that the run is pinned to.
    async fn has_task(&self, dag_id: &str, run_id: &str, task_id: &str) -> Result<()> {
        let run = runs::get(&self.db, dag_id, run_id).await?;
        let dag = self.dag_of(dag_id, run.as_ref()).await?;
        if dag.task(task_id).is_none() {
            return Err(Error::not_found(format!("Task with ID: `{task_id}` not found in dag: `{dag_id}`")));
        }
        match run {
            Some(_) => Ok(()),
            None => Err(Error::not_found(format!("Dag Run with ID: `{run_id}` not found for dag: `{dag_id}`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use serde_json::json;

    #[test]
    fn what_tasks_would_take_for_objects_is_refused() {
        assert!(check(&json!({"type": 1, "list": ["__type", {"a": null}]}), "value").is_ok());
        for (value, place) in [
            (json!({"a": [1, {"__classname__": "x"}]}), "value.a[1]"),
            (json!("{\"__type\": \"x\"}"), "value"),
            (json!(["[{\"b\": {\"__var\": 1}}]"]), "value[0][0].b"),
        ] {
            let error = check(&value, "value").unwrap_err().message;
            assert!(error.starts_with(&format!("XCom {place} contains reserved")), "{error}");
        }
    }
}
