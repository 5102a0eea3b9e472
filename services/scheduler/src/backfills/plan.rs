//! Which runs a backfill is about: those of a schedule by their dates, those of a schedule of partitions by their keys, and
//! those that a timetable of a plug-in names (airflow/models/backfill.py `_get_info_list`).

use super::NewBackfill;
use crate::Scheduler;
use crate::dag::Dag;
use crate::states::RunType;
use crate::store::Read;
use crate::store::runs::{self, DagRun};
use crate::times;
use crate::timetable::Timetable;
use artel_platform::Result;

/// A run that a backfill makes, or runs again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Planned {
    pub(crate) run_id: String,
    /// `None` of a partition's.
    pub(crate) logical_date: Option<i64>,
    pub(crate) interval: Option<(i64, i64)>,
    /// The time that it stands for, and its key.
    pub(crate) partition: Option<(i64, String)>,
    pub(crate) run_after: i64,
}

impl Planned {
    /// The run that is there for it; of several the one that started last.
    pub(super) async fn there(&self, from: impl Into<Read<'_>>, dag_id: &str) -> Result<Option<DagRun>> {
        match (&self.partition, self.logical_date) {
            (Some((date, _)), _) => runs::of_partition(from, dag_id, *date).await,
            (None, Some(date)) => runs::at(from, dag_id, date).await,
            (None, None) => Ok(None),
        }
    }
}

impl Scheduler {
    /// The runs whose data is complete, in the order in which they are to run.
    pub(super) async fn plan(&self, dag: &Dag, new: &NewBackfill) -> Result<Vec<Planned>> {
        let mut planned = match &dag.timetable {
            Timetable::CronPartition(_) => self.partitions(dag, new)?,
            timetable if timetable.is_of_plug_in() => self.named_by_plug_in(dag, new).await?,
            _ => self.dates(dag, new)?,
        };
        if new.backwards {
            planned.reverse();
        }
        Ok(planned)
    }

    fn dates(&self, dag: &Dag, new: &NewBackfill) -> Result<Vec<Planned>> {
        let now = self.cx.clock.utc();
        let mut infos = dag.timetable.between(times::at(new.from_date), times::at(new.to_date), now)?;
        infos.retain(|info| info.interval.end < now);
        let planned = |info: &crate::timetable::DagRunInfo| Planned {
            run_id: RunType::Backfill.run_id(info.run_after),
            logical_date: Some(info.interval.start.timestamp_millis()),
            interval: Some((info.interval.start.timestamp_millis(), info.interval.end.timestamp_millis())),
            partition: None,
            run_after: info.run_after.timestamp_millis(),
        };
        Ok(infos.iter().map(planned).collect())
    }

    /// Partitions whose time lies in the span, by the schedule's own clock; they run at once.
    fn partitions(&self, dag: &Dag, new: &NewBackfill) -> Result<Vec<Planned>> {
        let Timetable::CronPartition(schedule) = &dag.timetable else { return Ok(Vec::new()) };
        let zone = schedule.cron().zone();
        let local = |millis: i64| zone.instant(times::at(millis).naive_utc());
        let mut planned = Vec::new();
        for (date, key) in schedule.between(local(new.from_date), local(new.to_date))? {
            planned.push(Planned {
                run_id: crate::partition::run_id(RunType::Backfill, date, &key, &self.cx.ids.hex32()),
                logical_date: None,
                interval: None,
                partition: Some((date.timestamp_millis(), key)),
                run_after: date.timestamp_millis(),
            });
        }
        Ok(planned)
    }

    async fn named_by_plug_in(&self, dag: &Dag, new: &NewBackfill) -> Result<Vec<Planned>> {
        let now = self.cx.clock.now();
        let mut planned = Vec::new();
        for info in self.runs_between(dag, new.from_date, new.to_date).await? {
            let Some((start, end)) = info.interval.filter(|(_, end)| *end < now) else { continue };
            let run_id = self.new_run_id(dag, RunType::Backfill, info.run_after, info.interval).await?;
            let run_after = info.run_after;
            planned.push(Planned { run_id, logical_date: Some(start), interval: Some((start, end)), partition: None, run_after });
        }
        Ok(planned)
    }
}
