//! Task instances over the REST API: what is answered where there is none, and when people mark, clear and remove them.

use super::bench::{Bench, bench};
use serde_json::{Value, json};

const RUN: &str = "dags/d/dagRuns/r";
const TASKS: &str = "dags/d/dagRuns/r/taskInstances";

/// A DAG of two tasks with a run that has not begun.
async fn waiting(b: &Bench) {
    b.add("d", &[("a", &["b"], json!({})), ("b", &[], json!({}))], json!({})).await;
    b.trigger("d", "r").await;
}

async fn refused(b: &Bench, method: &str, path: &str, body: Value) -> (u16, String) {
    let (status, answer) = b.ask(method, path, body).await;
    (status, answer["detail"].as_str().map_or_else(|| answer["detail"][0]["msg"].to_string(), str::to_owned))
}

#[actix_web::test]
async fn what_is_not_there_is_told_in_upstreams_words() {
    bench(|b| async move {
        waiting(&b).await;
        for (path, status, why) in [
            ("dags/~/dagRuns/r/taskInstances", 400, "dag_id is required when dag_run_id is specified"),
            ("dags/d/dagRuns/none/taskInstances", 404, "DagRun with dag_id: `d` and run_id: `none` was not found"),
            ("dags/none/dagRuns/~/taskInstances", 404, "The Dag with ID: `none` was not found"),
            (
                "dags/d/dagRuns/r/taskInstances/none",
                404,
                "The Task Instance with dag_id: `d`, run_id: `r` and task_id: `none` was not found",
            ),
            (
                "dags/d/dagRuns/r/taskInstances/a/0",
                404,
                "The Mapped Task Instance with dag_id: `d`, run_id: `r`, task_id: `a`, and map_index: `0` was not found",
            ),
            ("dags/d/dagRuns/r/taskInstances/a/listMapped", 404, "Task id a is not mapped"),
            ("dags/d/dagRuns/r/taskInstances/none/listMapped", 404, "Task id none not found"),
            ("dags/d/dagRuns/r/taskInstances/a/links?try_number=9", 404, "TaskInstanceHistory not found for try_number=9"),
            ("dags/d/dagRuns/r/taskInstances/a/logs/7", 404, "TaskInstance not found"),
            ("dags/d/dagRuns/r/taskInstances/a/logs/-1", 422, "\"Input should be greater than or equal to 0\""),
            ("dags/d/dagRuns/r/taskInstances/a/x", 422, "\"Input should be a valid integer, unable to parse string as an integer\""),
            ("eventLogs/x", 400, "'event_log_id' must be an integer"),
        ] {
            assert_eq!(refused(&b, "GET", path, Value::Null).await, (status, why.to_owned()), "{path}");
        }
        let (status, group) = b.ask("GET", &format!("{TASKS}?task_group_id=none"), Value::Null).await;
        assert_eq!((status, &group["detail"]["message"]), (404, &json!("Task group none not found")));
        assert_eq!(b.see(&format!("{TASKS}?task_id=")).await["total_entries"], 2);
        assert_eq!(b.ask("GET", &format!("{TASKS}?order_by=task_id"), Value::Null).await.0, 400);
        let first = b.see(&format!("{TASKS}?cursor=&limit=1&order_by=id")).await;
        assert_eq!((&first["task_instances"][0]["task_id"], &first["total_entries_limit"]), (&json!("a"), &json!(50_000)));
    })
    .await;
}

#[actix_web::test]
async fn what_has_not_begun_has_one_try_and_no_log() {
    bench(|b| async move {
        waiting(&b).await;
        let tries = b.see(&format!("{TASKS}/b/tries")).await;
        assert_eq!((&tries["total_entries"], &tries["task_instances"][0]["try_number"]), (&json!(1), &json!(0)));
        let log = b.see(&format!("{TASKS}/b/logs/0")).await;
        assert_eq!((&log["content"][2]["event"], &log["continuation_token"]), (&json!("No logs available for this task."), &Value::Null));
    })
    .await;
}

