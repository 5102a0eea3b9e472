//! What people write, ask and are told over the REST API, beside runs and assets.

use super::bench::{Bench, bench, cron};
use serde_json::{Value, json};

const TASKS: &str = "dags/d/dagRuns/r/taskInstances";

/// A DAG of two tasks with a run whose first task is at work.
async fn started(b: &Bench) -> artel_proto::artel::scheduler::v1::Workload {
    b.add("d", &[("a", &["b"], json!({"owner": "ada"})), ("b", &[], json!({}))], json!({})).await;
    b.trigger("d", "r").await;
    let workload = b.claim("w1", 1).await.remove(0);
    b.start(&workload).await;
    workload
}

#[actix_web::test]
async fn xcoms_are_written_changed_and_removed_by_hand() {
    bench(|b| async move {
        started(&b).await;
        let at = format!("{TASKS}/a/xcomEntries");
        let (status, made) = b.ask("POST", &at, json!({"key": "k/1", "value": {"n": [1, null]}})).await;
        assert_eq!((status, &made["value"], &made["map_index"]), (201, &json!({"n": [1, null]}), &json!(-1)), "{made}");
        assert_eq!((&made["key"], &made["dag_display_name"], &made["task_display_name"]), (&json!("k/1"), &json!("d"), &json!("a")));
        assert_eq!(b.see(&format!("{at}/k/1")).await["value"], json!({"n": [1, null]}));
        let again = b.ask("POST", &at, json!({"key": "k/1", "value": 2})).await;
        let taken = "The XCom with key: `k/1` with mentioned task instance already exists.";
        assert_eq!(again, (409, json!({"detail": taken})));
        assert_eq!(b.ask("POST", &at, json!({"key": "k/1", "value": 2, "map_index": 3})).await.0, 404, "there is no such instance");
        let (status, changed) = b.ask("PATCH", &format!("{at}/k/1"), json!({"value": "other"})).await;
        assert_eq!((status, &changed["value"]), (200, &json!("other")));
        assert_eq!(b.see(&format!("{at}?xcom_key=k/1")).await["total_entries"], 1);
        assert_eq!(b.ask("DELETE", &format!("{at}/k/1"), Value::Null).await.0, 204);
        let missing = json!({"detail": "The XCom with key: `k/1` with mentioned task instance doesn't exist."});
        assert_eq!(b.ask("DELETE", &format!("{at}/k/1"), Value::Null).await, (404, missing.clone()));
        assert_eq!(b.ask("PATCH", &format!("{at}/k/1"), json!({"value": 1})).await, (404, missing));
        assert_eq!(b.ask("POST", &at, json!({"key": "dependencies", "value": 5})).await.0, 201);
        assert_eq!(b.see(&format!("{at}/dependencies")).await["value"], 5);
        for (path, body, status) in [
            ("dags/none/dagRuns/r/taskInstances/a/xcomEntries", json!({"key": "k", "value": 1}), 404),
            ("dags/d/dagRuns/none/taskInstances/a/xcomEntries", json!({"key": "k", "value": 1}), 404),
            ("dags/d/dagRuns/r/taskInstances/none/xcomEntries", json!({"key": "k", "value": 1}), 404),
            (at.as_str(), json!({"key": "", "value": 1}), 400),
            (at.as_str(), json!({"key": "k"}), 422),
            (at.as_str(), json!({"key": "k", "value": {"__classname__": "x"}}), 400),
        ] {
            let (got, answer) = b.ask("POST", path, body).await;
            assert_eq!(got, status, "{path}: {answer}");
        }
    })
    .await;
}

/// What a task is mapped over keeps its length, also when somebody writes another value over it.
#[actix_web::test]
async fn a_value_that_is_mapped_over_keeps_its_length() {
    bench(|b| async move {
        let workload = started(&b).await;
        b.call(&workload, "POST", "xcoms/d/r/a/return_value?mapped_length=2", json!([1, 2])).await;
        assert_eq!(b.ask("PATCH", &format!("{TASKS}/a/xcomEntries/return_value"), json!({"value": [1, 2, 3]})).await.0, 200);
        let mut tx = b.s.db.begin().await.unwrap();
        assert_eq!(crate::store::xcoms::map_length(&mut tx, "d", "r", "a", false).await.unwrap(), Some(2));
    })
    .await;
}

