//! Bodies that are malformed or break a rule, to each service: a 4xx that names the field, and nothing has changed.

use crate::harness::{Client, Installation, Shape};
use reqwest::Method;
use serde_json::{Value, json};

/// Method, path, body, and what the answer names.
type Case = (Method, &'static str, Value, &'static str);

fn tracking() -> Vec<Case> {
    let post = Method::POST;
    vec![
        (post.clone(), "/api/2.0/mlflow/experiments/create", json!({}), "name"),
        (post.clone(), "/api/2.0/mlflow/experiments/create", json!({"name": 12}), "name"),
        (post.clone(), "/api/2.0/mlflow/experiments/create", json!(["name"]), "object"),
        (post.clone(), "/api/2.0/mlflow/runs/create", json!({"experiment_id": "no number"}), "no number"),
        (post.clone(), "/api/2.0/mlflow/runs/create", json!({"experiment_id": "0", "tags": "none"}), "tags"),
        (post.clone(), "/api/2.0/mlflow/runs/log-metric", json!({"run_id": "RUN", "value": 1, "timestamp": 1}), "key"),
        (post.clone(), "/api/2.0/mlflow/runs/log-metric", json!({"run_id": "RUN", "key": "k", "value": "a lot", "timestamp": 1}), "value"),
        (post.clone(), "/api/2.0/mlflow/runs/log-metric", json!({"run_id": "nowhere", "key": "k", "value": 1, "timestamp": 1}), "nowhere"),
        (post.clone(), "/api/2.0/mlflow/runs/log-parameter", json!({"run_id": "RUN", "value": "v"}), "key"),
        (post.clone(), "/api/2.0/mlflow/runs/log-batch", batch("not a number"), "metrics"),
        (post.clone(), "/api/2.0/mlflow/runs/search", json!({"experiment_ids": ["0"], "filter": "metrics.a >"}), "filter"),
        (post.clone(), "/api/2.0/mlflow/runs/search", json!({"experiment_ids": ["0"], "max_results": 1_000_000}), "max_results"),
        (post, "/api/2.0/mlflow/runs/search", json!({"experiment_ids": ["0"], "page_token": "??"}), "page token"),
    ]
}

/// A batch whose first items are fine and whose last is not: none of it may be kept.
fn batch(value: &str) -> Value {
    json!({"run_id": "RUN", "params": [{"key": "p", "value": "1"}], "tags": [{"key": "t", "value": "1"}],
        "metrics": [{"key": "m", "value": 1.0, "timestamp": 1, "step": 1}, {"key": "m", "value": value, "timestamp": 1, "step": 2}]})
}

fn registry() -> Vec<Case> {
    let post = Method::POST;
    vec![
        (post.clone(), "/api/2.0/mlflow/registered-models/create", json!({}), "name"),
        (post.clone(), "/api/2.0/mlflow/registered-models/create", json!({"name": "a/b:c"}), "name"),
        (post.clone(), "/api/2.0/mlflow/registered-models/create", json!({"name": {"first": "wine"}}), "name"),
        (post.clone(), "/api/2.0/mlflow/model-versions/create", json!({"name": "kept"}), "source"),
        (post.clone(), "/api/2.0/mlflow/model-versions/create", json!({"name": "nowhere", "source": "s3://bucket/x"}), "nowhere"),
        (post.clone(), "/api/2.0/mlflow/registered-models/alias", json!({"name": "kept", "version": "1"}), "alias"),
        (post, "/api/2.0/mlflow/registered-models/alias", json!({"name": "kept", "alias": "best", "version": "9"}), "9"),
        (Method::PATCH, "/api/2.0/mlflow/registered-models/update", json!({"description": "of what?"}), "name"),
    ]
}

fn hub() -> Vec<Case> {
    let post = Method::POST;
    vec![
        (post.clone(), "/hub/api/users", json!({"usernames": 5}), "usernames"),
        (post.clone(), "/hub/api/users/a%2Fb", json!({}), "a/b"),
        (post.clone(), "/hub/api/users/admin/tokens", json!({"expires_in": "soon"}), "expires_in"),
        (post.clone(), "/hub/api/users/admin/tokens", json!({"scopes": ["experimints"]}), "experimints"),
        (post.clone(), "/hub/api/users/nobody/tokens", json!({}), "nobody"),
        (post, "/hub/api/users/nobody/server", json!({}), "nobody"),
    ]
}

