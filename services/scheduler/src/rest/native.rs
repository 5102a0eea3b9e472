//! Artel's own routes: clearing, marking and removing everything that a filter finds.

use crate::Scheduler;
use crate::bulk::{InstanceAction, Outcome, RunAction};
use crate::clear::Clear;
use crate::mark::Mark;
use crate::states::GivenRunState;
use crate::store::Filter;
use crate::times;
use actix_web::{HttpResponse, web};
use artel_platform::http::Json;
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many of what was found are listed in the answer.
const LISTED: usize = 100;

/// Which runs; every condition given has to hold, and at least one has to be given.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = scheduler::RunFilter)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RunFilter {
    dag_ids: Vec<String>,
    run_ids: Vec<String>,
    states: Vec<String>,
    run_types: Vec<String>,
    logical_date_gte: Option<String>,
    logical_date_lte: Option<String>,
    run_after_gte: Option<String>,
    run_after_lte: Option<String>,
}

/// Which task instances; every condition given has to hold, and at least one has to be given.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = scheduler::InstanceFilter)]
#[serde(deny_unknown_fields, default)]
pub(super) struct InstanceFilter {
    dag_ids: Vec<String>,
    run_ids: Vec<String>,
    task_ids: Vec<String>,
    /// `none` for those that have no state yet.
    states: Vec<String>,
    operators: Vec<String>,
    pools: Vec<String>,
    start_date_gte: Option<String>,
    start_date_lte: Option<String>,
}

/// What to do with the runs that are found.
#[derive(Deserialize, ToSchema)]
#[schema(as = scheduler::RunBulk)]
#[serde(deny_unknown_fields)]
pub(super) struct RunBulk {
    /// `clear`, `mark` or `delete`.
    action: String,
    filter: RunFilter,
    /// For `mark`: `queued`, `success` or `failed`.
    state: Option<String>,
    /// For `clear`: only tasks that failed.
    #[serde(default)]
    only_failed: bool,
    /// For `clear`: the runs go on with the DAG as it is now.
    #[serde(default)]
    run_on_latest_version: bool,
    /// Only say what would be changed; so unless told otherwise.
    dry_run: Option<bool>,
}

/// What to do with the task instances that are found.
#[derive(Deserialize, ToSchema)]
#[schema(as = scheduler::InstanceBulk)]
#[serde(deny_unknown_fields)]
pub(super) struct InstanceBulk {
    /// `clear`, `mark` or `delete`.
    action: String,
    filter: InstanceFilter,
    /// For `mark`: `success`, `failed` or `skipped`.
    state: Option<String>,
    /// For `clear`: runs that have ended are queued again; so unless told otherwise.
    reset_dag_runs: Option<bool>,
    /// Only say what would be changed; so unless told otherwise.
    dry_run: Option<bool>,
}

/// What was found and what came of it.
#[derive(Serialize, ToSchema)]
#[schema(as = scheduler::BulkResult)]
pub(super) struct BulkResult {
    dry_run: bool,
    /// How many the filter finds.
    matched: usize,
    /// How many were changed.
    changed: usize,
    /// The first hundred of what was found.
    found: Vec<Found>,
    errors: Vec<Refused>,
}

/// One that was found; a run has no task.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = scheduler::BulkFound)]
struct Found {
    dag_id: String,
    dag_run_id: String,
    task_id: Option<String>,
    map_index: Option<i64>,
    state: Option<String>,
}

/// One that could not be changed.
#[derive(Serialize, ToSchema)]
#[schema(as = scheduler::BulkRefused)]
struct Refused {
    #[serde(flatten)]
    what: Found,
    message: String,
}

/// Adds the conditions that are given; refuses a filter that has none.
fn conditions(lists: &[(&str, &[String])], times_given: &[(&str, &str, &Option<String>)], filter: &mut Filter) -> Result<()> {
    let mut any = false;
    for (column, values) in lists {
        any |= !values.is_empty();
        filter.any_of(column, values);
    }
    for (column, operator, text) in times_given {
        if let Some(text) = text {
            any = true;
            let named = |e: Error| Error::new(e.code, format!("filter.{column}: {}", e.message));
            filter.compare(column, operator, times::parse(text).map_err(named)?);
        }
    }
    if any { Ok(()) } else { Err(Error::invalid("filter has no condition; give at least one")) }
}

impl RunFilter {
    fn sql(&self) -> Result<Filter> {
        let mut filter = Filter::default();
        let lists: [(&str, &[String]); 4] =
            [("dag_id", &self.dag_ids), ("run_id", &self.run_ids), ("state", &self.states), ("run_type", &self.run_types)];
        let spans = [
            ("logical_date", ">=", &self.logical_date_gte),
            ("logical_date", "<=", &self.logical_date_lte),
            ("run_after", ">=", &self.run_after_gte),
            ("run_after", "<=", &self.run_after_lte),
        ];
        conditions(&lists, &spans, &mut filter)?;
        Ok(filter)
    }
}

