//! States and notes given to task instances by hand.

use super::collections::TaskInstanceCollection;
use super::query::Query;
use super::task_instances::show;
use crate::Scheduler;
use crate::mark::Mark;
use crate::states::TaskState;
use crate::store::instances::{self, TaskInstance};
use crate::store::{Filter, Page};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::http::Json;
use artel_platform::{Error, Result};
use serde::Deserialize;
use utoipa::ToSchema;

/// A state, a note, or both; the state also for what is before or after.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = airflow::PatchTaskInstanceBody)]
#[serde(deny_unknown_fields)]
pub(super) struct InstancePatch {
    /// `success`, `failed` or `skipped`.
    pub(super) new_state: Option<String>,
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
    /// The mark that it asks for; none where only a note is given.
    pub(super) fn mark(&self, tasks: Vec<(String, Option<i64>)>) -> Result<Option<Mark>> {
        if self.note.as_ref().is_some_and(|note| note.chars().count() > 1000) {
            return Err(Error::invalid("note has at most 1000 characters"));
        }
        let state = self.new_state.as_deref().map(Mark::state).transpose()?;
        Ok(state.map(|state| Mark {
            tasks,
            state,
            upstream: self.include_upstream,
            downstream: self.include_downstream,
            future: self.include_future,
            past: self.include_past,
        }))
    }

    /// Only what `update_mask` names.
    fn masked(mut self, mask: &[String]) -> Self {
        let wanted = |field: &str| mask.is_empty() || mask.iter().any(|m| m == field);
        self.new_state = self.new_state.filter(|_| wanted("new_state"));
        self.note = self.note.filter(|_| wanted("note"));
        self
    }
}

/// Instances of some tasks of one run.
struct Target {
    dag_id: String,
    run_id: String,
    tasks: Vec<(String, Option<i64>)>,
    /// For the answer when nothing changes.
    name: String,
}

impl Target {
    fn task(dag_id: String, run_id: String, task_id: String, map_index: Option<i64>) -> Self {
        let name = format!("Task id {task_id} is");
        Self { dag_id, run_id, tasks: vec![(task_id, map_index)], name }
    }

    async fn group(scheduler: &Scheduler, dag_id: String, run_id: String, group_id: &str) -> Result<Self> {
        let dag = scheduler.latest(&dag_id).await?;
        let missing = || Error::not_found(format!("Task group '{group_id}' not found in DAG '{dag_id}'"));
        let tasks = dag.tasks_of_group(group_id).ok_or_else(missing)?.into_iter().map(|id| (id, None)).collect();
        Ok(Self { dag_id, run_id, tasks, name: "All task instances in the group are".into() })
    }

    async fn instances(&self, scheduler: &Scheduler) -> Result<Vec<TaskInstance>> {
        let all = instances::of_run(&scheduler.db, &self.dag_id, &self.run_id).await?;
        let named = |i: &TaskInstance| self.tasks.iter().any(|(task, index)| *task == i.task_id && index.is_none_or(|n| n == i.map_index));
        let found: Vec<TaskInstance> = all.into_iter().filter(named).collect();
        let tasks: Vec<&str> = self.tasks.iter().map(|t| t.0.as_str()).collect();
        let index = self.tasks.first().and_then(|t| t.1).map_or("None".into(), |index| index.to_string());
        if found.is_empty() {
            return Err(Error::not_found(format!(
                "The Task Instance with dag_id: `{}`, run_id: `{}`, task_id: `{}` and map_index: `{index}` was not found",
                self.dag_id,
                self.run_id,
                tasks.join(", ")
            )));
        }
        Ok(found)
    }

    async fn apply(&self, scheduler: &Scheduler, patch: InstancePatch) -> Result<HttpResponse> {
        let changed = patch_instances(scheduler, self, &patch).await?;
        let mut after = Filter::default();
        after.any_of("id", &changed);
        let (found, _) = instances::list(&scheduler.db, after, &Page::all("run_id, task_id, map_index")).await?;
        answer(scheduler, &found).await
    }

    async fn try_out(&self, scheduler: &Scheduler, patch: &InstancePatch) -> Result<HttpResponse> {
        self.instances(scheduler).await?;
        let found = match patch.mark(self.tasks.clone())? {
            Some(mark) => scheduler.to_mark(&self.dag_id, &self.run_id, &mark).await?,
            None => Vec::new(),
        };
        answer(scheduler, &found).await
    }
}

