//! Clearing: task instances begin anew, with their earlier tries kept (airflow/models/taskinstance.py `clear_task_instances`).

use crate::Scheduler;
use crate::dag::Dag;
use crate::runs::{changed, instance_changed};
use crate::states::{RunState, TaskState};
use crate::store::instances::TaskInstance;
use crate::store::{history, instances, runs};
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use std::collections::{BTreeSet, HashSet};

/// What to clear of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clear {
    /// Tasks, with a map index where only that instance is meant; every task when empty.
    pub(crate) tasks: Vec<(String, Option<i64>)>,
    pub(crate) upstream: bool,
    pub(crate) downstream: bool,
    pub(crate) only_failed: bool,
    pub(crate) only_running: bool,
    /// Do not clear what runs: an error instead.
    pub(crate) prevent_running: bool,
    /// A run that has ended is queued again.
    pub(crate) reset_run: bool,
    /// The run goes on with the DAG as it is now.
    pub(crate) on_latest_version: bool,
}

impl Scheduler {
    /// The instances of a run that `clear` means.
    pub(crate) async fn to_clear(&self, dag_id: &str, run_id: &str, clear: &Clear) -> Result<Vec<TaskInstance>> {
        let run = self.run(dag_id, run_id).await?;
        let dag = self.version(&run.dag_version_id).await?;
        let wanted = tasks(&dag, clear)?;
        let all = instances::of_run(&self.db, dag_id, run_id).await?;
        Ok(all.into_iter().filter(|i| wanted.as_ref().is_none_or(|w| w.covers(i)) && in_state(i, clear)).collect())
    }

    /// Clears; returns what was cleared, as it was.
    pub(crate) async fn clear(&self, dag_id: &str, run_id: &str, clear: &Clear) -> Result<Vec<TaskInstance>> {
        let found = self.to_clear(dag_id, run_id, clear).await?;
        if clear.prevent_running && found.iter().any(|i| i.state == Some(TaskState::Running)) {
            return Err(Error::conflict(
                "AirflowClearRunningTaskException: Disable 'prevent_running_task' to proceed, or wait until the task is not running, queued, or scheduled state.",
            ));
        }
        if found.is_empty() {
            return Ok(found);
        }
        let latest = self.latest_version_id(dag_id).await?;
        let mut tx = self.db.begin().await?;
        let Some(run) = runs::lock(&mut tx, dag_id, run_id).await? else { return Ok(Vec::new()) };
        let version = if clear.on_latest_version { latest } else { run.dag_version_id.clone() };
        let dag = self.version_in(&mut tx, &version).await?;
        for instance in &found {
            self.clear_one(&mut tx, &dag, instance).await?;
        }
        let now = self.cx.clock.now();
        if clear.on_latest_version {
            runs::set_version(&mut tx, dag_id, run_id, &version).await?;
            instances::set_version(&mut tx, dag_id, run_id, &version).await?;
        }
        if run.state.is_finished() && clear.reset_run {
            runs::set_queued(&mut tx, dag_id, run_id, true, now).await?;
            changed(&mut tx, &run, RunState::Queued).await?;
        } else {
            runs::count_clear(&mut tx, dag_id, run_id, now).await?;
        }
        tx.commit().await?;
        self.wake.run(dag_id, run_id);
        self.timer.notify_one();
        Ok(found)
    }

    async fn clear_one(&self, tx: &mut Tx, dag: &Dag, seen: &TaskInstance) -> Result<()> {
        // read again: it may have gone on meanwhile
        let Some(instance) = instances::of_task(&mut *tx, &seen.dag_id, &seen.run_id, &seen.task_id, seen.map_index).await? else {
            return Ok(());
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
        instances::renew(tx, &instance.id, &self.cx.ids.ordered().to_string(), state, max_tries, now).await?;
        instance_changed(tx, &instance, state).await
    }

    /// Gives an instance a state by hand; what runs is killed.
    pub(crate) async fn mark(&self, instance: &TaskInstance, state: Option<TaskState>) -> Result<()> {
        let mut tx = self.db.begin().await?;
        runs::lock(&mut tx, &instance.dag_id, &instance.run_id).await?;
        instances::set_state(&mut tx, std::slice::from_ref(&instance.id), state, self.cx.clock.now()).await?;
        instance_changed(&mut tx, instance, state).await?;
        tx.commit().await?;
        self.woken(instance);
        Ok(())
    }
}

/// Tasks and, where given, single instances of them.
struct Wanted {
    whole: HashSet<String>,
    single: HashSet<(String, i64)>,
}

impl Wanted {
    fn covers(&self, instance: &TaskInstance) -> bool {
        self.whole.contains(&instance.task_id) || self.single.contains(&(instance.task_id.clone(), instance.map_index))
    }
}

/// `None`: every task.
fn tasks(dag: &Dag, clear: &Clear) -> Result<Option<Wanted>> {
    if clear.tasks.is_empty() {
        return Ok(None);
    }
    let mut wanted = Wanted { whole: HashSet::new(), single: HashSet::new() };
    let mut related = BTreeSet::new();
    for (task_id, map_index) in &clear.tasks {
        let ids = match dag.position(task_id) {
            Some(_) => vec![task_id.clone()],
            None => dag
                .tasks_of_group(task_id)
                .ok_or_else(|| Error::not_found(format!("Task with id {task_id} was not found in Dag {}", dag.dag_id)))?,
        };
        for id in ids {
            if let Some(position) = dag.position(&id) {
                related.extend(clear.upstream.then(|| dag.all_upstream(position)).into_iter().flatten());
                related.extend(clear.downstream.then(|| dag.all_downstream(position)).into_iter().flatten());
            }
            match map_index {
                Some(index) => wanted.single.insert((id, *index)),
                None => wanted.whole.insert(id),
            };
        }
    }
    wanted.whole.extend(related.into_iter().map(|p| dag.tasks[p].task_id.clone()));
    Ok(Some(wanted))
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
