//! Leases: a task runs in one place, and not for ever in a place that is gone.

use super::bench::{bench, expected};
use crate::states::RunState;
use serde_json::json;

#[tokio::test]
async fn a_task_is_given_to_one_worker() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({})), ("b", &[], json!({})), ("c", &[], json!({"queue": "gpu"}))], json!({})).await;
        b.trigger("d", "r").await;
        let (one, two) = tokio::join!(b.claim("w1", 1), b.claim("w2", 10));
        assert_eq!((one.len() + two.len(), b.claim("w3", 10).await.len()), (2, 0));
        let gpu = b.s.claim("w4", &["gpu".into()], 5, std::time::Duration::ZERO).await.unwrap();
        assert_eq!(gpu.len(), 1);
        let env = &gpu[0].env;
        assert!(env["MLFLOW_TRACKING_URI"].starts_with("http://"));
        let who = b.s.cx.keys.verify(&env["MLFLOW_TRACKING_TOKEN"], artel_platform::identity::Audience::Gateway);
        // the clock of this test stands long ago: the token has expired, but it is a token
        assert!(who.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_waits_is_given_what_is_let_in_and_what_comes_after_it() {
    bench(|b| async move {
        b.add("d", &[("a", &["b"], json!({})), ("b", &[], json!({})), ("c", &[], json!({"queue": "gpu"}))], json!({})).await;
        let wait = async |worker: &str| b.s.claim(worker, &["default".into()], 2, std::time::Duration::from_secs(20)).await.unwrap();
        let (work, ()) = tokio::join!(wait("w1"), async {
            until_there_waits_one(&b.s).await;
            b.trigger("d", "r").await;
        });
        assert_eq!(work.iter().map(super::bench::task_of).collect::<Vec<_>>(), ["a"], "the other one is in another queue");
        let held = b.instance("d", "r", "a").await;
        assert_eq!((held.worker_id.as_deref(), held.lease_until), (Some("w1"), Some(b.clock.now() + 30_000)));
        b.start(&work[0]).await;
        // the end of a task lets in the next one by itself
        let (next, ()) = tokio::join!(wait("w2"), async {
            until_there_waits_one(&b.s).await;
            b.say_only(&work[0], "success").await;
        });
        assert_eq!(super::bench::task_of(&next[0]), "b");
        assert_eq!(b.states("d", "r").await, expected(&[("a", "success"), ("b", "queued"), ("c", "queued")]));
        b.start(&next[0]).await;
        b.say_only(&next[0], "success").await;
        assert_eq!(b.claim("w3", 10).await.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn an_end_that_nothing_comes_after_lets_in_another_and_the_last_one_ends_the_run() {
    bench(|b| async move {
        let tasks = [("a", &["b", "c", "d"][..], json!({})), ("b", &[], json!({})), ("c", &[], json!({})), ("d", &[], json!({}))];
        b.add("d", &tasks, json!({"max_active_tasks": 2})).await;
        b.trigger("d", "r").await;
        let a = b.claim("w1", 1).await.remove(0);
        b.start(&a).await;
        b.say_only(&a, "success").await;
        let steps = [
            (["queued", "queued", "scheduled"], "success"),
            (["queued", "queued", "success"], "failed"),
            (["failed", "queued", "success"], "success"),
        ];
        for (expected, end) in steps {
            let states = b.states("d", "r").await;
            let mut states = ["b", "c", "d"].map(|task| states[task].as_str());
            states.sort_unstable();
            assert_eq!(states, expected);
            let work = b.claim("w1", 1).await.remove(0);
            b.start(&work).await;
            b.say_only(&work, end).await;
        }
        assert_eq!(b.run_state("d", "r").await, "failed");
    })
    .await;
}

#[tokio::test]
async fn the_slot_of_a_task_that_ended_goes_to_the_weightiest_that_waits() {
    bench(|b| async move {
        let weigh = |weight: i64, queue: &str| json!({"priority_weight": weight, "weight_rule": "absolute", "queue": queue});
        let tasks: &[(&str, &[&str], _)] = &[
            ("first", &["next"], weigh(9, "default")),
            ("next", &[], weigh(2, "default")),
            ("heavy", &[], weigh(8, "default")),
            ("light", &[], weigh(1, "default")),
            ("other", &[], weigh(9, "gpu")),
        ];
        b.add("d", tasks, json!({})).await;
        b.trigger("d", "r").await;
        let mut work = b.claim("w1", 1).await.remove(0);
        let mut order = vec![super::bench::task_of(&work)];
        b.start(&work).await;
        // "heavy" and "light" are queued before "first" ends, "next" is let in by its end
        while let Some(next) = b.end_and_go_on(&work, "w1").await {
            let held = b.s.db.ask(crate::store::instances::with_ids(std::slice::from_ref(&next))).await.unwrap().remove(0);
            assert_eq!((held.worker_id.as_deref(), held.lease_until), (Some("w1"), Some(b.clock.now() + 30_000)));
            work = b.s.workloads(&[next]).await.unwrap().remove(0);
            order.push(super::bench::task_of(&work));
            b.start(&work).await;
        }
        assert_eq!(order, ["first", "heavy", "next", "light"]);
        assert_eq!(b.states("d", "r").await["other"], "queued");
    })
    .await;
}

#[tokio::test]
async fn only_the_worker_that_ran_a_task_goes_on_with_its_slot() {
    bench(|b| async move {
        b.add("d", &[("a", &["b"], json!({})), ("b", &["c"], json!({})), ("c", &[], json!({"queue": "gpu"}))], json!({})).await;
        b.trigger("d", "r").await;
        let a = b.claim("w1", 1).await.remove(0);
        b.start(&a).await;
        assert_eq!(b.end_and_go_on(&a, "w2").await, None);
        let again = b.claim("w1", 1).await.remove(0);
        assert_eq!(super::bench::task_of(&again), "b");
        b.start(&again).await;
        assert_eq!(b.end_and_go_on(&again, "w1").await, None, "what comes next is of another queue");
        assert_eq!(b.s.claim("w3", &["gpu".into()], 1, std::time::Duration::ZERO).await.unwrap().len(), 1);
    })
    .await;
}

async fn until_there_waits_one(scheduler: &crate::Scheduler) {
    while !scheduler.waiting.is_open() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_silent_worker_loses_its_tasks_to_their_retry_rule() {
    bench(|b| async move {
        b.add("d", &[("again", &[], json!({"retries": 1, "retry_delay": 1.0})), ("never", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        let work = b.claim("w1", 10).await;
        for workload in &work {
            b.start(workload).await;
        }
        let ids: Vec<String> = work.iter().map(|w| w.ti_id.clone()).collect();
        b.advance(29_000).await;
        assert!(b.s.heartbeat("w1", &ids).await.unwrap().is_empty());
        b.advance(29_000).await;
        assert_eq!(b.states("d", "r").await, expected(&[("again", "running"), ("never", "running")]));
        b.advance(2_000).await;
        assert_eq!(b.states("d", "r").await, expected(&[("again", "up_for_retry"), ("never", "failed")]));
        // what comes back from the dead is to be killed, and its word is too late
        let late = b.own(&work[0], "PATCH", "state", json!({"state": "success", "end_date": "2026-01-05T00:00:00Z"})).await;
        assert!(matches!(late.status, 409 | 410), "{late:?}");
        let log = b.s.read_log(&ids[0], 0, true).await.unwrap();
        assert!(log.text.contains("w1 gave no sign of life in time"), "{}", log.text);
        b.advance(1_000).await;
        b.work(&[]).await;
        assert_eq!(b.states("d", "r").await, expected(&[("again", "success"), ("never", "failed")]));
        assert_eq!(b.run_state("d", "r").await, "failed");
    })
    .await;
}

#[tokio::test]
async fn a_scheduler_that_was_away_hears_its_workers_first() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({})), ("b", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        let work = b.claim("w1", 2).await;
        b.start(&work[0]).await;
        b.s.cx.clock.advance(120_000);
        // as the timer does at the start
        b.s.forgive_silence(b.s.cx.clock.now()).await.unwrap();
        b.advance(0).await;
        assert_eq!(b.states("d", "r").await[&super::bench::task_of(&work[0])], "running");
        assert!(b.claim("w2", 2).await.is_empty(), "the other one is being started");
        let ids: Vec<String> = work.iter().map(|w| w.ti_id.clone()).collect();
        assert!(b.s.heartbeat("w1", &ids).await.unwrap().is_empty());
        b.advance(31_000).await;
        assert_eq!(b.states("d", "r").await[&super::bench::task_of(&work[0])], "failed", "silence counts again");
    })
    .await;
}

#[tokio::test]
async fn a_claim_that_was_never_started_is_given_out_again() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        let first = b.claim("w1", 1).await.remove(0);
        b.advance(31_000).await;
        let second = b.claim("w2", 1).await.remove(0);
        assert_eq!(first.ti_id, second.ti_id);
        b.start(&second).await;
        let late = b.own(&first, "PATCH", "run", json!({"state": "running", "hostname": "other", "unixname": "u", "pid": 8})).await;
        assert_eq!(late.status, 409);
    })
    .await;
}

#[tokio::test]
async fn a_process_that_ends_without_a_word_ends_its_try() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({"retries": 1})), ("b", &[], json!({})), ("c", &[], json!({})), ("e", &[], json!({}))], json!({}))
            .await;
        b.trigger("d", "r").await;
        let work = b.claim("w1", 10).await;
        let of = |task: &str| work.iter().find(|w| super::bench::task_of(w) == task).unwrap();
        for task in ["a", "b", "c"] {
            b.start(of(task)).await;
        }
        b.exit(&of("a").ti_id, -1, "SIGKILL").await;
        b.exit(&of("b").ti_id, 1, "").await;
        b.exit(&of("c").ti_id, 0, "").await;
        // this one could not even be started
        b.exit(&of("e").ti_id, 1, "").await;
        b.settle().await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "up_for_retry"), ("b", "failed"), ("c", "success"), ("e", "failed")]));
    })
    .await;
}

