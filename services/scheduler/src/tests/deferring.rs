//! Tasks that wait without a process: for a time, for a trigger of users, for a person.

use super::bench::{Bench, MINUTE, bench, expected, task_of};
use crate::deferral::Outcome;
use crate::hitl::Response;
use crate::states::TaskState;
use crate::store::{Filter, Page, hitl, pools, triggers};
use artel_platform::testkit::admin;
use artel_proto::artel::scheduler::v1::Workload;
use serde_json::{Map, Value, json};

/// `DeferTask` of a trigger that only Python can run.
fn waits_for(class: &str, more: Value) -> Value {
    let mut body = json!({"state": "deferred", "classpath": class, "trigger_kwargs": {"path": "/x"}, "next_method": "done", "next_kwargs": {"given": 1}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// `DeferTask` of upstream's trigger for a time.
fn waits_until(millis: i64, ends: bool) -> Value {
    let moment = crate::triggers::date_time("pendulum.datetime.DateTime", millis as f64 / 1000.0);
    let class = "airflow.providers.standard.triggers.temporal.DateTimeTrigger";
    waits_for(class, json!({"trigger_kwargs": {"moment": moment, "end_from_trigger": ends}}))
}

async fn started(b: &Bench) -> Workload {
    b.trigger("d", "r").await;
    let workload = b.claim("w1", 1).await.remove(0);
    b.start(&workload).await;
    workload
}

async fn defers(b: &Bench, workload: &Workload, body: Value) {
    let reply = b.own(workload, "PATCH", "state", body).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    b.settle().await;
}

/// The id of the trigger that the only deferred task waits for; a host takes it.
async fn hosted(b: &Bench, host: &str) -> Vec<String> {
    let now = b.clock.now();
    let mut tx = b.s.db.begin().await.unwrap();
    triggers::hold(&mut tx, host, 10, now, now + 30_000).await.unwrap();
    tx.commit().await.unwrap();
    triggers::held(&b.s.db, host).await.unwrap().into_iter().map(|t| t.id).collect()
}

#[tokio::test]
async fn an_event_resumes_the_same_try() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({"retries": 1}))], json!({})).await;
        let a = started(&b).await;
        defers(&b, &a, waits_for("my.Trigger", json!({"rendered_map_index": "x"}))).await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "deferred")]));
        assert!(b.claim("w1", 10).await.is_empty());
        assert!(b.s.heartbeat("w1", std::slice::from_ref(&a.ti_id)).await.unwrap().is_empty(), "its callbacks may run on");
        let row = triggers::of_instance(&b.s.db, &a.ti_id).await.unwrap().unwrap();
        assert!(!row.kwargs.contains("/x"), "arguments are encrypted: {}", row.kwargs);
        assert_eq!(b.s.trigger_kwargs(&row).unwrap(), json!({"path": "/x"}));

        let id = hosted(&b, "h1").await.remove(0);
        b.s.trigger_done(&id, Outcome::Event(json!({"found": true}))).await.unwrap();
        b.s.trigger_done(&id, Outcome::Event(json!({"found": "again"}))).await.unwrap();
        b.settle().await;
        let again = b.claim("w2", 10).await.remove(0);
        assert_eq!(again.ti_id, a.ti_id);
        let context = b.start(&again).await;
        assert_eq!(
            (context["next_method"].clone(), context["next_kwargs"].clone()),
            (json!("done"), json!({"given": 1, "event": {"found": true}}))
        );
        assert_eq!(context["xcom_keys_to_clear"], json!([]));
        assert_eq!(b.instance("d", "r", "a").await.try_number, 1);
        // it may wait a second time; the first trigger has nothing to say any more
        defers(&b, &again, waits_for("my.Other", json!({}))).await;
        b.s.trigger_done(&id, Outcome::Event(json!({"late": true}))).await.unwrap();
        b.settle().await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "deferred")]));
    })
    .await;
}

