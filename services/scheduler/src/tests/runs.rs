//! Runs that the timetable makes, and what keeps them in bounds.

use super::bench::{MINUTE, START, bench, cron, expected};
use crate::runs::NewRun;
use crate::states::RunState;
use crate::store::{Filter, Page, runs};
use artel_platform::Code;
use serde_json::json;

async fn run_ids(b: &super::bench::Bench, dag_id: &str) -> Vec<String> {
    let mut filter = Filter::default();
    filter.compare("dag_id", "=", dag_id);
    runs::list(&b.s.db, filter, &Page::all("run_after, run_id")).await.unwrap().0.into_iter().map(|r| r.run_id).collect()
}

#[tokio::test]
async fn runs_come_when_they_are_due() {
    bench(|b| async move {
        b.add(
            "d",
            &[("a", &[], json!({"_is_empty": true}))],
            json!({"timetable": cron("*/5 * * * *"), "start_date": (START / 1000 - 3600) as f64}),
        )
        .await;
        b.settle().await;
        assert_eq!(run_ids(&b, "d").await, ["scheduled__2026-01-05T00:00:00+00:00"]);
        let next = b.s.tick(b.clock.now()).await.unwrap();
        assert_eq!(next, Some(START + 5 * MINUTE));
        b.advance(5 * MINUTE - 1).await;
        assert_eq!(run_ids(&b, "d").await.len(), 1);
        b.advance(1).await;
        assert_eq!(run_ids(&b, "d").await[1], "scheduled__2026-01-05T00:05:00+00:00");
        let run = b.s.run("d", "scheduled__2026-01-05T00:05:00+00:00").await.unwrap();
        assert_eq!(
            (run.logical_date, run.data_interval_start, run.data_interval_end, run.run_after),
            (Some(START + 5 * MINUTE), Some(START + 5 * MINUTE), Some(START + 5 * MINUTE), START + 5 * MINUTE)
        );
        // the service was away for an hour: only the latest of what was missed
        b.advance(62 * MINUTE).await;
        assert_eq!(run_ids(&b, "d").await[2..], ["scheduled__2026-01-05T01:05:00+00:00"]);
    })
    .await;
}

#[tokio::test]
async fn missed_runs_are_made_up_for_as_far_as_there_is_room() {
    bench(|b| async move {
        let more = json!({"timetable": cron("0 0 * * *"), "catchup": true, "start_date": (START / 1000 - 3 * 86_400) as f64, "max_active_runs": 2});
        b.add("d", &[("a", &[], json!({}))], more).await;
        b.settle().await;
        assert_eq!(run_ids(&b, "d").await, ["scheduled__2026-01-02T00:00:00+00:00", "scheduled__2026-01-03T00:00:00+00:00"]);
        b.work(&[]).await;
        b.settle().await;
        b.work(&[]).await;
        assert_eq!(run_ids(&b, "d").await.len(), 4);
        assert_eq!(b.run_state("d", "scheduled__2026-01-05T00:00:00+00:00").await, "success");
    })
    .await;
}

#[tokio::test]
async fn those_that_are_due_together_are_made_and_started_together() {
    bench(|b| async move {
        let tasks: &[(&str, &[&str], _)] = &[("a", &[], json!({}))];
        let due = json!({"timetable": cron("0 0 * * *"), "start_date": (START / 1000) as f64});
        let names: Vec<String> = (0..40).map(|n| format!("d{n:02}")).collect();
        for name in &names {
            b.add(name, tasks, due.clone()).await;
        }
        // one waits already, one has run for that date, one cannot be read
        b.s.trigger("d01", NewRun { run_id: Some("before".into()), ..NewRun::default() }).await.unwrap();
        let same_date = NewRun { run_id: Some("same".into()), logical_date: Some(START), ..NewRun::default() };
        b.s.trigger("d02", same_date).await.unwrap();
        b.s.db.execute("UPDATE dag_versions SET serialized = '{' WHERE dag_id = 'd03'", vec![]).await.unwrap();
        b.s.versions.forget(&b.s.dag_row("d03").await.unwrap().latest_version_id);
        let again = b.s.create_due_runs(START).await.unwrap();
        assert!(again.is_some_and(|at| at > START), "what could not be made is tried again");
        for name in &names {
            let made = runs::get(&b.s.db, name, "scheduled__2026-01-05T00:00:00+00:00").await.unwrap();
            let state = made.map(|run| (run.state, run.start_date.is_some()));
            let expected = match name.as_str() {
                "d01" => Some((RunState::Queued, false)),
                "d02" | "d03" => None,
                _ => Some((RunState::Running, true)),
            };
            assert_eq!(state, expected, "{name}");
            let next = b.s.dag_row(name).await.unwrap().next.run_after;
            assert_eq!(next == Some(START), name == "d03", "{name}");
        }
        assert_eq!(b.states("d39", "scheduled__2026-01-05T00:00:00+00:00").await, expected(&[("a", "none")]));
        b.settle().await;
        assert_eq!(b.states("d39", "scheduled__2026-01-05T00:00:00+00:00").await, expected(&[("a", "queued")]));
    })
    .await;
}

