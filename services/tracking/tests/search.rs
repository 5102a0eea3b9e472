//! Filters that let few runs through answer like those that let many through, page by page.

mod support;

use artel_platform::testkit::on_both_engines;
use serde_json::{Value, json};
use support::{Server, serve};

/// Names of the runs that a search finds, page by page.
async fn found(server: &Server, experiment: &str, filter: &str, order_by: &[&str], page: i64) -> Vec<String> {
    let (mut names, mut token) = (Vec::new(), Value::Null);
    loop {
        let body =
            json!({"experiment_ids": [experiment], "filter": filter, "order_by": order_by, "max_results": page, "page_token": token});
        let answer = server.ok("runs/search", body).await;
        names.extend(answer["runs"].as_array().into_iter().flatten().map(|r| r["info"]["run_name"].as_str().unwrap().to_owned()));
        token = answer["next_page_token"].clone();
        if token.is_null() {
            return names;
        }
    }
}

#[actix_web::test]
async fn few_runs_are_found_in_order() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let id = server.experiment("e").await;
        let other = server.experiment("other").await;
        let long = "x".repeat(150);
        for i in 0..9 {
            let parent = if i % 3 == 0 { json!([{"key": "parent", "value": format!("{long}{}", i % 2)}]) } else { json!([]) };
            let body =
                json!({"experiment_id": if i == 8 { &other } else { &id }, "start_time": i, "run_name": format!("r{i}"), "tags": parent});
            let run = server.ok("runs/create", body).await["run"]["info"]["run_id"].clone();
            let metrics = json!([{"key": "a", "value": if i == 4 { json!("NaN") } else { json!(i % 4) }, "timestamp": 1}]);
            let params = json!([{"key": "p", "value": (i % 2).to_string()}]);
            server.ok("runs/log-batch", json!({"run_id": run, "metrics": metrics, "params": params})).await;
        }
        for page in [1, 2, 100] {
            let search = async |filter: &str, order: &[&str]| found(&server, &id, filter, order, page).await;
            assert_eq!(search("metrics.a > 1", &[]).await, ["r7", "r6", "r3", "r2"]);
            assert_eq!(search("metrics.a > 1", &["metrics.a"]).await, ["r6", "r2", "r7", "r3"]);
            assert_eq!(search("metrics.a != 3", &["metrics.a DESC"]).await, ["r6", "r2", "r5", "r1", "r0", "r4"]);
            assert_eq!(search("params.p = '1'", &["metrics.a DESC", "start_time"]).await, ["r3", "r7", "r1", "r5"]);
            assert_eq!(search("params.p = '1' AND metrics.a <= 1", &["metrics.a"]).await, ["r5", "r1"]);
            assert_eq!(search(&format!("tags.parent = '{long}0'"), &["metrics.a"]).await, ["r0", "r6"]);
            assert_eq!(search(&format!("tags.parent = '{long}'"), &[]).await, [""; 0]);
            assert_eq!(search("tags.parent IS NOT NULL", &["metrics.a DESC"]).await, ["r3", "r6", "r0"]);
            assert_eq!(search("run_name = 'r5'", &["metrics.a"]).await, ["r5"]);
            assert_eq!(search("run_name = 'r8'", &[]).await, [""; 0]);
        }
        server.stop().await;
    })
    .await;
}

/// More runs than are sorted without being looked for in order: a part of the name that many have and one that few have
/// are found in different ways.
#[actix_web::test]
async fn names_are_found_by_a_part() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let id = server.experiment("e").await;
        let other = server.experiment("other").await;
        let long = "x".repeat(120);
        for i in 0..2100 {
            let end = if i == 7 { format!("{long}-rare") } else { String::new() };
            let rare = if i % 700 == 5 { "rare" } else { "run" };
            let body = json!({"experiment_id": id, "start_time": i / 2, "run_name": format!("{rare}-{i}{end}")});
            let run = server.ok("runs/create", body).await["run"]["info"]["run_id"].clone();
            if i % 700 == 5 {
                server.ok("runs/log-metric", json!({"run_id": run, "key": "a", "value": -i, "timestamp": 1})).await;
            }
        }
        server.ok("runs/create", json!({"experiment_id": other, "start_time": 9999, "run_name": "rare-other"})).await;
        let longest = format!("run-7{long}-rare");
        for page in [1, 3, 100] {
            let search = async |filter: &str, order: &[&str]| found(&server, &id, filter, order, page).await;
            assert_eq!(search("run_name LIKE '%rare%'", &["start_time", "run_name"]).await, ["rare-5", &longest, "rare-705", "rare-1405"]);
            assert_eq!(search("run_name LIKE '%rare%'", &["metrics.a"]).await, ["rare-1405", "rare-705", "rare-5", &longest]);
            assert_eq!(search("run_name ILIKE 'RARE-%' AND metrics.a < -5", &[]).await, ["rare-1405", "rare-705"]);
            assert_eq!(search("run_name LIKE 'RARE-%'", &[]).await, [""; 0]);
            assert_eq!(search("run_name LIKE '%none%'", &[]).await, [""; 0]);
        }
        let many = found(&server, &id, "run_name LIKE '%-1%'", &["start_time DESC", "run_name"], 1000).await;
        let mut expected: Vec<i64> = (0..2100).filter(|i| i.to_string().starts_with('1')).collect();
        // by name: what is rare comes before a run
        expected.sort_by_key(|i| (-(i / 2), i % 700 != 5, i.to_string()));
        assert_eq!(many.len(), expected.len());
        let all = found(&server, &id, "run_name LIKE '%-%'", &["start_time DESC"], 1000).await;
        assert_eq!(all.len(), 2100);
        assert_eq!(
            many.iter().map(|name| name.split('-').nth(1).unwrap().to_owned()).collect::<Vec<_>>(),
            expected.iter().map(i64::to_string).collect::<Vec<_>>()
        );
        server.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn what_upstream_has_and_this_has_not_is_told() {
    on_both_engines(|cx| async move {
        let server = serve(&cx).await;
        let send = |method: reqwest::Method, path: &str| server.send(server.client().request(method, format!("{}{path}", server.url)));
        for (method, path) in [
            (reqwest::Method::POST, "/api/3.0/mlflow/datasets/create"),
            (reqwest::Method::GET, "/ajax-api/3.0/mlflow/scorers/list"),
            (reqwest::Method::DELETE, "/api/3.0/mlflow/gateway/secrets/delete"),
            (reqwest::Method::POST, "/ajax-api/2.0/mlflow/runs/create-promptlab-run"),
            (reqwest::Method::POST, "/api/3.0/mlflow/issues"),
        ] {
            let (status, answer) = send(method, path).await;
            assert_eq!((status, &answer["error_code"]), (501, &json!("NOT_IMPLEMENTED")), "{path}");
        }
        let (status, answer) = send(reqwest::Method::GET, "/api/2.0/mlflow/runs/create").await;
        assert_eq!((status, &answer["error_code"]), (405, &json!("BAD_REQUEST")));
        assert_eq!(send(reqwest::Method::GET, "/ajax-api/3.0/mlflow/ui-telemetry").await.1["disable_ui_telemetry"], true);
        assert_eq!(send(reqwest::Method::GET, "/ajax-api/2.0/mlflow/gateway-proxy").await.1, json!({"endpoints": []}));
        server.stop().await;
    })
    .await;
}
