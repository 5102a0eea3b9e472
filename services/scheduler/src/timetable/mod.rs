//! When a DAG runs: Airflow's built-in timetables, read from their serialized form and computed natively, so that
//! run ids, logical dates and data intervals are upstream's to the second (airflow/timetables/*.py).

mod cron;
mod delta;
mod events;
mod interval;
mod partition;
mod trigger;
mod zone;

pub use cron::CronSchedule;
pub use delta::Delta;
pub use partition::CronPartition;
pub use zone::Zone;

use crate::dag::Condition;
use crate::partition::PartitionedAssets;
use artel_platform::{Error, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// An instant.
pub type Time = DateTime<Utc>;

/// The data that a run works on: `[start, end)`, or one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataInterval {
    /// Its begin, which is also the logical date.
    pub start: Time,
    /// Its end.
    pub end: Time,
}

impl DataInterval {
    /// An instant.
    pub fn exact(at: Time) -> Self {
        Self { start: at, end: at }
    }
}

/// The next run of a DAG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DagRunInfo {
    /// Not before this time is it created.
    pub run_after: Time,
    /// What it works on.
    pub interval: DataInterval,
}

impl DagRunInfo {
    fn interval(start: Time, end: Time) -> Self {
        Self { run_after: end, interval: DataInterval { start, end } }
    }
}

/// What a DAG's start and end dates and `catchup` allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRestriction {
    /// No logical date before this.
    pub earliest: Option<Time>,
    /// No logical date after this.
    pub latest: Option<Time>,
    /// Runs that were missed are made up for.
    pub catchup: bool,
}

/// A schedule.
#[derive(Debug, Clone)]
pub enum Timetable {
    /// `schedule=None`.
    Null,
    /// `@once`.
    Once,
    /// `@continuous`.
    Continuous,
    /// Triggers at times of a cron expression; more than one expression for `MultipleCronTriggerTimetable`.
    CronTrigger(Vec<trigger::CronTrigger>),
    /// Triggers every so often.
    DeltaTrigger(trigger::DeltaTrigger),
    /// Covers the time between two ticks of a cron expression.
    CronDataInterval(Box<CronSchedule>),
    /// Covers equal spans of time.
    DeltaDataInterval(Delta),
    /// Runs when there is news of assets.
    AssetTriggered(Condition),
    /// And also at the times of another timetable.
    AssetOrTime(Condition, Box<Timetable>),
    /// Runs once per partition of assets.
    PartitionedAssets(Box<PartitionedAssets>),
    /// Runs at times of a cron expression, once per partition; see [`CronPartition::next`].
    CronPartition(Box<CronPartition>),
    /// Runs by hand, for partitions that it finds itself.
    PartitionedAtRuntime,
    /// At the times of a list.
    Events(events::Events),
    /// One of a plug-in, which is asked (`parser::plug_ins`). Its class name.
    Other(String),
}

/// So many runs at once is nobody's wish.
const MOST_RUNS: usize = 100_000;

const SIMPLE: &str = "airflow.timetables.simple.";
const TRIGGER: &str = "airflow.timetables.trigger.";
const INTERVAL: &str = "airflow.timetables.interval.";

/// Refuses one more run than anybody wishes.
fn few_enough(found: usize, earliest: Time, latest: Time) -> Result<()> {
    let why = || Error::invalid(format!("from {earliest} to {latest} there are more than {MOST_RUNS} runs; choose a shorter range"));
    if found >= MOST_RUNS { Err(why()) } else { Ok(()) }
}

