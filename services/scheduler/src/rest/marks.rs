//! States and notes given to task instances by hand.

use super::body::{self, Body, is_changed};
use super::collections::TaskInstanceCollection;
use super::query::Query;
use super::task_instances::show;
use crate::Scheduler;
use crate::mark::Mark;
use crate::states::TaskState;
use crate::store::instances::{self, TaskInstance};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::http::Fault;
use artel_platform::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use utoipa::ToSchema;

/// A state, a note, or both; the state also for what is before or after.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = airflow::PatchTaskInstanceBody)]
#[serde(deny_unknown_fields)]
pub(super) struct InstancePatch {
    /// `success`, `failed` or `skipped`.
    pub(super) new_state: Option<String>,
    /// An empty one takes the note away.
    #[schema(max_length = 1000)]
    pub(super) note: Option<String>,
    #[serde(default)]
    pub(super) include_upstream: bool,
    #[serde(default)]
    pub(super) include_downstream: bool,
    #[serde(default)]
    pub(super) include_future: bool,
    #[serde(default)]
    pub(super) include_past: bool,
}

impl InstancePatch {
    /// What is wrong with a state that is sent, at `place` of the request.
    pub(super) fn fault(sent: &Value, place: &[Value]) -> Option<Fault> {
        let why = match sent.get("new_state")? {
            Value::Null => "'new_state' should not be empty".into(),
            Value::String(word) if Mark::state(word).is_err() => {
                format!("'{}' is not one of ['success', 'failed', 'skipped']", word.to_lowercase())
            }
            _ => return None,
        };
        Some(body::wrong(&[place, &["new_state".into()]].concat(), why))
    }

    /// The mark that it asks for; none where only a note is given.
    fn mark(&self, tasks: Vec<(String, Option<i64>)>) -> Result<Option<Mark>> {
        let state = self.new_state.as_ref().map(|word| Mark::state(word)).transpose()?;
        Ok(state.map(|state| Mark {
            tasks,
            state,
            upstream: self.include_upstream,
            downstream: self.include_downstream,
            future: self.include_future,
            past: self.include_past,
        }))
    }

    /// Only what is sent and, where there is an `update_mask`, named there. A note that is null takes the one away that there is
    /// where the mask names it, and means nothing otherwise.
    pub(super) fn masked(mut self, sent: &Value, mask: &[String]) -> Self {
        self.new_state = self.new_state.filter(|_| is_changed(sent, mask, "new_state"));
        let emptied = (!mask.is_empty()).then(String::new);
        self.note = self.note.or(emptied).filter(|_| is_changed(sent, mask, "note"));
        self
    }
}

/// What a request asks for.
fn asked(body: Body<InstancePatch>, mask: &[String]) -> Result<InstancePatch> {
    let (patch, sent) = body.into_parts();
    match InstancePatch::fault(&sent, &["body".into()]) {
        Some(fault) => Err(fault.into()),
        None => Ok(patch.masked(&sent, mask)),
    }
}

/// Instances of some tasks of one run.
struct Target {
    dag_id: String,
    run_id: String,
    tasks: Vec<(String, Option<i64>)>,
    /// Of one task, not of a group.
    is_task: bool,
    /// For the answer when nothing changes.
    name: String,
    /// For the answer when there are no such instances.
    missing: String,
}

impl Target {
    async fn task(scheduler: &Scheduler, (dag_id, run_id, task_id): (String, String, String), map_index: Option<i64>) -> Result<Self> {
        if scheduler.latest(&dag_id).await?.task(&task_id).is_none() {
            return Err(Error::not_found(format!("Task '{task_id}' not found in Dag '{dag_id}'")));
        }
        let index = map_index.map_or("None".into(), |index| index.to_string());
        let key = format!("dag_id: `{dag_id}`, run_id: `{run_id}`, task_id: `{task_id}` and map_index: `{index}`");
        let (name, missing) = (format!("Task id {task_id} is"), format!("The Task Instance with {key} was not found"));
        Ok(Self { dag_id, run_id, tasks: vec![(task_id, map_index)], is_task: true, name, missing })
    }

    async fn group(scheduler: &Scheduler, (dag_id, run_id, group_id): (String, String, String)) -> Result<Self> {
        let dag = scheduler.latest(&dag_id).await?;
        let missing = || Error::not_found(format!("Task group '{group_id}' not found in DAG '{dag_id}'"));
        let tasks = dag.tasks_of_group(&group_id).ok_or_else(missing)?.into_iter().map(|id| (id, None)).collect();
        let missing = format!("No task instances found for task group '{group_id}' in dag run '{run_id}'");
        Ok(Self { dag_id, run_id, tasks, is_task: false, name: "All task instances in the group are".into(), missing })
    }

    async fn instances(&self, scheduler: &Scheduler) -> Result<Vec<TaskInstance>> {
        let all = instances::of_run(&scheduler.db, &self.dag_id, &self.run_id).await?;
        let named = |i: &TaskInstance| self.tasks.iter().any(|(task, index)| *task == i.task_id && index.is_none_or(|n| n == i.map_index));
        let found: Vec<TaskInstance> = all.into_iter().filter(named).collect();
        if found.is_empty() { Err(Error::not_found(&*self.missing)) } else { Ok(found) }
    }

    /// Answers with what was named: of a task its instances in this run, of a group whatever got the state.
    async fn apply(&self, scheduler: &Scheduler, patch: InstancePatch) -> Result<HttpResponse> {
        let altered = patch_instances(scheduler, self, &patch).await?;
        let found = match altered {
            Some(altered) if !self.is_task => again(scheduler, &self.dag_id, &altered).await?,
            _ => self.instances(scheduler).await?,
        };
        answer(scheduler, found).await
    }

