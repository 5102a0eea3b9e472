//! What keeps a task instance from being queued, in upstream's words (airflow/ti_deps/dependencies_deps.py
//! `SCHEDULER_QUEUED_DEPS` and the task's own). For people: what is done is decided elsewhere.

use super::decide::Pass;
use super::evaluate::situation;
use super::past::{self, Hold};
use super::trigger_rule::{Upstream, unmet};
use crate::Scheduler;
use crate::dag::{Dag, Task};
use crate::states::{RunState, TaskState};
use crate::store::briefs::{self, Brief};
use crate::store::instances::{self, TaskInstance};
use crate::store::runs::{self, DagRun};
use crate::store::{Filter, Page, dags, pools};
use crate::times::{at, iso};
use artel_platform::Result;

/// One thing that is not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hindrance {
    /// The name of upstream's class for it.
    pub(crate) name: &'static str,
    pub(crate) reason: String,
}

/// Collects them.
#[derive(Default)]
struct Found(Vec<Hindrance>);

impl Found {
    fn add(&mut self, name: &'static str, reason: impl Into<String>) {
        self.0.push(Hindrance { name, reason: reason.into() });
    }
}

impl Scheduler {
    /// By name. None of an instance that was queued already, or whose task is gone.
    pub(crate) async fn hindrances(&self, instance: &TaskInstance) -> Result<Vec<Hindrance>> {
        let run = runs::get(&self.db, &instance.dag_id, &instance.run_id).await?;
        let (None | Some(TaskState::Scheduled), Some(run)) = (instance.state, run) else { return Ok(Vec::new()) };
        let dag = self.version(&run.dag_version_id).await?;
        let Some(task) = dag.task(&instance.task_id) else { return Ok(Vec::new()) };
        let mut found = Found::default();
        if dags::get(&self.db, &run.dag_id).await?.is_some_and(|row| row.is_paused) {
            found.add("Dag Not Paused", format!("Task's DAG '{}' is paused.", run.dag_id));
        }
        if run.state != RunState::Running {
            let state = run.state.as_str();
            found.add("Dagrun Running", format!("Task instance's dagrun was not in the 'running' state but in the state '{state}'."));
        }
        if instance.state.is_none() {
            found.add("Task Instance State", "Task is in the 'None' state.");
        }
        dates(&mut found, &dag, task, &run, self.cx.clock.now());
        self.limits(&mut found, &dag, task, instance).await?;
        self.others(&mut found, &dag, instance, &run).await?;
        found.0.sort();
        Ok(found.0)
    }

    /// Slots and concurrency.
    async fn limits(&self, found: &mut Found, dag: &Dag, task: &Task, instance: &TaskInstance) -> Result<()> {
        let running = async |task: Option<&str>, run: Option<&str>| {
            let mut filter = Filter::default();
            filter.compare("dag_id", "=", instance.dag_id.as_str());
            filter.compare("state", "=", TaskState::Running.as_str());
            for (column, value) in [("task_id", task), ("run_id", run)] {
                if let Some(value) = value {
                    filter.compare(column, "=", value);
                }
            }
            let page = Page { limit: 1, ..Page::all("id") };
            instances::list(&self.db, filter, &page).await.map(|(_, total)| total)
        };
        if running(None, None).await? >= dag.max_active_tasks {
            let why = format!(
                "The maximum number of running tasks ({}) for this task's DAG '{}' has been reached.",
                dag.max_active_tasks, dag.dag_id
            );
            found.add("Task Instance Slots Available", why);
        }
        if let Some(limit) = task.max_active_tis_per_dag
            && running(Some(&task.task_id), None).await? >= limit
        {
            found.add("Task Concurrency", "The max task concurrency has been reached.");
        } else if let Some(limit) = task.max_active_tis_per_dagrun
            && running(Some(&task.task_id), Some(&instance.run_id)).await? >= limit
        {
            found.add("Task Concurrency", "The max task concurrency per run has been reached.");
        }
        let Some(pool) = pools::get(&self.db, &instance.pool).await? else {
            found.add("Pool Slots Available", format!("Tasks using non-existent pool '{}' will not be scheduled", instance.pool));
            return Ok(());
        };
        let occupies = |state: &str| matches!(state, "queued" | "running" | "restarting") || (pool.include_deferred && state == "deferred");
        let taken: i64 =
            self.db.ask(pools::taken()).await?.iter().filter(|t| t.pool == pool.name && occupies(&t.state)).map(|t| t.slots).sum();
        let (open, needed) = (pool.slots - taken, instance.pool_slots);
        if pool.slots >= 0 && open < needed {
            let why = format!("Not scheduling since there are {open} open slots in pool {} and require {needed} pool slots", pool.name);
            found.add("Pool Slots Available", why);
        }
        Ok(())
    }

