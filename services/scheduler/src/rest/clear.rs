//! Clearing task instances of one run or several.

use super::body::{Aware, Body, wrong_body};
use super::collections::TaskInstanceCollection;
use super::models::TaskInstanceResponse;
use super::task_instances::show;
use crate::Scheduler;
use crate::clear::{Clear, Cleared};
use crate::store::instances::TaskInstance;
use crate::store::{Filter, Page, runs};
use crate::times;
use actix_web::{HttpResponse, web};
use artel_platform::http::Fault;
use artel_platform::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What to clear.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::ClearTaskInstancesBody)]
#[serde(deny_unknown_fields)]
pub(super) struct ClearBody {
    dry_run: Option<bool>,
    #[schema(value_type = Option<Aware>)]
    start_date: Option<String>,
    #[schema(value_type = Option<Aware>)]
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
    #[schema(max_length = 1000)]
    note: Option<String>,
}

impl ClearBody {
    /// What upstream's model refuses.
    fn check(&self) -> Result<()> {
        if self.only_failed.unwrap_or(false) && self.only_running {
            return Err(wrong_body("only_failed and only_running both are set to True"));
        }
        if let (Some(start), Some(end)) = (&self.start_date, &self.end_date)
            && times::parse(start)? > times::parse(end)?
        {
            return Err(wrong_body("end_date is sooner than start_date"));
        }
        let span = match (&self.start_date, &self.end_date) {
            (Some(_), Some(_)) => Some("(start_date and end_date)"),
            (Some(_), None) => Some("start_date"),
            (None, Some(_)) => Some("end_date"),
            (None, None) => None,
        };
        if let Some(span) = span.filter(|_| self.dag_run_id.is_some()) {
            return Err(wrong_body(format!("Exactly one of dag_run_id or {span} must be provided")));
        }
        if self.task_ids.as_ref().is_some_and(Vec::is_empty) {
            return Err(wrong_body("task_ids list should have at least 1 element."));
        }
        Ok(())
    }
}

/// Clears task instances; with `dry_run`, the default, only says which.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/clearTaskInstances", tag = "pipelines", request_body = ClearBody, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn clear(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, body: Body<ClearBody>) -> Result<HttpResponse> {
    body.check()?;
    let tasks = tasks(body.task_ids.as_deref().unwrap_or_default())?;
    scheduler.dag_row(&dag_id).await?;
    let clear = Clear {
        tasks,
        upstream: body.include_upstream,
        downstream: body.include_downstream,
        only_failed: body.only_failed.unwrap_or(true),
        only_running: body.only_running,
        prevent_running: body.prevent_running_task,
        reset_run: body.reset_dag_runs.unwrap_or(true),
        on_latest_version: body.run_on_latest_version.unwrap_or(false),
        note: body.note.clone(),
        ..Clear::default()
    };
    let run_ids = run_ids(&scheduler, &dag_id, &body).await?;
    let shown = if body.dry_run.unwrap_or(true) {
        let mut found = Vec::new();
        for run_id in run_ids {
            found.extend(scheduler.to_clear(&dag_id, &run_id, &clear).await?);
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        show(&scheduler, &found, true).await?
    } else {
        let mut cleared = Vec::new();
        for run_id in run_ids {
            cleared.extend(scheduler.clear(&dag_id, &run_id, &clear).await?);
        }
        begun_anew(&scheduler, cleared).await?
    };
    Ok(HttpResponse::Ok().json(TaskInstanceCollection::whole(shown)))
}

/// What was cleared: as it is now, with the fields of the try that is over, which is known by another id.
async fn begun_anew(scheduler: &Scheduler, mut cleared: Vec<Cleared>) -> Result<Vec<TaskInstanceResponse>> {
    cleared.sort_by(|a, b| a.former_id.cmp(&b.former_id));
    let (ids, found): (Vec<String>, Vec<_>) =
        cleared.into_iter().map(|one| (one.instance.id.clone(), TaskInstance { id: one.former_id, ..one.instance })).unzip();
    Ok(show(scheduler, &found, true).await?.into_iter().zip(ids).map(|(shown, id)| shown.with_id(id)).collect())
}

/// Task ids, or pairs of one and a map index. What is neither is told of as either.
fn tasks(given: &[Value]) -> Result<Vec<(String, Option<i64>)>> {
    let mut faults = Vec::new();
    let mut tasks = Vec::with_capacity(given.len());
    for (at, item) in given.iter().enumerate() {
        let mut wrong = |kind: &'static str, of: &[Value], message: &str| {
            let place = [&["body".into(), "task_ids".into(), at.into()], of].concat();
            faults.push(Fault { kind, place, message: message.into() });
        };
        let (text, whole) = ("Input should be a valid string", "Input should be a valid integer");
        match item {
            Value::String(task) => tasks.push((task.clone(), None)),
            Value::Array(pair) => match (pair.first().and_then(Value::as_str), pair.get(1).and_then(Value::as_i64), pair.len()) {
                (Some(task), Some(index), 2) => tasks.push((task.to_owned(), Some(index))),
                (task, index, length) => {
                    wrong("string_type", &["str".into()], text);
                    let parts = [(task.is_some(), "string_type", text), (index.is_some(), "int_type", whole)];
                    for (part, (_, kind, message)) in parts.into_iter().enumerate().filter(|(_, (fits, ..))| !fits) {
                        let (kind, message) = if part < length { (kind, message) } else { ("missing", "Field required") };
                        wrong(kind, &[PAIR.into(), part.into()], message);
                    }
                    if length > 2 {
                        wrong("too_long", &[PAIR.into()], &format!("Tuple should have at most 2 items after validation, not {length}"));
                    }
                }
            },
            _ => {
                wrong("string_type", &["str".into()], text);
                wrong("tuple_type", &[PAIR.into()], "Input should be a valid tuple");
            }
        }
    }
    if faults.is_empty() { Ok(tasks) } else { Err(faults.into()) }
}

/// Upstream's name for the type of a pair.
const PAIR: &str = "tuple[str, int]";

/// The run that is named, with those before or after it where asked for; else the runs of a span of time.
async fn run_ids(scheduler: &Scheduler, dag_id: &str, body: &ClearBody) -> Result<Vec<String>> {
    let mut filter = Filter::default();
    filter.compare("dag_id", "=", dag_id);
    if let Some(run_id) = &body.dag_run_id {
        let missing = || Error::not_found(format!("Dag Run id {run_id} not found in dag {dag_id}"));
        let run = runs::get(&scheduler.db, dag_id, run_id).await?.ok_or_else(missing)?;
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
