//! DAG runs.

use super::collections::DagRunCollection;
use super::models::DagRunResponse;
use super::query::{Paging, Query};
use crate::Scheduler;
use crate::runs::NewRun;
use crate::states::RunState;
use crate::store::runs::DagRun;
use crate::store::{Filter, Page, dags, runs, versions};
use crate::times;
use crate::timetable::Timetable;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::http::Json;
use artel_platform::{Error, Identity, Result};
use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use utoipa::ToSchema;

/// A run to be made by hand.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = airflow::TriggerDAGRunPostBody)]
#[serde(deny_unknown_fields)]
pub(super) struct Trigger {
    dag_run_id: Option<String>,
    logical_date: Option<String>,
    data_interval_start: Option<String>,
    data_interval_end: Option<String>,
    run_after: Option<String>,
    conf: Option<Value>,
    note: Option<String>,
    partition_key: Option<String>,
}

impl Trigger {
    /// What the scheduler is asked for.
    pub(super) fn into_run(self, request: &HttpRequest, who: Identity) -> Result<NewRun> {
        let time = |field: &str, text: &Option<String>| {
            let read = text.as_deref().map(times::parse).transpose();
            read.map_err(|e| Error::new(e.code, format!("{field}: {}", e.message)))
        };
        let data_interval =
            match (time("data_interval_start", &self.data_interval_start)?, time("data_interval_end", &self.data_interval_end)?) {
                (Some(start), Some(end)) => Some((start, end)),
                (None, None) => None,
                _ => {
                    return Err(Error::invalid(
                        "Either both data_interval_start and data_interval_end must be provided or both must be None",
                    ));
                }
            };
        let from_page = request.headers().contains_key(actix_web::http::header::REFERER);
        Ok(NewRun {
            run_id: self.dag_run_id,
            run_type: None,
            logical_date: time("logical_date", &self.logical_date)?,
            data_interval,
            run_after: time("run_after", &self.run_after)?,
            conf: self.conf,
            note: self.note,
            partition_key: self.partition_key,
            triggered_by: if from_page { "ui" } else { "rest_api" },
            user: Some(who.name),
        })
    }
}

/// Changes of a run.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::DAGRunPatchBody)]
#[serde(deny_unknown_fields)]
pub(super) struct RunPatch {
    state: Option<String>,
    note: Option<String>,
}

const ORDER: &[(&str, &str)] = &[
    ("id", "created_at"),
    ("state", "state"),
    ("dag_id", "dag_id"),
    ("run_id", "run_id"),
    ("dag_run_id", "run_id"),
    ("logical_date", "logical_date"),
    ("run_after", "run_after"),
    ("start_date", "start_date"),
    ("end_date", "end_date"),
    ("updated_at", "updated_at"),
    ("data_interval_start", "data_interval_start"),
    ("run_type", "run_type"),
    ("duration", "(end_date - start_date)"),
];

/// The version that a run was made with.
const VERSION: &str = "(SELECT v.version_number FROM dag_versions v WHERE v.id = dag_runs.dag_version_id)";