    /// The run before, and the other tasks of this one.
    async fn others(&self, found: &mut Found, dag: &Dag, instance: &TaskInstance, run: &DagRun) -> Result<()> {
        let Some(position) = dag.position(&instance.task_id) else { return Ok(()) };
        let mut tx = self.db.begin().await?;
        let present = tx.ask(briefs::of_run(&run.dag_id, &run.run_id)).await?;
        // what waits for the run before is asked of those that are not scheduled yet
        let unscheduled: Vec<Brief> = present.iter().filter(|i| i.id == instance.id).map(|i| Brief { state: None, ..i.clone() }).collect();
        if let Some(hold) = past::held(&mut tx, dag, run, &unscheduled).await?.remove(&instance.task_id) {
            found.add("Previous Dagrun State", told(hold));
        }
        let mut pass = Pass::new(situation(&mut tx, dag, run, &present, self.cx.clock.now()).await?);
        if let Some(parent) = pass.skipped_by(position, instance.map_index) {
            found.add("Not Previously Skipped", format!("Skipping because of previous XCom result from parent task {parent}"));
        }
        let (task, standing) = (&dag.tasks[position], pass.standing(position, instance.map_index));
        if !standing.is_mappable {
            found.add("Mapped dependencies have succeeded", "At least one of task's mapped dependencies has not succeeded!");
        }
        if task.upstream.is_empty() {
            return Ok(());
        }
        let rule = task.trigger_rule.as_str();
        let ids: Vec<String> = task.upstream.iter().map(|up| format!("'{}'", dag.tasks[*up].task_id)).collect();
        let about = format!("upstream_states={}, upstream_task_ids={{{}}}", counts(&standing.upstream), ids.join(", "));
        if standing.lacks_setups {
            found.add("Trigger Rule", format!("All setup tasks must complete successfully. {about}"));
        }
        if let Some(why) = unmet(task.trigger_rule, &standing.upstream, task.upstream.len() as i64) {
            found.add("Trigger Rule", format!("Task's trigger rule '{rule}' {why}. {about}"));
        } else if standing.is_early {
            let why = format!("Task's trigger rule '{rule}' requires all tasks between setup and teardown to have completed.");
            found.add("Trigger Rule", why);
        }
        Ok(())
    }
}

fn dates(found: &mut Found, dag: &Dag, task: &Task, run: &DagRun, now: i64) {
    let Some(date) = run.logical_date.map(at) else { return };
    let (shown, now) = (iso(date), at(now));
    if date > now {
        found.add("Logical Date", format!("Logical date {shown} is in the future (the current date is {}).", iso(now)));
    }
    if let Some(end) = task.end_date.filter(|end| date > *end) {
        found.add("Logical Date", format!("The logical date is {shown} but this is after the task's end date {}.", iso(end)));
    }
    if let Some(end) = dag.end_date.filter(|end| date > *end) {
        found.add("Logical Date", format!("The logical date is {shown} but this is after the task's DAG's end date {}.", iso(end)));
    }
    if let Some(start) = task.start_date.filter(|start| date < *start) {
        found.add("Logical Date", format!("The logical date is {shown} but this is before the task's start date {}.", iso(start)));
    }
    if let Some(start) = dag.start_date.filter(|start| date < *start) {
        found.add("Logical Date", format!("The logical date is {shown} but this is before the task's DAG's start date {}.", iso(start)));
    }
}

fn told(hold: Hold) -> String {
    match hold {
        Hold::Missing => "depends_on_past is true for this task's DAG, but the previous task instance has not run yet.".into(),
        Hold::Unsuccessful(count) => {
            format!("depends_on_past is true for this task, but {count} previous task instance(s) are not in a successful state.")
        }
        Hold::Downstream => {
            "The tasks downstream of the previous task instance(s) haven't completed, and wait_for_downstream is True.".into()
        }
    }
}

/// As Python prints upstream's `_UpstreamTIStates`.
fn counts(u: &Upstream) -> String {
    format!(
        "_UpstreamTIStates(success={}, skipped={}, failed={}, upstream_failed={}, removed={}, done={}, success_setup={}, skipped_setup={})",
        u.success, u.skipped, u.failed, u.upstream_failed, u.removed, u.done, u.success_setup, u.skipped_setup
    )
}
