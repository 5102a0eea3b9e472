//! Clearing: task instances begin anew, with their earlier tries kept (airflow/models/taskinstance.py `clear_task_instances`).

use crate::Scheduler;
use crate::dag::Dag;
use crate::relatives::Selection;
use crate::runs::{changed, instance_changed};
use crate::scheduling::lengths;
use crate::states::{RunState, TaskState};
use crate::store::instances::TaskInstance;
use crate::store::runs::DagRun;
use crate::store::{history, instances, runs, versions};
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use std::collections::HashSet;
use std::sync::Arc;

/// What to clear of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clear {
    /// Tasks or groups, with a map index where only that instance is meant; every task when empty.
    pub(crate) tasks: Vec<(String, Option<i64>)>,
    pub(crate) upstream: bool,
    pub(crate) downstream: bool,
    pub(crate) only_failed: bool,
    pub(crate) only_running: bool,
    /// Nothing but `tasks`: not the setups and teardowns that belong to them.
    pub(crate) alone: bool,
    /// Tasks that stay as they are all the same.
    pub(crate) except: HashSet<String>,
    /// Do not clear what runs: an error instead.
    pub(crate) prevent_running: bool,
    /// A run that has ended is queued again.
    pub(crate) reset_run: bool,
    /// The run goes on with the DAG as it is now.
    pub(crate) on_latest_version: bool,
    /// What is noted on each instance that was cleared.
    pub(crate) note: Option<String>,
}

/// An instance that begins anew.
#[derive(Debug, Clone)]
pub(crate) struct Cleared {
    /// Of the try that is over.
    pub(crate) former_id: String,
    /// As it is now, with the times of the try that is over.
    pub(crate) instance: TaskInstance,
}

impl Scheduler {
    /// The instances of a run that `clear` means.
    pub(crate) async fn to_clear(&self, dag_id: &str, run_id: &str, clear: &Clear) -> Result<Vec<TaskInstance>> {
        let run = self.run(dag_id, run_id).await?;
        let mut tx = self.db.begin().await?;
        self.meant(&mut tx, &run, clear).await
    }

    async fn meant(&self, tx: &mut Tx, run: &DagRun, clear: &Clear) -> Result<Vec<TaskInstance>> {
        let dag = self.version_in(tx, &run.dag_version_id).await?;
        let selection = match clear.tasks.is_empty() {
            true => None,
            false => {
                let lengths = lengths(&mut *tx, &dag, run, dag.tasks.iter()).await?;
                let named = Selection::of(&dag, &clear.tasks);
                Some(if clear.alone { named } else { named.with_relatives(&dag, clear.upstream, clear.downstream, &lengths) })
            }
        };
        let all = instances::of_run(&mut *tx, &run.dag_id, &run.run_id).await?;
        let covered = |i: &TaskInstance| selection.as_ref().is_none_or(|s| s.covers(i)) && !clear.except.contains(&i.task_id);
        Ok(all.into_iter().filter(|i| covered(i) && in_state(i, clear)).collect())
    }

    /// Clears; returns what was cleared.
    pub(crate) async fn clear(&self, dag_id: &str, run_id: &str, clear: &Clear) -> Result<Vec<Cleared>> {
        let mut tx = self.db.begin().await?;
        let found = self.clear_in(&mut tx, dag_id, run_id, clear).await?;
        if !found.is_empty() {
            tx.commit().await?;
            self.wake.run(dag_id, run_id);
            self.timer.notify_one();
        }
        Ok(found)
    }

    /// The same as a part of something; the caller commits and wakes the run.
    pub(crate) async fn clear_in(&self, tx: &mut Tx, dag_id: &str, run_id: &str, clear: &Clear) -> Result<Vec<Cleared>> {
        let Some(mut run) = runs::lock(&mut *tx, dag_id, run_id).await? else { return Ok(Vec::new()) };
        let found = self.meant(&mut *tx, &run, clear).await?;
        if clear.prevent_running && found.iter().any(|i| i.state == Some(TaskState::Running)) {
            return Err(Error::conflict(
                "AirflowClearRunningTaskException: Disable 'prevent_running_task' to proceed, or wait until the task is not running, queued, or scheduled state.",
            ));
        }
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let dag = match clear.on_latest_version {
            true => self.move_to_latest(tx, &mut run).await?,
            false => self.version_in(tx, &run.dag_version_id).await?,
        };
        let mut cleared = Vec::with_capacity(found.len());
        for instance in &found {
            cleared.extend(self.clear_one(tx, &dag, instance, clear.note.as_deref()).await?);
        }
        if clear.on_latest_version {
            instances::set_version(tx, dag_id, run_id, &run.dag_version_id).await?;
            for one in cleared.iter_mut().filter(|one| one.instance.state.is_none()) {
                one.instance.dag_version_id.clone_from(&run.dag_version_id);
            }
        }
        if clear.reset_run {
            self.queue_again(tx, &run).await?;
        }
        Ok(cleared)
    }