/// Texts that a run has to contain, word for word.
const CONTAINS: &[(&str, &str)] = &[
    ("conf_contains", r"LOWER(conf) LIKE {} ESCAPE '\'"),
    (
        "consuming_asset_pattern",
        r"EXISTS (SELECT 1 FROM dag_run_asset_events c JOIN asset_events e ON e.id = c.event_id JOIN assets a ON a.id = e.asset_id
          WHERE c.dag_id = dag_runs.dag_id AND c.run_id = dag_runs.run_id AND (LOWER(a.name) LIKE {} ESCAPE '\' OR LOWER(a.uri) LIKE {} ESCAPE '\'))",
    ),
];

/// `%` and `_` as themselves.
pub(super) fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

/// Whole days of partitions by the clock of the schedule, from `partition_date_gte` up to and with `partition_date_lte`.
async fn partition_dates(scheduler: &Scheduler, dag_id: &str, query: &Query, filter: &mut Filter) -> Result<()> {
    let bounds = [("partition_date_gte", ">=", 0), ("partition_date_lte", "<", 1)];
    if bounds.iter().all(|(key, ..)| query.get(key).is_none()) {
        return Ok(());
    }
    if dag_id == "~" {
        return Err(Error::invalid("partition_date_gte and partition_date_lte require a specific dag_id."));
    }
    let dag = scheduler.latest(dag_id).await?;
    if !matches!(dag.timetable, Timetable::CronPartition(_) | Timetable::PartitionedAssets(_)) {
        return Err(Error::invalid(format!(
            "Dag with dag_id: '{dag_id}' is not partitioned; partition_date_gte and partition_date_lte are not supported."
        )));
    }
    for (key, operator, days) in bounds {
        if let Some(text) = query.get(key) {
            let day = text.parse().ok().filter(|day: &NaiveDate| (1..=9999).contains(&day.year()));
            let day = day.ok_or_else(|| Error::invalid(format!("{key}: {text:?} is no date")))?;
            let midnight = (day + Days::new(days)).and_time(NaiveTime::MIN);
            let at = match &dag.timetable {
                Timetable::CronPartition(schedule) => schedule.cron().zone().instant(midnight),
                _ => midnight.and_utc(),
            };
            filter.compare("partition_date", operator, at.timestamp_millis());
        }
    }
    Ok(())
}

/// Runs with their DAGs' names and versions.
pub(super) async fn shown(scheduler: &Scheduler, found: &[DagRun]) -> Result<Vec<DagRunResponse>> {
    let mut ids: Vec<String> = found.iter().map(|r| r.dag_version_id.clone()).collect();
    ids.sort();
    ids.dedup();
    let known: HashMap<String, _> = versions::by_ids(&scheduler.db, &ids).await?.into_iter().map(|v| (v.id.clone(), v)).collect();
    let mut dag_ids: Vec<String> = found.iter().map(|r| r.dag_id.clone()).collect();
    dag_ids.sort();
    dag_ids.dedup();
    let names = dags::display_names(&scheduler.db, &dag_ids).await?;
    found
        .iter()
        .map(|run| DagRunResponse::new(run, names.get(&run.dag_id).unwrap_or(&run.dag_id), known.get(&run.dag_version_id)))
        .collect()
}

/// The answer for one run.
pub(super) async fn show_one(scheduler: &Scheduler, dag_id: &str, run_id: &str) -> Result<HttpResponse> {
    let run = scheduler.run(dag_id, run_id).await?;
    Ok(HttpResponse::Ok().json(shown(scheduler, &[run]).await?.remove(0)))
}

/// Runs of a DAG; of every DAG with `~`.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns", tag = "pipelines", params(Paging), responses((status = 200, body = DagRunCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = Filter::default();
    if *dag_id != "~" {
        scheduler.dag_row(&dag_id).await?;
        filter.compare("dag_id", "=", dag_id.as_str());
    }
    let states = query.all("state");
    if let Some(refusal) = unknown_state(&states) {
        return Ok(refusal);
    }
    filter.any_of("state", &states);
    filter.any_of("run_type", &query.all("run_type"));
    query.patterns(&mut filter, "run_id", "run_id");
    query.patterns(&mut filter, "dag_id", "dag_id");
    query.patterns(&mut filter, "triggering_user_name", "triggering_user_name");
    query.patterns(&mut filter, "partition_key", "partition_key");
    for column in ["run_after", "logical_date", "start_date", "end_date", "updated_at"] {
        query.times(&mut filter, column, column)?;
    }
    query.durations(&mut filter)?;
    query.ints(&mut filter, "dag_version", VERSION)?;
    filter.any_of("bundle_version", &query.all("bundle_version"));
    for (key, condition) in CONTAINS {
        if let Some(text) = query.get(key).filter(|text| !text.is_empty()) {
            filter.with(condition, format!("%{}%", escaped(&text.to_lowercase())));
        }
    }
    partition_dates(&scheduler, &dag_id, &query, &mut filter).await?;
    let page = query.page(ORDER, "id", "run_id")?;
    let (found, total_entries) = runs::list(&scheduler.db, filter, &page).await?;
    let dag_runs = shown(&scheduler, &found).await?;
    let (next_cursor, previous_cursor) = query.cursors(&page, total_entries);
    Ok(HttpResponse::Ok().json(DagRunCollection { dag_runs, total_entries, total_entries_limit: None, next_cursor, previous_cursor }))
}

