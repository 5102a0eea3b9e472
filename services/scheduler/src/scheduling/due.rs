//! Runs that are due by their DAGs' timetables: made for some DAGs in one transaction, and started in it where there is room.

use crate::Scheduler;
use crate::dag::Dag;
use crate::runs::blank;
use crate::states::{RunState, RunType};
use crate::store::dags::{DagRow, Next};
use crate::store::runs::{Active, DagRun};
use crate::store::{dags, runs};
use crate::timetable::Timetable;
use artel_platform::{Error, Result};
use std::sync::Arc;

/// How many DAGs get their runs in one transaction.
const TOGETHER: usize = 32;
/// Milliseconds until a run that could not be made is tried again.
const AGAIN: i64 = 5000;
/// A run that is so late (the service was not running), in milliseconds, counts as missed.
const MISSED: i64 = 60_000;

/// What is to be made of a DAG that is due.
struct Due {
    row: DagRow,
    dag: Arc<Dag>,
    /// `None` where the timetable has none after all, or the DAG takes no scheduled ones.
    run: Option<DagRun>,
    /// The one after it.
    next: Next,
}

impl Scheduler {
    /// Makes a run of each DAG that is due and has room for one more. Returns when what could not be made is to be tried again.
    pub(crate) async fn create_due_runs(&self, now: i64) -> Result<Option<i64>> {
        let rows = self.db.ask(dags::due(now)).await?;
        let (all, mut failed) = (rows.len(), 0);
        self.read_versions(rows.iter().map(|row| row.latest_version_id.as_str())).await?;
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut due = Vec::with_capacity(TOGETHER);
            for row in rows.by_ref().take(TOGETHER) {
                let dag_id = row.dag_id.clone();
                match self.due(row, now).await {
                    Ok(one) => due.push(one),
                    Err(error) => {
                        failed += 1;
                        self.not_made(&dag_id, &error).await?;
                    }
                }
            }
            if let Err(error) = self.make(&due).await {
                tracing::debug!(error = %error.chain(), "due runs are not made together but one by one");
                for one in due.chunks(1) {
                    if let Err(error) = self.make(one).await {
                        failed += 1;
                        self.not_made(&one[0].row.dag_id, &error).await?;
                    }
                }
            }
        }
        if failed < all {
            self.timer.notify_one(); // perhaps another one of them is due
        }
        Ok((failed > 0).then_some(now + AGAIN))
    }

    async fn not_made(&self, dag_id: &str, error: &Error) -> Result<()> {
        tracing::warn!(dag_id, error = %error.chain(), "the due run could not be made");
        if error.reason == Some(crate::parser::TIMETABLE) {
            self.show_timetable_error(dag_id, &error.message).await?;
        }
        Ok(())
    }

    /// The run that is due, and the one after it.
    async fn due(&self, row: DagRow, now: i64) -> Result<Due> {
        let dag = self.version(&row.latest_version_id).await?;
        let promised = self.next_unless_missed(&dag, &row, now).await?;
        let run = match (&dag.timetable, promised.run_after, promised.logical_date) {
            (Timetable::CronPartition(cron), Some(run_after), _) => Some(self.partition_run(&row, cron, run_after, now)?),
            (_, Some(run_after), Some(logical_date)) => {
                let interval = promised.interval_start.zip(promised.interval_end);
                Some(DagRun {
                    run_id: self.new_run_id(&dag, RunType::Scheduled, run_after, interval).await?,
                    run_type: RunType::Scheduled,
                    data_interval_start: promised.interval_start,
                    data_interval_end: promised.interval_end,
                    triggered_by: Some("timetable".into()),
                    ..blank(&row, logical_date, run_after, now)
                })
            }
            _ => None,
        };
        let next = match &run {
            Some(run) => self.next_run(&dag, Some(run), None).await?,
            None => Next::default(),
        };
        let is_allowed = dag.allowed_run_types.as_ref().is_none_or(|types| types.iter().any(|t| t == RunType::Scheduled.as_str()));
        Ok(Due { row, dag, run: run.filter(|_| is_allowed), next })
    }

    /// The promised run; where it was missed and is not to be made up for, the one that the timetable gives now.
    async fn next_unless_missed(&self, dag: &Dag, row: &DagRow, now: i64) -> Result<Next> {
        if dag.restriction.catchup || row.next.run_after.is_none_or(|at| now - at < MISSED) {
            return Ok(row.next);
        }
        let last = crate::runs::last_automated(&self.db, dag).await?;
        self.next_run(dag, last.as_ref(), None).await
    }

    /// Writes the runs of these DAGs. Those that another scheduler process was quicker with are left out.
    async fn make(&self, due: &[Due]) -> Result<()> {
        let ids: Vec<&str> = due.iter().map(|d| d.row.dag_id.as_str()).collect();
        let wanted: Vec<&DagRun> = due.iter().filter_map(|d| d.run.as_ref()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let now = self.cx.clock.now();
        let mut tx = self.db.begin().await?;
        let asked = (dags::locked(tx.dialect(), &ids), runs::same(&wanted), runs::active_of(&ids));
        let (present, same, active) = tx.ask(asked).await?;
        let mut made = Vec::with_capacity(due.len());
        for Due { row, dag, run, next } in due {
            if !present.iter().any(|p| p.dag_id == row.dag_id && p.next == row.next && !p.is_paused) {
                continue;
            }
            if let Some(run) = run.as_ref().filter(|_| !same.contains(&row.dag_id)) {
                let starts = run.run_after <= now && has_room(row, active.iter().find(|a| a.dag_id == row.dag_id));
                let (state, start_date) = if starts { (RunState::Running, Some(now)) } else { (run.state, None) };
                made.push((dag.as_ref(), DagRun { state, start_date, ..run.clone() }));
            }
            dags::set_next(&mut tx, &row.dag_id, next);
        }
        self.insert_runs(&mut tx, &made, now).await?;
        tx.commit().await?;
        for (_, run) in made.iter().filter(|(_, run)| run.state == RunState::Running) {
            self.wake.run(&run.dag_id, &run.run_id);
        }
        Ok(())
    }
}

/// May one more run start at once? Those that wait already come first.
fn has_room(row: &DagRow, active: Option<&Active>) -> bool {
    active.is_none_or(|active| active.queued == 0 && active.running < row.max_active_runs)
}
