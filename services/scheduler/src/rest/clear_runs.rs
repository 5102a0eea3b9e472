//! Clearing DAG runs: one, several, or those of partitions; and taking their partitions from runs
//! (airflow/api_fastapi/core_api/routes/public/dag_run.py).

use super::body::{Body, wrong_body};
use super::collections::DagRunCollection;
use super::dag_runs::{set_note, show_one, shown};
use super::task_instances::show;
use crate::Scheduler;
use crate::clear::Clear;
use crate::dag::Dag;
use crate::store::{Filter, Page, runs};
use crate::times;
use crate::timetable::Timetable;
use actix_web::{HttpResponse, web};
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// How a run is cleared.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::DAGRunClearBody)]
#[serde(deny_unknown_fields)]
pub(super) struct RunClear {
    dry_run: Option<bool>,
    #[serde(default)]
    only_failed: bool,
    /// Run the tasks that came to the DAG after the run, and no others.
    #[serde(default)]
    only_new: bool,
    run_on_latest_version: Option<bool>,
    #[schema(max_length = 1000)]
    note: Option<String>,
}

/// One of several runs.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::BulkDAGRunBody)]
#[serde(deny_unknown_fields)]
pub(super) struct RunKey {
    dag_run_id: String,
    /// Needed where the path has `~`.
    dag_id: Option<String>,
}

/// Which runs to clear, and how: a list, one partition, or the partitions of a span.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::BulkDAGRunClearBody)]
#[serde(deny_unknown_fields)]
pub(super) struct RunsClear {
    dry_run: Option<bool>,
    #[serde(default)]
    only_failed: bool,
    #[serde(default)]
    only_new: bool,
    run_on_latest_version: Option<bool>,
    #[schema(max_length = 1000)]
    note: Option<String>,
    #[serde(default)]
    dag_runs: Vec<RunKey>,
    partition_key: Option<String>,
    /// By the clock of the DAG's schedule; inclusive.
    #[schema(format = DateTime)]
    partition_date_start: Option<String>,
    /// By the clock of the DAG's schedule; inclusive.
    #[schema(format = DateTime)]
    partition_date_end: Option<String>,
}

/// Whose partitions to forget: of one run, of one partition, or of the partitions of a span.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::ClearPartitionsBody)]
#[serde(deny_unknown_fields)]
pub(super) struct PartitionsClear {
    dry_run: Option<bool>,
    run_id: Option<String>,
    partition_key: Option<String>,
    #[schema(format = DateTime)]
    partition_date_start: Option<String>,
    #[schema(format = DateTime)]
    partition_date_end: Option<String>,
    #[serde(default)]
    clear_task_instances: bool,
}

/// How many were cleared.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::ClearPartitionsResponse)]
pub(super) struct PartitionsCleared {
    dag_runs_cleared: usize,
    task_instances_cleared: usize,
    dry_run: bool,
}

/// Which partitions are meant.
struct Partitions<'a> {
    key: Option<&'a str>,
    start: Option<&'a str>,
    end: Option<&'a str>,
}

impl Partitions<'_> {
    fn has_span(&self) -> bool {
        self.start.is_some() || self.end.is_some()
    }

    /// One way of saying which is wanted, `other` being the one that is not about partitions.
    fn check(&self, other: bool, name: &str) -> Result<()> {
        if usize::from(other) + usize::from(self.key.is_some()) + usize::from(self.has_span()) != 1 {
            return Err(wrong_body(format!(
                "Exactly one of {name}, partition_key, or a partition date window (partition_date_start / partition_date_end) must be provided."
            )));
        }
        if let (Some(start), Some(end)) = (self.start, self.end)
            && at("partition_date_start", start)? > at("partition_date_end", end)?
        {
            return Err(wrong_body("partition_date_start must be on or before partition_date_end."));
        }
        Ok(())
    }

    fn filter(&self, dag: &Dag, filter: &mut Filter) -> Result<()> {
        if let Some(key) = self.key {
            filter.compare("partition_key", "=", key);
        }
        for (field, bound, operator) in [("partition_date_start", self.start, ">="), ("partition_date_end", self.end, "<=")] {
            if let Some(text) = bound {
                filter.compare("partition_date", operator, by_the_schedules_clock(dag, field, text)?);
            }
        }
        Ok(())
    }
}

