//! `depends_on_past` and `wait_for_downstream` (airflow/ti_deps/deps/prev_dagrun_dep.py).

use crate::Scheduler;
use crate::dag::{Dag, Task};
use crate::states::{RunType, TaskState};
use crate::store::briefs::Brief;
use crate::store::runs::DagRun;
use crate::store::{backfills, instances, runs};
use artel_platform::Result;
use artel_platform::db::Tx;
use std::collections::{HashMap, HashSet};

/// What the run before has not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// It has no instance of the task.
    Missing,
    /// So many of its instances have not succeeded.
    Unsuccessful(usize),
    /// What comes after the task has not succeeded.
    Downstream,
}

impl Scheduler {
    /// Something happened in a run: the runs right after it may have waited for that.
    pub(super) async fn wake_after(&self, dag: &Dag, run: &DagRun) -> Result<()> {
        let looks_back = dag.tasks.iter().any(|t| t.owed.depends_on_past);
        let (true, Some(logical_date)) = (looks_back, run.logical_date) else { return Ok(()) };
        for later in runs::running_after(&self.db, &run.dag_id, logical_date).await? {
            self.wake.run(&run.dag_id, &later.run_id);
            // whatever comes after this one looks back at this one
            if later.run_type != RunType::Manual {
                break;
            }
        }
        Ok(())
    }
}

/// The tasks of a run that wait for what the run before has to do first.
pub(super) async fn held(tx: &mut Tx, dag: &Dag, run: &DagRun, present: &[Brief]) -> Result<HashMap<String, Hold>> {
    let mut held = HashMap::new();
    let waiting: HashSet<&str> = present.iter().filter(|i| TaskState::is_schedulable(i.state)).map(|i| i.task_id.as_str()).collect();
    let asking: Vec<&Task> = dag.tasks.iter().filter(|t| t.owed.depends_on_past && waiting.contains(t.task_id.as_str())).collect();
    let (false, Some(logical_date)) = (asking.is_empty(), run.logical_date) else { return Ok(held) };
    if backfills::is_first(tx, &run.dag_id, &run.run_id).await? {
        return Ok(held);
    }
    let Some(previous) = runs::previous(&mut *tx, &run.dag_id, logical_date, dag.restriction.catchup, None).await? else { return Ok(held) };
    for task in asking {
        if let Some(hold) = hold(tx, dag, task, run, &previous).await? {
            held.insert(task.task_id.clone(), hold);
        }
    }
    Ok(held)
}

async fn hold(tx: &mut Tx, dag: &Dag, task: &Task, run: &DagRun, previous: &DagRun) -> Result<Option<Hold>> {
    let began_later = task.start_date.zip(previous.logical_date).is_some_and(|(start, date)| date < start.timestamp_millis());
    if dag.restriction.catchup && began_later {
        return Ok(None);
    }
    let before = instances::states_of(tx, &previous.dag_id, &previous.run_id, std::slice::from_ref(&task.task_id)).await?;
    if before.is_empty() {
        let first = task.owed.ignore_first
            && !instances::existed_before(tx, &run.dag_id, &task.task_id, run.logical_date.unwrap_or_default()).await?;
        return Ok((!first).then_some(Hold::Missing));
    }
    let unsuccessful = |states: &[(String, Option<TaskState>)]| states.iter().filter(|s| !s.1.is_some_and(TaskState::is_success)).count();
    match unsuccessful(&before) {
        0 => {}
        count => return Ok(Some(Hold::Unsuccessful(count))),
    }
    if !task.owed.wait_for_downstream || task.downstream_ids.is_empty() {
        return Ok(None);
    }
    let after = instances::states_of(tx, &previous.dag_id, &previous.run_id, &task.downstream_ids).await?;
    Ok((unsuccessful(&after) > 0).then_some(Hold::Downstream))
}