    /// Tasks that the DAG has now and the run's version of it has not.
    pub(crate) async fn new_tasks(&self, dag_id: &str, run_id: &str) -> Result<Vec<String>> {
        let run = self.run(dag_id, run_id).await?;
        let (before, latest) = (self.version(&run.dag_version_id).await?, self.latest(dag_id).await?);
        let mut new: Vec<String> = latest.tasks.iter().map(|t| &t.task_id).filter(|id| before.task(id).is_none()).cloned().collect();
        new.sort();
        Ok(new)
    }

    /// Runs the tasks that came to a DAG after the run, and leaves the others as they are.
    pub(crate) async fn run_new_tasks(&self, dag_id: &str, run_id: &str) -> Result<()> {
        if self.new_tasks(dag_id, run_id).await?.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let Some(mut run) = runs::lock(&mut tx, dag_id, run_id).await? else { return Ok(()) };
        self.move_to_latest(&mut tx, &mut run).await?;
        self.queue_again(&mut tx, &run).await?;
        tx.commit().await?;
        self.wake.run(dag_id, run_id);
        self.timer.notify_one();
        Ok(())
    }

    async fn move_to_latest(&self, tx: &mut Tx, run: &mut DagRun) -> Result<Arc<Dag>> {
        let latest = versions::latest(&mut *tx, &run.dag_id).await?;
        let latest = latest.ok_or_else(|| Error::not_found(format!("Dag with id {} has no version", run.dag_id)))?;
        let dag = self.version_in(tx, &latest.id).await?;
        runs::set_version(tx, &run.dag_id, &run.run_id, &latest.id, latest.bundle_version.as_deref()).await?;
        run.dag_version_id = latest.id;
        run.bundle_version = latest.bundle_version;
        self.fit_instances(tx, &dag, run).await?;
        Ok(dag)
    }

    async fn queue_again(&self, tx: &mut Tx, run: &DagRun) -> Result<()> {
        let now = self.cx.clock.now();
        if !run.state.is_finished() {
            return runs::count_clear(tx, &run.dag_id, &run.run_id, now).await;
        }
        runs::set_queued(tx, &run.dag_id, &run.run_id, true, now).await?;
        changed(tx, run, RunState::Queued);
        Ok(())
    }

    async fn clear_one(&self, tx: &mut Tx, dag: &Dag, seen: &TaskInstance, note: Option<&str>) -> Result<Option<Cleared>> {
        // read again: it may have gone on meanwhile
        let Some(instance) = instances::of_task(&mut *tx, &seen.dag_id, &seen.run_id, &seen.task_id, seen.map_index).await? else {
            return Ok(None);
        };
        let now = self.cx.clock.now();
        let started = matches!(instance.state, Some(TaskState::Running | TaskState::Queued | TaskState::Restarting));
        if instance.try_number > 0 || started {
            history::record(tx, &instance.id, now, started).await?;
        }
        let state = matches!(instance.state, Some(TaskState::Running | TaskState::Restarting)).then_some(TaskState::Restarting);
        let max_tries = match (state, dag.task(&instance.task_id)) {
            // what is stopped in the middle keeps the tries that it had
            (Some(_), _) => instance.max_tries,
            (None, Some(task)) => instance.try_number + task.retries,
            (None, None) => instance.max_tries.max(instance.try_number),
        };
        let id = self.cx.ids.ordered().to_string();
        instances::renew(tx, &instance.id, &id, state, max_tries, now).await?;
        if let Some(note) = note {
            instances::set_text(tx, &id, "note", Some(note).filter(|n| !n.is_empty()), now).await?;
        }
        instance_changed(tx, &instance, state);
        let ended = instance.end_date.filter(|_| instance.state.is_some_and(TaskState::is_finished));
        let former_id = instance.id.clone();
        Ok(Some(Cleared { former_id, instance: TaskInstance { id, state, max_tries, end_date: ended.or(Some(now)), ..instance } }))
    }
}

fn in_state(instance: &TaskInstance, clear: &Clear) -> bool {
    let failed = matches!(instance.state, Some(TaskState::Failed | TaskState::UpstreamFailed));
    let running = instance.state == Some(TaskState::Running);
    match (clear.only_failed, clear.only_running) {
        (true, true) => failed || running,
        (true, false) => failed,
        (false, true) => running,
        (false, false) => true,
    }
}
