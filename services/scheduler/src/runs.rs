//! DAG runs: made by the timetable or by hand, started, ended by hand, removed.

use crate::Scheduler;
use crate::dag::{Dag, Task};
use crate::params;
use crate::states::{RunState, RunType, TaskState};
use crate::store::dags::{DagRow, Next};
use crate::store::instances::TaskInstance;
use crate::store::runs::DagRun;
use crate::store::{Filter, Page, Read, backfills, dags, runs};
use crate::times;
use crate::timetable::{DataInterval, Time, Timetable};
use artel_platform::db::Tx;
use artel_platform::python;
use artel_platform::{Error, Result};
use artel_proto::artel::scheduler::v1::{DagChanged, DagRunChanged, TaskInstanceChanged};
use serde_json::Value;

/// A run to be made by hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewRun {
    pub(crate) run_id: Option<String>,
    pub(crate) run_type: Option<RunType>,
    pub(crate) logical_date: Option<i64>,
    pub(crate) data_interval: Option<(i64, i64)>,
    pub(crate) run_after: Option<i64>,
    pub(crate) conf: Option<Value>,
    pub(crate) note: Option<String>,
    pub(crate) partition_key: Option<String>,
    pub(crate) triggered_by: &'static str,
    pub(crate) user: Option<String>,
}

/// A task instance of a new run, or one more of a mapped task.
pub(crate) fn new_instance(run: &DagRun, task: &Task, map_index: i64, id: String, now: i64) -> TaskInstance {
    TaskInstance {
        id,
        dag_id: run.dag_id.clone(),
        run_id: run.run_id.clone(),
        task_id: task.task_id.clone(),
        map_index,
        state: None,
        try_number: 0,
        max_tries: task.retries,
        start_date: None,
        end_date: None,
        scheduled_at: None,
        queued_at: None,
        pool: task.pool.clone(),
        pool_slots: task.pool_slots,
        queue: task.queue.clone(),
        priority_weight: task.total_weight,
        operator: task.task_type.clone(),
        operator_name: task.operator_name.clone(),
        task_display_name: task.display_name.clone(),
        dag_version_id: run.dag_version_id.clone(),
        hostname: None,
        unixname: None,
        pid: None,
        worker_id: None,
        lease_until: None,
        due_at: None,
        next_method: None,
        next_kwargs: None,
        rendered_map_index: None,
        note: None,
        updated_at: now,
        run_order: run.order(),
    }
}

/// The next run that the timetable makes after `last`.
pub(crate) fn next_of(dag: &Dag, last: Option<&DagRun>, now: Time) -> Result<Next> {
    if let Timetable::CronPartition(cron) = &dag.timetable {
        let run_after = cron.next(last.map(|run| times::at(run.run_after)), &dag.restriction, now)?;
        return Ok(Next { run_after: run_after.map(|at| at.timestamp_millis()), ..Next::default() });
    }
    let interval = last.and_then(|run| {
        let start = run.data_interval_start.or(run.logical_date)?;
        Some(DataInterval { start: times::at(start), end: times::at(run.data_interval_end.unwrap_or(start)) })
    });
    let info = dag.timetable.next(interval, &dag.restriction, now)?;
    Ok(info.map_or(Next::default(), |info| Next {
        logical_date: Some(info.interval.start.timestamp_millis()),
        interval_start: Some(info.interval.start.timestamp_millis()),
        interval_end: Some(info.interval.end.timestamp_millis()),
        run_after: Some(info.run_after.timestamp_millis()),
    }))
}

impl Scheduler {
    /// The DAG's row; `NOT_FOUND` when there is none.
    pub(crate) async fn dag_row(&self, dag_id: &str) -> Result<DagRow> {
        dags::get(&self.db, dag_id).await?.ok_or_else(|| Error::not_found(format!("The Dag with ID: `{dag_id}` was not found")))
    }