#[tokio::test]
async fn a_failed_or_overdue_trigger_has_its_task_fail_by_itself() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({})), ("b", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        for workload in b.claim("w1", 2).await {
            b.start(&workload).await;
            let timeout = if task_of(&workload) == "b" { json!({"trigger_timeout": "PT1M"}) } else { json!({}) };
            defers(&b, &workload, waits_for("my.Trigger", timeout)).await;
        }
        let a = b.instance("d", "r", "a").await;
        let id = triggers::of_instance(&b.s.db, &a.id).await.unwrap().unwrap().id;
        b.s.trigger_done(&id, Outcome::failed(None, Some(vec!["it broke".into()]))).await.unwrap();
        b.settle().await;
        let work = b.claim("w1", 10).await;
        assert_eq!(work.len(), 1);
        let context = b.start(&work[0]).await;
        assert_eq!(context["next_method"], "__fail__");
        assert_eq!(context["next_kwargs"], json!({"error": "Trigger failure", "traceback": ["it broke"]}));

        b.advance(MINUTE - 1).await;
        assert_eq!(b.states("d", "r").await["b"], "deferred");
        b.advance(1).await;
        let context = b.start(&b.claim("w1", 10).await.remove(0)).await;
        assert_eq!(
            (context["next_method"].clone(), context["next_kwargs"].clone()),
            (json!("__fail__"), json!({"error": "Trigger timeout"}))
        );
        assert!(hosted(&b, "h1").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn time_fires_without_a_process() {
    bench(|b| async move {
        b.add("d", &[("goes_on", &[], json!({})), ("ends", &["after"], json!({})), ("after", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        let due = b.clock.now() + MINUTE;
        for workload in b.claim("w1", 2).await {
            b.start(&workload).await;
            defers(&b, &workload, waits_until(due, task_of(&workload) == "ends")).await;
        }
        assert!(hosted(&b, "h1").await.is_empty(), "no host has to run them");
        b.advance(MINUTE - 1).await;
        assert!(b.claim("w1", 10).await.is_empty());
        b.advance(1).await;
        assert_eq!(b.states("d", "r").await, expected(&[("goes_on", "queued"), ("ends", "success"), ("after", "queued")]));
        let work = b.claim("w1", 10).await;
        let context = b.start(work.iter().find(|w| task_of(w) == "goes_on").unwrap()).await;
        let event = crate::triggers::date_time("pendulum.datetime.DateTime", due as f64 / 1000.0);
        assert_eq!(context["next_kwargs"], json!({"given": 1, "event": event}));
    })
    .await;
}

#[tokio::test]
async fn a_task_may_start_with_its_trigger_and_end_with_it() {
    bench(|b| async move {
        let args = json!({
            "__type": "START_TRIGGER_ARGS", "trigger_cls": "my.Trigger", "next_method": "done", "timeout": 90.0,
            "trigger_kwargs": {"__type": "dict", "__var": {"path": "{{ ds }}"}}, "next_kwargs": {"__type": "dict", "__var": {"k": 1}},
        });
        let task = json!({"start_from_trigger": true, "start_trigger_args": args, "retries": 1, "retry_delay": 1.0});
        b.add("d", &[("a", &["b"], task), ("b", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "deferred"), ("b", "none")]));
        assert!(b.claim("w1", 10).await.is_empty());
        let a = b.instance("d", "r", "a").await;
        assert_eq!((a.try_number, a.start_date, a.next_kwargs.as_deref()), (1, Some(b.clock.now()), Some(r#"{"k":1}"#)));
        let id = hosted(&b, "h1").await.remove(0);
        b.s.trigger_done(&id, Outcome::End(TaskState::Failed, Map::new())).await.unwrap();
        b.settle().await;
        assert_eq!(b.states("d", "r").await["a"], "up_for_retry");
        b.advance(1000).await;
        assert_eq!(b.instance("d", "r", "a").await.try_number, 2);
        let id = hosted(&b, "h1").await.remove(0);
        let xcoms = json!({"return_value": 5}).as_object().unwrap().clone();
        b.s.trigger_done(&id, Outcome::End(TaskState::Success, xcoms)).await.unwrap();
        b.settle().await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "success"), ("b", "queued")]));
        let next = b.claim("w1", 10).await.remove(0);
        b.start(&next).await;
        assert_eq!(b.call(&next, "GET", "xcoms/d/r/a/return_value", json!(null)).await.body.unwrap()["value"], 5);
    })
    .await;
}

#[tokio::test]
async fn triggers_are_shared_and_taken_over() {
    bench(|b| async move {
        let tasks: Vec<String> = (0..6).map(|i| format!("t{i}")).collect();
        let specs: Vec<_> = tasks.iter().map(|t| (t.as_str(), &[] as &[&str], json!({}))).collect();
        b.add("d", &specs, json!({})).await;
        b.trigger("d", "r").await;
        for workload in b.claim("w1", 10).await {
            b.start(&workload).await;
            defers(&b, &workload, waits_for("my.Trigger", json!({}))).await;
        }
        let now = b.clock.now();
        let hold = async |host: &str, capacity: i64, now: i64| {
            let mut tx = b.s.db.begin().await.unwrap();
            triggers::hold(&mut tx, host, capacity, now, now + 30_000).await.unwrap();
            tx.commit().await.unwrap();
            triggers::held(&b.s.db, host).await.unwrap().len()
        };
        assert_eq!((hold("h1", 4, now).await, hold("h2", 4, now).await, hold("h1", 4, now).await), (4, 2, 4));
        assert!(!triggers::any_free(&b.s.db, now).await.unwrap());
        // the first host is killed: when its leases have run out the other one goes on with its triggers
        assert_eq!(hold("h2", 10, now + 20_000).await, 2);
        assert!(triggers::any_free(&b.s.db, now + 30_001).await.unwrap());
        assert_eq!(hold("h2", 10, now + 30_001).await, 6);
        triggers::release(&b.s.db, "h2").await.unwrap();
        assert_eq!(hold("h3", 10, now + 30_002).await, 6, "one that stops gives its triggers back");
    })
    .await;
}

#[tokio::test]
async fn a_trigger_is_not_awaited_once_its_task_was_cleared_or_marked() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({})), ("b", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        for workload in b.claim("w1", 2).await {
            b.start(&workload).await;
            defers(&b, &workload, waits_for("my.Trigger", json!({}))).await;
        }
        let ids = hosted(&b, "h1").await;
        assert_eq!(ids.len(), 2);
        b.s.mark(&b.instance("d", "r", "b").await, Some(TaskState::Success)).await.unwrap();
        let clear = crate::clear::Clear { tasks: vec![("a".into(), None)], ..Default::default() };
        b.s.clear("d", "r", &clear).await.unwrap();
        b.settle().await;
        assert!(triggers::held(&b.s.db, "h1").await.unwrap().is_empty(), "the host stops both");
        for id in &ids {
            b.s.trigger_done(id, Outcome::Event(json!(1))).await.unwrap();
        }
        b.settle().await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "queued"), ("b", "success")]));
        let a = b.claim("w1", 1).await.remove(0);
        let context = b.start(&a).await;
        assert_eq!((context.get("next_method"), b.instance("d", "r", "a").await.try_number), (None, 2));
    })
    .await;
}