async fn answer(scheduler: &Scheduler, found: &[TaskInstance]) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(TaskInstanceCollection {
        task_instances: show(scheduler, found, false).await?,
        total_entries: found.len() as i64,
        total_entries_limit: None,
        next_cursor: None,
        previous_cursor: None,
    }))
}

/// Notes first, then states. Returns the ids of what was changed.
async fn patch_instances(scheduler: &Scheduler, target: &Target, patch: &InstancePatch) -> Result<Vec<String>> {
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
    let Some(mark) = mark else { return Ok(found.into_iter().map(|i| i.id).collect()) };
    let altered = scheduler.mark_all(&target.dag_id, &target.run_id, &mark).await?;
    if altered.is_empty() {
        return Err(Error::conflict(format!("{} already in {} state", target.name, TaskState::as_str(mark.state))));
    }
    Ok(altered.into_iter().map(|i| i.id).collect())
}

impl Scheduler {
    /// A patch of one task of a run, from a list of many; `map_index` `None` for every instance.
    pub(super) async fn patch_task(&self, key: (&str, &str, &str), map_index: Option<i64>, patch: &InstancePatch) -> Result<()> {
        let target = Target::task(key.0.into(), key.1.into(), key.2.into(), map_index);
        patch_instances(self, &target, patch).await.map(drop)
    }
}

/// Marks the instances of a task as succeeded, failed or skipped, or changes their note.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", tag = "pipelines", request_body = InstancePatch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn patch(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
    body: Json<InstancePatch>,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id) = path.into_inner();
    let query = Query::of(&request);
    let target = Target::task(dag_id, run_id, task_id, query.int("map_index")?);
    target.apply(&scheduler, body.into_inner().masked(&query.all("update_mask"))).await
}

/// The same, of one mapped instance.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index:-?[0-9]+}", tag = "pipelines", request_body = InstancePatch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn patch_mapped(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String, i64)>,
    request: HttpRequest,
    body: Json<InstancePatch>,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, map_index) = path.into_inner();
    let mask = Query::of(&request).all("update_mask");
    Target::task(dag_id, run_id, task_id, Some(map_index)).apply(&scheduler, body.into_inner().masked(&mask)).await
}

/// Says which instances a mark would change.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dry_run", tag = "pipelines", request_body = InstancePatch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn dry_run(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
    body: Json<InstancePatch>,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id) = path.into_inner();
    let map_index = Query::of(&request).int("map_index")?;
    Target::task(dag_id, run_id, task_id, map_index).try_out(&scheduler, &body).await
}

/// The same, for one mapped instance.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index:-?[0-9]+}/dry_run", tag = "pipelines", request_body = InstancePatch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn dry_run_mapped(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String, i64)>,
    body: Json<InstancePatch>,
) -> Result<HttpResponse> {
    let (dag_id, run_id, task_id, map_index) = path.into_inner();
    Target::task(dag_id, run_id, task_id, Some(map_index)).try_out(&scheduler, &body).await
}

/// Marks every instance in a task group.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskGroupInstances/{group_id}", tag = "pipelines", request_body = InstancePatch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn patch_group(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
    body: Json<InstancePatch>,
) -> Result<HttpResponse> {
    let (dag_id, run_id, group_id) = path.into_inner();
    let mask = Query::of(&request).all("update_mask");
    Target::group(&scheduler, dag_id, run_id, &group_id).await?.apply(&scheduler, body.into_inner().masked(&mask)).await
}

/// Says which instances a mark of a task group would change.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskGroupInstances/{group_id}/dry_run", tag = "pipelines", request_body = InstancePatch, responses((status = 200, body = TaskInstanceCollection)), security(("artel" = ["run:dags"])))]
pub(super) async fn dry_run_group(
    scheduler: web::Data<Scheduler>,
    path: web::Path<(String, String, String)>,
    body: Json<InstancePatch>,
) -> Result<HttpResponse> {
    let (dag_id, run_id, group_id) = path.into_inner();
    Target::group(&scheduler, dag_id, run_id, &group_id).await?.try_out(&scheduler, &body).await
}
