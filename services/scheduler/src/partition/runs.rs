//! Runs that a cron schedule of partitions makes (airflow/timetables/trigger.py `CronPartitionTimetable`).

use crate::Scheduler;
use crate::dag::Dag;
use crate::runs::{blank, next_of};
use crate::states::RunType;
use crate::store::dags;
use crate::store::dags::DagRow;
use crate::store::runs::DagRun;
use crate::times;
use crate::timetable::CronPartition;
use artel_platform::Result;

impl Scheduler {
    /// Makes the run that is due at a tick, and works out the one after it.
    pub(crate) async fn create_partition_run(&self, dag: &Dag, row: &DagRow, cron: &CronPartition, run_after: Option<i64>) -> Result<()> {
        let Some(run_after) = run_after else { return Ok(()) };
        let now = self.cx.clock.now();
        let (date, key) = cron.partition(times::at(run_after))?;
        let run = DagRun {
            run_id: super::run_id(RunType::Scheduled, times::at(run_after), &key, &self.cx.ids.hex32()),
            run_type: RunType::Scheduled,
            logical_date: None,
            partition_key: Some(key),
            partition_date: Some(date.timestamp_millis()),
            triggered_by: Some("timetable".into()),
            ..blank(row, 0, run_after, now)
        };
        let allowed = dag.allowed_run_types.as_ref().is_none_or(|types| types.iter().any(|t| t == "scheduled"));
        let mut tx = self.db.begin().await?;
        let present = dags::lock(&mut tx, &row.dag_id).await?;
        if present.is_none_or(|p| p.next != row.next || p.is_paused) {
            return Ok(()); // another scheduler was quicker
        }
        if allowed {
            self.insert_run(&mut tx, dag, &run, now).await?;
        }
        dags::set_next(&mut tx, &row.dag_id, &next_of(dag, Some(&run), self.cx.clock.utc())?).await?;
        tx.commit().await
    }
}
