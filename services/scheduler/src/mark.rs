//! States given by hand: to a run, to task instances with what is before and after them
//! (airflow/api/common/mark_tasks.py, airflow/serialization/definitions/dag.py `set_task_instance_state`).

use crate::Scheduler;
use crate::clear::Clear;
use crate::dag::Dag;
use crate::runs::{changed, instance_changed};
use crate::states::{RunState, TaskState};
use crate::store::instances::{self, TaskInstance};
use crate::store::runs::{self, DagRun};
use crate::store::{Filter, Page};
use crate::times;
use crate::timetable::Timetable;
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use std::collections::HashSet;

/// Which instances get which state.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    /// Tasks, with a map index where only that instance is meant.
    pub(crate) tasks: Vec<(String, Option<i64>)>,
    pub(crate) state: TaskState,
    pub(crate) upstream: bool,
    pub(crate) downstream: bool,
    /// Also in the runs of later dates.
    pub(crate) future: bool,
    /// Also in the runs of earlier dates.
    pub(crate) past: bool,
}

impl Mark {
    /// Success, failure or skip; nothing else can be given by hand.
    pub(crate) fn state(word: &str) -> Result<TaskState> {
        let state = TaskState::parse(&word.to_lowercase()).ok();
        state
            .filter(|s| matches!(s, TaskState::Success | TaskState::Failed | TaskState::Skipped))
            .ok_or_else(|| Error::invalid(format!("new_state: {word:?} is not one of success, failed, skipped")))
    }

    fn covers(&self, dag: &Dag, instance: &TaskInstance) -> bool {
        let named = |task: &str, index: Option<i64>| task == instance.task_id && index.is_none_or(|index| index == instance.map_index);
        let related = |task: &str| {
            let (Some(of), Some(position)) = (dag.position(task), dag.position(&instance.task_id)) else { return false };
            let below = self.downstream && !dag.tasks[position].is_teardown && dag.all_downstream(of).contains(&position);
            below || (self.upstream && dag.all_upstream(of).contains(&position))
        };
        self.tasks.iter().any(|(task, index)| named(task, *index) || related(task))
    }
}

impl Scheduler {
    /// The instances that a mark would change.
    pub(crate) async fn to_mark(&self, dag_id: &str, run_id: &str, mark: &Mark) -> Result<Vec<TaskInstance>> {
        let dag = self.latest(dag_id).await?;
        for (task_id, _) in &mark.tasks {
            dag.task(task_id).ok_or_else(|| Error::not_found(format!("Task '{task_id}' not found in Dag '{dag_id}'")))?;
        }
        let mut found = Vec::new();
        for run in self.runs_around(&dag, &self.run(dag_id, run_id).await?, mark).await? {
            let all = instances::of_run(&self.db, dag_id, &run).await?;
            found.extend(all.into_iter().filter(|i| i.state != Some(mark.state) && mark.covers(&dag, i)));
        }
        Ok(found)
    }

    /// Marks, and clears what failed downstream of that so that it goes on. Returns what was changed, as it was.
    pub(crate) async fn mark_all(&self, dag_id: &str, run_id: &str, mark: &Mark) -> Result<Vec<TaskInstance>> {
        let altered = self.to_mark(dag_id, run_id, mark).await?;
        for instance in &altered {
            self.mark(instance, Some(mark.state)).await?;
        }
        if altered.is_empty() {
            return Ok(altered);
        }
        let after = Clear {
            tasks: mark.tasks.iter().map(|(task, _)| (task.clone(), None)).collect(),
            except: mark.tasks.iter().map(|(task, _)| task.clone()).collect(),
            downstream: true,
            only_failed: true,
            reset_run: true,
            ..Clear::default()
        };
        let runs: HashSet<&str> = altered.iter().map(|i| i.run_id.as_str()).chain([run_id]).collect();
        for run in runs {
            self.clear(dag_id, run, &after).await?;
        }
        Ok(altered)
    }

