//! Timetables whose runs cover the time between two ticks and start at its end (airflow/timetables/interval.py).

use super::{DagRunInfo, DataInterval, Ticks, Time, TimeRestriction};
use artel_platform::{Error, Result};

pub(super) fn next(ticks: &impl Ticks, last: Option<DataInterval>, restriction: &TimeRestriction, now: Time) -> Result<Option<DagRunInfo>> {
    let earliest = match restriction.earliest {
        earliest if !restriction.catchup => Some(ticks.skip_to_latest(earliest, now)?),
        Some(earliest) => Some(ticks.align_to_next(earliest)?),
        None => None,
    };
    let start = match last {
        None => match earliest {
            None => return Ok(None),
            Some(earliest) => earliest,
        },
        Some(last) => {
            let aligned = ticks.align_to_prev(last.end)?;
            let start = earliest.map_or(aligned, |earliest| earliest.max(aligned));
            past(ticks, start, last.start)?
        }
    };
    if restriction.latest.is_some_and(|latest| start > latest) {
        return Ok(None);
    }
    Ok(Some(DagRunInfo::interval(start, ticks.next(start)?)))
}

/// A schedule that was changed may align onto the last run itself: then the tick after it.
fn past(ticks: &impl Ticks, start: Time, last_start: Time) -> Result<Time> {
    if start > last_start {
        return Ok(start);
    }
    let start = ticks.next(start)?;
    if start > last_start { Ok(start) } else { Err(Error::invalid(format!("the timetable does not advance past {last_start}"))) }
}