#[actix_web::test]
async fn task_instances_are_found_by_a_body_of_filters() {
    bench(|b| async move {
        let workload = started(&b).await;
        b.clock.advance(2000);
        b.say(&workload, "success").await;
        let found = async |body: Value| {
            let (status, answer) = b.ask("POST", "dags/~/dagRuns/~/taskInstances/list", body).await;
            assert_eq!(status, 200, "{answer}");
            let ids: Vec<String> =
                answer["task_instances"].as_array().unwrap().iter().map(|i| i["task_id"].as_str().unwrap().to_owned()).collect();
            (ids, answer["total_entries"].as_i64().unwrap())
        };
        let both = (vec!["a".to_owned(), "b".to_owned()], 2);
        let (one, other) = ((vec!["a".to_owned()], 1), (vec!["b".to_owned()], 1));
        let none: (Vec<String>, i64) = (vec![], 0);
        assert_eq!(found(json!({"dag_ids": ["d"], "order_by": "-state"})).await.1, 2);
        assert_eq!(found(json!({"state": ["success"]})).await, one);
        assert_eq!(found(json!({"state": ["queued", null]})).await, other);
        assert_eq!(found(json!({"duration_gte": 1.5})).await, one);
        assert_eq!(found(json!({"duration_gt": 2.5})).await, none);
        assert_eq!(found(json!({"run_after_lte": "2026-01-05T00:00:00Z", "order_by": "start_date"})).await.1, both.1);
        assert_eq!(found(json!({"logical_date_gt": "2026-01-05T00:00:00Z"})).await, none);
        assert_eq!(found(json!({"dag_run_ids": ["r"], "task_ids": ["b"], "pool": ["default_pool"]})).await, other);
        assert_eq!(found(json!({"executor": ["CeleryExecutor"]})).await, none);
        let (ids, total) = found(json!({"page_limit": 1, "page_offset": 1, "order_by": "end_date"})).await;
        assert_eq!((ids, total), (vec!["a".to_owned()], 2));
        for (wrong, status) in [
            (json!({"nothing": 1}), 422),
            (json!({"order_by": "pool"}), 400),
            (json!({"state": ["odd"]}), 422),
            (json!({"page_limit": -1}), 422),
        ] {
            assert_eq!(b.ask("POST", "dags/~/dagRuns/~/taskInstances/list", wrong.clone()).await.0, status, "{wrong}");
        }
        assert_eq!(b.ask("POST", "dags/d/dagRuns/~/taskInstances/list", json!({})).await.0, 422);
    })
    .await;
}

#[actix_web::test]
async fn several_dags_are_paused_at_once_and_some_are_liked_best() {
    bench(|b| async move {
        for dag in ["one", "one_more", "other"] {
            b.add(dag, &[("a", &[], json!({}))], json!({})).await;
        }
        let (status, nothing) = b.ask("PATCH", "dags", json!({"is_paused": true})).await;
        assert_eq!((status, nothing), (200, json!({"dags": [], "total_entries": 0})));
        let (status, some) = b.ask("PATCH", "dags?dag_id_pattern=one&limit=1&update_mask=is_paused", json!({"is_paused": true})).await;
        assert_eq!((status, &some["total_entries"], some["dags"].as_array().unwrap().len()), (200, &json!(2), 1));
        assert_eq!(some["dags"][0]["is_paused"], true);
        assert_eq!(b.see("dags?paused=true").await["total_entries"], 2);
        assert_eq!(b.ask("PATCH", "dags?dag_id_pattern=~&update_mask=tags", json!({"is_paused": false})).await.0, 400);
        b.ask("PATCH", "dags?dag_id_pattern=~", json!({"is_paused": false})).await;
        assert_eq!(b.see("dags?paused=true").await["total_entries"], 0);

        assert_eq!(b.see("dags/one/details").await["is_favorite"], false);
        assert_eq!(b.ask("POST", "dags/one/favorite", Value::Null).await.0, 204);
        assert_eq!(b.ask("POST", "dags/one/favorite", Value::Null).await.0, 409);
        assert_eq!(b.see("dags/one/details").await["is_favorite"], true);
        assert_eq!(b.see("dags?is_favorite=true").await["dags"][0]["dag_id"], "one");
        assert_eq!(b.see("dags?is_favorite=false").await["total_entries"], 2);
        assert_eq!(b.ask("POST", "dags/one/unfavorite", Value::Null).await.0, 204);
        let (status, why) = b.ask("POST", "dags/one/unfavorite", Value::Null).await;
        assert_eq!((status, why), (409, json!({"detail": "Dag is not marked as favorite"})));
        assert_eq!(b.ask("POST", "dags/none/favorite", Value::Null).await.0, 404);
    })
    .await;
}

