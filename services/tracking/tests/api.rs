//! The tracking API over HTTP, on both engines.

mod support;

use artel_platform::testkit::on_both_engines;
use serde_json::{Value, json};
use support::{Server, serve};

#[actix_web::test]
async fn experiments_live_and_die() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let (_, default) = server.get("experiments/get?experiment_id=0").await;
        assert_eq!(default["experiment"]["name"], "Default");
        assert_eq!(default["experiment"]["artifact_location"], "mlflow-artifacts:/0");
        let id = server.experiment("wine").await;
        assert!(
            server
                .refused("experiments/create", json!({"name": "wine"}), "RESOURCE_ALREADY_EXISTS")
                .await
                .starts_with("Experiment(name=wine) already exists")
        );
        let run = server.run(&id, 1).await;
        server.ok("experiments/set-experiment-tag", json!({"experiment_id": id, "key": "team", "value": "a"})).await;
        server.ok("experiments/set-experiment-tag", json!({"experiment_id": id, "key": "team", "value": ""})).await;
        let (_, found) = server.get("experiments/get-by-name?experiment_name=wine").await;
        assert_eq!(found["experiment"]["tags"], json!([{"key": "team", "value": ""}]));
        server.ok("experiments/delete-experiment-tag", json!({"experiment_id": id, "key": "team"})).await;
        server.refused("experiments/delete-experiment-tag", json!({"experiment_id": id, "key": "team"}), "RESOURCE_DOES_NOT_EXIST").await;

        server.ok("experiments/delete", json!({"experiment_id": id})).await;
        server.refused("experiments/delete", json!({"experiment_id": id}), "RESOURCE_DOES_NOT_EXIST").await;
        server.refused("experiments/update", json!({"experiment_id": id, "new_name": "b"}), "INVALID_STATE").await;
        server.refused("runs/create", json!({"experiment_id": id}), "INVALID_PARAMETER_VALUE").await;
        server.refused("experiments/create", json!({"name": "wine"}), "RESOURCE_ALREADY_EXISTS").await;
        let (_, answer) = server.get(&format!("runs/get?run_id={run}")).await;
        assert_eq!(answer["run"]["info"]["lifecycle_stage"], "deleted");
        server.ok("experiments/restore", json!({"experiment_id": id})).await;
        server.ok("experiments/update", json!({"experiment_id": id, "new_name": "grapes"})).await;
        let (_, answer) = server.get(&format!("runs/get?run_id={run}")).await;
        assert_eq!(answer["run"]["info"]["lifecycle_stage"], "active");
        let (status, answer) = server.get("experiments/get-by-name?experiment_name=wine").await;
        assert_eq!((status, &answer["error_code"]), (404, &json!("RESOURCE_DOES_NOT_EXIST")));
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn a_run_remembers_what_it_is_told_once_and_again() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let id = server.experiment("e").await;
        let run = server.run(&id, 5).await;
        for _ in 0..2 {
            server.ok("runs/log-parameter", json!({"run_id": run, "key": "lr", "value": "0.1"})).await;
            server.ok("runs/log-batch", json!({
                "run_id": run,
                "metrics": [
                    {"key": "loss", "value": 0.5, "timestamp": 1, "step": 1}, {"key": "loss", "value": 0.25, "timestamp": 2, "step": 2},
                    {"key": "loss", "value": 0.7, "timestamp": 9, "step": 0}, {"key": "acc", "value": "NaN", "timestamp": 1},
                    {"key": "big", "value": "-Infinity", "timestamp": 1}
                ],
                "params": [{"key": "depth", "value": "3"}],
                "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}, {"key": "mlflow.runName", "value": "named"}]
            })).await;
        }
        let (_, answer) = server.get(&format!("runs/get?run_uuid={run}")).await;
        let (info, data) = (&answer["run"]["info"], &answer["run"]["data"]);
        assert_eq!((&info["run_uuid"], &info["run_name"], &info["status"]), (&json!(run), &json!("named"), &json!("RUNNING")));
        assert_eq!(info["artifact_uri"], format!("mlflow-artifacts:/{id}/{run}/artifacts"));
        assert_eq!(data["params"], json!([{"key": "depth", "value": "3"}, {"key": "lr", "value": "0.1"}]));
        assert_eq!(data["tags"], json!([{"key": "a", "value": "2"}, {"key": "mlflow.runName", "value": "named"}]));
        assert_eq!(data["metrics"], json!([
            {"key": "acc", "value": "NaN", "timestamp": 1, "step": 0},
            {"key": "big", "value": f64::MIN, "timestamp": 1, "step": 0},
            {"key": "loss", "value": 0.25, "timestamp": 2, "step": 2}
        ]));
        let (_, history) = server.get(&format!("metrics/get-history?run_id={run}&metric_key=loss")).await;
        let values: Vec<&Value> = history["metrics"].as_array().unwrap().iter().map(|m| &m["value"]).collect();
        assert_eq!(values, [&json!(0.5), &json!(0.25), &json!(0.7)]);

        let message = server.refused("runs/log-parameter", json!({"run_id": run, "key": "lr", "value": "0.2"}), "INVALID_PARAMETER_VALUE").await;
        assert!(message.contains("was already logged with value='0.1'"), "{message}");
        let batch = json!({"run_id": run, "params": [{"key": "new", "value": "1"}, {"key": "lr", "value": "9"}], "tags": [{"key": "b", "value": "1"}]});
        server.refused("runs/log-batch", batch, "INVALID_PARAMETER_VALUE").await;
        let (_, answer) = server.get(&format!("runs/get?run_id={run}")).await;
        assert_eq!(answer["run"]["data"]["params"].as_array().unwrap().len(), 2, "a refused batch leaves nothing");
        server.ok("runs/delete-tag", json!({"run_id": run, "key": "a"})).await;
        server.refused("runs/delete-tag", json!({"run_id": run, "key": "a"}), "RESOURCE_DOES_NOT_EXIST").await;

        server.ok("runs/update", json!({"run_id": run, "status": "FINISHED", "end_time": 77})).await;
        server.ok("runs/update", json!({"run_id": run, "run_name": "other"})).await;
        let (_, answer) = server.get(&format!("runs/get?run_id={run}")).await;
        let info = &answer["run"]["info"];
        assert_eq!((&info["status"], &info["end_time"], &info["run_name"]), (&json!("FINISHED"), &json!(77), &json!("other")));
        server.ok("runs/delete", json!({"run_id": run})).await;
        let message = server.refused("runs/log-metric", json!({"run_id": run, "key": "a", "value": 1, "timestamp": 1}), "INVALID_PARAMETER_VALUE").await;
        assert!(message.contains("must be in the 'active' state"));
        server.ok("runs/restore", json!({"run_id": run})).await;
        for status in [json!(99), json!(0)] {
            let message = server.refused("runs/update", json!({"run_id": run, "status": status}), "INVALID_PARAMETER_VALUE").await;
            assert!(message.starts_with(&format!("Invalid value {status} for parameter 'status' supplied")), "{message}");
        }
        assert_eq!(server.ok("runs/update", json!({"run_id": run, "status": 4})).await["run_info"]["status"], "FAILED");
        assert_eq!(server.ok("runs/update", json!({"run_id": run, "status": "DONE"})).await["run_info"]["status"], "FAILED");
        server.refused("runs/log-metric", json!({"run_id": "nobody", "key": "a", "value": 1, "timestamp": 1}), "RESOURCE_DOES_NOT_EXIST").await;
        server.stop().await;
    })
    .await;
}

