//! Whole runs of small DAGs.

use super::bench::{MINUTE, bench, expected};
use serde_json::json;

#[tokio::test]
async fn a_chain_runs_to_its_end() {
    bench(|b| async move {
        b.add("d", &[("a", &["b"], json!({})), ("b", &["c"], json!({"_is_empty": true})), ("c", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "queued"), ("b", "none"), ("c", "none")]));
        b.work(&[]).await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "success"), ("b", "success"), ("c", "success")]));
        assert_eq!(b.run_state("d", "r").await, "success");
        assert_eq!(b.instance("d", "r", "b").await.try_number, 1);
    })
    .await;
}

#[tokio::test]
async fn a_failure_fails_what_comes_after_and_the_run() {
    bench(|b| async move {
        b.add("d", &[("a", &["b"], json!({})), ("b", &[], json!({})), ("c", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        b.work(&[("a", "failed")]).await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "failed"), ("b", "upstream_failed"), ("c", "success")]));
        assert_eq!(b.run_state("d", "r").await, "failed");
    })
    .await;
}

#[tokio::test]
async fn a_branch_skips_one_side_and_is_remembered_when_it_is_cleared() {
    bench(|b| async move {
        let join = json!({"trigger_rule": "none_failed_min_one_success"});
        let tasks = [
            ("choose", &["x", "y"][..], json!({"_can_skip_downstream": true})),
            ("x", &["join"], json!({})),
            ("y", &["join"], json!({})),
            ("join", &[], join),
        ];
        b.add("d", &tasks, json!({})).await;
        b.trigger("d", "r").await;
        let choose = b.claim("w1", 1).await.remove(0);
        b.start(&choose).await;
        b.call(&choose, "POST", "xcoms/d/r/choose/skipmixin_key", json!({"followed": ["y"]})).await;
        assert_eq!(b.own(&choose, "PATCH", "skip-downstream", json!({"tasks": [["x", -1]]})).await.status, 204);
        b.say(&choose, "success").await;
        b.work(&[]).await;
        let end = expected(&[("choose", "success"), ("x", "skipped"), ("y", "success"), ("join", "success")]);
        assert_eq!(b.states("d", "r").await, end);
        let clear = crate::clear::Clear { tasks: vec![("x".into(), None)], downstream: true, reset_run: true, ..Default::default() };
        b.s.clear("d", "r", &clear).await.unwrap();
        assert_eq!(b.run_state("d", "r").await, "queued");
        b.settle().await;
        b.work(&[]).await;
        assert_eq!(b.states("d", "r").await, end);
        assert_eq!(b.run_state("d", "r").await, "success");
    })
    .await;
}

