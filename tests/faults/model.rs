//! A small model of two versions, an endpoint that follows its alias, and changes of the alias.

use crate::database::number;
use crate::harness::{Client, Installation, eventually, project, run_python};
use reqwest::Method;
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

const ENDPOINT: &str = "/api/2.0/serving-endpoints/small";

/// Two versions, the first of them the champion and served.
pub async fn serve(artel: &Installation, admin: &Client) {
    let token = admin.token().await;
    let script = project("tests/faults/two_versions.py");
    run_python("notebook", &[script.to_str().unwrap()], &[("MLFLOW_TRACKING_URI", &artel.url), ("MLFLOW_TRACKING_TOKEN", &token)]).await;
    // an earlier change that comes late would count as one of the endpoint's
    point_to(admin, "1").await.is_handled_once(artel).await;
    let entity = json!({"entity_name": "small", "alias": "champion"});
    admin.post("/api/2.0/serving-endpoints", json!({"name": "small", "config": {"served_entities": [entity]}})).await;
    serves(admin, "1", 300).await;
}

/// A change of the alias that was acknowledged.
pub struct Change {
    /// Just before it, milliseconds.
    since: i64,
}

/// Moves the alias; fails when it is not acknowledged.
pub async fn point_to(admin: &Client, version: &str) -> Change {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    admin.post("/api/2.0/mlflow/registered-models/alias", json!({"name": "small", "alias": "champion", "version": version})).await;
    Change { since }
}

impl Change {
    /// How many events of other services serving has acted on that happened since.
    pub fn handled(&self, artel: &Installation) -> i64 {
        number(artel, "serving", &format!("SELECT COUNT(*) FROM inbox WHERE error IS NULL AND time >= {}", self.since)).unwrap()
    }

    /// Waits until serving has acted on it, and on it alone.
    pub async fn is_handled_once(&self, artel: &Installation) {
        eventually(
            "serving acts on the change of the alias",
            180,
            async || if self.handled(artel) > 0 { Ok(()) } else { Err("not yet".into()) },
        )
        .await;
        assert_eq!(self.handled(artel), 1, "once");
    }
}

/// Where the alias points, once the registry answers.
pub async fn champion(admin: &Client) -> String {
    let path = "/api/2.0/mlflow/registered-models/alias?name=small&alias=champion";
    let answer = eventually("the registry answers", 30, async || admin.try_get(path).await).await;
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

/// A change to `version`, the `nth` since the endpoint was made, was one wish at most (none where the endpoint found
/// out by itself, at its start) and brought the version up once.
pub async fn took_effect_once(admin: &Client, version: &str, nth: i64) {
    let wishes = admin.get(ENDPOINT).await["config"]["config_version"].as_i64().unwrap();
    assert!(wishes <= nth + 1, "{wishes} wishes after {nth} changes");
    let all = admin.get(&format!("{ENDPOINT}/revisions")).await;
    let revisions = all["revisions"].as_array().unwrap().iter().filter(|r| r["entity_version"] == version).count();
    assert_eq!(revisions, 1, "{all}");
}
