//! The end of a try, however it comes: by the task's own word, by its process ending, or by its worker falling silent.

use crate::Scheduler;
use crate::logs::{self, Place};
use crate::runs::instance_changed;
use crate::scheduling::retry::{self, EndedTry};
use crate::states::TaskState;
use crate::store::instances::{Ended, TaskInstance};
use crate::store::{history, instances, runs};
use artel_platform::Result;
use artel_platform::db::Tx;

/// How a process ended, as its worker tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exit<'a> {
    pub(crate) code: i32,
    /// Empty when it was not killed.
    pub(crate) signal: &'a str,
    /// The task said itself how it ended, and that was applied.
    pub(crate) said: bool,
}

/// May this try be followed by another? (airflow `_is_eligible_to_retry`)
pub(crate) fn should_retry(instance: &TaskInstance) -> bool {
    instance.state == Some(TaskState::Restarting) || (instance.max_tries != 0 && instance.try_number <= instance.max_tries)
}

impl Scheduler {
    /// Ends a try. For `up_for_retry` the try goes into the history and the instance gets a new id.
    pub(crate) async fn end_try(&self, tx: &mut Tx, instance: &TaskInstance, mut ended: Ended) -> Result<()> {
        let now = self.cx.clock.now();
        if ended.state == Some(TaskState::UpForRetry) {
            ended.due_at = Some(self.retry_at(tx, instance, &ended).await?);
        }
        instances::end(tx, &instance.id, &ended, now);
        if ended.state == Some(TaskState::UpForRetry) {
            history::record(tx, &instance.id, ended.end_date, false).await?;
            instances::rename(tx, &instance.id, &self.cx.ids.ordered().to_string()).await?;
        }
        if ended.state == Some(TaskState::Failed) {
            self.stop_others(tx, instance, now).await?;
        }
        instance_changed(tx, instance, ended.state);
        Ok(())
    }

    /// With `fail_fast` a failure fails the other tasks that run and skips what waits, teardowns aside
    /// (airflow/models/taskinstance.py `_stop_remaining_tasks`).
    async fn stop_others(&self, tx: &mut Tx, failed: &TaskInstance, now: i64) -> Result<()> {
        let dag = self.version_in(tx, &failed.dag_version_id).await?;
        if !dag.fail_fast {
            return Ok(());
        }
        for other in instances::of_run(&mut *tx, &failed.dag_id, &failed.run_id).await? {
            let over = matches!(other.state, Some(TaskState::Success | TaskState::Failed));
            if over || other.task_id == failed.task_id || dag.task(&other.task_id).is_none_or(|t| t.is_teardown) {
                continue;
            }
            let becomes = if other.state == Some(TaskState::Running) { TaskState::Failed } else { TaskState::Skipped };
            instances::set_state(tx, std::slice::from_ref(&other.id), Some(becomes), now);
            instance_changed(tx, &other, Some(becomes));
        }
        Ok(())
    }

    async fn retry_at(&self, tx: &mut Tx, instance: &TaskInstance, ended: &Ended) -> Result<i64> {
        let dag = self.version_in(tx, &instance.dag_version_id).await?;
        let logical_date = runs::get(&mut *tx, &instance.dag_id, &instance.run_id).await?.and_then(|r| r.logical_date);
        let Some(task) = dag.task(&instance.task_id) else { return Ok(ended.end_date) };
        let attempt = EndedTry {
            dag_id: &instance.dag_id,
            logical_date,
            number: instance.try_number,
            end_date: ended.end_date,
            override_seconds: ended.retry_delay_override,
        };
        Ok(retry::due_at(task, &attempt))
    }

    /// The process of a try has ended (python/PROTOCOL.md §6), and the whole of its log is here.
    pub(crate) async fn settle_exit(&self, ti_id: &str, exit: Exit<'_>) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let Some(instance) = instances::lock(&mut tx, ti_id).await? else {
            return self.revoked_process_ended(tx, ti_id).await;
        };
        let held = matches!(instance.state, Some(TaskState::Running | TaskState::Queued));
        if exit.said || !held {
            return Ok(());
        }
        let now = self.cx.clock.now();
        let state = match exit.code {
            0 if exit.signal.is_empty() => TaskState::Success,
            _ if should_retry(&instance) => TaskState::UpForRetry,
            _ => TaskState::Failed,
        };
        tracing::info!(
            ti_id,
            task_id = instance.task_id,
            exit_code = exit.code,
            signal = exit.signal,
            state = state.as_str(),
            "task process ended without a word"
        );
        self.task_callback(&mut tx, &instance, state, "the task's process ended without a word").await?;
        self.end_try(&mut tx, &instance, Ended { state: Some(state), end_date: now, ..Ended::default() }).await?;
        tx.commit().await?;
        self.woken(&instance);
        Ok(())
    }

    /// A try that was taken away from its process: the instance, if it waits for that, may begin anew.
    async fn revoked_process_ended(&self, mut tx: Tx, ti_id: &str) -> Result<()> {
        let Some(past) = history::get(&mut tx, ti_id).await? else { return Ok(()) };
        let present = instances::of_task(&mut tx, &past.dag_id, &past.run_id, &past.task_id, past.map_index).await?;
        let Some(present) = present.filter(|p| p.state == Some(TaskState::Restarting)) else { return Ok(()) };
        self.begin_anew(tx, &present).await
    }

    async fn begin_anew(&self, mut tx: Tx, instance: &TaskInstance) -> Result<()> {
        instances::set_state(&mut tx, std::slice::from_ref(&instance.id), None, self.cx.clock.now());
        instance_changed(&mut tx, instance, None);
        tx.commit().await?;
        self.woken(instance);
        Ok(())
    }

    /// The worker of a try gave no sign of life in time: as upstream's heartbeat timeout, it is retried or fails.
    pub(crate) async fn lose(&self, ti_id: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let Some(instance) = instances::lock(&mut tx, ti_id).await? else { return Ok(()) };
        let now = self.cx.clock.now();
        if instance.lease_until.is_none_or(|until| until >= now) {
            return Ok(());
        }
        match instance.state {
            Some(TaskState::Restarting) => return self.begin_anew(tx, &instance).await,
            Some(TaskState::Running) => {}
            _ => return Ok(()),
        }
        let state = if should_retry(&instance) { TaskState::UpForRetry } else { TaskState::Failed };
        let worker = instance.worker_id.as_deref().unwrap_or("its worker");
        let why = format!("{worker} gave no sign of life in time: the task is taken to be dead and is now {}", state.as_str());
        tracing::warn!(ti_id, dag_id = instance.dag_id, run_id = instance.run_id, task_id = instance.task_id, "{why}");
        logs::append_line(&mut tx, ti_id, &Place::of(&instance), "error", &why, now);
        self.task_callback(&mut tx, &instance, state, &why).await?;
        self.end_try(&mut tx, &instance, Ended { state: Some(state), end_date: now, ..Ended::default() }).await?;
        tx.commit().await?;
        self.woken(&instance);
        Ok(())
    }

    /// Something happened to an instance after which it may wait for a time: its run is looked at, and the timer reckons anew.
    pub(crate) fn woken(&self, instance: &TaskInstance) {
        self.ended(instance);
        self.timer.notify_one();
    }

    /// An instance has ended: its run is looked at.
    pub(crate) fn ended(&self, instance: &TaskInstance) {
        self.wake.run(&instance.dag_id, &instance.run_id);
    }
}