    /// Makes a run by hand; it starts as soon as the DAG has room for it.
    pub(crate) async fn trigger(&self, dag_id: &str, mut new: NewRun) -> Result<DagRun> {
        let missing = || Error::not_found(format!("Dag with dag_id: '{dag_id}' not found"));
        let row = dags::get(&self.db, dag_id).await?.ok_or_else(missing)?;
        if row.is_stale {
            return Err(missing());
        }
        if row.has_import_errors {
            return Err(Error::invalid(format!("Dag with dag_id: '{dag_id}' has import errors and cannot be triggered")));
        }
        let run_type = new.run_type.unwrap_or(RunType::Manual);
        let dag = self.version(&row.latest_version_id).await?;
        if dag.allowed_run_types.as_ref().is_some_and(|types| !types.iter().any(|t| t == run_type.as_str())) {
            return Err(Error::invalid(format!("Dag with dag_id: '{dag_id}' does not allow {} runs", run_type.as_str())));
        }
        let now = self.cx.clock.now();
        if let (Some(date), None) = (new.logical_date, new.data_interval) {
            new.data_interval = Some(self.manual_interval(&dag, date).await?);
        }
        if new.run_id.is_none() {
            new.run_id = Some(self.new_run_id(&dag, run_type, new.run_after.unwrap_or(now), new.data_interval).await?);
        }
        let run = manual_run(&dag, &row, new, run_type, now)?;
        let mut tx = self.db.begin().await?;
        refuse_duplicate(&mut tx, &run).await?;
        self.insert_run(&mut tx, &dag, &run, now).await?;
        tx.commit().await?;
        self.timer.notify_one();
        Ok(run)
    }

    pub(crate) async fn insert_run(&self, tx: &mut Tx, dag: &Dag, run: &DagRun, now: i64) -> Result<()> {
        self.insert_runs(tx, &[(dag, run.clone())], now).await
    }

    /// Writes new runs, each of a DAG as it is now, with their instances.
    pub(crate) async fn insert_runs(&self, tx: &mut Tx, new: &[(&Dag, DagRun)], now: i64) -> Result<()> {
        runs::insert(tx, new.iter().map(|(_, run)| run), now).await?;
        self.make_instances(tx, new).await?;
        for (dag, run) in new {
            self.set_deadlines(tx, dag, run, now).await?;
            changed(tx, run, run.state);
        }
        Ok(())
    }

    /// Starts a queued run if its DAG has room for one more; returns whether it had.
    pub(crate) async fn start_run(&self, dag_id: &str, run_id: &str) -> Result<bool> {
        let now = self.cx.clock.now();
        let row = self.dag_row(dag_id).await?;
        let mut tx = self.db.begin().await?;
        let Some(run) = runs::lock(&mut tx, dag_id, run_id).await? else { return Ok(true) };
        if run.state != RunState::Queued {
            return Ok(true);
        }
        let room = match backfills::room(&mut tx, dag_id, run_id).await? {
            Some((limit, running, paused)) => running < limit && !paused,
            None => tx.ask(runs::running(dag_id)).await? < row.max_active_runs,
        };
        if !room {
            return Ok(false);
        }
        runs::set_running(&mut tx, dag_id, run_id, now).await?;
        changed(&mut tx, &run, RunState::Running);
        tx.commit().await?;
        self.wake.run(dag_id, run_id);
        Ok(true)
    }

    /// The run; `NOT_FOUND` when there is none.
    pub(crate) async fn run(&self, dag_id: &str, run_id: &str) -> Result<DagRun> {
        runs::get(&self.db, dag_id, run_id)
            .await?
            .ok_or_else(|| Error::not_found(format!("The DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` was not found")))
    }

    /// Removes a run. Its DAG must not be running it.
    pub(crate) async fn delete_run(&self, dag_id: &str, run_id: &str) -> Result<()> {
        let run = self.run(dag_id, run_id).await?;
        if run.state == RunState::Running {
            return Err(Error::conflict(format!(
                "The DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` cannot be deleted in running state"
            )));
        }
        let mut tx = self.db.begin().await?;
        runs::delete(&mut tx, dag_id, run_id).await?;
        tx.emit(&DagRunChanged { dag_id: dag_id.into(), run_id: run_id.into(), state: "deleted".into() });
        tx.commit().await
    }

