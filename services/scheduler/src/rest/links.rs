//! Links of operators (airflow/api_fastapi/core_api/routes/public/extra_links.py).

use super::query::Query;
use crate::Scheduler;
use crate::store::xcoms::{self, XComKey};
use crate::store::{history, instances};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Result};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Links by name; null where there is none yet.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::ExtraLinkCollectionResponse)]
pub(super) struct ExtraLinks {
    extra_links: BTreeMap<String, Option<String>>,
    total_entries: usize,
}

/// Where the links of a task instance lead.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/links", tag = "pipelines", responses((status = 200, body = ExtraLinks)), security(("artel" = ["read:dags"])))]
pub(super) async fn of_instance(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id) = path.into_inner();
    let query = Query::of(&request);
    let (map_index, number) = (query.int("map_index")?.unwrap_or(-1), query.int("try_number")?);
    let instance = instances::of_task(&scheduler.db, &dag_id, &run_id, &task_id, map_index).await?;
    let mut instance = instance.ok_or_else(|| Error::not_found("TaskInstance not found"))?;
    let dag = scheduler.version(&instance.dag_version_id).await?;
    let task = dag.task(&task_id).ok_or_else(|| Error::not_found(format!("Task with ID = {task_id} not found")))?;
    if let Some(number) = number.filter(|number| *number != instance.try_number) {
        let past = history::tries(&scheduler.db, &dag_id, &run_id, &task_id, map_index).await?;
        let past = past.into_iter().rfind(|t| t.try_number == number);
        instance = past.ok_or_else(|| Error::not_found(format!("TaskInstanceHistory not found for try_number={number}")))?;
    }
    let links = task.extra_links();
    let of_plugins: Vec<&String> = links.iter().filter(|l| l.1.is_none()).map(|l| l.0).collect();
    let asked = if of_plugins.is_empty() { Value::Null } else { scheduler.link_urls(&dag, &instance, &of_plugins).await? };
    let mut extra_links = BTreeMap::new();
    for (name, xcom_key) in &links {
        let url = match xcom_key {
            None => asked[name].as_str().map(str::to_owned),
            Some(key) => {
                let key = XComKey { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, key };
                let found = xcoms::get(&scheduler.db, &key, map_index).await?;
                found.and_then(|x| serde_json::from_str::<Value>(&x.value).ok()?.as_str().map(str::to_owned))
            }
        };
        extra_links.insert(name.clone(), url.filter(|u| !u.is_empty()));
    }
    let total_entries = extra_links.len();
    Ok(HttpResponse::Ok().json(ExtraLinks { extra_links, total_entries }))
}
