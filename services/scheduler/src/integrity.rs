//! The task instances that a run has by its version of the DAG (airflow/models/dagrun.py `verify_integrity`).

use crate::Scheduler;
use crate::dag::{Dag, Task};
use crate::runs::new_instance;
use crate::states::{RunType, TaskState};
use crate::store::instances::{self, TaskInstance};
use crate::store::runs::DagRun;
use artel_platform::Result;
use artel_platform::db::Tx;
use std::collections::HashSet;

/// A task takes part in the runs between its own start and end dates; in backfills always.
fn takes_part(task: &Task, run: &DagRun) -> bool {
    let Some(date) = run.logical_date.filter(|_| run.run_type != RunType::Backfill) else { return true };
    let started = task.start_date.is_none_or(|start| start.timestamp_millis() <= date);
    started && task.end_date.is_none_or(|end| date <= end.timestamp_millis())
}

impl Scheduler {
    /// The instances of new runs. How often a task is mapped is known already where the DAG file says it.
    pub(crate) async fn make_instances(&self, tx: &mut Tx, new: &[(&Dag, DagRun)]) -> Result<()> {
        let rows: Vec<TaskInstance> = new.iter().flat_map(|(dag, run)| self.missing(dag, run, &HashSet::new())).collect();
        instances::insert(tx, &rows).await
    }

    /// After the run has taken another version of its DAG: tasks that came back or are new.
    pub(crate) async fn fit_instances(&self, tx: &mut Tx, dag: &Dag, run: &DagRun) -> Result<()> {
        let present = instances::of_run(&mut *tx, &run.dag_id, &run.run_id).await?;
        let back = present.iter().filter(|i| i.state == Some(TaskState::Removed) && dag.task(&i.task_id).is_some());
        let back: Vec<String> = back.map(|i| i.id.clone()).collect();
        instances::set_state(tx, &back, None, self.cx.clock.now());
        let there = present.iter().map(|i| i.task_id.as_str()).collect();
        let rows = self.missing(dag, run, &there);
        instances::insert(tx, &rows).await
    }

    /// The instances of a run's tasks, but for those tasks that are there.
    fn missing(&self, dag: &Dag, run: &DagRun, there: &HashSet<&str>) -> Vec<TaskInstance> {
        let now = self.cx.clock.now();
        let mut new: Vec<&Task> = dag.tasks.iter().filter(|task| !there.contains(task.task_id.as_str()) && takes_part(task, run)).collect();
        // their ids have the order of the file, in which lists show them
        new.sort_by_key(|task| task.place);
        let each = new.into_iter().flat_map(|task| dag.first_map_indexes(task).into_iter().map(move |index| (task, index)));
        each.map(|(task, index)| new_instance(run, task, index, self.cx.ids.ordered().to_string(), now)).collect()
    }
}