impl Timetable {
    /// Reads `{"__type": …, "__var": …}` of a serialized DAG. A class that is not built in becomes [`Timetable::Other`].
    pub fn read(serialized: &Value) -> Result<Self> {
        let class = serialized["__type"].as_str().ok_or_else(|| Error::invalid("a timetable without __type"))?;
        let var = &serialized["__var"];
        if let Some(name) = class.strip_prefix(SIMPLE) {
            match name {
                "NullTimetable" => return Ok(Self::Null),
                "OnceTimetable" => return Ok(Self::Once),
                "ContinuousTimetable" => return Ok(Self::Continuous),
                "PartitionedAtRuntime" => return Ok(Self::PartitionedAtRuntime),
                "PartitionedAssetTimetable" => return Ok(Self::PartitionedAssets(Box::new(PartitionedAssets::read(var)?))),
                "AssetTriggeredTimetable" => return Ok(Self::AssetTriggered(Condition::read(&var["asset_condition"])?)),
                _ => {}
            }
        }
        if let Some(name) = class.strip_prefix(TRIGGER) {
            match name {
                "CronTriggerTimetable" => return Ok(Self::CronTrigger(vec![trigger::CronTrigger::read(var, &var["expression"])?])),
                "MultipleCronTriggerTimetable" => {
                    let expressions = var["expressions"].as_array().map(Vec::as_slice).unwrap_or_default();
                    let all: Result<Vec<_>> = expressions.iter().map(|e| trigger::CronTrigger::read(var, e)).collect();
                    return Ok(Self::CronTrigger(all?));
                }
                "CronPartitionTimetable" => return Ok(Self::CronPartition(Box::new(CronPartition::read(var)?))),
                "DeltaTriggerTimetable" => return Ok(Self::DeltaTrigger(trigger::DeltaTrigger::read(var)?)),
                _ => {}
            }
        }
        if let Some(name) = class.strip_prefix(INTERVAL) {
            match name {
                "CronDataIntervalTimetable" => {
                    return Ok(Self::CronDataInterval(Box::new(CronSchedule::read(&var["expression"], &var["timezone"])?)));
                }
                "DeltaDataIntervalTimetable" => return Ok(Self::DeltaDataInterval(Delta::read(&var["delta"])?)),
                _ => {}
            }
        }
        if class == "airflow.timetables.assets.AssetOrTimeSchedule" {
            return Ok(Self::AssetOrTime(Condition::read(&var["asset_condition"])?, Box::new(Self::read(&var["timetable"])?)));
        }
        if class == "airflow.timetables.events.EventsTimetable" {
            return Ok(Self::Events(events::Events::read(var)?));
        }
        Ok(Self::Other(class.to_owned()))
    }

    /// Is it, or does it contain, a timetable of a plug-in, which has to be asked?
    pub fn is_of_plug_in(&self) -> bool {
        match self {
            Self::Other(_) => true,
            Self::AssetOrTime(_, timetable) => timetable.is_of_plug_in(),
            _ => false,
        }
    }

    /// The assets that it waits for.
    pub fn asset_condition(&self) -> Option<&Condition> {
        match self {
            Self::AssetTriggered(condition) | Self::AssetOrTime(condition, _) => Some(condition),
            Self::PartitionedAssets(schedule) => Some(&schedule.condition),
            _ => None,
        }
    }

    /// The run after `last` (the interval of the newest scheduled or backfilled run), as seen at `now`. `None`: none is to come.
    pub fn next(&self, last: Option<DataInterval>, restriction: &TimeRestriction, now: Time) -> Result<Option<DagRunInfo>> {
        match self {
            Self::Null
            | Self::AssetTriggered(_)
            | Self::PartitionedAssets(_)
            | Self::CronPartition(_)
            | Self::PartitionedAtRuntime
            | Self::Other(_) => Ok(None),
            Self::AssetOrTime(_, timetable) => timetable.next(last, restriction, now),
            Self::Once => Ok(once(last, restriction, now)),
            Self::Continuous => Ok(continuous(last, restriction, now)),
            Self::CronTrigger(all) => trigger::next_of_all(all, last, restriction, now),
            Self::DeltaTrigger(one) => trigger::next(one, last, restriction, now),
            Self::CronDataInterval(cron) => interval::next(&**cron, last, restriction, now),
            Self::DeltaDataInterval(delta) => interval::next(delta, last, restriction, now),
            Self::Events(events) => Ok(events.next(last, restriction, now)),
        }
    }

    /// Every run with a logical date in `[earliest, latest]`, as if all were to be made up for (airflow `iter_dagrun_infos_between`).
    pub fn between(&self, earliest: Time, latest: Time, now: Time) -> Result<Vec<DagRunInfo>> {
        let restriction = TimeRestriction { earliest: Some(earliest), latest: Some(latest), catchup: true };
        let mut found: Vec<DagRunInfo> = Vec::new();
        while let Some(info) = self.next(found.last().map(|i| i.interval), &restriction, now)? {
            few_enough(found.len(), earliest, latest)?;
            found.push(info);
        }
        Ok(found)
    }

    /// The data interval of a run that somebody triggers for `run_after`.
    pub fn infer_manual(&self, run_after: Time) -> Result<DataInterval> {
        match self {
            Self::Null
            | Self::Once
            | Self::Continuous
            | Self::AssetTriggered(_)
            | Self::PartitionedAssets(_)
            | Self::CronPartition(_)
            | Self::PartitionedAtRuntime
            | Self::Other(_) => Ok(DataInterval::exact(run_after)),
            Self::AssetOrTime(_, timetable) => timetable.infer_manual(run_after),
            Self::CronTrigger(all) => {
                let intervals = all.iter().map(|one| one.manual(run_after));
                Ok(intervals.min_by_key(|i| i.start).unwrap_or(DataInterval::exact(run_after)))
            }
            Self::DeltaTrigger(one) => Ok(one.manual(run_after)),
            Self::Events(events) => Ok(events.manual(run_after)),
            Self::CronDataInterval(cron) => {
                let end = cron.align_to_prev(run_after)?;
                Ok(DataInterval { start: cron.prev(end)?, end })
            }
            Self::DeltaDataInterval(delta) => Ok(DataInterval { start: delta.before(run_after), end: run_after }),
        }
    }