#[actix_web::test]
async fn marks_answer_with_what_was_named() {
    bench(|b| async move {
        waiting(&b).await;
        b.work(&[]).await;
        let at = format!("{TASKS}/a");
        let change = async |path: &str, body: Value| b.ask("PATCH", path, body).await;
        let (_, tried) = change(&format!("{at}/dry_run"), json!({"note": "x"})).await;
        assert_eq!((&tried["total_entries"], &tried["task_instances"][0]["note"]), (&json!(1), &Value::Null));
        let (_, tried) = change(&format!("{at}/dry_run"), json!({"new_state": "FAILED", "include_downstream": true})).await;
        assert_eq!(tried["total_entries"], 2);
        let (_, noted) = change(&at, json!({"note": "x"})).await;
        assert_eq!(noted["task_instances"][0]["note"], "x");
        assert_eq!(change(&at, json!({"note": null})).await.1["task_instances"][0]["note"], "x");
        assert_eq!(change(&format!("{at}?update_mask=note"), json!({"note": null})).await.1["task_instances"][0]["note"], Value::Null);
        assert_eq!(
            change(&format!("{at}?update_mask=note"), json!({"new_state": "failed"})).await.1["task_instances"][0]["state"],
            "success"
        );
        let (_, marked) = change(&at, json!({"new_state": "skipped", "include_downstream": true})).await;
        assert_eq!((&marked["total_entries"], &marked["task_instances"][0]["state"]), (&json!(1), &json!("skipped")));
        assert_eq!(b.see(&format!("{TASKS}/b")).await["state"], "skipped");
        for (path, body, status, why) in [
            (at.as_str(), json!({"new_state": "skipped"}), 409, "Task id a is already in skipped state"),
            (
                at.as_str(),
                json!({"new_state": "running"}),
                422,
                "\"Value error, 'running' is not one of ['success', 'failed', 'skipped']\"",
            ),
            (at.as_str(), json!({"new_state": null}), 422, "\"Value error, 'new_state' should not be empty\""),
            ("dags/d/dagRuns/r/taskInstances/none", json!({"note": "x"}), 404, "Task 'none' not found in Dag 'd'"),
            ("dags/none/dagRuns/r/taskInstances/a", json!({"note": "x"}), 404, "The Dag with ID: `none` was not found"),
            (
                "dags/d/dagRuns/none/taskInstances/a",
                json!({"note": "x"}),
                404,
                "The Task Instance with dag_id: `d`, run_id: `none`, task_id: `a` and map_index: `None` was not found",
            ),
        ] {
            assert_eq!(refused(&b, "PATCH", path, body.clone()).await, (status, why.to_owned()), "{path} {body}");
        }
    })
    .await;
}

#[actix_web::test]
async fn what_is_cleared_is_shown_as_it_begins_anew() {
    bench(|b| async move {
        waiting(&b).await;
        b.work(&[]).await;
        let clear = async |body: Value| b.ask("POST", "dags/d/clearTaskInstances", body).await;
        let (status, none) = clear(json!({"dag_run_id": "r", "task_ids": ["none"], "dry_run": false})).await;
        assert_eq!((status, &none["total_entries"], &none["next_cursor"]), (200, &json!(0), &Value::Null));
        let before = b.see(&format!("{TASKS}/b")).await;
        let (_, cleared) = clear(json!({"dag_run_id": "r", "task_ids": ["b"], "only_failed": false, "dry_run": false})).await;
        let one = &cleared["task_instances"][0];
        assert_eq!((&one["state"], &one["max_tries"], &one["end_date"]), (&Value::Null, &json!(1), &before["end_date"]));
        assert_ne!(one["id"], before["id"]);
        for (body, why) in [
            (json!({"end_date": "2026-01-02"}), "\"Input should have timezone info\""),
            (
                json!({"start_date": "2026-01-02T00:00:00Z", "dag_run_id": "r"}),
                "\"Value error, Exactly one of dag_run_id or start_date must be provided\"",
            ),
            (json!({"task_ids": [1]}), "\"Input should be a valid string\""),
            (json!({"task_ids": [["b"]]}), "\"Input should be a valid string\""),
        ] {
            assert_eq!(refused(&b, "POST", "dags/d/clearTaskInstances", body.clone()).await, (422, why.to_owned()), "{body}");
        }
        let pair = clear(json!({"task_ids": [["b"]]})).await.1;
        assert_eq!(
            pair["detail"][1],
            json!({"type": "missing", "loc": ["body", "task_ids", 0, "tuple[str, int]", 1], "msg": "Field required"})
        );
        let missing = "Dag Run id none not found in dag d".to_owned();
        assert_eq!(refused(&b, "POST", "dags/d/clearTaskInstances", json!({"dag_run_id": "none"})).await, (404, missing));
    })
    .await;
}

#[actix_web::test]
async fn several_are_changed_and_each_is_named() {
    bench(|b| async move {
        waiting(&b).await;
        let run = async |action: Value| b.ask("PATCH", TASKS, json!({"actions": [action]})).await;
        let (_, marked) = run(json!({"action": "update", "entities": [{"task_id": "a", "new_state": "failed", "note": "x"}]})).await;
        assert_eq!(marked["update"], json!({"success": ["d.r.a[-1]"], "errors": []}));
        let (_, missing) = run(json!({"action": "update", "entities": [{"task_id": "none", "new_state": "failed"}]})).await;
        let why = "No task instances found for dag_id: d, run_id: r, task_id: none";
        assert_eq!(missing["update"]["errors"], json!([{"error": why, "status_code": 404}]));
        let (_, missing) = run(json!({"action": "delete", "entities": [{"task_id": "a", "map_index": 4}]})).await;
        let why = "The task instances with these identifiers: [{'dag_id': 'd', 'dag_run_id': 'r', 'task_id': 'a', 'map_index': 4}] were not found";
        assert_eq!(missing["delete"]["errors"], json!([{"error": why, "status_code": 404}]));
        let (status, wrong) = run(json!({"action": "update", "entities": [{"task_id": "a", "new_state": "running"}]})).await;
        let place = json!(["body", "actions", 0, "update", "entities", 0, "new_state"]);
        assert_eq!((status, &wrong["detail"][0]["loc"]), (422, &place));
        let (_, removed) = run(json!({"action": "delete", "entities": ["b"]})).await;
        assert_eq!(removed["delete"]["success"], json!(["d.r.b[-1]"]));
        assert_eq!(b.see(RUN).await["dag_run_id"], "r");
        assert_eq!(b.see(TASKS).await["total_entries"], 1);
    })
    .await;
}