fn at(field: &str, text: &str) -> Result<i64> {
    times::parse(text).map_err(|e| Error::new(e.code, format!("{field}: {}", e.message)))
}

/// What a clock shows where the time was written, read on the clock of the schedule (timetables/_cron.py
/// `localize_partition_datetime`). Schedules without a clock of their own take the time as it is.
fn by_the_schedules_clock(dag: &Dag, field: &str, text: &str) -> Result<i64> {
    let instant = at(field, text)?;
    let Timetable::CronPartition(schedule) = &dag.timetable else { return Ok(instant) };
    Ok(schedule.cron().zone().instant(times::wall(text).unwrap_or_else(|| times::at(instant).naive_utc())).timestamp_millis())
}

/// What clearing a run would do, or what it does.
struct Clearing {
    clear: Clear,
    only_new: bool,
    note: Option<String>,
}

impl Clearing {
    fn new(only_failed: bool, only_new: bool, on_latest: Option<bool>, note: Option<String>) -> Result<Self> {
        if only_new && only_failed {
            return Err(wrong_body("only_new and only_failed are mutually exclusive"));
        }
        let clear = Clear { only_failed, reset_run: true, on_latest_version: on_latest.unwrap_or(false), ..Clear::default() };
        Ok(Self { clear, only_new, note })
    }

    /// The instances, or the new tasks, that it is about.
    async fn about(&self, scheduler: &Scheduler, dag_id: &str, run_id: &str) -> Result<Vec<Value>> {
        if self.only_new {
            let new = scheduler.new_tasks(dag_id, run_id).await?;
            return Ok(new.iter().map(|id| json!({"task_id": id, "task_display_name": id})).collect());
        }
        let found = scheduler.to_clear(dag_id, run_id, &self.clear).await?;
        show(scheduler, &found, false).await?.into_iter().map(|one| Ok(serde_json::to_value(one)?)).collect()
    }

    async fn perform(&self, scheduler: &Scheduler, dag_id: &str, run_id: &str) -> Result<()> {
        match self.only_new {
            true => scheduler.run_new_tasks(dag_id, run_id).await?,
            false => drop(scheduler.clear(dag_id, run_id, &self.clear).await?),
        }
        if self.note.is_some() {
            set_note(scheduler, dag_id, run_id, self.note.as_deref()).await?;
        }
        Ok(())
    }
}

fn instances(about: Vec<Value>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"total_entries": about.len(), "task_instances": about}))
}

/// Clears the tasks of a run; with `dry_run`, the default, only says which.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear", tag = "pipelines", request_body = RunClear, responses((status = 200, body = serde_json::Value)), security(("artel" = ["run:dags"])))]
pub(super) async fn one(scheduler: web::Data<Scheduler>, path: web::Path<(String, String)>, body: Body<RunClear>) -> Result<HttpResponse> {
    let ((dag_id, run_id), body) = (path.into_inner(), body.into_inner());
    let clearing = Clearing::new(body.only_failed, body.only_new, body.run_on_latest_version, body.note)?;
    if body.dry_run.unwrap_or(true) {
        return Ok(instances(clearing.about(&scheduler, &dag_id, &run_id).await?));
    }
    clearing.perform(&scheduler, &dag_id, &run_id).await?;
    show_one(&scheduler, &dag_id, &run_id).await
}

/// Clears several runs of a DAG, or of any with `~`; with `dry_run`, the default, only says which tasks.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/clearDagRuns", tag = "pipelines", request_body = RunsClear, responses((status = 200, body = serde_json::Value)), security(("artel" = ["run:dags"])))]
pub(super) async fn several(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, body: Body<RunsClear>) -> Result<HttpResponse> {
    let body = body.into_inner();
    let meant = run_keys(&scheduler, &dag_id, &body).await?;
    let clearing = Clearing::new(body.only_failed, body.only_new, body.run_on_latest_version, body.note)?;
    let mut found = Vec::new();
    for (dag_id, run_id) in &meant {
        found.push(scheduler.run(dag_id, run_id).await?);
    }
    if body.dry_run.unwrap_or(true) {
        let mut about = Vec::new();
        for (dag_id, run_id) in &meant {
            about.extend(clearing.about(&scheduler, dag_id, run_id).await?);
        }
        return Ok(instances(about));
    }
    for (run, (dag_id, run_id)) in found.iter_mut().zip(&meant) {
        clearing.perform(&scheduler, dag_id, run_id).await?;
        *run = scheduler.run(dag_id, run_id).await?;
    }
    let dag_runs = shown(&scheduler, &found).await?;
    Ok(HttpResponse::Ok().json(DagRunCollection {
        total_entries: dag_runs.len() as i64,
        dag_runs,
        total_entries_limit: None,
        next_cursor: None,
        previous_cursor: None,
    }))
}