#[actix_web::test]
async fn what_people_do_and_tasks_say_is_kept_in_the_log_of_events() {
    bench(|b| async move {
        let workload = started(&b).await;
        b.clock.advance(1000);
        b.say(&workload, "success").await;
        b.clock.advance(1000);
        assert_eq!(b.ask("POST", "variables", json!({"key": "k", "value": "hush"})).await.0, 201);
        assert_eq!(b.ask("POST", "variables", json!({"key": "k", "value": "hush"})).await.0, 409);
        assert_eq!(b.ask("PATCH", "dags/d", json!({"is_paused": true})).await.0, 200);
        b.ask("POST", "dags/d/clearTaskInstances", json!({"dag_run_id": "r", "dry_run": true})).await;
        let all = b.see("eventLogs").await;
        let events: Vec<&str> = all["event_logs"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["running", "success", "post_variable", "post_variable", "patch_dag"]);
        let first = &all["event_logs"][0];
        assert_eq!((&first["dag_id"], &first["task_id"], &first["run_id"]), (&json!("d"), &json!("a"), &json!("r")));
        assert_eq!((&first["map_index"], &first["try_number"], &first["owner"]), (&json!(-1), &json!(1), &json!("ada")));
        assert_eq!((&first["dag_display_name"], &first["task_display_name"]), (&json!("d"), &json!("a")));
        assert_eq!(first["when"], "2026-01-05T00:00:00Z");
        let id = first["event_log_id"].as_i64().unwrap();
        assert!(id < 1 << 53);
        assert_eq!(&b.see(&format!("eventLogs/{id}")).await, first);
        assert_eq!(b.ask("GET", "eventLogs/1", Value::Null).await, (404, json!({"detail": "The Event Log with id: `1` not found"})));
        let variable = &b.see("eventLogs?event=post_variable&limit=1").await["event_logs"][0];
        assert_eq!((&variable["owner"], &variable["dag_id"]), (&json!("admin"), &Value::Null));
        let extra: Value = serde_json::from_str(variable["extra"].as_str().unwrap()).unwrap();
        assert_eq!(extra, json!({"key": "k", "value": "***", "method": "POST"}));
        for (query, count) in [
            ("excluded_events=post_variable", 3),
            ("included_events=running&included_events=success", 2),
            ("before=2026-01-05T00:00:01Z", 1),
            ("after=2026-01-05T00:00:01Z", 3),
            ("dag_id=d&task_id=a&map_index=-1&try_number=1", 2),
            ("event_pattern=patch", 1),
            ("owner=nobody", 0),
        ] {
            assert_eq!(b.see(&format!("eventLogs?{query}")).await["total_entries"], count, "{query}");
        }
        assert_eq!(b.see("eventLogs?order_by=-when&limit=1").await["event_logs"][0]["event"], "patch_dag");
        assert_eq!(b.ask("GET", "eventLogs?order_by=map_index", Value::Null).await.0, 400);
    })
    .await;
}