#[tokio::test]
async fn queued_runs_start_one_after_the_other() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({"max_active_runs": 1})).await;
        b.trigger("d", "r1").await;
        b.clock.advance(1);
        b.trigger("d", "r2").await;
        assert_eq!((b.run_state("d", "r1").await, b.run_state("d", "r2").await), ("running".into(), "queued".into()));
        let work = b.claim("w1", 10).await;
        b.start(&work[0]).await;
        b.say(&work[0], "success").await;
        assert_eq!((b.run_state("d", "r1").await, b.run_state("d", "r2").await), ("success".into(), "running".into()));
    })
    .await;
}

#[tokio::test]
async fn a_run_by_hand_has_an_id_and_an_interval_of_its_own() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({"timetable": {"__type": "airflow.timetables.interval.CronDataIntervalTimetable", "__var": {"expression": "0 0 * * *", "timezone": "UTC"}}})).await;
        let manual = |new: NewRun| b.s.trigger("d", NewRun { triggered_by: "rest_api", ..new });
        let run = manual(NewRun { logical_date: Some(START + 90 * MINUTE), ..NewRun::default() }).await.unwrap();
        assert_eq!(run.run_id, "manual__2026-01-05T00:00:00+00:00");
        assert_eq!((run.data_interval_start, run.data_interval_end), (Some(START - 1440 * MINUTE), Some(START)));
        let twice = manual(NewRun::default()).await.unwrap_err();
        assert_eq!(twice.code, Code::AlreadyExists);
        let same_date = manual(NewRun { run_id: Some("other".into()), logical_date: Some(START + 90 * MINUTE), ..NewRun::default() }).await.unwrap_err();
        assert_eq!(same_date.code, Code::AlreadyExists);
        for bad in ["scheduled__x", "a/b", "a..b", ""] {
            let error = manual(NewRun { run_id: Some(bad.into()), ..NewRun::default() }).await.unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument, "{bad}");
        }
        assert_eq!(b.s.trigger("nowhere", NewRun::default()).await.unwrap_err().code, Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_run_ends_by_hand() {
    bench(|b| async move {
        b.add("d", &[("a", &["b"], json!({})), ("b", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        b.s.set_run_state("d", "r", RunState::Success).await.unwrap();
        assert_eq!(b.states("d", "r").await, expected(&[("a", "skipped"), ("b", "skipped")]));
        assert_eq!(b.run_state("d", "r").await, "success");
        b.s.delete_run("d", "r").await.unwrap();
        assert!(b.s.run("d", "r").await.is_err());
        assert!(b.states("d", "r").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn so_many_failures_in_a_row_pause_a_dag() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({"max_consecutive_failed_dag_runs": 2})).await;
        for run in ["r1", "r2"] {
            assert!(!b.s.dag_row("d").await.unwrap().is_paused);
            b.clock.advance(1);
            b.trigger("d", run).await;
            b.work(&[("a", "failed")]).await;
        }
        assert!(b.s.dag_row("d").await.unwrap().is_paused);
    })
    .await;
}

#[tokio::test]
async fn a_newer_run_that_goes_on_breaks_the_row_of_failures() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({"max_consecutive_failed_dag_runs": 2})).await;
        for run in ["r1", "r2", "r3"] {
            b.clock.advance(1);
            b.trigger("d", run).await;
        }
        let work = b.claim("w1", 10).await;
        for workload in &work {
            b.start(workload).await;
        }
        for (workload, is_paused) in work.iter().zip([false, false, true]) {
            b.say(workload, "failed").await;
            assert_eq!(b.s.dag_row("d").await.unwrap().is_paused, is_paused);
        }
    })
    .await;
}

#[tokio::test]
async fn clearing_a_finished_run_tries_again_what_failed() {
    bench(|b| async move {
        b.add("d", &[("a", &["b"], json!({"retries": 1, "retry_delay": 0.0})), ("b", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        b.work(&[("a", "failed")]).await;
        assert_eq!(b.run_state("d", "r").await, "failed");
        let clear = crate::clear::Clear { only_failed: true, reset_run: true, ..Default::default() };
        assert_eq!(b.s.to_clear("d", "r", &clear).await.unwrap().len(), 2);
        b.s.clear("d", "r", &clear).await.unwrap();
        b.settle().await;
        b.work(&[]).await;
        let a = b.instance("d", "r", "a").await;
        assert_eq!((a.try_number, a.max_tries, b.run_state("d", "r").await), (2, 2, "success".into()));
        let run = b.s.run("d", "r").await.unwrap();
        assert_eq!(run.clear_number, 1);
        let past = crate::store::history::tries(&b.s.db, "d", "r", "a", -1).await.unwrap();
        assert_eq!((past.len(), past[0].state.unwrap().as_str()), (1, "failed"));
    })
    .await;
}