#[tokio::test]
async fn a_deferred_task_keeps_its_slot_only_where_the_pool_says_so() {
    bench(|b| async move {
        let mut tx = b.s.db.begin().await.unwrap();
        for (name, include_deferred) in [("counts", true), ("frees", false)] {
            pools::put(&mut tx, &pools::Pool { name: name.into(), slots: 1, description: None, include_deferred }).await.unwrap();
        }
        tx.commit().await.unwrap();
        let pool = |name: &str| json!({"pool": name});
        b.add(
            "d",
            &[("a", &[], pool("counts")), ("b", &[], pool("counts")), ("c", &[], pool("frees")), ("e", &[], pool("frees"))],
            json!({}),
        )
        .await;
        b.trigger("d", "r").await;
        for workload in b.claim("w1", 10).await {
            b.start(&workload).await;
            defers(&b, &workload, waits_for("my.Trigger", json!({}))).await;
        }
        let states = b.states("d", "r").await;
        let count = |state: &str, of: [&str; 2]| of.iter().filter(|t| states[**t] == state).count();
        assert_eq!((count("deferred", ["a", "b"]), count("scheduled", ["a", "b"])), (1, 1));
        assert_eq!((count("deferred", ["c", "e"]), count("queued", ["c", "e"])), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_deferral_is_named() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({})).await;
        let a = started(&b).await;
        for (body, field) in [
            (json!({"state": "deferred", "next_method": "m"}), "classpath"),
            (json!({"state": "deferred", "classpath": "c"}), "next_method"),
            (waits_for("c", json!({"trigger_timeout": "soon"})), "trigger_timeout"),
            (waits_for("c", json!({"next_kwargs": [1]})), "next_kwargs"),
            (json!({"state": "awaiting_input"}), "next_method"),
        ] {
            let reply = b.own(&a, "PATCH", "state", body).await;
            assert_eq!((reply.status, reply.body.unwrap()["detail"][0]["loc"][1].clone()), (422, json!(field)));
        }
        assert_eq!(b.states("d", "r").await, expected(&[("a", "running")]));
    })
    .await;
}