    /// The run is of no partition any more: another one may be made for it.
    pub(crate) async fn forget_partition(&self, dag_id: &str, run_id: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        runs::forget_partition(&mut tx, dag_id, run_id, self.cx.clock.now()).await?;
        tx.commit().await
    }

    /// Pauses a DAG, or lets it go on. Is there one?
    pub(crate) async fn set_paused(&self, dag_id: &str, paused: bool) -> Result<bool> {
        let mut tx = self.db.begin().await?;
        if !dags::set_paused(&mut tx, dag_id, paused).await? {
            return Ok(false);
        }
        tx.emit(&DagChanged { dag_id: dag_id.to_owned(), paused, ..DagChanged::default() });
        tx.commit().await?;
        self.resumed(dag_id).await?;
        self.triggers.notify_one(); // what watches for it
        Ok(true)
    }

    /// A DAG was paused or goes on: what waited for that is looked at.
    pub(crate) async fn resumed(&self, dag_id: &str) -> Result<()> {
        let mut filter = Filter::default();
        filter.compare("dag_id", "=", dag_id);
        filter.that("state = 'running'");
        for run in runs::list(&self.db, filter, &Page::all("run_after")).await?.0 {
            self.wake.run(&run.dag_id, &run.run_id);
        }
        self.assets_changed();
        Ok(())
    }

    /// Removes a DAG with its runs; none of them may be running.
    pub(crate) async fn delete_dag(&self, dag_id: &str) -> Result<()> {
        self.dag_row(dag_id).await?;
        let mut filter = Filter::default();
        filter.compare("dag_id", "=", dag_id);
        let all = runs::list(&self.db, filter, &Page::all("run_after")).await?.0;
        if all.iter().any(|r| r.state == RunState::Running) {
            return Err(Error::conflict(format!("Task instances of dag with id: '{dag_id}' are still running")));
        }
        for run in all {
            let mut tx = self.db.begin().await?;
            runs::delete(&mut tx, dag_id, &run.run_id).await?;
            tx.commit().await?;
        }
        let mut tx = self.db.begin().await?;
        self.forget_assets(&mut tx, &[dag_id.to_owned()]).await?;
        dags::delete(&mut tx, dag_id).await?;
        tx.emit(&DagChanged { dag_id: dag_id.into(), removed: true, ..DagChanged::default() });
        tx.commit().await
    }

    /// The latest version of a DAG.
    pub(crate) async fn latest(&self, dag_id: &str) -> Result<std::sync::Arc<Dag>> {
        let row = self.dag_row(dag_id).await?;
        self.version(&row.latest_version_id).await
    }
}

/// The newest run that the DAG's timetable made.
pub(crate) async fn last_automated(from: impl Into<Read<'_>>, dag: &Dag) -> Result<Option<DagRun>> {
    match &dag.timetable {
        Timetable::CronPartition(_) => runs::last_partitioned(from, &dag.dag_id).await,
        _ => runs::last_automated(from, &dag.dag_id).await,
    }
}

/// Tells that a run is in another state.
pub(crate) fn changed(tx: &mut Tx, run: &DagRun, state: RunState) {
    tx.emit(&DagRunChanged { dag_id: run.dag_id.clone(), run_id: run.run_id.clone(), state: state.as_str().into() });
}

/// Tells that a task instance is in another state.
pub(crate) fn instance_changed(tx: &mut Tx, instance: &TaskInstance, state: Option<TaskState>) {
    tx.emit(&TaskInstanceChanged {
        dag_id: instance.dag_id.clone(),
        run_id: instance.run_id.clone(),
        task_id: instance.task_id.clone(),
        map_index: instance.map_index,
        state: state.map(TaskState::as_str).unwrap_or_default().into(),
        try_number: instance.try_number,
    });
}

