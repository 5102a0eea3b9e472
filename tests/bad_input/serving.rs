//! Models that cannot be served: their endpoints say why, in the words of who refused, and the others answer.

use crate::harness::{Client, Installation, Shape, eventually, project, run_python};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn models_that_cannot_be_served_say_why() {
    let artel = Installation::start(Shape::Single).await.unwrap();
    let admin = artel.admin().await;
    let token = admin.token().await;
    let script = project("tests/bad_input/models.py");
    run_python("notebook", &[script.to_str().unwrap()], &[("MLFLOW_TRACKING_URI", &artel.url), ("MLFLOW_TRACKING_TOKEN", &token)]).await;
    for (name, model) in [("fine", "fine"), ("unbuildable", "unbuildable"), ("raising", "raising")] {
        let entity = json!({"entity_name": model, "entity_version": "1"});
        admin.post("/api/2.0/serving-endpoints", json!({"name": name, "config": {"served_entities": [entity]}})).await;
    }
    failed(&admin, "unbuildable", "no-such-package-anywhere").await;
    failed(&admin, "raising", "the model is out of order").await;
    let (status, answer) = ask(&admin, "unbuildable", json!({"inputs": [[1.0]]})).await;
    assert!(status == 503 && answer.to_string().contains("no-such-package-anywhere"), "{status} {answer}");
    eventually("the other endpoint is ready", 300, async || {
        let endpoint = admin.try_get("/api/2.0/serving-endpoints/fine").await?;
        if endpoint["state"]["ready"] == "READY" { Ok(()) } else { Err(endpoint.to_string()) }
    })
    .await;
    let (status, answer) = ask(&admin, "fine", json!({"inputs": [[1.0], [2.0]]})).await;
    assert_eq!((status, &answer["predictions"]), (200, &json!([7.0, 7.0])), "{answer}");
    questions(&admin).await;
    // a version that fails beside one that serves: the endpoint goes on with what it has
    let entity = json!({"entity_name": "unbuildable", "entity_version": "1"});
    let (status, answer) =
        admin.send(admin.request(Method::PUT, "/api/2.0/serving-endpoints/fine/config").json(&json!({"served_entities": [entity]}))).await;
    assert_eq!(status, 200, "{answer}");
    eventually("the change is given up", 120, async || {
        let endpoint = admin.try_get("/api/2.0/serving-endpoints/fine").await?;
        let told = endpoint["pending_config"].to_string().contains("no-such-package-anywhere");
        if endpoint["state"] == json!({"ready": "READY", "config_update": "UPDATE_FAILED"}) && told {
            Ok(())
        } else {
            Err(endpoint.to_string())
        }
    })
    .await;
    assert_eq!(ask(&admin, "fine", json!({"inputs": [[1.0]]})).await.0, 200);
}

async fn failed(admin: &Client, name: &str, why: &str) {
    eventually(&format!("endpoint {name} has failed"), 300, async || {
        let endpoint = admin.try_get(&format!("/api/2.0/serving-endpoints/{name}")).await?;
        let state = &endpoint["config"]["served_entities"][0]["state"];
        let told = state["deployment_state_message"].as_str().unwrap_or_default().contains(why);
        if state["deployment"] == "DEPLOYMENT_FAILED" && told { Ok(()) } else { Err(endpoint.to_string()) }
    })
    .await;
}

async fn ask(admin: &Client, name: &str, question: Value) -> (u16, Value) {
    admin.send(admin.request(Method::POST, &format!("/serving-endpoints/{name}/invocations")).json(&question)).await
}

/// Questions that the model cannot answer are the asker's mistake.
async fn questions(admin: &Client) {
    for question in [json!({}), json!({"rows": []}), json!({"inputs": [["a glass"]]}), json!([1, 2])] {
        let (status, answer) = ask(admin, "fine", question.clone()).await;
        assert!(
            (400..500).contains(&status) && answer["error_code"].is_string() && answer["message"].is_string(),
            "{question}: {status} {answer}"
        );
    }
    let request = admin
        .request(Method::POST, "/serving-endpoints/fine/invocations")
        .header("content-type", "application/json")
        .body("{\"inputs\": [[1.0");
    let (status, answer) = admin.send(request).await;
    assert!((400..500).contains(&status), "{status} {answer}");
    assert_eq!(ask(admin, "nowhere", json!({"inputs": []})).await.0, 404);
}