    /// Upstream's class name, as REST shows it.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Null => "NullTimetable",
            Self::Once => "OnceTimetable",
            Self::Continuous => "ContinuousTimetable",
            Self::CronTrigger(all) if all.len() > 1 => "MultipleCronTriggerTimetable",
            Self::CronTrigger(_) => "CronTriggerTimetable",
            Self::DeltaTrigger(_) => "DeltaTriggerTimetable",
            Self::CronDataInterval(_) => "CronDataIntervalTimetable",
            Self::DeltaDataInterval(_) => "DeltaDataIntervalTimetable",
            Self::PartitionedAssets(_) => "PartitionedAssetTimetable",
            Self::CronPartition(_) => "CronPartitionTimetable",
            Self::PartitionedAtRuntime => "PartitionedAtRuntime",
            Self::AssetTriggered(_) => "AssetTriggeredTimetable",
            Self::AssetOrTime(..) => "AssetOrTimeSchedule",
            Self::Events(_) => "EventsTimetable",
            Self::Other(class) if class.starts_with("airflow.timetables.") => class.rsplit('.').next().unwrap_or(class),
            Self::Other(class) => class,
        }
    }

    /// What people read: the expression, the span. `None` for a DAG without schedule.
    pub fn summary(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Once => Some("@once".into()),
            Self::Continuous => Some("@continuous".into()),
            Self::CronTrigger(all) => Some(all.iter().map(|t| t.cron().expression()).collect::<Vec<_>>().join(", ")),
            Self::DeltaTrigger(one) => Some(one.delta().to_string()),
            Self::CronDataInterval(cron) => Some(cron.expression().to_owned()),
            Self::DeltaDataInterval(delta) => Some(delta.to_string()),
            Self::PartitionedAssets(_) => Some("Partitioned Asset".into()),
            Self::CronPartition(one) => Some(one.cron().expression().to_owned()),
            Self::PartitionedAtRuntime => Some("PartitionedAtRuntime".into()),
            Self::AssetTriggered(_) => Some("Asset".into()),
            Self::AssetOrTime(_, timetable) => Some(format!("Asset or {}", timetable.summary().unwrap_or_else(|| "None".into()))),
            Self::Events(events) => Some(events.summary.clone()),
            Self::Other(_) => Some(self.type_name().to_owned()),
        }
    }

    /// Runs again and again.
    pub fn periodic(&self) -> bool {
        match self {
            Self::Null
            | Self::Once
            | Self::Continuous
            | Self::AssetTriggered(_)
            | Self::PartitionedAssets(_)
            | Self::PartitionedAtRuntime => false,
            Self::AssetOrTime(_, timetable) => timetable.periodic(),
            _ => true,
        }
    }
}

fn once(last: Option<DataInterval>, restriction: &TimeRestriction, now: Time) -> Option<DagRunInfo> {
    let at = restriction.earliest.unwrap_or(now);
    if last.is_some() || restriction.latest.is_some_and(|latest| at > latest) {
        return None;
    }
    Some(DagRunInfo { run_after: at, interval: DataInterval::exact(at) })
}

fn continuous(last: Option<DataInterval>, restriction: &TimeRestriction, now: Time) -> Option<DagRunInfo> {
    let first = restriction.earliest.unwrap_or(now);
    let (start, end) = match last {
        None => (first, first.max(now)),
        Some(last) if last.end > now => (first, first + (last.end - last.start)),
        Some(last) => (last.end, now),
    };
    if restriction.latest.is_some_and(|latest| end > latest) { None } else { Some(DagRunInfo::interval(start, end)) }
}

/// A rule that gives ticks: what the two families of timetables are built on.
trait Ticks {
    /// The first tick after `at`.
    fn next(&self, at: Time) -> Result<Time>;
    /// The last tick before `at`.
    fn prev(&self, at: Time) -> Result<Time>;
    /// `at` if it is a tick, else the next one.
    fn align_to_next(&self, at: Time) -> Result<Time>;
    /// `at` if it is a tick, else the one before.
    fn align_to_prev(&self, at: Time) -> Result<Time>;
    /// With `catchup=False`: the earliest start of an interval that is worth running now.
    fn skip_to_latest(&self, earliest: Option<Time>, now: Time) -> Result<Time>;
}

#[cfg(test)]
mod tests;
