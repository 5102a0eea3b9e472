//! Clearing task instances of one run or several.

use super::task_instances::show;
use crate::Scheduler;
use crate::clear::Clear;
use crate::store::{Filter, Page, runs};
use crate::times;
use actix_web::{HttpResponse, web};
use artel_platform::http::Json;
use artel_platform::{Error, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// What to clear.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::ClearTaskInstancesBody)]
#[serde(deny_unknown_fields)]
pub(super) struct ClearBody {
    dry_run: Option<bool>,
    start_date: Option<String>,
    end_date: Option<String>,
    only_failed: Option<bool>,
    #[serde(default)]
    only_running: bool,
    reset_dag_runs: Option<bool>,
    /// Task ids, or `[task id, map index]`.
    task_ids: Option<Vec<Value>>,
    dag_run_id: Option<String>,
    #[serde(default)]
    include_upstream: bool,
    #[serde(default)]
    include_downstream: bool,
    #[serde(default)]
    include_future: bool,
    #[serde(default)]
    include_past: bool,
    run_on_latest_version: Option<bool>,
    #[serde(default)]
    prevent_running_task: bool,
    note: Option<String>,
}

impl ClearBody {
    /// What upstream's model refuses.
    fn check(&self) -> Result<()> {
        let dated = self.start_date.is_some() || self.end_date.is_some();
        if self.only_failed.unwrap_or(false) && self.only_running {
            return Err(Error::invalid("only_failed and only_running both are set to True"));
        }
        if dated && self.dag_run_id.is_some() {
            return Err(Error::invalid("Exactly one of dag_run_id or (start_date and end_date) must be provided"));
        }
        if self.task_ids.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::invalid("task_ids list should have at least 1 element."));
        }
        if self.note.as_ref().is_some_and(|note| note.chars().count() > 1000) {
            return Err(Error::invalid("note has at most 1000 characters"));
        }
        Ok(())
    }
}

/// Clears task instances; with `dry_run`, the default, only says which.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/clearTaskInstances", tag = "pipelines", request_body = ClearBody, responses((status = 200, body = serde_json::Value)), security(("artel" = ["run:dags"])))]
pub(super) async fn clear(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, body: Json<ClearBody>) -> Result<HttpResponse> {
    scheduler.dag_row(&dag_id).await?;
    body.check()?;
    let clear = Clear {
        tasks: tasks(body.task_ids.as_deref().unwrap_or_default())?,
        upstream: body.include_upstream,
        downstream: body.include_downstream,
        only_failed: body.only_failed.unwrap_or(!body.only_running),
        only_running: body.only_running,
        prevent_running: body.prevent_running_task,
        reset_run: body.reset_dag_runs.unwrap_or(true),
        on_latest_version: body.run_on_latest_version.unwrap_or(false),
        note: body.note.clone(),
        ..Clear::default()
    };
    let mut found = Vec::new();
    for run_id in run_ids(&scheduler, &dag_id, &body).await? {
        found.extend(match body.dry_run.unwrap_or(true) {
            true => scheduler.to_clear(&dag_id, &run_id, &clear).await?,
            false => scheduler.clear(&dag_id, &run_id, &clear).await?,
        });
    }
    let total_entries = found.len();
    Ok(HttpResponse::Ok().json(json!({"task_instances": show(&scheduler, &found, false).await?, "total_entries": total_entries})))
}

fn tasks(given: &[Value]) -> Result<Vec<(String, Option<i64>)>> {
    let wrong = || Error::invalid("task_ids holds task ids, or pairs of a task id and a map index");
    given
        .iter()
        .map(|item| match item {
            Value::String(task) => Ok((task.clone(), None)),
            Value::Array(pair) => {
                Ok((pair.first().and_then(Value::as_str).ok_or_else(wrong)?.to_owned(), pair.get(1).and_then(Value::as_i64)))
            }
            _ => Err(wrong()),
        })
        .collect()
}

/// The run that is named, with those before or after it where asked for; else the runs of a span of time.
async fn run_ids(scheduler: &Scheduler, dag_id: &str, body: &ClearBody) -> Result<Vec<String>> {
    let mut filter = Filter::default();
    filter.compare("dag_id", "=", dag_id);
    if let Some(run_id) = &body.dag_run_id {
        let run = scheduler.run(dag_id, run_id).await?;
        match (body.include_past, body.include_future, run.logical_date) {
            (false, false, _) => return Ok(vec![run_id.clone()]),
            (_, _, None) => {
                return Err(Error::invalid(
                    "Cannot use include_past or include_future with no logical_date(e.g. manually or asset-triggered).",
                ));
            }
            (true, true, _) => {}
            (true, false, Some(date)) => filter.compare("logical_date", "<=", date),
            (false, true, Some(date)) => filter.compare("logical_date", ">=", date),
        }
    }
    // past and future have no bound
    let bounds = [("start_date", &body.start_date, ">=", body.include_past), ("end_date", &body.end_date, "<=", body.include_future)];
    for (field, text, operator, unbounded) in bounds {
        if let Some(text) = text.as_ref().filter(|_| !unbounded) {
            let at = times::parse(text).map_err(|e| Error::new(e.code, format!("{field}: {}", e.message)))?;
            filter.compare("logical_date", operator, at);
        }
    }
    let (found, _) = runs::list(&scheduler.db, filter, &Page::all("run_after, run_id")).await?;
    Ok(found.into_iter().map(|r| r.run_id).collect())
}
