//! The same done to every run or task instance that a filter finds. A dry run says how many that are.

use crate::Scheduler;
use crate::clear::Clear;
use crate::states::{RunState, TaskState};
use crate::store::instances::{self, TaskInstance};
use crate::store::runs::{self, DagRun};
use crate::store::{Filter, Page};
use artel_platform::{Error, Result};
use std::collections::BTreeMap;

/// So many at once; a filter that finds more is refused, so that nothing is done in part.
const MOST: i64 = 10_000;

/// What to do with runs.
#[derive(Debug, Clone)]
pub(crate) enum RunAction {
    Clear(Clear),
    Mark(RunState),
    Delete,
}

/// What to do with task instances.
#[derive(Debug, Clone, Copy)]
pub(crate) enum InstanceAction {
    Clear { reset_run: bool },
    Mark(TaskState),
    Delete,
}

/// What came of it for one run: which it was, and the error where there was one.
pub(crate) type Outcome<T> = (T, Result<()>);

impl Scheduler {
    /// The runs that a filter finds.
    pub(crate) async fn runs_found(&self, filter: Filter) -> Result<Vec<DagRun>> {
        let page = Page { limit: MOST, offset: 0, order: "run_after, dag_id, run_id".into() };
        let (found, total) = runs::list(&self.db, filter, &page).await?;
        few(total)?;
        Ok(found)
    }

    /// The task instances that a filter finds.
    pub(crate) async fn instances_found(&self, filter: Filter) -> Result<Vec<TaskInstance>> {
        let page = Page { limit: MOST, offset: 0, order: "dag_id, run_id, task_id, map_index".into() };
        let (found, total) = instances::list(&self.db, filter, &page).await?;
        few(total)?;
        Ok(found)
    }

    /// Does it to each run; one that refuses does not keep the others from it.
    pub(crate) async fn act_on_runs(&self, found: Vec<DagRun>, action: &RunAction) -> Vec<Outcome<DagRun>> {
        let mut outcomes = Vec::with_capacity(found.len());
        for run in found {
            let result = match action {
                RunAction::Clear(clear) => self.clear(&run.dag_id, &run.run_id, clear).await.map(drop),
                RunAction::Mark(state) => self.set_run_state(&run.dag_id, &run.run_id, *state).await,
                RunAction::Delete => self.delete_run(&run.dag_id, &run.run_id).await,
            };
            outcomes.push((run, result));
        }
        outcomes
    }

    /// Does it to each instance, run by run.
    pub(crate) async fn act_on_instances(&self, found: Vec<TaskInstance>, action: InstanceAction) -> Vec<Outcome<TaskInstance>> {
        let mut of_runs: BTreeMap<(String, String), Vec<TaskInstance>> = BTreeMap::new();
        for instance in found {
            of_runs.entry((instance.dag_id.clone(), instance.run_id.clone())).or_default().push(instance);
        }
        let mut outcomes = Vec::new();
        for ((dag_id, run_id), instances) in of_runs {
            let result = match action {
                InstanceAction::Clear { reset_run } => {
                    let tasks = instances.iter().map(|i| (i.task_id.clone(), Some(i.map_index))).collect();
                    let clear = Clear { tasks, alone: true, reset_run, ..Clear::default() };
                    self.clear(&dag_id, &run_id, &clear).await.map(drop)
                }
                InstanceAction::Mark(state) => self.mark_each(&instances, state).await,
                InstanceAction::Delete => self.delete_instances(&instances).await,
            };
            let failed = result.err().map(|error| (error.code, error.message));
            let again = || failed.clone().map_or(Ok(()), |(code, message)| Err(Error::new(code, message)));
            outcomes.extend(instances.into_iter().map(|instance| (instance, again())));
        }
        outcomes
    }

    async fn mark_each(&self, instances: &[TaskInstance], state: TaskState) -> Result<()> {
        for instance in instances.iter().filter(|i| i.state != Some(state)) {
            self.mark(instance, Some(state)).await?;
        }
        Ok(())
    }

    /// Removes instances of runs; none of them may be at work.
    pub(crate) async fn delete_instances(&self, found: &[TaskInstance]) -> Result<()> {
        if let Some(busy) = found.iter().find(|i| matches!(i.state, Some(TaskState::Running | TaskState::Restarting | TaskState::Queued))) {
            let state = busy.state.map(TaskState::as_str).unwrap_or_default();
            return Err(Error::conflict(format!("task instance {} of run {} is {state} and cannot be deleted", busy.task_id, busy.run_id)));
        }
        let mut tx = self.db.begin().await?;
        for instance in found {
            instances::delete(&mut tx, instance).await?;
        }
        tx.commit().await?;
        for instance in found {
            self.woken(instance);
        }
        Ok(())
    }
}

fn few(total: i64) -> Result<()> {
    if total > MOST {
        return Err(Error::invalid(format!("filter finds {total}, more than the {MOST} that one request may change; narrow it")));
    }
    Ok(())
}