/// Names of the runs that a search finds, page by page.
async fn found(server: &Server, experiments: &[&str], filter: &str, order_by: &[&str], page: i64) -> Vec<String> {
    let mut names = Vec::new();
    let mut token = Value::Null;
    loop {
        let body = json!({"experiment_ids": experiments, "filter": filter, "order_by": order_by, "max_results": page, "page_token": token});
        let answer = server.ok("runs/search", body).await;
        let runs = answer["runs"].as_array().cloned().unwrap_or_default();
        assert!(runs.len() as i64 <= page);
        names.extend(runs.iter().map(|r| r["info"]["run_name"].as_str().unwrap().to_owned()));
        token = answer["next_page_token"].clone();
        if token.is_null() {
            return names;
        }
        assert_eq!(runs.len() as i64, page, "a page with a next one is full");
    }
}

#[actix_web::test]
async fn runs_are_found_and_ordered() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let id = server.experiment("search").await;
        let other = server.experiment("other").await;
        let losses = [("a", json!(0.3)), ("b", json!("NaN")), ("c", json!(0.1)), ("d", Value::Null), ("e", json!(0.3)), ("f", json!(-2))];
        for (i, (name, loss)) in losses.iter().enumerate() {
            let body = json!({"experiment_id": id, "start_time": 100 + i, "run_name": name, "tags": [{"key": "team", "value": if i % 2 == 0 { "Nlp" } else { "cv" }}]});
            let run = server.ok("runs/create", body).await["run"]["info"]["run_id"].as_str().unwrap().to_owned();
            if !loss.is_null() {
                server.ok("runs/log-metric", json!({"run_id": run, "key": "val loss", "value": loss, "timestamp": 1})).await;
                server.ok("runs/log-parameter", json!({"run_id": run, "key": "i", "value": i.to_string()})).await;
            }
        }
        server.run(&other, 1).await;
        for page in [1, 2, 4, 100] {
            for experiments in [&[id.as_str()][..], &[id.as_str(), "999"]] {
                let search = |filter, order| found(&server, experiments, filter, order, page);
                assert_eq!(search("", &[]).await, ["f", "e", "d", "c", "b", "a"]);
                assert_eq!(search("", &["metrics.`val loss`"]).await, ["f", "c", "e", "a", "b", "d"]);
                assert_eq!(search("", &["metrics.`val loss` DESC"]).await, ["e", "a", "c", "f", "b", "d"]);
                assert_eq!(search("", &["metrics.`val loss` DESC", "start_time"]).await, ["a", "e", "c", "f", "b", "d"]);
                assert_eq!(search("metrics.`val loss` >= 0.1", &["metrics.`val loss`"]).await, ["c", "e", "a"]);
                assert_eq!(search("metrics.`val loss` != 0.3", &["metrics.`val loss`"]).await, ["f", "c", "b"]);
                assert_eq!(search("metrics.`val loss` != 0.3", &[]).await, ["f", "c", "b"]);
                assert_eq!(search("metrics.never > 0", &["metrics.never"]).await, [""; 0]);
                assert_eq!(search("", &["metrics.never"]).await, ["f", "e", "d", "c", "b", "a"]);
                assert_eq!(search("params.i IS NULL", &[]).await, ["d"]);
                assert_eq!(search("params.i IS NOT NULL AND tags.team = 'cv'", &["params.i DESC"]).await, ["f", "b"]);
                assert_eq!(search("", &["params.i", "attributes.run_name"]).await, ["a", "b", "c", "e", "f", "d"]);
                assert_eq!(search("tags.team LIKE 'N%' AND attributes.start_time > 101", &["run_name"]).await, ["c", "e"]);
                assert_eq!(search("tags.team LIKE 'n%'", &[]).await, [""; 0]);
                assert_eq!(search("tags.team ILIKE 'n%'", &["end_time", "created"]).await, ["a", "c", "e"]);
                assert_eq!(search("run_name = 'b'", &[]).await, ["b"]);
            }
        }
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn searches_say_what_is_wrong() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        for (body, expected) in [
            (json!({"experiment_ids": ["0"], "filter": "metrics.a > 1 OR metrics.b > 1"}), "'OR' at position 15"),
            (json!({"experiment_ids": ["0"], "filter": "metrics.a = 'x'"}), "Expected numeric value type for metric"),
            (json!({"experiment_ids": ["0"], "order_by": ["metrics.a", "metrics.a DESC"]}), "duplicate fields"),
            (json!({"experiment_ids": ["zero"]}), "Experiment ID must be a valid integer"),
            (json!({"experiment_ids": ["0"], "max_results": 0}), "must be a positive integer"),
            (json!({"experiment_ids": ["0"], "max_results": 50_001}), "Invalid value 50001 for parameter 'max_results' supplied"),
            (json!({"experiment_ids": ["0"], "page_token": "x"}), "Invalid page token"),
            (json!({"experiment_ids": "0"}), "Invalid value \"0\" for parameter 'experiment_ids' supplied"),
        ] {
            let message = server.refused("runs/search", body.clone(), "INVALID_PARAMETER_VALUE").await;
            assert!(message.contains(expected), "{body}: {message}");
        }
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn experiments_are_found_in_pages() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        for name in ["a", "B", "c"] {
            let id = server.experiment(name).await;
            server.ok("experiments/set-experiment-tag", json!({"experiment_id": id, "key": "k", "value": name})).await;
        }
        let names = async |query: &str| {
            let (mut names, mut token) = (Vec::new(), String::new());
            loop {
                let (status, answer) = server.get(&format!("experiments/search?max_results=2&{query}&page_token={token}")).await;
                assert_eq!(status, 200, "{answer}");
                names.extend(answer["experiments"].as_array().into_iter().flatten().map(|e| e["name"].as_str().unwrap().to_owned()));
                match answer["next_page_token"].as_str() {
                    Some(next) => token = next.replace('+', "%2B").replace('=', "%3D").replace('/', "%2F"),
                    None => return names,
                }
            }
        };
        assert_eq!(names("order_by=experiment_id").await, ["Default", "a", "B", "c"]);
        assert_eq!(names("order_by=experiment_id%20DESC").await, ["c", "B", "a", "Default"]);
        assert_eq!(names("filter=name%20ILIKE%20'b'").await, ["B"]);
        assert_eq!(names("filter=tags.k%20IS%20NOT%20NULL&order_by=attribute.experiment_id").await, ["a", "B", "c"]);
        assert_eq!(names("filter=experiment_id%20IN%20('1','3')&order_by=experiment_id").await, ["a", "c"]);
        assert_eq!(names("view_type=DELETED_ONLY").await, [""; 0]);
        let (status, _) = server.get("experiments/search?max_results=0").await;
        assert_eq!(status, 400);
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn histories_come_whole_in_pages_and_thinned_out() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let id = server.experiment("h").await;
        let run = server.run(&id, 1).await;
        let points: Vec<Value> = (0..1000).map(|i| json!({"key": "m", "value": if i == 500 { json!("NaN") } else { json!(f64::from(i) / 3.0) }, "timestamp": 1000 + i / 2, "step": i})).collect();
        server.ok("runs/log-batch", json!({"run_id": run, "metrics": points})).await;
        let (_, whole) = server.get(&format!("metrics/get-history?run_id={run}&metric_key=m")).await;
        let whole = whole["metrics"].as_array().unwrap().clone();
        assert_eq!(whole.len(), 1000);
        assert_eq!(whole[999], json!({"key": "m", "value": 333.0, "timestamp": 1499, "step": 999}));
        let (mut paged, mut token) = (Vec::new(), String::new());
        loop {
            let (_, page) = server.get(&format!("metrics/get-history?run_id={run}&metric_key=m&max_results=300{token}")).await;
            paged.extend(page["metrics"].as_array().unwrap().clone());
            match page["next_page_token"].as_str() {
                Some(next) => token = format!("&page_token={}", next.replace('+', "%2B").replace('=', "%3D").replace('/', "%2F")),
                None => break,
            }
        }
        assert_eq!(paged, whole);
        let (_, some) = server.get(&format!("metrics/get-history-bulk-interval?run_ids={run}&metric_key=m&max_results=10")).await;
        let steps: Vec<i64> = some["metrics"].as_array().unwrap().iter().map(|m| m["step"].as_i64().unwrap()).collect();
        assert_eq!(steps, [0, 100, 200, 300, 400, 500, 600, 700, 800, 999]);
        assert_eq!(some["metrics"][5]["value"], "NaN");
        let (_, some) = server.get(&format!("metrics/get-history-bulk-interval?run_ids={run}&metric_key=m&start_step=3&end_step=5")).await;
        assert_eq!(some["metrics"].as_array().unwrap().len(), 3);
        let url = format!("{}/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id={run}&metric_key=m&max_results=7", server.url);
        let (_, bulk) = server.send(server.client().get(url)).await;
        assert_eq!(bulk["metrics"].as_array().unwrap().len(), 7);
        assert_eq!(bulk["metrics"][0]["run_id"], json!(run));
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn a_long_history_goes_out_block_by_block() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let run = server.run(&server.experiment("long").await, 1).await;
        for batch in 0..26 {
            let points: Vec<Value> =
                (0..1000).map(|i| json!({"key": "m x", "value": i, "timestamp": batch, "step": batch * 1000 + i})).collect();
            server.ok("runs/log-batch", json!({"run_id": run, "metrics": points})).await;
        }
        let (_, whole) = server.get(&format!("metrics/get-history?run_id={run}&metric_key=m%20x")).await;
        let steps: Vec<i64> = whole["metrics"].as_array().unwrap().iter().map(|m| m["step"].as_i64().unwrap()).collect();
        assert!(steps.iter().copied().eq(0..26_000));
        assert!(whole.get("next_page_token").is_none());
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn inputs_and_outputs_are_noted_once() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let id = server.experiment("d").await;
        let run = server.run(&id, 1).await;
        let dataset = |name: &str| json!({"name": name, "digest": "1", "source_type": "code", "source": "{}", "schema": "s"});
        let inputs = json!({"run_id": run, "datasets": [
            {"dataset": dataset("train"), "tags": [{"key": "mlflow.data.context", "value": "training"}]}, {"dataset": dataset("test"), "tags": []}
        ], "models": [{"model_id": "m-1"}]});
        for _ in 0..2 {
            server.ok("runs/log-inputs", inputs.clone()).await;
            server.ok("runs/outputs", json!({"run_id": run, "models": [{"model_id": "m-2", "step": 4}]})).await;
        }
        let (_, answer) = server.get(&format!("runs/get?run_id={run}")).await;
        let inputs = &answer["run"]["inputs"];
        assert_eq!(inputs["dataset_inputs"].as_array().unwrap().len(), 2);
        assert_eq!(inputs["dataset_inputs"][1]["tags"], json!([{"key": "mlflow.data.context", "value": "training"}]));
        assert_eq!(inputs["model_inputs"], json!([{"model_id": "m-1"}]));
        assert_eq!(answer["run"]["outputs"]["model_outputs"], json!([{"model_id": "m-2", "step": 4}]));
        let summaries = server.ok("experiments/search-datasets", json!({"experiment_ids": [id]})).await;
        assert_eq!(summaries["dataset_summaries"][1], json!({"experiment_id": id, "name": "train", "digest": "1", "context": "training"}));
        for (filter, count) in [("datasets.name = 'train'", 1), ("dataset.context IN ('training', 'x')", 1), ("datasets.digest != '1'", 0)] {
            assert_eq!(found(&server, &[&id], filter, &[], 10).await.len(), count, "{filter}");
        }
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn logged_models_are_kept_and_found() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let id = server.experiment("m").await;
        let run = server.run(&id, 1).await;
        let mut ids = Vec::new();
        for (i, name) in ["one", "two", "three"].into_iter().enumerate() {
            let body = json!({"experiment_id": id, "name": name, "source_run_id": run, "params": [{"key": "p", "value": name}], "tags": [{"key": "t", "value": "x"}]});
            let model = server.ok("logged-models", body).await["model"].clone();
            assert_eq!(model["info"]["status"], "LOGGED_MODEL_PENDING");
            let model_id = model["info"]["model_id"].as_str().unwrap().to_owned();
            assert_eq!(model["info"]["artifact_uri"], format!("mlflow-artifacts:/{id}/models/{model_id}/artifacts"));
            server.ok("runs/log-metric", json!({"run_id": run, "key": "acc", "value": i, "timestamp": 1, "model_id": model_id, "dataset_name": "d", "dataset_digest": "1"})).await;
            ids.push(model_id);
        }
        let path = format!("logged-models/{}", ids[0]);
        let patch = |path: String, body: Value| server.send(server.client().patch(format!("{}/api/2.0/mlflow/{path}", server.url)).json(&body));
        let (_, done) = patch(path.clone(), json!({"model_id": ids[0], "status": "LOGGED_MODEL_READY"})).await;
        assert_eq!(done["model"]["info"]["status"], "LOGGED_MODEL_READY");
        let (status, _) = patch(format!("{path}/tags"), json!({"tags": [{"key": "new", "value": "1"}]})).await;
        assert_eq!(status, 200);
        let (_, model) = server.get(&path).await;
        assert_eq!(model["model"]["info"]["tags"], json!([{"key": "new", "value": "1"}, {"key": "t", "value": "x"}]));
        assert_eq!(model["model"]["data"]["metrics"][0]["run_id"], json!(run));
        let names = async |body: Value| {
            let (mut names, mut token) = (Vec::new(), Value::Null);
            loop {
                let mut body = body.clone();
                body["experiment_ids"] = json!([id]);
                body["max_results"] = json!(2);
                body["page_token"] = token;
                let answer = server.ok("logged-models/search", body).await;
                names.extend(answer["models"].as_array().into_iter().flatten().map(|m| m["info"]["name"].as_str().unwrap().to_owned()));
                token = answer["next_page_token"].clone();
                if token.is_null() {
                    return names;
                }
            }
        };
        let by_acc = json!([{"field_name": "metrics.acc", "ascending": false}]);
        let body = json!({"experiment_ids": [id], "order_by": [{"field_name": "height"}]});
        let (_, answer) = server.post("logged-models/search", body).await;
        assert_eq!((&answer["error_code"], &answer["error_class"]), (&json!("INVALID_PARAMETER_VALUE"), &json!("ATTRIBUTE_NOT_FOUND")));
        let unknown = json!([{"key": "lost", "value": 1, "timestamp": 1, "model_id": ids[0]}, {"key": "lost", "value": 1, "timestamp": 2, "model_id": "m-none"}]);
        server.refused("runs/log-batch", json!({"run_id": run, "metrics": unknown}), "INVALID_PARAMETER_VALUE").await;
        let metrics = server.get(&format!("runs/get?run_id={run}")).await.1["run"]["data"]["metrics"].clone();
        assert!(!metrics.to_string().contains("lost"), "nothing of a batch that is refused is kept: {metrics}");
        assert_eq!(names(json!({"order_by": by_acc})).await, ["three", "two", "one"]);
        assert_eq!(names(json!({"filter": "metrics.acc >= 1", "order_by": [{"field_name": "name"}]})).await, ["three", "two"]);
        assert_eq!(names(json!({"filter": format!("experiment_id IN ('{id}') AND name LIKE 'o%'")})).await, ["one"]);
        assert_eq!(names(json!({"filter": "params.p = 'one' AND tags.t LIKE 'x%' AND status = 'READY'"})).await, ["one"]);
        assert_eq!(names(json!({"filter": format!("source_run_id = '{run}'"), "datasets": [{"dataset_name": "nobody"}]})).await, [""; 0]);
        let (status, _) = server.send(server.client().delete(format!("{}/api/2.0/mlflow/{path}/tags/new", server.url))).await;
        assert_eq!(status, 200);
        let (status, _) = server.send(server.client().delete(format!("{}/api/2.0/mlflow/{path}", server.url))).await;
        assert_eq!(status, 200);
        assert_eq!(server.get(&path).await.0, 404);
        assert_eq!(server.get(&format!("{path}?allow_deleted=true")).await.0, 200);
        assert_eq!(names(json!({"order_by": by_acc})).await, ["three", "two"]);
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn the_server_tells_of_itself() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let get = |path: &str| server.send(server.client().get(format!("{}{path}", server.url)));
        assert_eq!(get("/health").await, (200, json!("OK")));
        assert_eq!(get("/ajax-api/3.0/mlflow/server-info").await.1["workspaces_enabled"], false);
        server.stop().await;
    })
    .await;
}
