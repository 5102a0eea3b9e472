//! A small model of two versions, an endpoint that follows its alias, and changes of the alias.

use crate::database::number;
use crate::harness::{Client, Installation, eventually, project, run_python};
use reqwest::Method;
use serde_json::json;

/// How many events serving has acted on once [`serve`] is done: two versions were made, the alias was set.
pub const EVENTS: i64 = 3;
const ENDPOINT: &str = "/api/2.0/serving-endpoints/small";

/// Two versions, the first of them the champion and served.
pub async fn serve(artel: &Installation, admin: &Client) {
    let token = admin.token().await;
    let script = project("tests/faults/two_versions.py");
    run_python("notebook", &[script.to_str().unwrap()], &[("MLFLOW_TRACKING_URI", &artel.url), ("MLFLOW_TRACKING_TOKEN", &token)]).await;
    point_to(admin, "1").await;
    let entity = json!({"entity_name": "small", "alias": "champion"});
    admin.post("/api/2.0/serving-endpoints", json!({"name": "small", "config": {"served_entities": [entity]}})).await;
    serves(admin, "1", 300).await;
    has_handled(artel, EVENTS).await;
}

/// Moves the alias; fails when it is not acknowledged.
pub async fn point_to(admin: &Client, version: &str) {
    admin.post("/api/2.0/mlflow/registered-models/alias", json!({"name": "small", "alias": "champion", "version": version})).await;
}

/// Where the alias points.
pub async fn champion(admin: &Client) -> String {
    let answer = admin.get("/api/2.0/mlflow/registered-models/alias?name=small&alias=champion").await;
    answer["model_version"]["version"].as_str().unwrap().to_owned()
}

/// Waits until the endpoint is settled on `version` and answers with it.
pub async fn serves(admin: &Client, version: &str, seconds: u64) {
    eventually(&format!("version {version} is served"), seconds, async || {
        let endpoint = admin.try_get(ENDPOINT).await?;
        let settled = endpoint["state"] == json!({"ready": "READY", "config_update": "NOT_UPDATING"});
        if !settled || endpoint["config"]["served_entities"][0]["entity_version"] != version {
            return Err(endpoint.to_string());
        }
        let request = admin.request(Method::POST, "/serving-endpoints/small/invocations").json(&json!({"inputs": [[0.0]]}));
        let answer = request.send().await.map_err(|e| e.to_string())?.text().await.map_err(|e| e.to_string())?;
        // each version predicts its own number
        if answer.replace(' ', "") == format!("{{\"predictions\":[{version}.0]}}") { Ok(()) } else { Err(answer) }
    })
    .await;
}

/// How many events serving has acted on.
pub fn handled(artel: &Installation) -> i64 {
    number(artel, "serving", "SELECT COUNT(*) FROM inbox WHERE error IS NULL").unwrap()
}

/// Waits until serving has acted on exactly so many events.
pub async fn has_handled(artel: &Installation, events: i64) {
    eventually(&format!("serving has handled {events} events"), 90, async || match handled(artel) {
        now if now == events => Ok(()),
        now => Err(now.to_string()),
    })
    .await;
}

/// A change to `version`, the `nth` since the endpoint was made, was one wish at most (none where the endpoint found
/// out by itself, at its start) and brought the version up once.
pub async fn took_effect_once(admin: &Client, version: &str, nth: i64) {
    let wishes = admin.get(ENDPOINT).await["config"]["config_version"].as_i64().unwrap();
    assert!(wishes <= nth + 1, "{wishes} wishes after {nth} changes");
    let all = admin.get(&format!("{ENDPOINT}/revisions")).await;
    let revisions = all["revisions"].as_array().unwrap().iter().filter(|r| r["entity_version"] == version).count();
    assert_eq!(revisions, 1, "{all}");
}
