//! Against what Airflow's own timetables answered (tests/recorded/timetables.py).

use super::*;
use chrono::{Offset, TimeDelta};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    timetable: Value,
    earliest: Option<Time>,
    latest: Option<Time>,
    catchup: bool,
    steps: Vec<Step>,
    manual: (Time, Time, Time),
    summary: Option<String>,
    periodic: bool,
}

#[derive(Deserialize)]
struct Step {
    now: Time,
    next: Option<(Time, Time, Time)>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../tests/recorded/timetables.json")).unwrap()
}

#[test]
fn runs_are_airflows() {
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let timetable = Timetable::read(&case.timetable).unwrap();
        let restriction = TimeRestriction { earliest: case.earliest, latest: case.latest, catchup: case.catchup };
        let mut last = None;
        for step in &case.steps {
            let got = timetable.next(last, &restriction, step.now).unwrap().map(|i| (i.run_after, i.interval.start, i.interval.end));
            if got != step.next {
                wrong.push(format!(
                    "{} catchup={} earliest={:?} now={} last={last:?}: {got:?}, not {:?}",
                    case.timetable, case.catchup, case.earliest, step.now, step.next
                ));
                break;
            }
            last = step.next.map(|(_, start, end)| DataInterval { start, end });
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong[..wrong.len().min(12)].join("\n"));
}

#[test]
fn manual_intervals_and_summaries_are_airflows() {
    for case in cases() {
        let timetable = Timetable::read(&case.timetable).unwrap();
        let (run_after, start, end) = case.manual;
        assert_eq!(timetable.infer_manual(run_after).unwrap(), DataInterval { start, end }, "{} at {run_after}", case.timetable);
        assert_eq!(timetable.periodic(), case.periodic, "{}", case.timetable);
        assert_eq!(timetable.summary(), case.summary, "{}", case.timetable);
    }
}

#[derive(Deserialize)]
struct Span {
    timetable: Value,
    earliest: Time,
    latest: Time,
    /// Run after, start and end of the interval; of partitions the time and the key.
    runs: Vec<Vec<String>>,
    /// Upstream did not give up in the middle ("did not advance past"), and so does not the native one.
    whole: bool,
}

/// Catching up and backfills where clocks change (tests/recorded/spans.py).
#[test]
fn spans_have_the_runs_that_airflow_gives_them() {
    let spans: Vec<Span> = serde_json::from_str(include_str!("../../tests/recorded/spans.json")).unwrap();
    let shown = |at: Time| crate::times::shown(at.timestamp_millis());
    let mut wrong = Vec::new();
    for span in &spans {
        let timetable = Timetable::read(&span.timetable).unwrap();
        let got: Vec<Vec<String>> = match &timetable {
            // what a backfill says is the schedule's own clock
            Timetable::CronPartition(cron) => {
                let local = |at: Time| cron.cron().zone().instant(at.naive_utc());
                cron.between(local(span.earliest), local(span.latest)).unwrap().into_iter().map(|(at, key)| vec![shown(at), key]).collect()
            }
            other => match other.between(span.earliest, span.latest, span.latest) {
                Ok(all) => {
                    all.iter().map(|info| vec![shown(info.run_after), shown(info.interval.start), shown(info.interval.end)]).collect()
                }
                Err(error) => {
                    assert!(!span.whole && error.message.contains("does not advance past"), "{}: {}", span.timetable, error.message);
                    continue;
                }
            },
        };
        assert!(span.whole, "{} from {} is not given up as upstream gives it up", span.timetable, span.earliest);
        if got != span.runs {
            let at = got.iter().zip(&span.runs).position(|(a, b)| a != b).unwrap_or(got.len().min(span.runs.len()));
            wrong.push(format!("{} from {}: run {at} is {:?}, not {:?}", span.timetable, span.earliest, got.get(at), span.runs.get(at)));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), spans.len(), wrong[..wrong.len().min(12)].join("\n"));
    assert!(spans.len() > 150);
}

#[test]
fn nonsense_is_refused_with_the_expression() {
    for expression in ["", "* * * *", "61 * * * *", "a b c d e", "* * * * * * *"] {
        let error = CronSchedule::new(expression, Zone::UTC).unwrap_err();
        assert!(error.message.contains(&format!("{expression:?}")), "{}", error.message);
    }
}

#[test]
fn a_custom_timetable_is_never_due_by_itself() {
    let custom = Timetable::read(&serde_json::json!({"__type": "company.plugins.Fortnightly", "__var": {}})).unwrap();
    assert_eq!(custom.type_name(), "company.plugins.Fortnightly");
    assert_eq!(custom.next(None, &TimeRestriction::default(), Utc::now()).unwrap(), None);
}

/// Cron expressions and spans in zones whose clocks change at different times, and by half an hour.
fn schedule() -> impl Strategy<Value = (Tz, Timetable)> {
    let zones = proptest::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]);
    let crons = proptest::sample::select(vec!["30 2 * * *", "*/30 * * * *", "0 */2 * * *", "15 1-3 * * *", "0 0 * * 0", "5 4 1 * *"]);
    (zones, crons, any::<bool>()).prop_map(|(zone, cron, interval)| {
        let (class, var) = match interval {
            true => ("interval.CronDataIntervalTimetable", serde_json::json!({"expression": cron, "timezone": zone})),
            false => (
                "trigger.CronTriggerTimetable",
                serde_json::json!({"expression": cron, "timezone": zone, "interval": 0.0, "run_immediately": false}),
            ),
        };
        let timetable = Timetable::read(&serde_json::json!({"__type": format!("airflow.timetables.{class}"), "__var": var})).unwrap();
        (zone.parse().unwrap(), timetable)
    })
}

/// Do the clocks of a zone change within three hours of a time?
fn clocks_change(zone: Tz, time: Time) -> bool {
    let offset = |hours: i64| (time + TimeDelta::hours(hours)).with_timezone(&zone).offset().fix();
    offset(-3) != offset(3)
}

proptest! {
    /// Whatever the clocks do: runs go forward and stay in their bounds. A span has the runs of its two parts, unless it
    /// is parted where clocks change: for these spans the recorded ones decide.
    #[test]
    fn a_span_has_the_runs_of_its_parts((zone, timetable) in schedule(), start in 0i64..525_600, first in 1i64..4000, second in 1i64..4000) {
        let at = |minutes: i64| crate::times::at(1_767_225_600_000) + TimeDelta::minutes(minutes);
        let (a, b, c) = (at(start), at(start + first), at(start + first + second));
        let dates = |from: Time, to: Time| -> Vec<Time> {
            timetable.between(from, to, c).unwrap().iter().map(|info| info.interval.start).collect()
        };
        let whole = dates(a, c);
        prop_assert!(whole.windows(2).all(|pair| pair[0] < pair[1]), "{whole:?}");
        prop_assert!(whole.iter().all(|date| a <= *date && *date <= c), "{whole:?}");
        let mut parts = dates(a, b - TimeDelta::milliseconds(1));
        parts.extend(dates(b, c));
        prop_assert!(whole == parts || clocks_change(zone, b), "{whole:?} is not {parts:?}");
    }
}
