//! `webhooks`: upstream has them, this registry does not deliver any; every call says so.

use actix_web::HttpResponse;
use artel_platform::{Error, Result};

fn unsupported() -> Result<HttpResponse> {
    Err(Error::unimplemented("webhooks are not offered by this registry"))
}

/// Make a webhook: not offered
#[utoipa::path(post, path = "/api/2.0/mlflow/webhooks", tag = "registry", responses((status = 501)), security(("artel" = ["models"])))]
pub(crate) async fn create_webhook() -> Result<HttpResponse> {
    unsupported()
}

/// List webhooks: not offered
#[utoipa::path(get, path = "/api/2.0/mlflow/webhooks", tag = "registry", responses((status = 501)), security(("artel" = ["read:models"])))]
pub(crate) async fn list_webhooks() -> Result<HttpResponse> {
    unsupported()
}

/// Read a webhook: not offered
#[utoipa::path(get, path = "/api/2.0/mlflow/webhooks/{webhook_id}", tag = "registry", params(("webhook_id" = String, Path)),
    responses((status = 501)), security(("artel" = ["read:models"])))]
pub(crate) async fn get_webhook() -> Result<HttpResponse> {
    unsupported()
}

/// Change a webhook: not offered
#[utoipa::path(patch, path = "/api/2.0/mlflow/webhooks/{webhook_id}", tag = "registry", params(("webhook_id" = String, Path)),
    responses((status = 501)), security(("artel" = ["models"])))]
pub(crate) async fn update_webhook() -> Result<HttpResponse> {
    unsupported()
}

/// Delete a webhook: not offered
#[utoipa::path(delete, path = "/api/2.0/mlflow/webhooks/{webhook_id}", tag = "registry", params(("webhook_id" = String, Path)),
    responses((status = 501)), security(("artel" = ["models"])))]
pub(crate) async fn delete_webhook() -> Result<HttpResponse> {
    unsupported()
}

/// Try a webhook: not offered
#[utoipa::path(post, path = "/api/2.0/mlflow/webhooks/{webhook_id}/test", tag = "registry", params(("webhook_id" = String, Path)),
    responses((status = 501)), security(("artel" = ["models"])))]
pub(crate) async fn test_webhook() -> Result<HttpResponse> {
    unsupported()
}
