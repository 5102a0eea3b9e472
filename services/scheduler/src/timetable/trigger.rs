//! Timetables that trigger at ticks, whose data interval is stated apart (airflow/timetables/trigger.py).

use super::{CronSchedule, DagRunInfo, DataInterval, Delta, Ticks, Time, TimeRestriction};
use artel_platform::Result;
use chrono::TimeDelta;
use serde_json::Value;

/// Triggers by a cron expression.
#[derive(Debug, Clone)]
pub struct CronTrigger {
    cron: CronSchedule,
    interval: Delta,
    immediately: Immediately,
}

/// `run_immediately`: whether a DAG without start date begins with the tick that has just passed.
#[derive(Debug, Clone, Copy)]
enum Immediately {
    Always,
    Within(TimeDelta),
    /// Within a tenth of the time between two ticks, at least five minutes.
    Near,
}

/// Triggers every so often.
#[derive(Debug, Clone, Copy)]
pub struct DeltaTrigger {
    delta: Delta,
    interval: Delta,
}

/// What the two have in common.
pub(super) trait Trigger {
    type Rule: Ticks;
    fn rule(&self) -> &Self::Rule;
    fn data_interval(&self) -> &Delta;
    /// The first run of a DAG without start date.
    fn first(&self, now: Time) -> Result<Time>;
}

impl CronTrigger {
    pub(super) fn read(var: &Value, expression: &Value) -> Result<Self> {
        let immediately = match &var["run_immediately"] {
            Value::Bool(true) => Immediately::Always,
            Value::Number(seconds) => Immediately::Within(TimeDelta::milliseconds((seconds.as_f64().unwrap_or_default() * 1000.0) as i64)),
            _ => Immediately::Near,
        };
        Ok(Self { cron: CronSchedule::read(expression, &var["timezone"])?, interval: Delta::read(&var["interval"])?, immediately })
    }

    pub(super) fn cron(&self) -> &CronSchedule {
        &self.cron
    }

    pub(super) fn manual(&self, run_after: Time) -> DataInterval {
        DataInterval { start: self.interval.before(run_after), end: run_after }
    }
}

impl DeltaTrigger {
    pub(super) fn read(var: &Value) -> Result<Self> {
        Ok(Self { delta: Delta::read(&var["delta"])?, interval: Delta::read(&var["interval"])? })
    }

    pub(super) fn delta(&self) -> &Delta {
        &self.delta
    }

    pub(super) fn manual(&self, run_after: Time) -> DataInterval {
        DataInterval { start: self.interval.before(run_after), end: run_after }
    }
}

impl Trigger for CronTrigger {
    type Rule = CronSchedule;

    fn rule(&self) -> &CronSchedule {
        &self.cron
    }

    fn data_interval(&self) -> &Delta {
        &self.interval
    }

    fn first(&self, now: Time) -> Result<Time> {
        let (past, next) = (self.cron.align_to_prev(now)?, self.cron.align_to_next(now)?);
        let near = match self.immediately {
            Immediately::Always => return Ok(past),
            Immediately::Within(span) => span,
            Immediately::Near => ((next - past) / 10).max(TimeDelta::minutes(5)),
        };
        Ok(if now - past <= near { past } else { next })
    }
}

impl Trigger for DeltaTrigger {
    type Rule = Delta;

    fn rule(&self) -> &Delta {
        &self.delta
    }

    fn data_interval(&self) -> &Delta {
        &self.interval
    }

    fn first(&self, now: Time) -> Result<Time> {
        self.delta.align_to_prev(now)
    }
}

pub(super) fn next(
    trigger: &impl Trigger,
    last: Option<DataInterval>,
    restriction: &TimeRestriction,
    now: Time,
) -> Result<Option<DagRunInfo>> {
    let rule = trigger.rule();
    let after_last = last.map(|last| rule.next(last.end)).transpose()?;
    let at = if restriction.catchup {
        match (after_last, restriction.earliest) {
            (Some(next), _) => next,
            (None, Some(earliest)) => rule.align_to_next(earliest)?,
            (None, None) => trigger.first(now)?,
        }
    } else {
        let mut at = rule.align_to_prev(now)?;
        match after_last {
            Some(next) => at = at.max(next),
            None if restriction.earliest.is_none() => at = at.max(trigger.first(now)?),
            None => {}
        }
        if let Some(earliest) = restriction.earliest {
            at = at.max(rule.align_to_next(earliest)?);
        }
        at
    };
    if restriction.latest.is_some_and(|latest| latest < at) {
        return Ok(None);
    }
    Ok(Some(DagRunInfo::interval(trigger.data_interval().before(at), at)))
}

/// Of several expressions the one that wants to run first; with `catchup=False` the latest of those already due.
pub(super) fn next_of_all(
    all: &[CronTrigger],
    last: Option<DataInterval>,
    restriction: &TimeRestriction,
    now: Time,
) -> Result<Option<DagRunInfo>> {
    let mut best: Option<(i64, DagRunInfo)> = None;
    for one in all {
        let Some(info) = next(one, last, restriction, now)? else { continue };
        let at = info.interval.start.timestamp_millis();
        let rank = if !restriction.catchup && at <= now.timestamp_millis() { -at } else { at };
        if best.is_none_or(|(lowest, _)| rank < lowest) {
            best = Some((rank, info));
        }
    }
    Ok(best.map(|(_, info)| info))
}