    async fn try_out(&self, scheduler: &Scheduler, patch: &InstancePatch) -> Result<HttpResponse> {
        let named = self.instances(scheduler).await?;
        let found = match patch.mark(self.tasks.clone())? {
            Some(mark) => scheduler.to_mark(&self.dag_id, &self.run_id, &mark).await?,
            None => named,
        };
        answer(scheduler, found).await
    }
}

/// Instances of a DAG as they are now.
async fn again(scheduler: &Scheduler, dag_id: &str, seen: &[TaskInstance]) -> Result<Vec<TaskInstance>> {
    let keys: HashSet<(&str, &str, i64)> = seen.iter().map(|i| (i.run_id.as_str(), i.task_id.as_str(), i.map_index)).collect();
    let runs: BTreeSet<&str> = seen.iter().map(|i| i.run_id.as_str()).collect();
    let mut found = Vec::with_capacity(seen.len());
    for run_id in runs {
        let all = instances::of_run(&scheduler.db, dag_id, run_id).await?;
        found.extend(all.into_iter().filter(|i| keys.contains(&(i.run_id.as_str(), i.task_id.as_str(), i.map_index))));
    }
    Ok(found)
}

async fn answer(scheduler: &Scheduler, mut found: Vec<TaskInstance>) -> Result<HttpResponse> {
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(HttpResponse::Ok().json(TaskInstanceCollection::whole(show(scheduler, &found, true).await?)))
}

/// Notes first, then states. Returns what got a state, as it was; `None` where no state is given.
async fn patch_instances(scheduler: &Scheduler, target: &Target, patch: &InstancePatch) -> Result<Option<Vec<TaskInstance>>> {
    let found = target.instances(scheduler).await?;
    let mark = patch.mark(target.tasks.clone())?;
    if let Some(note) = &patch.note {
        let mut tx = scheduler.db.begin().await?;
        for instance in &found {
            let note = Some(note.as_str()).filter(|n| !n.is_empty());
            instances::set_text(&mut tx, &instance.id, "note", note, scheduler.cx.clock.now()).await?;
        }
        tx.commit().await?;
    }
    let Some(mark) = mark else { return Ok(None) };
    let altered = scheduler.mark_all(&target.dag_id, &target.run_id, &mark).await?;
    if altered.is_empty() {
        return Err(Error::conflict(format!("{} already in {} state", target.name, TaskState::as_str(mark.state))));
    }
    Ok(Some(altered))
}

impl Scheduler {
    /// A patch of one instance, from a list of many.
    pub(super) async fn patch_instance(&self, i: &TaskInstance, patch: &InstancePatch) -> Result<()> {
        let target = Target::task(self, (i.dag_id.clone(), i.run_id.clone(), i.task_id.clone()), Some(i.map_index)).await?;
        patch_instances(self, &target, patch).await.map(drop)
    }
}

/// Marks the instances of a task as succeeded, failed or skipped, or changes their note.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", tag = "pipelines", request_body = InstancePatch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn patch(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
    body: Body<InstancePatch>,
) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let (map_index, patch) = (query.int("map_index")?, asked(body, &query.all("update_mask"))?);
    Target::task(&scheduler, path.into_inner(), map_index).await?.apply(&scheduler, patch).await
}

/// The same, of one mapped instance.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}", tag = "pipelines", request_body = InstancePatch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn patch_mapped(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String, i64)>,
    request: HttpRequest,
    body: Body<InstancePatch>,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, map_index) = path.into_inner();
    let patch = asked(body, &Query::of(&request).all("update_mask"))?;
    Target::task(&scheduler, (dag_id, run_id, task_id), Some(map_index)).await?.apply(&scheduler, patch).await
}

/// Says which instances a mark would change.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dry_run", tag = "pipelines", request_body = InstancePatch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn dry_run(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
    body: Body<InstancePatch>,
) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let (map_index, patch) = (query.int("map_index")?, asked(body, &query.all("update_mask"))?);
    Target::task(&scheduler, path.into_inner(), map_index).await?.try_out(&scheduler, &patch).await
}

/// The same, for one mapped instance.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/dry_run", tag = "pipelines", request_body = InstancePatch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn dry_run_mapped(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String, i64)>,
    request: HttpRequest,
    body: Body<InstancePatch>,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, map_index) = path.into_inner();
    let patch = asked(body, &Query::of(&request).all("update_mask"))?;
    Target::task(&scheduler, (dag_id, run_id, task_id), Some(map_index)).await?.try_out(&scheduler, &patch).await
}

/// Marks every instance in a task group.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskGroupInstances/{group_id}", tag = "pipelines", request_body = InstancePatch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn patch_group(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
    body: Body<InstancePatch>,
) -> Result<HttpResponse> {
    let patch = asked(body, &Query::of(&request).all("update_mask"))?;
    Target::group(&scheduler, path.into_inner()).await?.apply(&scheduler, patch).await
}

/// Says which instances a mark of a task group would change.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskGroupInstances/{group_id}/dry_run", tag = "pipelines", request_body = InstancePatch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn dry_run_group(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    body: Body<InstancePatch>,
) -> Result<HttpResponse> {
    let patch = asked(body, &[])?;
    Target::group(&scheduler, path.into_inner()).await?.try_out(&scheduler, &patch).await
}
