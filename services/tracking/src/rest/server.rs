//! What clients ask about the server itself.

use super::{Answer, App, json};
use actix_web::HttpResponse;

/// The version of MLflow whose server this one stands in for.
const MLFLOW_VERSION: &str = "3.17.2";

/// Is the server there?
#[utoipa::path(get, path = "/health", tag = "tracking", responses((status = 200, content_type = "text/plain", body = String)), security(("artel" = ["public"])))]
pub(super) async fn health() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("OK")
}

/// The version of MLflow that is spoken
#[utoipa::path(get, path = "/version", tag = "tracking", responses((status = 200, content_type = "text/plain", body = String)), security(("artel" = ["public"])))]
pub(super) async fn version() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body(MLFLOW_VERSION)
}

/// What the server can do; the client asks once
#[utoipa::path(get, path = "/api/3.0/mlflow/server-info", tag = "tracking", responses((status = 200, body = Object)), security(("artel" = ["public"])))]
pub(super) async fn info(app: App) -> Answer {
    let artifacts = app.offered().await;
    json(&serde_json::json!({
        "store_type": "SqlStore",
        "workspaces_enabled": app.settings.workspaces,
        "trace_archival_enabled": false,
        "multipart_uploads_enabled": artifacts.direct_transfers,
        "multipart_downloads_enabled": artifacts.direct_transfers,
        "presigned_upload_run_id_supported": true,
        "presigned_upload_model_id_supported": true,
        "features_enabled": {"gateway": false},
    }))
}
