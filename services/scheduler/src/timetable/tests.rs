//! Against what Airflow's own timetables answered (tests/recorded/timetables.py).

use super::*;
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