#[tokio::test]
async fn a_retry_comes_when_its_time_has_come_under_a_new_id() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({"retries": 1, "retry_delay": 120.0}))], json!({})).await;
        b.trigger("d", "r").await;
        let first = b.claim("w1", 1).await.remove(0);
        assert_eq!(b.start(&first).await["should_retry"], true);
        b.say(&first, "up_for_retry").await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "up_for_retry")]));
        b.advance(2 * MINUTE - 1).await;
        assert!(b.claim("w1", 1).await.is_empty());
        b.advance(1).await;
        let second = b.claim("w1", 1).await.remove(0);
        assert_ne!(first.ti_id, second.ti_id);
        assert_eq!(b.start(&second).await["should_retry"], false);
        b.say(&second, "failed").await;
        assert_eq!(b.run_state("d", "r").await, "failed");
        assert_eq!(b.instance("d", "r", "a").await.try_number, 2);
        let past = crate::store::history::tries(&b.s.db, "d", "r", "a", -1).await.unwrap();
        assert_eq!(past.iter().map(|t| (t.try_number, t.state.unwrap().as_str())).collect::<Vec<_>>(), [(1, "failed")]);
        // the first try's word comes once more: it is taken as said
        let again = b.own(&first, "PATCH", "state", json!({"state": "up_for_retry"})).await;
        assert_eq!(again.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_mapped_task_has_an_instance_for_every_element() {
    bench(|b| async move {
        let over = json!({"_is_mapped": true, "_expand_input_attr": "expand_input", "expand_input": {"type": "dict-of-lists", "value": {"__type": "dict", "__var": {
            "x": {"__type": "xcomref", "__var": {"task_id": "make", "key": "return_value"}}}}}});
        b.add("d", &[("make", &["each"], json!({})), ("each", &["sum"], over), ("sum", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        let make = b.claim("w1", 1).await.remove(0);
        b.start(&make).await;
        let pushed = b.call(&make, "POST", "xcoms/d/r/make/return_value?mapped_length=3", json!([5, 6, 7])).await;
        assert_eq!(pushed.status, 201);
        b.say(&make, "success").await;
        let each = b.claim("w1", 10).await;
        assert_eq!(each.len(), 3);
        for (i, workload) in each.iter().enumerate() {
            b.start(workload).await;
            b.call(workload, "POST", &format!("xcoms/d/r/each/return_value?map_index={i}"), json!(i)).await;
            b.say(workload, "success").await;
        }
        let sum = b.claim("w1", 1).await.remove(0);
        b.start(&sum).await;
        let all = b.call(&sum, "GET", "xcoms/d/r/each/return_value/slice", json!(null)).await;
        assert_eq!(all.body, Some(json!([0, 1, 2])));
        let count = b.call(&sum, "HEAD", "xcoms/d/r/each/return_value", json!(null)).await;
        assert_eq!(count.headers, [("Content-Range", "map_indexes 3".to_owned())]);
        b.say(&sum, "success").await;
        assert_eq!(b.states("d", "r").await, expected(&[("make", "success"), ("each[0]", "success"), ("each[1]", "success"), ("each[2]", "success"), ("sum", "success")]));
        assert_eq!(b.run_state("d", "r").await, "success");
    })
    .await;
}

#[tokio::test]
async fn the_past_holds_a_task_until_it_is_mended() {
    bench(|b| async move {
        let daily =
            json!({"timetable": super::bench::cron("0 0 * * *"), "catchup": true, "start_date": 1_767_398_400.0, "max_active_runs": 5});
        b.add("d", &[("a", &[], json!({"depends_on_past": true}))], daily).await;
        b.settle().await;
        let (first, second) = ("scheduled__2026-01-03T00:00:00+00:00", "scheduled__2026-01-04T00:00:00+00:00");
        let work = b.claim("w1", 10).await;
        assert_eq!(work.len(), 1, "only the first run's task may start");
        b.start(&work[0]).await;
        b.say(&work[0], "failed").await;
        assert_eq!(b.run_state("d", first).await, "failed");
        assert_eq!((b.states("d", second).await, b.run_state("d", second).await), (expected(&[("a", "none")]), "running".into()));
        let task = b.instance("d", first, "a").await;
        b.s.mark(&task, Some(crate::states::TaskState::Success)).await.unwrap();
        b.settle().await;
        b.work(&[]).await;
        assert_eq!(b.run_state("d", second).await, "success");
    })
    .await;
}

#[tokio::test]
async fn the_next_run_goes_on_as_soon_as_what_it_waits_for_has_ended() {
    bench(|b| async move {
        let daily =
            json!({"timetable": super::bench::cron("0 0 * * *"), "catchup": true, "start_date": 1_767_398_400.0, "max_active_runs": 5});
        let waits = json!({"depends_on_past": true, "wait_for_downstream": true});
        b.add("d", &[("a", &["b"], waits), ("b", &[], json!({}))], daily).await;
        b.settle().await;
        for day in ["03", "04", "05"] {
            for task in ["a", "b"] {
                let work = b.claim("w1", 10).await;
                let found: serde_json::Value = serde_json::from_str(&work[0].execute_task_json).unwrap();
                let run = format!("scheduled__2026-01-{day}T00:00:00+00:00");
                assert_eq!((work.len(), &found["ti"]["task_id"], &found["ti"]["run_id"]), (1, &json!(task), &json!(run)));
                b.start(&work[0]).await;
                b.clock.advance(10);
                b.say(&work[0], "success").await;
            }
        }
        assert!(b.claim("w1", 10).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_rescheduled_sensor_goes_on_with_the_same_try() {
    bench(|b| async move {
        b.add("d", &[("s", &[], json!({"_is_sensor": true}))], json!({})).await;
        b.trigger("d", "r").await;
        let poke = b.claim("w1", 1).await.remove(0);
        b.start(&poke).await;
        let until = crate::times::shown(b.clock.now() + MINUTE);
        let reply = b
            .own(
                &poke,
                "PATCH",
                "state",
                json!({"state": "up_for_reschedule", "reschedule_date": until, "end_date": crate::times::shown(b.clock.now())}),
            )
            .await;
        assert_eq!(reply.status, 204);
        b.settle().await;
        assert!(b.claim("w1", 1).await.is_empty());
        b.advance(MINUTE).await;
        let again = b.claim("w1", 1).await.remove(0);
        assert_eq!(again.ti_id, poke.ti_id);
        let context = b.start(&again).await;
        assert_eq!((context["task_reschedule_count"].clone(), b.instance("d", "r", "s").await.try_number), (json!(1), 1));
        b.say(&again, "success").await;
        assert_eq!(b.run_state("d", "r").await, "success");
    })
    .await;
}
