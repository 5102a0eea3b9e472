//! What tasks ask and tell.

use super::bench::{MINUTE, START, bench};
use crate::execution::Caller;
use crate::reports::Report;
use crate::store::logs::Piece;
use crate::tries::Exit;
use serde_json::json;

#[tokio::test]
async fn variables_are_kept_encrypted() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        let a = b.claim("w1", 1).await.remove(0);
        assert_eq!(b.call(&a, "GET", "variables/limit", json!(null)).await.status, 404);
        assert_eq!(b.call(&a, "PUT", "variables/a%2Fb", json!({"val": "s3cret", "description": null})).await.status, 201);
        assert_eq!(b.call(&a, "GET", "variables/a%2Fb", json!(null)).await.body, Some(json!({"key": "a/b", "value": "s3cret"})));
        let row = b.s.db.fetch_one("SELECT value FROM variables", vec![]).await.unwrap();
        assert!(!row.get::<String>("value").unwrap().contains("s3cret"));
        assert_eq!(
            b.call(&a, "GET", "variables/keys?prefix=a", json!(null)).await.body,
            Some(json!({"keys": ["a/b"], "total_entries": 1}))
        );
        assert_eq!(b.call(&a, "DELETE", "variables/a%2Fb", json!(null)).await.status, 204);
        assert_eq!(b.call(&a, "GET", "variables/a%2Fb", json!(null)).await.status, 404);
        let connection = crate::store::connections::Connection {
            conn_id: "db".into(),
            conn_type: "http".into(),
            password: Some("pw".into()),
            port: Some(80),
            ..Default::default()
        };
        b.s.put_connection(connection).await.unwrap();
        let got = b.call(&a, "GET", "connections/db", json!(null)).await.body.unwrap();
        assert_eq!((got["password"].clone(), got["port"].clone(), got["conn_type"].clone()), (json!("pw"), json!(80), json!("http")));
    })
    .await;
}

#[tokio::test]
async fn a_task_speaks_for_itself_only() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({})), ("b", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        let work = b.claim("w1", 2).await;
        let other = format!("task-instances/{}/state", work[1].ti_id);
        assert_eq!(b.call(&work[0], "PATCH", &other, json!({"state": "success"})).await.status, 403);
        let nobody = Caller::new(None);
        assert_eq!(b.s.execution(&nobody, "GET", "task-instances/none/previous-successful-dagrun", "", "").await.status, 200);
        assert_eq!(b.s.execution(&nobody, "GET", "no/such/route", "", "").await.status, 404);
        assert_eq!(b.s.execution(&nobody, "PATCH", "task-instances/x/state", "", "{").await.status, 422);
    })
    .await;
}

