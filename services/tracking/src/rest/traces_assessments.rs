//! What is said of traces: feedback, expectations, issues.

use super::extract::{Request, checked};
use super::{Answer, App, json};
use actix_web::web::Path;
use artel_platform::http::Workspace;
use artel_proto::mlflow::*;

checked!(CreateAssessment, requires(), also(it => it.assessment.is_some()), { "assessment": [Required] });
checked!(UpdateAssessment, requires(), also(it => it.assessment.is_some() && it.update_mask.is_some()), {
    "assessment": [Required], "update_mask": [Required]
});

/// Say something of a trace
#[utoipa::path(post, path = "/api/3.0/mlflow/traces/{trace_id}/assessments", tag = "tracking", params(("trace_id" = String, Path)), request_body = CreateAssessment,
    responses((status = 200, description = "The assessment as it is kept", body = create_assessment::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn create(
    app: App,
    Workspace(workspace): Workspace,
    trace_id: Path<String>,
    Request(request): Request<CreateAssessment>,
) -> Answer {
    let assessment = app.create_assessment(&workspace, &trace_id, request.assessment.unwrap_or_default()).await?;
    json(&create_assessment::Response { assessment: Some(assessment) })
}

/// What was said
#[utoipa::path(get, path = "/api/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}", tag = "tracking",
    params(("trace_id" = String, Path), ("assessment_id" = String, Path)),
    responses((status = 200, description = "The assessment", body = get_assessment_request::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get(app: App, Workspace(workspace): Workspace, path: Path<(String, String)>) -> Answer {
    let assessment = app.get_assessment(&workspace, &path.0, &path.1).await?;
    json(&get_assessment_request::Response { assessment: Some(assessment) })
}

/// Change what was said; the mask names what
#[utoipa::path(patch, path = "/api/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}", tag = "tracking",
    params(("trace_id" = String, Path), ("assessment_id" = String, Path)), request_body = UpdateAssessment,
    responses((status = 200, description = "The assessment as it is now", body = update_assessment::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn update(
    app: App,
    Workspace(workspace): Workspace,
    path: Path<(String, String)>,
    Request(request): Request<UpdateAssessment>,
) -> Answer {
    let assessment = app.update_assessment(&workspace, &path.0, &path.1, request).await?;
    json(&update_assessment::Response { assessment: Some(assessment) })
}

/// Take back what was said
#[utoipa::path(delete, path = "/api/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}", tag = "tracking",
    params(("trace_id" = String, Path), ("assessment_id" = String, Path)),
    responses((status = 200, description = "It is gone", body = delete_assessment::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn delete(app: App, Workspace(workspace): Workspace, path: Path<(String, String)>) -> Answer {
    app.delete_assessment(&workspace, &path.0, &path.1).await?;
    json(&delete_assessment::Response {})
}
