//! `/api/artel/v1/models/webhooks/{webhook_id}/deliveries`: what was sent to a webhook, and how it went.

use super::App;
use super::webhooks::administrator;
use crate::webhooks::{LogRequest, Logged};
use actix_web::web::{Json, Path, Query};
use artel_platform::http::Workspace;
use artel_platform::{Identity, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One delivery. Times are milliseconds UTC.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookDelivery {
    /// What the receiver gets as `X-MLflow-Delivery-Id`.
    delivery_id: String,
    /// e.g. `model_version.created`
    event: String,
    /// `PENDING`, `DELIVERED` or `FAILED`
    status: String,
    /// How often it was tried.
    attempts: i64,
    /// When it happened.
    created_at: i64,
    /// When it was last tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt_at: Option<i64>,
    /// When it will be tried next, while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<i64>,
    /// HTTP status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<i64>,
    /// Why it did not arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<Logged> for WebhookDelivery {
    fn from(logged: Logged) -> Self {
        Self {
            delivery_id: logged.delivery_id,
            event: format!("{}.{}", logged.entity, logged.action),
            status: logged.status,
            attempts: logged.attempts,
            created_at: logged.creation_time,
            last_attempt_at: logged.last_attempt_time,
            next_attempt_at: logged.next_attempt_time,
            response_status: logged.response_status,
            error: logged.error,
        }
    }
}

/// A page of the log.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookDeliveries {
    /// The newest first.
    deliveries: Vec<WebhookDelivery>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// What is asked for.
#[derive(Deserialize)]
pub(crate) struct Filter {
    status: Option<String>,
    limit: Option<i64>,
    page_token: Option<String>,
}

/// What was sent to a webhook, and how it went
#[utoipa::path(get, path = "/api/artel/v1/models/webhooks/{webhook_id}/deliveries", tag = "registry",
    params(("webhook_id" = String, Path), ("status" = Option<String>, Query, description = "PENDING, DELIVERED or FAILED"), ("limit" = Option<i64>, Query, description = "1 to 1000, 100 when absent"), ("page_token" = Option<String>, Query)),
    responses((status = 200, body = WebhookDeliveries, description = "A page, the newest first"), (status = 404, description = "There is no such webhook")), security(("artel" = ["models"])))]
pub(crate) async fn list(
    app: App,
    identity: Identity,
    Workspace(workspace): Workspace,
    webhook_id: Path<String>,
    filter: Query<Filter>,
) -> Result<Json<WebhookDeliveries>> {
    administrator(&identity)?;
    let Filter { status, limit, page_token } = filter.into_inner();
    let request = LogRequest { status, limit: limit.unwrap_or(100), page_token };
    let (found, next_page_token) = app.deliveries(&workspace, &webhook_id, &request).await?;
    Ok(Json(WebhookDeliveries { deliveries: found.into_iter().map(Into::into).collect(), next_page_token }))
}

/// Nothing.
#[derive(Serialize, ToSchema)]
pub(crate) struct SentAgain {}

/// Send a finished delivery once more
#[utoipa::path(post, path = "/api/artel/v1/models/webhooks/{webhook_id}/deliveries/{delivery_id}/send", tag = "registry",
    params(("webhook_id" = String, Path), ("delivery_id" = String, Path)),
    responses((status = 200, body = SentAgain, description = "It is due now"), (status = 404, description = "There is no such delivery, or it is not finished")), security(("artel" = ["models"])))]
pub(crate) async fn send(
    app: App,
    identity: Identity,
    Workspace(workspace): Workspace,
    path: Path<(String, String)>,
) -> Result<Json<SentAgain>> {
    administrator(&identity)?;
    app.send_again(&workspace, &path.0, &path.1).await?;
    Ok(Json(SentAgain {}))
}