pub(crate) fn blank(row: &DagRow, logical_date: i64, run_after: i64, now: i64) -> DagRun {
    DagRun {
        dag_id: row.dag_id.clone(),
        run_id: String::new(),
        run_type: RunType::Manual,
        state: RunState::Queued,
        logical_date: Some(logical_date),
        data_interval_start: None,
        data_interval_end: None,
        run_after,
        queued_at: Some(now),
        start_date: None,
        end_date: None,
        conf: None,
        note: None,
        triggered_by: None,
        triggering_user_name: None,
        partition_key: None,
        partition_date: None,
        clear_number: 0,
        dag_version_id: row.latest_version_id.clone(),
        bundle_version: row.bundle_version.clone(),
        last_scheduling_decision: None,
    }
}

/// airflow/api_fastapi/core_api/datamodels/dag_run.py `validate_context`.
fn manual_run(dag: &Dag, row: &DagRow, new: NewRun, run_type: RunType, now: i64) -> Result<DagRun> {
    let run_after = new.run_after.unwrap_or(now);
    let partition_date = dag.partition_date(new.partition_key.as_deref())?;
    if new.logical_date.is_none() && new.data_interval.is_some() {
        return Err(Error::invalid("data_interval must be None when logical_date is None"));
    }
    let interval = new.data_interval;
    let run_id = new.run_id.unwrap_or_default();
    check_run_id(&run_id, run_type)?;
    let conf = new.conf.filter(|conf| !conf.is_null());
    if conf.as_ref().is_some_and(|conf| !conf.is_object()) {
        return Err(Error::invalid("conf must be a JSON object"));
    }
    params::validate(dag, conf.as_ref())?;
    Ok(DagRun {
        run_id,
        run_type,
        logical_date: new.logical_date,
        data_interval_start: interval.map(|i| i.0),
        data_interval_end: interval.map(|i| i.1),
        conf: conf.as_ref().map(python::dumps),
        note: new.note,
        partition_key: new.partition_key,
        partition_date,
        triggered_by: Some(new.triggered_by.into()),
        triggering_user_name: new.user,
        ..blank(row, 0, run_after, now)
    })
}

/// Ids that upstream lets through whatever the setting says; the setting's default has them in it.
const RESERVED: &str = r"'^(?:manual|scheduled|asset_triggered)__(?:\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+00:00)$'";

/// airflow/models/dagrun.py `RUN_ID_REGEX` and the default of `allowed_run_id_pattern`.
fn check_run_id(run_id: &str, run_type: RunType) -> Result<()> {
    if run_id.contains("..") {
        return Err(Error::invalid(format!("The run_id '{run_id}' must not contain '..' to prevent path traversal")));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.~:+-".contains(c);
    if run_id.is_empty() || !run_id.chars().all(allowed) {
        return Err(Error::invalid(format!(
            "The run_id provided '{run_id}' does not match regex pattern '^[A-Za-z0-9_.~:+-]+$' or {RESERVED}"
        )));
    }
    let speaks_of = RunType::of_run_id(run_id);
    if run_type == RunType::Manual && speaks_of != RunType::Manual {
        return Err(Error::invalid(format!(
            "A manual DAG run cannot use ID '{run_id}' since it is reserved for {} runs",
            speaks_of.as_str()
        )));
    }
    Ok(())
}

async fn refuse_duplicate(tx: &mut Tx, run: &DagRun) -> Result<()> {
    if runs::get(&mut *tx, &run.dag_id, &run.run_id).await?.is_some() {
        return Err(Error::exists(format!("DagRun with dag_id '{}' and run_id '{}' already exists", run.dag_id, run.run_id)));
    }
    if let Some(date) = run.logical_date
        && let Some(there) = runs::at(&mut *tx, &run.dag_id, date).await?
    {
        return Err(Error::exists(format!(
            "DagRun '{}' of dag_id '{}' already has the logical date {}",
            there.run_id,
            run.dag_id,
            times::shown(date)
        )));
    }
    Ok(())
}
