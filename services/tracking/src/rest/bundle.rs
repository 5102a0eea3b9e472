//! What only MLflow's web bundle asks for.

use super::{Answer, json};
use serde_json::json;

/// How the web bundle may report on its users: not at all
#[utoipa::path(get, path = "/ajax-api/3.0/mlflow/ui-telemetry", tag = "tracking",
    responses((status = 200, description = "Telemetry is off", body = Object)), security(("artel" = ["public"])))]
pub(super) async fn telemetry() -> Answer {
    json(&json!({"disable_ui_telemetry": true, "disable_ui_events": [], "ui_rollout_percentage": 0}))
}

/// Reports on users are not taken
#[utoipa::path(post, path = "/ajax-api/3.0/mlflow/ui-telemetry", tag = "tracking",
    responses((status = 200, description = "Telemetry is off", body = Object)), security(("artel" = ["public"])))]
pub(super) async fn report() -> Answer {
    json(&json!({"status": "disabled"}))
}

/// The endpoints of a gateway of old: there are none
#[utoipa::path(method(get, post), path = "/ajax-api/2.0/mlflow/gateway-proxy", tag = "tracking",
    responses((status = 200, description = "No endpoints", body = Object)), security(("artel" = ["read:experiments"])))]
pub(super) async fn gateway() -> Answer {
    json(&json!({"endpoints": []}))
}