#[tokio::test]
async fn what_runs_is_killed_when_it_is_cleared_or_its_run_is_ended() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({})).await;
        b.trigger("d", "cleared").await;
        b.trigger("d", "ended").await;
        let work = b.claim("w1", 10).await;
        for workload in &work {
            b.start(workload).await;
        }
        let ids: Vec<String> = work.iter().map(|w| w.ti_id.clone()).collect();
        b.s.clear("d", "cleared", &Default::default()).await.unwrap();
        b.s.set_run_state("d", "ended", RunState::Failed).await.unwrap();
        b.settle().await;
        assert_eq!(b.states("d", "cleared").await, expected(&[("a", "restarting")]));
        assert_eq!(b.states("d", "ended").await, expected(&[("a", "failed")]));
        let mut kill = b.s.heartbeat("w1", &ids).await.unwrap();
        let mut all = ids.clone();
        kill.sort();
        all.sort();
        assert_eq!(kill, all);
        // the old process is dead: now the new try may start
        assert!(b.claim("w1", 10).await.is_empty());
        for id in &ids {
            b.exit(id, -1, "SIGTERM").await;
        }
        b.settle().await;
        assert_eq!(b.claim("w1", 10).await.len(), 1);
        assert_eq!(b.instance("d", "cleared", "a").await.try_number, 2);
        assert_eq!(b.run_state("d", "ended").await, "failed");
    })
    .await;
}

#[tokio::test]
async fn a_task_that_goes_on_after_its_last_word_is_not_killed() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({"retries": 1}))], json!({})).await;
        b.trigger("d", "r").await;
        let a = b.claim("w1", 1).await.remove(0);
        b.start(&a).await;
        b.say(&a, "up_for_retry").await;
        assert!(b.s.heartbeat("w1", std::slice::from_ref(&a.ti_id)).await.unwrap().is_empty());
        let stored = b.call(&a, "POST", "xcoms/d/r/a/late", json!(1)).await;
        assert_eq!(stored.status, 201);
    })
    .await;
}
