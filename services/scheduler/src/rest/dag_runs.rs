//! DAG runs.

use super::body::{Aware, Body, is_changed, wrong_body};
use super::collections::DagRunCollection;
use super::models::DagRunResponse;
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::runs::NewRun;
use crate::states::{GivenRunState, RunState, RunType};
use crate::store::runs::DagRun;
use crate::store::{Filter, dags, runs, versions};
use crate::times;
use crate::timetable::Timetable;
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::http::Fault;
use artel_platform::{Error, Identity, Result};
use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use utoipa::ToSchema;

/// A run to be made by hand.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = airflow::TriggerDAGRunPostBody)]
#[serde(deny_unknown_fields)]
pub(super) struct Trigger {
    dag_run_id: Option<String>,
    #[schema(value_type = Option<Aware>)]
    logical_date: Option<String>,
    #[schema(value_type = Option<Aware>)]
    data_interval_start: Option<String>,
    #[schema(value_type = Option<Aware>)]
    data_interval_end: Option<String>,
    #[schema(format = DateTime)]
    run_after: Option<String>,
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
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
                    return Err(wrong_body("Either both data_interval_start and data_interval_end must be provided or both must be None"));
                }
            };
        let logical_date = time("logical_date", &self.logical_date)?;
        let from_page = request.headers().contains_key(actix_web::http::header::REFERER);
        Ok(NewRun {
            run_id: self.dag_run_id.filter(|id| !id.is_empty()),
            run_type: None,
            logical_date,
            // a run without a date has no interval either, whatever is said
            data_interval: data_interval.filter(|_| logical_date.is_some()),
            run_after: time("run_after", &self.run_after)?,
            conf: self.conf,
            note: self.note.filter(|note| !note.is_empty()),
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
    state: Option<GivenRunState>,
    #[schema(max_length = 1000)]
    note: Option<String>,
}

pub(super) const ORDER: &[(&str, &str)] = &[
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
    ("partition_date", "partition_date"),
    ("conf", "COALESCE(conf, '{}')"),
    ("duration", DURATION),
];

/// Who was made first comes first, where nothing else is said: upstream's numbers of runs.
pub(super) const CREATION: &str = "created_at, run_id";

/// The version that a run was made with.
const VERSION: &str = "(SELECT v.version_number FROM dag_versions v WHERE v.id = dag_runs.dag_version_id)";

/// A text that a run's conf has to contain, word for word.
pub(super) const CONF_CONTAINS: &str = r"LOWER(conf) LIKE {} ESCAPE '\'";
/// Milliseconds.
pub(super) const DURATION: &str = "(end_date - start_date)";

/// Texts that a run has to contain, word for word.
const CONTAINS: &[(&str, &str)] = &[
    ("conf_contains", CONF_CONTAINS),
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
    let mut bounds = Vec::new();
    for (key, operator, days) in [("partition_date_gte", ">=", 0), ("partition_date_lte", "<", 1)] {
        if let Some(text) = query.get(key) {
            let day = text.parse().ok().filter(|day: &NaiveDate| (1..=9999).contains(&day.year()));
            let message = "Input should be a valid date or datetime, input is too short";
            let day = day.ok_or_else(|| Error::from(Fault::of_query(key, "date_from_datetime_parsing", message)))?;
            bounds.push((operator, (day + Days::new(days)).and_time(NaiveTime::MIN)));
        }
    }
    if bounds.is_empty() {
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
    for (operator, midnight) in bounds {
        let at = match &dag.timetable {
            Timetable::CronPartition(schedule) => schedule.cron().zone().instant(midnight),
            _ => midnight.and_utc(),
        };
        filter.compare("partition_date", operator, at.timestamp_millis());
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
    query.words(&mut filter, "state", "state", RunState::WORDS)?;
    query.words(&mut filter, "run_type", "run_type", RunType::WORDS)?;
    query.patterns(&mut filter, "run_id", "run_id");
    query.patterns(&mut filter, "dag_id", "dag_id");
    query.patterns(&mut filter, "triggering_user_name", "triggering_user_name");
    query.patterns(&mut filter, "partition_key", "partition_key");
    for column in ["run_after", "logical_date", "updated_at"] {
        query.times(&mut filter, column, column)?;
    }
    for column in ["start_date", "end_date"] {
        query.open_times(&mut filter, column, column, scheduler.cx.clock.now())?;
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
    let page = query.page(ORDER, "id", CREATION)?;
    let (found, total_entries) = runs::list(&scheduler.db, filter, &page).await?;
    let dag_runs = shown(&scheduler, &found).await?;
    let (next_cursor, previous_cursor) = query.cursors(&page, total_entries);
    let (total_entries, total_entries_limit) = query.counted(total_entries);
    Ok(HttpResponse::Ok().json(DagRunCollection { dag_runs, total_entries, total_entries_limit, next_cursor, previous_cursor }))
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
    body: Body<Trigger>,
) -> Result<HttpResponse> {
    // it has to be spoken of, although it may be null
    if body.sent().get("logical_date").is_none() {
        return Err(Fault { kind: "missing", place: vec!["body".into(), "logical_date".into()], message: "Field required".into() }.into());
    }
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
    body: Body<RunPatch>,
) -> Result<HttpResponse> {
    let (dag_id, run_id) = path.into_inner();
    let mask = Query::of(&request).all("update_mask");
    let wanted = |field: &str| is_changed(body.sent(), &mask, field);
    scheduler.run(&dag_id, &run_id).await?;
    if wanted("state")
        && let Some(state) = body.state
    {
        scheduler.set_run_state(&dag_id, &run_id, state.into()).await?;
    }
    if wanted("note") {
        set_note(&scheduler, &dag_id, &run_id, body.note.as_deref()).await?;
    }
    show_one(&scheduler, &dag_id, &run_id).await
}

/// An empty note is none.
pub(super) async fn set_note(scheduler: &Scheduler, dag_id: &str, run_id: &str, note: Option<&str>) -> Result<()> {
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
    let interval = query.seconds("interval")?;
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
        if all.is_empty() {
            continue;
        }
        let single = all.len() == 1 && all[0].map_index < 0;
        line["results"][task] = if single { values.into_iter().next().unwrap_or_default() } else { Value::Array(values) };
    }
    Ok(web::Bytes::from(format!("{line}\n")))
}
