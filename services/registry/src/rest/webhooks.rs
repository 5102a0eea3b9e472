//! `webhooks`. As upstream has it, only administrators have to do with them: a webhook tells of every model.

use super::App;
use actix_web::web::{Json, Path};
use artel_platform::http::{MlflowRequest, Workspace};
use artel_platform::{Error, Identity, Result};
use artel_proto::mlflow::*;

/// Fails for everybody but an administrator (mlflow/server/auth `WEBHOOK_BEFORE_REQUEST_HANDLERS`).
pub(super) fn administrator(identity: &Identity) -> Result<()> {
    if identity.admin {
        Ok(())
    } else {
        Err(Error::denied(format!("{} is no administrator: only they have to do with webhooks", identity.name)))
    }
}

/// Make a webhook
#[utoipa::path(post, path = "/api/2.0/mlflow/webhooks", tag = "registry", request_body = CreateWebhook,
    responses((status = 200, body = create_webhook::Response, description = "The webhook, without its secret")), security(("artel" = ["models"])))]
pub(crate) async fn create_webhook(
    app: App,
    identity: Identity,
    Workspace(workspace): Workspace,
    request: MlflowRequest<CreateWebhook>,
) -> Result<Json<create_webhook::Response>> {
    administrator(&identity)?;
    let webhook = app.create_webhook(&workspace, request.require(&["name", "url", "events"])?).await?;
    Ok(Json(create_webhook::Response { webhook: Some(webhook) }))
}

/// List webhooks, the newest first
#[utoipa::path(get, path = "/api/2.0/mlflow/webhooks", tag = "registry", params(("max_results" = Option<i64>, Query), ("page_token" = Option<String>, Query)),
    responses((status = 200, body = list_webhooks::Response, description = "A page of webhooks")), security(("artel" = ["models"])))]
pub(crate) async fn list_webhooks(
    app: App,
    identity: Identity,
    Workspace(workspace): Workspace,
    request: MlflowRequest<ListWebhooks>,
) -> Result<Json<list_webhooks::Response>> {
    administrator(&identity)?;
    let request = request.into_inner();
    let (webhooks, next_page_token) = app.webhooks(&workspace, request.max_results().into(), request.page_token.as_deref()).await?;
    Ok(Json(list_webhooks::Response { webhooks, next_page_token }))
}

/// Read a webhook
#[utoipa::path(get, path = "/api/2.0/mlflow/webhooks/{webhook_id}", tag = "registry", params(("webhook_id" = String, Path)),
    responses((status = 200, body = get_webhook::Response, description = "The webhook, without its secret")), security(("artel" = ["models"])))]
pub(crate) async fn get_webhook(
    app: App,
    identity: Identity,
    Workspace(workspace): Workspace,
    webhook_id: Path<String>,
) -> Result<Json<get_webhook::Response>> {
    administrator(&identity)?;
    Ok(Json(get_webhook::Response { webhook: Some(app.webhook(&workspace, &webhook_id).await?) }))
}

/// Change what is given of a webhook
#[utoipa::path(patch, path = "/api/2.0/mlflow/webhooks/{webhook_id}", tag = "registry", params(("webhook_id" = String, Path)), request_body = UpdateWebhook,
    responses((status = 200, body = update_webhook::Response, description = "The webhook as it is now")), security(("artel" = ["models"])))]
pub(crate) async fn update_webhook(
    app: App,
    identity: Identity,
    Workspace(workspace): Workspace,
    webhook_id: Path<String>,
    request: MlflowRequest<UpdateWebhook>,
) -> Result<Json<update_webhook::Response>> {
    administrator(&identity)?;
    let webhook = app.update_webhook(&workspace, &webhook_id, request.into_inner()).await?;
    Ok(Json(update_webhook::Response { webhook: Some(webhook) }))
}

/// Delete a webhook with what it was still to be told
#[utoipa::path(delete, path = "/api/2.0/mlflow/webhooks/{webhook_id}", tag = "registry", params(("webhook_id" = String, Path)),
    responses((status = 200, body = delete_webhook::Response, description = "It is gone")), security(("artel" = ["models"])))]
pub(crate) async fn delete_webhook(
    app: App,
    identity: Identity,
    Workspace(workspace): Workspace,
    webhook_id: Path<String>,
) -> Result<Json<delete_webhook::Response>> {
    administrator(&identity)?;
    app.delete_webhook(&workspace, &webhook_id).await?;
    Ok(Json(delete_webhook::Response {}))
}

/// Send an example to a webhook, and say what it answered
#[utoipa::path(post, path = "/api/2.0/mlflow/webhooks/{webhook_id}/test", tag = "registry", params(("webhook_id" = String, Path)), request_body = TestWebhook,
    responses((status = 200, body = test_webhook::Response, description = "How the receiver took it; that it failed is said in the body too")), security(("artel" = ["models"])))]
pub(crate) async fn test_webhook(
    app: App,
    identity: Identity,
    Workspace(workspace): Workspace,
    webhook_id: Path<String>,
    request: MlflowRequest<TestWebhook>,
) -> Result<Json<test_webhook::Response>> {
    administrator(&identity)?;
    let result = app.test_webhook(&workspace, &webhook_id, request.into_inner().event).await?;
    Ok(Json(test_webhook::Response { result: Some(result) }))
}