/// A state that runs do not have is refused as upstream refuses it.
fn unknown_state(states: &[String]) -> Option<HttpResponse> {
    let refusal = || json!({"detail": "Invalid value for state. Valid values are queued, success, running, failed"});
    states.iter().any(|word| RunState::parse(word).is_err()).then(|| HttpResponse::UnprocessableEntity().json(refusal()))
}

/// Runs of several DAGs.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/dagRuns/list", tag = "pipelines", request_body = serde_json::Value, responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn batch(scheduler: web::Data<Scheduler>, body: Json<Value>) -> Result<HttpResponse> {
    let texts =
        |key: &str| -> Vec<String> { body[key].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(Into::into)).collect() };
    let mut filter = Filter::default();
    filter.any_of("dag_id", &texts("dag_ids"));
    filter.any_of("state", &texts("states"));
    for column in ["run_after", "logical_date", "start_date", "end_date"] {
        for (suffix, operator) in [("gte", ">="), ("gt", ">"), ("lte", "<="), ("lt", "<")] {
            if let Some(text) = body[format!("{column}_{suffix}")].as_str() {
                filter.compare(column, operator, times::parse(text)?);
            }
        }
    }
    let (name, direction) = match body["order_by"].as_str().unwrap_or("id") {
        text if text.starts_with('-') => (text[1..].to_owned(), "DESC"),
        text => (text.to_owned(), "ASC"),
    };
    let column = ORDER
        .iter()
        .find(|o| o.0 == name)
        .ok_or_else(|| Error::invalid(format!("Ordering with '{name}' is disallowed or the attribute does not exist")))?
        .1;
    let page = Page {
        limit: body["page_limit"].as_i64().unwrap_or(100).clamp(1, 1000),
        offset: body["page_offset"].as_i64().unwrap_or(0).max(0),
        order: format!("{column} {direction}, run_id"),
    };
    let (found, total_entries) = runs::list(&scheduler.db, filter, &page).await?;
    Ok(HttpResponse::Ok().json(json!({"dag_runs": shown(&scheduler, &found).await?, "total_entries": total_entries})))
}

/// One run.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", tag = "pipelines", responses((status = 200, body = DagRunResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, path: web::Path<(String, String)>) -> Result<HttpResponse> {
    show_one(&scheduler, &path.0, &path.1).await
}

/// Triggers a run.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/dagRuns", tag = "pipelines", request_body = Trigger, responses((status = 200, body = DagRunResponse)), security(("artel" = ["run:dags"])))]
pub(super) async fn create(
    scheduler: web::Data<Scheduler>,
    dag_id: web::Path<String>,
    request: HttpRequest,
    who: Identity,
    body: Json<Trigger>,
) -> Result<HttpResponse> {
    let new = body.into_inner().into_run(&request, who)?;
    let run = scheduler.trigger(&dag_id, new).await?;
    show_one(&scheduler, &run.dag_id, &run.run_id).await
}

/// Ends a run by hand, queues it again, or changes its note.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", tag = "pipelines", request_body = RunPatch, responses((status = 200, body = DagRunResponse)), security(("artel" = ["run:dags"])))]
pub(super) async fn patch(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    body: Json<Value>,
) -> Result<HttpResponse> {
    let (dag_id, run_id) = path.into_inner();
    let given: RunPatch = serde_json::from_value(body.0.clone()).map_err(|e| Error::invalid(e.to_string()))?;
    let mask = Query::of(&request).all("update_mask");
    let wanted = |field: &str| body.get(field).is_some() && (mask.is_empty() || mask.iter().any(|m| m == field));
    scheduler.run(&dag_id, &run_id).await?;
    if wanted("state")
        && let Some(state) = &given.state
    {
        let state = given_state(state)?;
        note_fits(given.note.as_deref())?;
        scheduler.set_run_state(&dag_id, &run_id, state).await?;
    }
    if wanted("note") {
        set_note(&scheduler, &dag_id, &run_id, given.note.as_deref()).await?;
    }
    show_one(&scheduler, &dag_id, &run_id).await
}