#[tokio::test]
async fn rendered_fields_come_along_with_any_call() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({})), ("b", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        let rendered = async |id: &str| {
            let found = crate::store::xcoms::rendered(&b.s.db, &[id.to_owned()]).await.unwrap();
            found.into_iter().next().map(|(_, fields)| fields)
        };
        for work in b.claim("w1", 2).await {
            let id = work.ti_id.as_str();
            let saying =
                |fields: &str| Caller { worker_id: Some("w1".into()), rendered: Some(fields.into()), ..Caller::new(Some(id.into())) };
            let end = format!("task-instances/{id}/state");
            let early = b.s.execution(&saying(r#"{"x": 0}"#), "PATCH", &end, "", r#"{"state": "success"}"#).await;
            assert_eq!((early.status, rendered(id).await), (409, None), "it does not run yet");
            b.start(&work).await;
            assert_eq!(b.s.execution(&saying(r#"{"x": 1}"#), "GET", "variables/none", "", "").await.status, 404);
            assert_eq!(rendered(id).await.as_deref(), Some(r#"{"x": 1}"#));
            assert_eq!(b.s.execution(&saying(r#"{"x": 2}"#), "PATCH", &end, "", r#"{"state": "success"}"#).await.status, 204);
            assert_eq!(rendered(id).await.as_deref(), Some(r#"{"x": 2}"#));
        }
    })
    .await;
}

#[tokio::test]
async fn rendered_fields_are_told_with_logs_also_after_the_try() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({"retries": 1}))], json!({})).await;
        b.trigger("d", "r").await;
        let work = b.claim("w1", 1).await.remove(0);
        let told = async |fields: &str| {
            let report = Report { rendered: vec![(work.ti_id.as_str(), fields), ("of no task", fields)], ..Report::default() };
            b.s.take_report(&report).await.unwrap();
            crate::store::xcoms::rendered(&b.s.db, std::slice::from_ref(&work.ti_id)).await.unwrap().remove(0).1
        };
        b.start(&work).await;
        assert_eq!(told(r#"{"x": 1}"#).await, r#"{"x": 1}"#);
        b.say(&work, "up_for_retry").await;
        assert_ne!(b.instance("d", "r", "a").await.id, work.ti_id, "it is another try now");
        assert_eq!(told(r#"{"x": 2}"#).await, r#"{"x": 2}"#);
    })
    .await;
}

#[tokio::test]
async fn a_try_is_started_once_and_told_what_it_needs() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({"retries": 2}))], json!({})).await;
        let new = crate::runs::NewRun {
            run_id: Some("r".into()),
            logical_date: Some(START),
            conf: Some(json!({"x": 1})),
            triggered_by: "rest_api",
            ..Default::default()
        };
        b.s.trigger("d", new).await.unwrap();
        b.settle().await;
        let a = b.claim("w1", 1).await.remove(0);
        let context = b.start(&a).await;
        assert_eq!(context["dag_run"]["logical_date"], "2026-01-05T00:00:00Z");
        assert_eq!(context["dag_run"]["conf"], json!({"x": 1}));
        assert_eq!((context["max_tries"].clone(), context["xcom_keys_to_clear"].clone()), (json!(2), json!([])));
        b.start(&a).await; // the same process says it again
        let other = b.own(&a, "PATCH", "run", json!({"state": "running", "hostname": "h2", "unixname": "u", "pid": 9})).await;
        assert_eq!((other.status, other.body.unwrap()["detail"]["reason"].clone()), (409, json!("invalid_state")));
        let beat = |host: &str, pid: i64| json!({"hostname": host, "pid": pid});
        assert_eq!(b.own(&a, "PUT", "heartbeat", beat("h", 7)).await.status, 204);
        b.clock.advance(20 * 60 * MINUTE);
        let reply = b.own(&a, "PUT", "heartbeat", beat("h", 7)).await;
        assert_eq!((reply.status, reply.headers.len()), (204, 1), "a token that grows old is renewed: {reply:?}");
        assert_eq!(b.own(&a, "PUT", "heartbeat", beat("h2", 7)).await.body.unwrap()["detail"]["reason"], "running_elsewhere");
        assert_eq!(b.own(&a, "PUT", "rtif", json!({"op_args": [1]})).await.status, 201);
        b.say(&a, "up_for_retry").await;
        assert_eq!(b.own(&a, "PUT", "heartbeat", beat("h", 7)).await.status, 410);
    })
    .await;
}

#[tokio::test]
async fn earlier_runs_are_found() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({})).await;
        for (run, date) in [("r1", START), ("r2", START + MINUTE)] {
            let new = crate::runs::NewRun {
                run_id: Some(run.into()),
                logical_date: Some(date),
                run_after: Some(date),
                triggered_by: "rest_api",
                ..Default::default()
            };
            b.s.trigger("d", new).await.unwrap();
            b.clock.advance(MINUTE);
            b.settle().await;
            if run == "r1" {
                b.work(&[]).await;
            }
        }
        let a = b.claim("w1", 1).await.remove(0);
        b.start(&a).await;
        let previous = b.own(&a, "GET", "previous-successful-dagrun", json!(null)).await.body.unwrap();
        assert_eq!(previous["data_interval_start"], "2026-01-05T00:00:00Z");
        let run = b.call(&a, "GET", "dag-runs/previous?dag_id=d&logical_date=2026-01-05T00:01:00%2B00:00", json!(null)).await.body.unwrap();
        assert_eq!(run["run_id"], "r1");
        for (query, count) in [("states=success&states=running", 2), ("states=success&logical_dates=2026-01-05T00:00:00Z", 1)] {
            let reply = b.call(&a, "GET", &format!("task-instances/count?dag_id=d&{query}"), json!(null)).await;
            assert_eq!(reply.body, Some(json!(count)), "{query}");
        }
    })
    .await;
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        let a = b.claim("w1", 1).await.remove(0);
        b.start(&a).await;
        let states = b.call(&a, "GET", "task-instances/states?dag_id=d&run_ids=r", json!(null)).await.body.unwrap();
        assert_eq!(states, json!({"task_states": {"r": {"a": "running"}}}));
        let triggered = b.call(&a, "POST", "dag-runs/d/child", json!({"conf": {"from": "r"}})).await;
        assert_eq!(triggered.status, 204);
        let twice = b.call(&a, "POST", "dag-runs/d/child", json!({})).await;
        assert_eq!((twice.status, twice.body.unwrap()["detail"]["reason"].clone()), (409, json!("already_exists")));
        assert_eq!(b.call(&a, "GET", "dag-runs/d/child/state", json!(null)).await.body, Some(json!({"state": "queued"})));
    })
    .await;
}

#[tokio::test]
async fn a_log_is_read_while_it_grows() {
    bench(|b| async move {
        b.add("d", &[("a", &[], json!({}))], json!({})).await;
        b.trigger("d", "r").await;
        let a = b.claim("w1", 1).await.remove(0);
        let instance = b.instance("d", "r", "a").await;
        let nothing = b.s.read_log(&a.ti_id, 0, false).await.unwrap();
        assert_eq!((nothing.text.as_str(), nothing.end), ("", false));
        b.start(&a).await;
        let piece = |segment, byte, data| Piece { segment: Some(segment), byte, data };
        b.log(&instance.id, piece("p1", 0, b"one\ntw")).await;
        b.log(&instance.id, piece("p1", 0, b"one\ntw")).await; // sent twice
        let part = b.s.read_log(&a.ti_id, 0, false).await.unwrap();
        assert_eq!((part.text.as_str(), part.next, part.end), ("one\n", 4, false));
        b.log(&instance.id, piece("p1", 6, b"o\nthree\n")).await;
        // the try gives its slot back and goes on in another process: its log goes on too
        let until = crate::times::shown(b.clock.now() + MINUTE);
        let body = json!({"state": "up_for_reschedule", "end_date": crate::times::shown(b.clock.now()), "reschedule_date": until});
        assert_eq!(b.own(&a, "PATCH", "state", body).await.status, 204);
        b.ended(&a.ti_id, Exit { code: 0, signal: "", said: true }, None).await;
        b.advance(MINUTE).await;
        let again = b.claim("w1", 1).await.remove(0);
        assert_eq!(again.ti_id, a.ti_id);
        b.start(&again).await;
        assert!(!b.s.read_log(&a.ti_id, part.next, false).await.unwrap().end);
        b.say(&again, "success").await;
        b.ended(&a.ti_id, Exit { code: 0, signal: "", said: true }, Some(piece("p2", 0, b"four"))).await;
        let rest = b.s.read_log(&a.ti_id, part.next, true).await.unwrap();
        assert_eq!((rest.text.as_str(), rest.next, rest.end), ("two\nthree\nfour", 18, true));
    })
    .await;
}