async fn asks(b: &Bench, workload: &Workload, more: Value) {
    let mut body = json!({"ti_id": workload.ti_id, "subject": "ship it?", "options": ["Approve", "Reject"], "params": {"n": {"value": 3, "description": null, "schema": {}}}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let reply = b.call(workload, "POST", &format!("hitlDetails/{}", workload.ti_id), body).await;
    assert_eq!((reply.status, reply.body.unwrap()["subject"].clone()), (201, json!("ship it?")));
}

fn awaits(more: Value) -> Value {
    let mut body = json!({"state": "awaiting_input", "next_method": "execute_complete", "next_kwargs": {}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn choice(option: &str) -> Response {
    Response { chosen_options: vec![option.into()], params_input: json!({"n": 4}).as_object().unwrap().clone() }
}

#[tokio::test]
async fn a_person_answers_and_the_task_goes_on() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({})).await;
        let a = started(&b).await;
        asks(&b, &a, json!({"assigned_users": [{"id": "ada", "name": "Ada"}]})).await;
        defers(&b, &a, awaits(json!({}))).await;
        assert_eq!(b.states("d", "r").await, expected(&[("a", "awaiting_input")]));
        let stranger = artel_platform::identity::Identity { admin: false, name: "bob".into(), ..admin() };
        assert_eq!(b.s.respond(&a.ti_id, &stranger, &choice("Approve")).await.unwrap_err().code.http(), 403);
        assert!(b.s.respond(&a.ti_id, &admin(), &choice("Maybe")).await.unwrap_err().message.contains("Maybe"));
        let ada = artel_platform::identity::Identity { name: "ada".into(), ..stranger };
        b.s.respond(&a.ti_id, &ada, &choice("Approve")).await.unwrap();
        assert_eq!(b.s.respond(&a.ti_id, &ada, &choice("Reject")).await.unwrap_err().code.http(), 409);
        b.settle().await;
        let event = &b.start(&b.claim("w1", 1).await.remove(0)).await["next_kwargs"]["event"];
        assert_eq!((event["chosen_options"].clone(), event["params_input"].clone()), (json!(["Approve"]), json!({"n": 4})));
        assert_eq!((event["responded_by_user"]["id"].clone(), event["timedout"].clone()), (json!("ada"), json!(false)));
        assert_eq!(event["responded_at"]["__classname__"], "datetime.datetime");
        let (found, total) = hitl::list(&b.s.db, Filter::default(), &Page::all("h.ti_id")).await.unwrap();
        assert_eq!((total, found[0].responded_by.clone()), (1, Some(("ada".into(), "ada".into()))));
        let seen = b.call(&a, "GET", &format!("hitlDetails/{}", a.ti_id), json!(null)).await.body.unwrap();
        assert_eq!((seen["response_received"].clone(), seen["chosen_options"].clone()), (json!(true), json!(["Approve"])));
    })
    .await;
}

#[tokio::test]
async fn an_answer_may_come_first_or_never() {
    bench(|b| async move {
        b.add("d", &[("early", &[], json!({})), ("defaults", &[], json!({})), ("never", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        for workload in b.claim("w1", 10).await {
            b.start(&workload).await;
            let defaults = if task_of(&workload) == "defaults" { json!({"defaults": ["Reject"]}) } else { json!({}) };
            asks(&b, &workload, defaults).await;
            if task_of(&workload) == "early" {
                b.s.respond(&workload.ti_id, &admin(), &choice("Approve")).await.unwrap();
            }
            defers(&b, &workload, awaits(json!({"timeout": "PT1M"}))).await;
        }
        assert_eq!(b.states("d", "r").await, expected(&[("early", "queued"), ("defaults", "awaiting_input"), ("never", "awaiting_input")]));
        b.advance(MINUTE).await;
        for workload in b.claim("w1", 10).await {
            let event = b.start(&workload).await["next_kwargs"]["event"].clone();
            match task_of(&workload).as_str() {
                "early" => assert_eq!(event["chosen_options"], json!(["Approve"])),
                "defaults" => {
                    assert_eq!((event["chosen_options"].clone(), event["timedout"].clone()), (json!(["Reject"]), json!(true)));
                    assert_eq!((event["params_input"].clone(), event["responded_by_user"].clone()), (json!({"n": 3}), json!(null)));
                }
                _ => assert_eq!(event["error_type"], "timeout"),
            }
        }
    })
    .await;
}