#[actix_web::test]
async fn what_a_task_keeps_is_seen_and_changed() {
    bench(|b| async move {
        let workload = started(&b).await;
        let at = format!("{TASKS}/a/state-store");
        let kept = b.call(&workload, "PUT", &format!("store/ti/{}/cursor", workload.ti_id), json!({"value": 7})).await;
        assert_eq!(kept.status, 204, "{kept:?}");
        let listed = json!({"task_state_store": [{"key": "cursor", "value": 7, "updated_at": "2026-01-05T00:00:00Z", "expires_at": null}], "total_entries": 1});
        assert_eq!(b.see(&at).await, listed);
        assert_eq!(b.ask("PUT", &format!("{at}/a/b"), json!({"value": {"n": 1}})).await.0, 204);
        assert_eq!(b.see(&format!("{at}/a/b")).await["expires_at"], "2026-02-04T00:00:00Z");
        assert_eq!(b.ask("PUT", &format!("{at}/a/b"), json!({"value": 1, "expires_at": "2026-03-01T00:00:00Z"})).await.0, 204);
        assert_eq!(b.ask("PATCH", &format!("{at}/a/b"), json!({"value": 2})).await.0, 200);
        let entry = b.see(&format!("{at}/a/b")).await;
        assert_eq!((&entry["value"], &entry["expires_at"]), (&json!(2), &json!("2026-03-01T00:00:00Z")));
        assert_eq!(b.ask("PATCH", &format!("{at}/none"), json!({"value": 2})).await.0, 404);
        assert_eq!(b.ask("DELETE", &format!("{at}/a/b"), Value::Null).await.0, 204);
        assert_eq!(b.ask("DELETE", &format!("{at}/a/b"), Value::Null).await.0, 204);
        let (status, gone) = b.ask("GET", &format!("{at}/a/b"), Value::Null).await;
        assert_eq!((status, gone), (404, json!({"detail": "Task state store key 'a/b' not found"})));
        assert_eq!(b.ask("DELETE", &format!("{at}?map_index=4"), Value::Null).await.0, 404);
        assert_eq!(b.ask("DELETE", &format!("{at}?all_map_indices=true"), Value::Null).await.0, 204);
        assert_eq!(b.see(&at).await["total_entries"], 0);
        for wrong in [json!({"value": null}), json!({"value": 1, "expires_at": "soon"}), json!({})] {
            assert_eq!(b.ask("PUT", &format!("{at}/k"), wrong.clone()).await.0, 422, "{wrong}");
        }
        assert_eq!(b.ask("PUT", &format!("{TASKS}/none/state-store/k"), json!({"value": 1})).await.0, 404);
    })
    .await;
}

#[actix_web::test]
async fn it_is_said_what_a_task_waits_for() {
    bench(|b| async move {
        let (narrow, past) = (json!({"pool": "narrow"}), json!({"depends_on_past": true}));
        let more = json!({"timetable": cron("0 0 * * *"), "catchup": true, "start_date": 1_767_139_200.0});
        b.add("d", &[("a", &["b"], past), ("b", &[], json!({})), ("c", &[], narrow)], more).await;
        b.trigger("d", "r").await;
        let waits = async |task: &str| {
            let found = b.see(&format!("{TASKS}/{task}/dependencies")).await;
            let each = found["dependencies"].as_array().unwrap().iter();
            each.map(|d| (d["name"].as_str().unwrap().to_owned(), d["reason"].as_str().unwrap().to_owned())).collect::<Vec<_>>()
        };
        let reason = async |task: &str, name: &str| waits(task).await.into_iter().find(|w| w.0 == name).map(|w| w.1);
        let rule = "Task's trigger rule 'all_success' requires all upstream tasks to have succeeded, but found 1 non-success(es). \
            upstream_states=_UpstreamTIStates(success=0, skipped=0, failed=0, upstream_failed=0, removed=0, done=0, success_setup=0, skipped_setup=0), \
            upstream_task_ids={'a'}";
        assert_eq!(reason("b", "Trigger Rule").await.as_deref(), Some(rule));
        assert_eq!(reason("b", "Task Instance State").await.as_deref(), Some("Task is in the 'None' state."));
        let pool = "Tasks using non-existent pool 'narrow' will not be scheduled";
        assert_eq!(reason("c", "Pool Slots Available").await.as_deref(), Some(pool));
        b.ask("POST", "pools", json!({"name": "narrow", "slots": 0})).await;
        let full = "Not scheduling since there are 0 open slots in pool narrow and require 1 pool slots";
        assert_eq!(waits("c").await, [("Pool Slots Available".to_owned(), full.to_owned())]);
        b.ask("PATCH", "dags/d", json!({"is_paused": true})).await;
        assert_eq!(reason("b", "Dag Not Paused").await.as_deref(), Some("Task's DAG 'd' is paused."));
        let (status, _) = b.ask("GET", &format!("{TASKS}/none/dependencies"), Value::Null).await;
        assert_eq!(status, 404);
        assert_eq!(b.see(&format!("{TASKS}/b/-1/dependencies")).await["dependencies"].as_array().unwrap().len(), waits("b").await.len());
    })
    .await;
}

