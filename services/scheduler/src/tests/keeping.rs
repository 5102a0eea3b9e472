//! What is kept for tasks: large XComs, their own state, callbacks to be called; and how long.

use super::bench::{MINUTE, bench, expected, task_of};
use crate::states::RunState;
use crate::store::event_logs::{self, NewEvent};
use crate::store::logs::{self, Piece};
use crate::store::{Filter, Page, callbacks, objects};
use artel_platform::args;
use serde_json::{Value, json};

#[tokio::test]
async fn a_task_keeps_state_from_one_try_to_the_next() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({"retries": 1, "retry_delay": 1.0}))], json!({})).await;
        b.trigger("d", "r").await;
        let a = b.claim("w1", 1).await.remove(0);
        b.start(&a).await;
        let at = |workload: &artel_proto::artel::scheduler::v1::Workload, key: &str| format!("store/ti/{}/{key}", workload.ti_id);
        let later = crate::times::shown(b.clock.now() + 60_000);
        assert_eq!(b.call(&a, "PUT", &at(&a, "offset"), json!({"value": {"n": 7}, "expires_at": null})).await.status, 204);
        assert_eq!(b.call(&a, "PUT", &at(&a, "a%2Fb"), json!({"value": 1, "expires_at": later})).await.status, 204);
        b.say(&a, "up_for_retry").await;
        b.advance(1000).await;
        let again = b.claim("w1", 1).await.remove(0);
        b.start(&again).await;
        assert_eq!(b.call(&again, "GET", &at(&again, "offset"), json!(null)).await.body, Some(json!({"value": {"n": 7}})));
        assert_eq!(b.call(&again, "GET", &at(&again, "a%2Fb"), json!(null)).await.body, Some(json!({"value": 1})));
        assert_eq!(b.call(&again, "GET", &at(&a, "offset"), json!(null)).await.status, 403, "a try speaks for itself");
        b.clock.advance(60_000);
        assert_eq!(b.call(&again, "GET", &at(&again, "a%2Fb"), json!(null)).await.status, 404, "it has expired");
        assert_eq!(b.call(&again, "DELETE", &format!("store/ti/{}", again.ti_id), json!(null)).await.status, 204);
        assert_eq!(b.call(&again, "GET", &at(&again, "offset"), json!(null)).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn objects_go_with_what_speaks_of_them() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        let now = b.clock.now();
        let text = "INSERT INTO xcoms (dag_id, run_id, task_id, map_index, key, value, object, dag_result, created_at) VALUES ('d', 'r', 'a', $1, 'k', '', $2, 0, 0)";
        for (index, object) in [(-1_i64, "o1"), (0, "o2"), (1, "o3")] {
            b.s.db.execute(text, args![index, object]).await.unwrap();
        }
        let a = b.claim("w1", 1).await.remove(0);
        b.start(&a).await;
        assert_eq!(b.call(&a, "POST", "xcoms/d/r/a/k", json!("small")).await.status, 201);
        assert_eq!(objects::doomed(&b.s.db, now, 10).await.unwrap(), ["o1"], "the value was replaced");
        assert_eq!(b.call(&a, "DELETE", "xcoms/d/r/a/k?map_index=0", json!(null)).await.status, 200);
        assert_eq!(objects::doomed(&b.s.db, now, 10).await.unwrap(), ["o1", "o2"]);
        b.s.set_run_state("d", "r", RunState::Failed).await.unwrap();
        b.s.delete_run("d", "r").await.unwrap();
        let mut all = objects::doomed(&b.s.db, now, 10).await.unwrap();
        all.sort();
        assert_eq!(all, ["o1", "o2", "o3"]);
    })
    .await;
}

#[tokio::test]
async fn stored_logs_go_with_their_run_and_with_their_instance() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({})), ("b", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        let mut paths = Vec::new();
        for workload in b.claim("w1", 2).await {
            b.start(&workload).await;
            let instance = b.instance("d", "r", &task_of(&workload)).await;
            b.log(&instance.id, Piece { segment: Some("p"), byte: 0, data: b"{}\n" }).await;
            b.say(&workload, "success").await;
            let mut tx = b.s.db.begin().await.unwrap();
            assert!(logs::stored(&mut tx, &instance.id, 3).await.unwrap());
            assert!(!logs::stored(&mut tx, "gone", 3).await.unwrap());
            tx.commit().await.unwrap();
            paths.push(logs::get(&b.s.db, &instance.id).await.unwrap().unwrap().path);
        }
        paths.sort();
        let a = b.instance("d", "r", "a").await;
        assert!(paths[0].ends_with(&format!("task_id=a/attempt=1_{}.log", a.id)), "{paths:?}");
        b.s.delete_instances(&[a]).await.unwrap();
        assert_eq!(objects::doomed(&b.s.db, b.clock.now(), 10).await.unwrap(), paths[..1]);
        b.s.delete_run("d", "r").await.unwrap();
        let mut all = objects::doomed(&b.s.db, b.clock.now(), 10).await.unwrap();
        all.sort();
        assert_eq!(all, paths);
    })
    .await;
}

async fn claimed(b: &super::bench::Bench) -> Option<Value> {
    let now = b.clock.now();
    let mut tx = b.s.db.begin().await.unwrap();
    let callback = callbacks::claim(&mut tx, now, now + 1000).await.unwrap();
    tx.commit().await.unwrap();
    callback.map(|c| serde_json::from_str(&c.request).unwrap())
}