impl InstanceFilter {
    fn sql(&self) -> Result<Filter> {
        let mut filter = Filter::default();
        let states: Vec<String> = self.states.iter().map(|s| if s == "none" { String::new() } else { s.clone() }).collect();
        let lists: [(&str, &[String]); 6] = [
            ("dag_id", &self.dag_ids),
            ("run_id", &self.run_ids),
            ("task_id", &self.task_ids),
            ("COALESCE(state, '')", &states),
            ("operator", &self.operators),
            ("pool", &self.pools),
        ];
        let spans = [("start_date", ">=", &self.start_date_gte), ("start_date", "<=", &self.start_date_lte)];
        conditions(&lists, &spans, &mut filter)?;
        Ok(filter)
    }
}

fn result<T>(dry_run: bool, outcomes: Vec<Outcome<T>>, shown: impl Fn(&T) -> Found) -> HttpResponse {
    let matched = outcomes.len();
    let found = outcomes.iter().take(LISTED).map(|(one, _)| shown(one)).collect();
    let errors: Vec<Refused> =
        outcomes.iter().filter_map(|(one, r)| Some(Refused { what: shown(one), message: r.as_ref().err()?.message.clone() })).collect();
    let changed = if dry_run { 0 } else { matched - errors.len() };
    HttpResponse::Ok().json(BulkResult { dry_run, matched, changed, found, errors })
}

fn unknown(action: &str) -> Error {
    Error::invalid(format!("action: {action:?} is none of clear, mark, delete"))
}

fn needed(state: &Option<String>) -> Result<&str> {
    state.as_deref().ok_or_else(|| Error::invalid("state is missing; mark needs one"))
}

/// Clears, marks or removes every DAG run that a filter finds; with `dry_run`, the default, only says which.
#[utoipa::path(post, path = "/api/artel/v1/scheduler/dag-runs", tag = "pipelines", request_body = RunBulk, responses((status = 200, body = BulkResult)), security(("artel" = ["dags"])))]
pub(super) async fn dag_runs(scheduler: web::Data<Scheduler>, body: Json<RunBulk>) -> Result<HttpResponse> {
    let body = body.into_inner();
    let action = match body.action.as_str() {
        "clear" => RunAction::Clear(Clear {
            only_failed: body.only_failed,
            reset_run: true,
            on_latest_version: body.run_on_latest_version,
            ..Clear::default()
        }),
        "mark" => RunAction::Mark(GivenRunState::parse(needed(&body.state)?)?.into()),
        "delete" => RunAction::Delete,
        other => return Err(unknown(other)),
    };
    let found = scheduler.runs_found(body.filter.sql()?).await?;
    let dry_run = body.dry_run.unwrap_or(true);
    let outcomes = if dry_run { found.into_iter().map(|run| (run, Ok(()))).collect() } else { scheduler.act_on_runs(found, &action).await };
    Ok(result(dry_run, outcomes, |run| Found {
        dag_id: run.dag_id.clone(),
        dag_run_id: run.run_id.clone(),
        task_id: None,
        map_index: None,
        state: Some(run.state.as_str().into()),
    }))
}

/// Clears, marks or removes every task instance that a filter finds; with `dry_run`, the default, only says which.
#[utoipa::path(post, path = "/api/artel/v1/scheduler/task-instances", tag = "pipelines", request_body = InstanceBulk, responses((status = 200, body = BulkResult)), security(("artel" = ["dags"])))]
pub(super) async fn task_instances(scheduler: web::Data<Scheduler>, body: Json<InstanceBulk>) -> Result<HttpResponse> {
    let body = body.into_inner();
    let action = match body.action.as_str() {
        "clear" => InstanceAction::Clear { reset_run: body.reset_dag_runs.unwrap_or(true) },
        "mark" => InstanceAction::Mark(Mark::state(needed(&body.state)?)?),
        "delete" => InstanceAction::Delete,
        other => return Err(unknown(other)),
    };
    let found = scheduler.instances_found(body.filter.sql()?).await?;
    let dry_run = body.dry_run.unwrap_or(true);
    let outcomes =
        if dry_run { found.into_iter().map(|one| (one, Ok(()))).collect() } else { scheduler.act_on_instances(found, action).await };
    Ok(result(dry_run, outcomes, |one| Found {
        dag_id: one.dag_id.clone(),
        dag_run_id: one.run_id.clone(),
        task_id: Some(one.task_id.clone()),
        map_index: Some(one.map_index),
        state: one.state.map(|s| s.as_str().into()),
    }))
}