/// The runs that are meant, each once.
async fn run_keys(scheduler: &Scheduler, dag_id: &str, body: &RunsClear) -> Result<Vec<(String, String)>> {
    let partitions = Partitions {
        key: body.partition_key.as_deref(),
        start: body.partition_date_start.as_deref(),
        end: body.partition_date_end.as_deref(),
    };
    partitions.check(!body.dag_runs.is_empty(), "dag_runs (non-empty)")?;
    if body.dag_runs.is_empty() {
        if dag_id == "~" {
            return Err(Error::invalid("Partition selectors require a concrete dag_id; '~' is not supported."));
        }
        let mut filter = Filter::default();
        filter.compare("dag_id", "=", dag_id);
        partitions.filter(&*scheduler.latest(dag_id).await?, &mut filter)?;
        let (found, _) = runs::list(&scheduler.db, filter, &Page::all("partition_date, run_id")).await?;
        return Ok(found.into_iter().map(|run| (run.dag_id, run.run_id)).collect());
    }
    let mut keys = Vec::new();
    for run in &body.dag_runs {
        let of = run.dag_id.as_deref().unwrap_or(dag_id);
        if of == "~" {
            return Err(Error::invalid(format!(
                "When the URL dag_id is '~', every entry must provide a concrete dag_id (missing on dag_run_id: '{}').",
                run.dag_run_id
            )));
        }
        if dag_id != "~" && of != dag_id {
            return Err(Error::invalid(format!("Entry dag_id '{of}' does not match the URL dag_id '{dag_id}'.")));
        }
        let key = (of.to_owned(), run.dag_run_id.clone());
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

/// Takes their partitions from runs, so that others can be made for them; with `dry_run`, the default, only counts.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/clearPartitions", tag = "pipelines", request_body = PartitionsClear, responses((status = 200, body = PartitionsCleared)), security(("artel" = ["run:dags"])))]
pub(super) async fn partitions(
    scheduler: web::Data<Scheduler>,
    dag_id: web::Path<String>,
    body: Body<PartitionsClear>,
) -> Result<HttpResponse> {
    let partitions = Partitions {
        key: body.partition_key.as_deref(),
        start: body.partition_date_start.as_deref(),
        end: body.partition_date_end.as_deref(),
    };
    partitions.check(body.run_id.is_some(), "run_id")?;
    let dag = scheduler.latest(&dag_id).await?;
    let mut filter = Filter::default();
    filter.compare("dag_id", "=", dag_id.as_str());
    if let Some(run_id) = &body.run_id {
        filter.compare("run_id", "=", run_id);
    }
    partitions.filter(&dag, &mut filter)?;
    let (found, _) = runs::list(&scheduler.db, filter, &Page::all("partition_date, run_id")).await?;
    let mut cleared = PartitionsCleared { dag_runs_cleared: 0, task_instances_cleared: 0, dry_run: body.dry_run.unwrap_or(true) };
    let clear = Clear { reset_run: true, ..Clear::default() };
    for run in &found {
        let partitioned = run.partition_key.is_some() || run.partition_date.is_some();
        cleared.dag_runs_cleared += usize::from(partitioned);
        if partitioned && !cleared.dry_run {
            scheduler.forget_partition(&run.dag_id, &run.run_id).await?;
        }
        if body.clear_task_instances {
            cleared.task_instances_cleared += match cleared.dry_run {
                true => scheduler.to_clear(&run.dag_id, &run.run_id, &clear).await?.len(),
                false => scheduler.clear(&run.dag_id, &run.run_id, &clear).await?.len(),
            };
        }
    }
    Ok(HttpResponse::Ok().json(cleared))
}