    /// The run, and those before or after it that belong to the schedule (`get_run_ids`).
    async fn runs_around(&self, dag: &Dag, run: &DagRun, mark: &Mark) -> Result<Vec<String>> {
        let (Some(date), true) = (run.logical_date, mark.future || mark.past) else { return Ok(vec![run.run_id.clone()]) };
        if !dag.timetable.periodic() && !matches!(dag.timetable, Timetable::Null) {
            return Ok(vec![run.run_id.clone()]);
        }
        let mut filter = Filter::default();
        filter.compare("dag_id", "=", run.dag_id.as_str());
        filter.that("logical_date IS NOT NULL");
        if !mark.past {
            filter.compare("logical_date", ">=", date);
        }
        if !mark.future {
            filter.compare("logical_date", "<=", date);
        }
        let (found, _) = runs::list(&self.db, filter, &Page::all("logical_date")).await?;
        let dates = found.iter().filter_map(|r| r.logical_date);
        let (Some(first), Some(last)) = (dates.clone().min(), dates.max()) else { return Ok(Vec::new()) };
        if matches!(dag.timetable, Timetable::Null) {
            return Ok(found.into_iter().map(|r| r.run_id).collect());
        }
        let infos = dag.timetable.between(times::at(first), times::at(last), self.cx.clock.utc())?;
        let scheduled: HashSet<i64> = infos.iter().map(|i| i.interval.start.timestamp_millis()).chain([date]).collect();
        Ok(found.into_iter().filter(|r| r.logical_date.is_some_and(|d| scheduled.contains(&d))).map(|r| r.run_id).collect())
    }

    /// Gives an instance a state by hand; what runs is killed.
    pub(crate) async fn mark(&self, instance: &TaskInstance, state: Option<TaskState>) -> Result<()> {
        let mut tx = self.db.begin().await?;
        runs::lock(&mut tx, &instance.dag_id, &instance.run_id).await?;
        instances::set_state(&mut tx, std::slice::from_ref(&instance.id), state, self.cx.clock.now());
        instance_changed(&mut tx, instance, state);
        tx.commit().await?;
        self.woken(instance);
        Ok(())
    }

    /// Ends a run by hand, with its tasks, or queues it again.
    pub(crate) async fn set_run_state(&self, dag_id: &str, run_id: &str, state: RunState) -> Result<()> {
        let run = self.run(dag_id, run_id).await?;
        let dag = self.version(&run.dag_version_id).await?;
        let now = self.cx.clock.now();
        let mut tx = self.db.begin().await?;
        if runs::lock(&mut tx, dag_id, run_id).await?.is_none() {
            return Ok(());
        }
        match state {
            RunState::Queued | RunState::Running => runs::set_queued(&mut tx, dag_id, run_id, false, now).await?,
            RunState::Success | RunState::Failed => {
                if self.end_instances(&mut tx, &dag, &run, state, now).await? {
                    runs::set_ended(&mut tx, dag_id, run_id, state, now).await?;
                }
            }
        }
        changed(&mut tx, &run, state);
        tx.commit().await?;
        self.wake.run(dag_id, run_id);
        self.assets_changed(); // room for another run of this DAG
        Ok(())
    }

    /// What runs gets the run's state, what waits is skipped, what has ended stays. Teardowns go on: returns whether there is none
    /// left, so that the run itself may end.
    async fn end_instances(&self, tx: &mut Tx, dag: &Dag, run: &DagRun, state: RunState, now: i64) -> Result<bool> {
        let mut ends = true;
        for instance in instances::of_run(&mut *tx, &run.dag_id, &run.run_id).await? {
            let Some(task) = dag.task(&instance.task_id).filter(|_| !instance.state.is_some_and(TaskState::is_finished)) else { continue };
            if task.is_teardown {
                ends = false;
                continue;
            }
            let running = matches!(
                instance.state,
                Some(TaskState::Running | TaskState::Deferred | TaskState::UpForReschedule | TaskState::AwaitingInput)
            );
            let becomes = match (running, state) {
                (true, RunState::Failed) => TaskState::Failed,
                (true, _) => TaskState::Success,
                (false, _) => TaskState::Skipped,
            };
            instances::set_state(tx, std::slice::from_ref(&instance.id), Some(becomes), now);
            instance_changed(tx, &instance, Some(becomes));
        }
        Ok(ends)
    }
}