fn serving() -> Vec<Case> {
    let post = Method::POST;
    let served = |entity: Value| json!({"name": "fresh", "config": {"served_entities": [entity]}});
    vec![
        (post.clone(), "/api/2.0/serving-endpoints", json!({}), "name"),
        (post.clone(), "/api/2.0/serving-endpoints", json!({"name": "fresh"}), "config"),
        (post.clone(), "/api/2.0/serving-endpoints", json!({"name": "fresh", "config": {}}), "served_entities"),
        (post.clone(), "/api/2.0/serving-endpoints", served(json!({"entity_name": "kept"})), "entity_version"),
        (post.clone(), "/api/2.0/serving-endpoints", served(json!({"entity_name": "nowhere", "entity_version": "1"})), "nowhere"),
        (
            post,
            "/api/2.0/serving-endpoints",
            json!({"name": "no spaces", "config": {"served_entities": [{"entity_name": "kept", "alias": "a"}]}}),
            "no spaces",
        ),
        (
            Method::PUT,
            "/api/2.0/serving-endpoints/nowhere/config",
            json!({"served_entities": [{"entity_name": "kept", "entity_version": "two"}]}),
            "entity_version",
        ),
    ]
}

/// Airflow's own API says 422 for a body that does not fit (FastAPI), also in a 4xx.
fn scheduler() -> Vec<Case> {
    let post = Method::POST;
    vec![
        (post.clone(), "/api/v2/dags/nowhere/dagRuns", json!({"logical_date": null}), "nowhere"),
        (post.clone(), "/api/v2/variables", json!({"value": "v"}), "key"),
        (post, "/api/v2/variables", json!({"key": 5, "value": "v"}), "key"),
        (Method::PATCH, "/api/v2/dags/nowhere", json!({"is_paused": "perhaps"}), ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_wrong_change_nothing() {
    let artel = Installation::start(Shape::Single).await.unwrap();
    let admin = artel.admin().await;
    admin.post("/api/2.0/mlflow/registered-models/create", json!({"name": "kept"})).await;
    let run = admin.post("/api/2.0/mlflow/runs/create", json!({"experiment_id": "0", "start_time": 1})).await;
    let run = run["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    let before = everything(&admin, &run).await;
    let mut wrong = Vec::new();
    let mut judge = |method: &Method, path: &str, body: &str, part: &str, status: u16, answer: &Value| {
        if !(400..500).contains(&status) || !answer.to_string().to_lowercase().contains(part) {
            wrong.push(format!("{method} {path} {body}\n    should name {part:?}: {status} {answer}"));
        }
    };
    for (method, path, body, part) in [tracking(), registry(), hub(), serving(), scheduler()].concat() {
        let body = body.to_string().replace("RUN", &run);
        let request = admin.request(method.clone(), path).header("content-type", "application/json").body(body.clone());
        let (status, answer) = admin.send(request).await;
        judge(&method, path, &body, part, status, &answer);
    }
    // cut off in the middle
    for (path, part) in [
        ("/api/2.0/serving-endpoints", ""),
        ("/api/v2/variables", ""),
        ("/hub/api/users", ""),
        ("/api/2.0/mlflow/experiments/create", "name"),
    ] {
        let request = admin.request(Method::POST, path).header("content-type", "application/json").body("{\"name\": \"cut");
        let (status, answer) = admin.send(request).await;
        judge(&Method::POST, path, "cut off", part, status, &answer);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(everything(&admin, &run).await, before, "something has changed");
    admin.post("/api/2.0/mlflow/runs/log-metric", json!({"run_id": run, "key": "k", "value": 1, "timestamp": 1})).await;
}

/// What a mistake might have changed.
async fn everything(admin: &Client, run: &str) -> Value {
    let search = json!({"max_results": 1000});
    let users = admin.get("/hub/api/users").await;
    let names: Vec<Value> = users.as_array().unwrap().iter().map(|user| user["name"].clone()).collect();
    json!([
        admin.post("/api/2.0/mlflow/experiments/search", search).await,
        admin.get(&format!("/api/2.0/mlflow/runs/get?run_id={run}")).await,
        admin.post("/api/2.0/mlflow/runs/search", json!({"experiment_ids": ["0"]})).await,
        admin.get("/api/2.0/mlflow/registered-models/search").await,
        admin.get("/api/2.0/mlflow/model-versions/search").await,
        admin.get("/api/2.0/serving-endpoints").await,
        admin.get("/api/v2/variables").await,
        admin.get("/hub/api/users/admin/tokens").await["api_tokens"].as_array().map(Vec::len),
        names,
    ])
}
