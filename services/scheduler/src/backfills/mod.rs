//! Backfills: the runs of a stretch of a DAG's schedule, made or run again (airflow/models/backfill.py).

mod plan;

pub(crate) use plan::Planned;

use crate::Scheduler;
use crate::clear::Clear;
use crate::dag::Dag;
use crate::params;
use crate::runs::changed;
use crate::states::{RunState, RunType, words};
use crate::store::admission;
use crate::store::backfills::{self, Backfill, BackfillRun};
use crate::store::dags::DagRow;
use crate::store::runs::{self, DagRun};
use crate::times;
use artel_platform::db::Tx;
use artel_platform::http::UNPROCESSABLE;
use artel_platform::python;
use artel_platform::{Error, Result};
use serde_json::Value;
use std::sync::Arc;

words! {
    /// What becomes of runs that are there already.
    pub(crate) Reprocess { Failed = "failed", Completed = "completed", None = "none" }
}

impl Reprocess {
    /// Why a run that is there is left alone (`_get_dag_run_no_create_reason`).
    fn leaves(self, run: &DagRun) -> Option<&'static str> {
        match run.state {
            RunState::Queued | RunState::Running => Some("in flight"),
            RunState::Failed if self != Self::None => None,
            RunState::Success if self == Self::Completed => None,
            RunState::Failed | RunState::Success => Some("already exists"),
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct NewBackfill {
    pub(crate) dag_id: String,
    pub(crate) from_date: i64,
    pub(crate) to_date: i64,
    pub(crate) backwards: bool,
    pub(crate) conf: Option<Value>,
    pub(crate) reprocess: Reprocess,
    pub(crate) max_active_runs: i64,
    pub(crate) on_latest_version: bool,
    pub(crate) user: Option<String>,
}

impl Scheduler {
    /// The runs that a backfill would make, or run again.
    pub(crate) async fn try_backfill(&self, new: &NewBackfill) -> Result<Vec<Planned>> {
        let (_, dag) = self.dag_to_backfill(new).await?;
        let mut left = Vec::new();
        for planned in self.plan(&dag, new).await? {
            let there = planned.there(&self.db, &new.dag_id).await?;
            if there.is_none_or(|run| new.reprocess.leaves(&run).is_none()) {
                left.push(planned);
            }
        }
        Ok(left)
    }

    /// Makes a backfill with all of its runs.
    pub(crate) async fn create_backfill(&self, new: &NewBackfill) -> Result<Backfill> {
        let (row, dag) = self.dag_to_backfill(new).await?;
        let plan = self.plan(&dag, new).await?;
        if plan.is_empty() {
            return Err(Error::invalid(format!(
                "No runs to create for Dag {} in the range [{}, {}]",
                new.dag_id,
                times::shown(new.from_date),
                times::shown(new.to_date)
            )));
        }
        let now = self.cx.clock.now();
        let mut tx = self.db.begin().await?;
        admission::take_turn(&mut tx).await?;
        if backfills::is_active(&mut tx, &new.dag_id).await? {
            return Err(Error::exists(format!("There is already a running backfill for dag {}", new.dag_id)));
        }
        let backfill = Backfill {
            id: backfills::next_id(&mut tx).await?,
            dag_id: new.dag_id.clone(),
            from_date: new.from_date,
            to_date: new.to_date,
            dag_run_conf: new.conf.as_ref().map(python::dumps),
            is_paused: false,
            reprocess_behavior: new.reprocess.as_str().into(),
            max_active_runs: new.max_active_runs,
            triggering_user_name: new.user.clone(),
            created_at: now,
            completed_at: None,
            updated_at: now,
        };
        backfills::insert(&mut tx, &backfill).await?;
        for (planned, ordinal) in plan.iter().zip(1..) {
            self.backfill_one(&mut tx, (&row, &dag), (new, &backfill), planned, ordinal).await?;
        }
        tx.commit().await?;
        self.timer.notify_one();
        Ok(backfill)
    }

    /// One date: a new run, one that is there run again, or a note why neither.
    async fn backfill_one(
        &self,
        tx: &mut Tx,
        (row, dag): (&DagRow, &Dag),
        (new, backfill): (&NewBackfill, &Backfill),
        planned: &Planned,
        sort_ordinal: i64,
    ) -> Result<()> {
        let there = planned.there(&mut *tx, &new.dag_id).await?;
        let left = there.as_ref().and_then(|run| new.reprocess.leaves(run));
        let of = BackfillRun {
            backfill_id: backfill.id,
            sort_ordinal,
            dag_id: &new.dag_id,
            run_id: None,
            logical_date: planned.logical_date,
            partition_key: planned.partition.as_ref().map(|(_, key)| key.as_str()),
            exception_reason: left,
        };
        if left.is_some() {
            return backfills::add_run(tx, &of).await;
        }
        let conf = backfill.dag_run_conf.as_deref();
        let run_id = match there {
            // of a partition the run that is there stays, and another one is made beside it
            Some(run) if planned.partition.is_none() => {
                let clear = Clear { reset_run: true, on_latest_version: new.on_latest_version, ..Clear::default() };
                self.clear_in(tx, &run.dag_id, &run.run_id, &clear).await?;
                run.run_id
            }
            _ => self.backfill_run(tx, (row, dag), backfill, planned).await?,
        };
        backfills::adopt_run(tx, backfill.id, &new.dag_id, &run_id, conf).await?;
        backfills::add_run(tx, &BackfillRun { run_id: Some(&run_id), ..of }).await
    }

    async fn backfill_run(&self, tx: &mut Tx, (row, dag): (&DagRow, &Dag), backfill: &Backfill, planned: &Planned) -> Result<String> {
        let now = self.cx.clock.now();
        let run = DagRun {
            run_id: planned.run_id.clone(),
            run_type: RunType::Backfill,
            logical_date: planned.logical_date,
            data_interval_start: planned.interval.map(|(start, _)| start),
            data_interval_end: planned.interval.map(|(_, end)| end),
            partition_key: planned.partition.as_ref().map(|(_, key)| key.clone()),
            partition_date: planned.partition.as_ref().map(|(date, _)| *date),
            conf: backfill.dag_run_conf.clone(),
            triggered_by: Some("backfill".into()),
            triggering_user_name: backfill.triggering_user_name.clone(),
            ..crate::runs::blank(row, planned.logical_date.unwrap_or_default(), planned.run_after, now)
        };
        self.insert_run(tx, dag, &run, now).await?;
        Ok(run.run_id)
    }

    async fn dag_to_backfill(&self, new: &NewBackfill) -> Result<(DagRow, Arc<Dag>)> {
        let missing = |_| Error::not_found(format!("Could not find dag {}", new.dag_id));
        let row = self.dag_row(&new.dag_id).await.map_err(missing)?;
        let dag = self.version(&row.latest_version_id).await?;
        if dag.allowed_run_types.as_ref().is_some_and(|types| !types.iter().any(|t| t == "backfill")) {
            return Err(Error::invalid(format!("Dag with dag_id: '{}' does not allow backfill runs", new.dag_id)));
        }
        if !row.timetable_periodic {
            let message = format!("{} has a non-periodic schedule that does not support backfills", new.dag_id);
            return Err(Error::invalid(message).reason(UNPROCESSABLE));
        }
        validate(&dag, new, self.cx.clock.now())?;
        Ok((row, dag))
    }

    /// The backfill; `NOT_FOUND` when there is none.
    pub(crate) async fn backfill(&self, id: i64) -> Result<Backfill> {
        backfills::get(&self.db, id).await?.ok_or_else(|| Error::not_found("Backfill not found"))
    }

    /// Stops it from starting more runs, or lets it go on.
    pub(crate) async fn pause_backfill(&self, id: i64, paused: bool) -> Result<Backfill> {
        let mut tx = self.db.begin().await?;
        active(&mut tx, id).await?;
        backfills::set_paused(&mut tx, id, paused, self.cx.clock.now()).await?;
        tx.commit().await?;
        self.timer.notify_one();
        self.backfill(id).await
    }

    /// Ends it: its queued runs fail, those that run go on.
    pub(crate) async fn cancel_backfill(&self, id: i64) -> Result<Backfill> {
        let now = self.cx.clock.now();
        let mut tx = self.db.begin().await?;
        active(&mut tx, id).await?;
        for (dag_id, run_id) in backfills::queued_runs(&mut tx, id).await? {
            let Some(run) = runs::lock(&mut tx, &dag_id, &run_id).await? else { continue };
            runs::set_ended(&mut tx, &dag_id, &run_id, RunState::Failed, now).await?;
            changed(&mut tx, &run, RunState::Failed);
        }
        backfills::set_paused(&mut tx, id, true, now).await?;
        backfills::set_completed(&mut tx, id, now).await?;
        tx.commit().await?;
        self.backfill(id).await
    }

    /// Ends backfills whose runs have all ended.
    pub(crate) async fn complete_backfills(&self, now: i64) -> Result<()> {
        if !backfills::any_active(&self.db).await? {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        if backfills::complete(&mut tx, now).await? > 0 {
            tx.commit().await?;
        }
        Ok(())
    }
}

async fn active(tx: &mut Tx, id: i64) -> Result<()> {
    let backfill = backfills::get(tx, id).await?.ok_or_else(|| Error::not_found("Backfill not found"))?;
    if backfill.completed_at.is_some() { Err(Error::conflict("Backfill is already completed.")) } else { Ok(()) }
}

/// `_validate_backfill_params`.
fn validate(dag: &Dag, new: &NewBackfill, now: i64) -> Result<()> {
    let refused = |message: String| Err(Error::invalid(message).reason(UNPROCESSABLE));
    let (from, to) = (times::iso(times::at(new.from_date)), times::iso(times::at(new.to_date)));
    if new.from_date > new.to_date {
        return refused(format!("from_date ({from}) must not be after to_date ({to})."));
    }
    if new.from_date >= now {
        return refused("Backfill cannot be executed for future dates.".into());
    }
    if new.max_active_runs < 1 {
        return refused("max_active_runs must be at least 1".into());
    }
    if dag.tasks.iter().any(|t| t.owed.depends_on_past) {
        if new.backwards {
            return refused("Backfill cannot be run in reverse when the Dag has tasks where depends_on_past=True.".into());
        }
        if new.reprocess == Reprocess::None {
            return refused(
                "Dag has tasks for which depends_on_past=True. You must set reprocess behavior to reprocess completed or reprocess failed."
                    .into(),
            );
        }
    }
    new.conf.as_ref().map_or(Ok(()), |conf| params::validate(dag, Some(conf)))
}