#[actix_web::test]
async fn what_stock_keeps_to_itself_is_kept_here_too() {
    bench(|b| async move {
        let (status, why) = b.ask("GET", "config", Value::Null).await;
        assert_eq!(status, 403);
        assert!(why["detail"].as_str().unwrap().starts_with("Your Airflow administrator chose not to expose"));
        assert_eq!(b.ask("GET", "config/section/core/option/dags_folder", Value::Null).await.0, 403);
        let connection = json!({"connection_id": "c", "conn_type": "http"});
        assert_eq!(b.ask("POST", "connections/test", connection.clone()).await.0, 403);
        assert_eq!(b.ask("POST", "connections/enqueue-test", connection).await.0, 403);
        assert_eq!(b.ask("GET", "connections/enqueue-test", Value::Null).await.0, 400);
        assert_eq!(b.ask("GET", &format!("{TASKS}/a/externalLogUrl/1"), Value::Null).await.0, 400);
        assert_eq!(b.ask("GET", "auth/login?next=https://evil.example", Value::Null).await.0, 400);
        assert_eq!(b.ask("GET", "auth/login?next=/dags", Value::Null).await.0, 307);
        assert_eq!(b.ask("GET", "auth/logout", Value::Null).await.0, 307);
    })
    .await;
}

#[actix_web::test]
async fn processes_give_signs_of_life() {
    bench(|b| async move {
        assert_eq!(b.see("jobs").await, json!({"jobs": [], "total_entries": 0}));
        b.s.beat(b.clock.now()).await.unwrap();
        let jobs = b.see("jobs?order_by=job_type").await;
        assert_eq!((&jobs["total_entries"], &jobs["jobs"][0]["job_type"]), (&json!(3), &json!("DagProcessorJob")));
        assert_eq!((&jobs["jobs"][0]["state"], &jobs["jobs"][0]["end_date"]), (&json!("running"), &Value::Null));
        b.clock.advance(31_000);
        assert_eq!(b.see("jobs?is_alive=true").await["total_entries"], 0);
        b.s.beat(b.clock.now()).await.unwrap();
        assert_eq!(b.see("jobs?is_alive=true&job_type=SchedulerJob").await["jobs"][0]["latest_heartbeat"], "2026-01-05T00:00:31Z");
        b.s.end_jobs().await.unwrap();
        assert_eq!(b.see("jobs?is_alive=true").await["total_entries"], 0);
        assert_eq!(b.see("jobs?job_state=success").await["total_entries"], 3);
    })
    .await;
}

/// What it waits for is shown while it waits, without its arguments, which may hold secrets.
#[actix_web::test]
async fn it_is_shown_what_a_deferred_task_waits_for() {
    bench(|b| async move {
        let workload = started(&b).await;
        let at = format!("{TASKS}/a");
        assert_eq!(b.see(&at).await["trigger"], Value::Null);
        let kwargs = json!({"path": "/x", "api_key": "hush"});
        let body =
            json!({"state": "deferred", "classpath": "my.Trigger", "trigger_kwargs": kwargs, "next_method": "done", "next_kwargs": {}});
        b.clock.advance(1000);
        assert_eq!(b.own(&workload, "PATCH", "state", body).await.status, 204);
        b.settle().await;
        let waiting = b.see(&at).await;
        assert_eq!((&waiting["state"], &waiting["triggerer_job"]), (&json!("deferred"), &Value::Null));
        let mut trigger = waiting["trigger"].clone();
        assert!(trigger["id"].as_i64().is_some_and(|id| id > 0), "{trigger}");
        trigger.as_object_mut().unwrap().remove("id");
        let expected =
            json!({"classpath": "my.Trigger", "kwargs": "{}", "created_date": "2026-01-05T00:00:01Z", "queue": null, "triggerer_id": null});
        assert_eq!(trigger, expected);
        assert_eq!(b.see(TASKS).await["task_instances"].as_array().unwrap().iter().filter(|i| !i["trigger"].is_null()).count(), 1);
        b.ask("PATCH", &at, json!({"new_state": "success"})).await;
        assert_eq!(b.see(&at).await["trigger"], Value::Null);
    })
    .await;
}

/// What upstream's document lists (tests/recorded/operations.py), whatever the parameters in paths are called.
#[test]
fn every_operation_of_upstream_has_its_route() {
    let nameless = |path: &str| {
        let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
        path.split('/').map(part).collect::<Vec<_>>().join("/")
    };
    let routes: Vec<String> = crate::routes().list().iter().map(|r| format!("{} {}", r.method, nameless(&r.path))).collect();
    let listed: Vec<&str> = include_str!("../../tests/recorded/operations.txt").lines().collect();
    assert_eq!(listed.len(), 128);
    let missing: Vec<_> = listed.into_iter().filter(|operation| !routes.iter().any(|route| route == operation)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