#[tokio::test]
async fn the_end_of_a_run_is_told_once() {
    bench(|b| async move {
        let flags = json!({"has_on_failure_callback": true, "has_on_success_callback": true});
        b.add("d", &[("a", &["b"], json!({})), ("b", &[], json!({}))], flags).await;
        b.add("quiet", &[("a", &[], json!({}))], json!({})).await;
        for (dag, run) in [("d", "good"), ("quiet", "good"), ("d", "bad")] {
            b.trigger(dag, run).await;
            b.work(if run == "bad" { &[("a", "failed")] } else { &[] }).await;
        }
        let good = claimed(&b).await.unwrap();
        assert_eq!(
            (good["type"].clone(), good["run_id"].clone(), good["is_failure_callback"].clone()),
            (json!("DagCallbackRequest"), json!("good"), json!(false))
        );
        assert_eq!((good["msg"].clone(), good["filepath"].clone()), (json!("success"), json!("d.py")));
        let bad = claimed(&b).await.unwrap();
        assert_eq!((bad["run_id"].clone(), bad["msg"].clone()), (json!("bad"), json!("task_failure")));
        assert_eq!(bad["context_from_server"]["dag_run"]["state"], "failed");
        assert!(bad["context_from_server"]["last_ti"]["task_id"].is_string());
        assert!(claimed(&b).await.is_none(), "both are being called");
        // the process that called them died: they are called again
        b.clock.advance(1001);
        assert_eq!(claimed(&b).await.unwrap()["run_id"], "good");
    })
    .await;
}

#[tokio::test]
async fn a_missed_deadline_is_told_and_one_that_was_kept_is_not() {
    bench(|b| async move {
        let alert = |reference: Value, seconds: f64, path: &str| {
            let interval = json!({"__classname__": "datetime.timedelta", "__version__": 2, "__data__": seconds});
            let callback = json!({"__classname__": "airflow.sdk.definitions.callback.AsyncCallback", "__version__": 0, "__data__": {"path": path, "kwargs": {"n": 1}}});
            json!({"name": null, "reference": reference, "interval": interval, "callback": callback})
        };
        let queued = json!({"reference_type": "DagRunQueuedAtDeadline"});
        let average = json!({"reference_type": "AverageRuntimeDeadline", "max_runs": 5, "min_runs": 1});
        let alerts = json!([alert(queued, 60.0, "alerts.late"), alert(average, 10.0, "alerts.slow")]);
        b.add("d", &[("a", &[], json!({}))], json!({"deadline": alerts})).await;
        b.trigger("d", "kept").await;
        b.clock.advance(20_000);
        b.work(&[]).await;
        assert_eq!(b.run_state("d", "kept").await, "success");
        b.advance(60_000).await;
        assert!(claimed(&b).await.is_none());
        // the run before took 20 s: this one is late after 30
        b.trigger("d", "missed").await;
        b.advance(29_999).await;
        assert!(claimed(&b).await.is_none());
        b.advance(1).await;
        let slow = claimed(&b).await.unwrap();
        assert_eq!((slow["type"].clone(), slow["path"].clone(), slow["kwargs"].clone()), (json!("DeadlineCallback"), json!("alerts.slow"), json!({"n": 1})));
        assert_eq!((slow["context"]["dag_run"]["run_id"].clone(), slow["filepath"].clone()), (json!("missed"), json!("d.py")));
        b.advance(30_000).await;
        let mut paths = Vec::new();
        while let Some(callback) = claimed(&b).await {
            paths.push(callback["path"].clone());
        }
        assert!(paths.contains(&json!("alerts.late")), "{paths:?}");
    })
    .await;
}

#[tokio::test]
async fn a_task_that_was_lost_has_its_callback_called() {
    bench(|b| async move {
        let flags = json!({"has_on_failure_callback": true, "has_on_retry_callback": true, "retries": 1});
        b.add(
            "d",
            &[("lost", &[], flags.clone()), ("killed", &[], json!({"has_on_failure_callback": true})), ("said", &[], flags)],
            json!({}),
        )
        .await;
        b.trigger("d", "r").await;
        let work = b.claim("w1", 10).await;
        for workload in &work {
            b.start(workload).await;
            match super::bench::task_of(workload).as_str() {
                "killed" => b.exit(&workload.ti_id, -1, "SIGKILL").await,
                "said" => b.say(workload, "failed").await,
                _ => {}
            }
        }
        b.settle().await;
        let first = claimed(&b).await.unwrap();
        assert_eq!((first["ti"]["task_id"].clone(), first["task_callback_type"].clone()), (json!("killed"), json!("failed")));
        assert!(claimed(&b).await.is_none(), "the task runner calls the others itself");
        b.advance(31_000).await;
        assert_eq!(b.states("d", "r").await, expected(&[("lost", "up_for_retry"), ("killed", "failed"), ("said", "failed")]));
        let mut found = [claimed(&b).await.unwrap(), claimed(&b).await.unwrap()];
        found.sort_by_key(|c| c["ti"]["task_id"].as_str().map(str::to_owned));
        assert_eq!((found[1]["ti"]["task_id"].clone(), found[1]["task_callback_type"].clone()), (json!("lost"), json!("up_for_retry")));
        assert_eq!(found[1]["context_from_server"]["max_tries"], 1);
    })
    .await;
}

#[tokio::test]
async fn old_events_go() {
    bench(|b| async move {
        for event in ["old", "new"] {
            b.s.note_event(&NewEvent { event: event.into(), ..NewEvent::default() }).await.unwrap();
            b.clock.advance(36 * 60 * MINUTE);
        }
        b.s.sweep_events(2).await.unwrap();
        let page = Page { limit: 10, offset: 0, order: "id".into() };
        let (left, _) = event_logs::list(&b.s.db, Filter::default(), &page).await.unwrap();
        assert_eq!(left.iter().map(|e| e.what.event.as_str()).collect::<Vec<_>>(), ["new"]);
    })
    .await;
}