/// A state that can be given to a run by hand.
pub(super) fn given_state(word: &str) -> Result<RunState> {
    let state = RunState::parse(word).ok().filter(|state| *state != RunState::Running);
    state.ok_or_else(|| Error::invalid(format!("state: {word:?} is not one of queued, success, failed")))
}

pub(super) fn note_fits(note: Option<&str>) -> Result<()> {
    if note.is_some_and(|n| n.chars().count() > 1000) { Err(Error::invalid("note has at most 1000 characters")) } else { Ok(()) }
}

/// An empty note is none.
pub(super) async fn set_note(scheduler: &Scheduler, dag_id: &str, run_id: &str, note: Option<&str>) -> Result<()> {
    note_fits(note)?;
    let mut tx = scheduler.db.begin().await?;
    runs::set_note(&mut tx, dag_id, run_id, note.filter(|n| !n.is_empty()), scheduler.cx.clock.now()).await?;
    tx.commit().await
}

/// Removes a run.
#[utoipa::path(delete, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", tag = "pipelines", responses((status = 204)), security(("artel" = ["dags"])))]
pub(super) async fn delete(scheduler: web::Data<Scheduler>, path: web::Path<(String, String)>) -> Result<HttpResponse> {
    scheduler.delete_run(&path.0, &path.1).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Waits for the end of a run: a line of JSON per look, every `interval` seconds.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait", tag = "pipelines", responses((status = 200, body = String)), security(("artel" = ["read:dags"])))]
pub(super) async fn wait(scheduler: web::Data<Scheduler>, path: web::Path<(String, String)>, request: HttpRequest) -> Result<HttpResponse> {
    let (dag_id, run_id) = path.into_inner();
    scheduler.run(&dag_id, &run_id).await?;
    let query = Query::of(&request);
    let interval = query.get("interval").and_then(|i| i.parse::<f64>().ok()).filter(|i| *i > 0.0 && i.is_finite());
    let interval = Duration::from_secs_f64(interval.ok_or_else(|| Error::invalid("interval must be a number of seconds above 0"))?);
    let results = query.all("result");
    let scheduler = scheduler.into_inner();
    let lines = futures::stream::unfold(Some((scheduler, dag_id, run_id, results)), move |state| async move {
        let (scheduler, dag_id, run_id, results) = state?;
        let line = match scheduler.run(&dag_id, &run_id).await {
            Ok(run) if run.state.is_finished() => return Some((last_line(&scheduler, &run, &results).await, None)),
            Ok(run) => Ok(web::Bytes::from(format!("{}\n", json!({"state": run.state.as_str()})))),
            Err(error) => return Some((Err(error), None)),
        };
        tokio::time::sleep(interval).await;
        Some((line, Some((scheduler, dag_id, run_id, results))))
    });
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(lines))
}

async fn last_line(scheduler: &Scheduler, run: &DagRun, tasks: &[String]) -> Result<web::Bytes> {
    let mut line = json!({"state": run.state.as_str()});
    for task in tasks {
        let key = crate::store::xcoms::XComKey { dag_id: &run.dag_id, run_id: &run.run_id, task_id: task, key: "return_value" };
        let all = crate::store::xcoms::sequence(&scheduler.db, &key).await?;
        let values: Vec<Value> = all.iter().map(|x| serde_json::from_str(&x.value)).collect::<Result<_, _>>()?;
        let single = all.len() == 1 && all[0].map_index < 0;
        line["results"][task] = if single { values.into_iter().next().unwrap_or_default() } else { Value::Array(values) };
    }
    Ok(web::Bytes::from(format!("{line}\n")))
}
