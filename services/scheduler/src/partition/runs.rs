//! Runs that a cron schedule of partitions makes (airflow/timetables/trigger.py `CronPartitionTimetable`).

use crate::Scheduler;
use crate::runs::blank;
use crate::states::RunType;
use crate::store::dags::DagRow;
use crate::store::runs::DagRun;
use crate::times;
use crate::timetable::CronPartition;
use artel_platform::Result;

impl Scheduler {
    /// The run that is due at a tick, in milliseconds.
    pub(crate) fn partition_run(&self, row: &DagRow, cron: &CronPartition, run_after: i64, now: i64) -> Result<DagRun> {
        let (date, key) = cron.partition(times::at(run_after))?;
        Ok(DagRun {
            run_id: super::run_id(RunType::Scheduled, times::at(run_after), &key, &self.cx.ids.hex32()),
            run_type: RunType::Scheduled,
            logical_date: None,
            partition_key: Some(key),
            partition_date: Some(date.timestamp_millis()),
            triggered_by: Some("timetable".into()),
            ..blank(row, 0, run_after, now)
        })
    }
}
