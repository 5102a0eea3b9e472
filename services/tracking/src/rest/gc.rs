//! `/api/artel/v1/gc`: Artel's own, upstream has a command only.

use super::{Answer, App, json};
use crate::gc::{GcReport, GcRequest};
use artel_platform::http::{Json, Workspace};

/// Delete for good what was deleted
///
/// Runs, experiments and logged models in the stage of life `deleted`, with their params, metrics, tags and artifacts.
/// Where ids are named, only these. `artel gc` calls this.
#[utoipa::path(post, path = "/api/artel/v1/gc", tag = "tracking", request_body = GcRequest,
    responses(
        (status = 200, description = "What was freed, or would be", body = GcReport),
        (status = 400, description = "Something that is named is not deleted, or not for so long"),
        (status = 403, description = "The caller is no administrator"),
        (status = 404, description = "Something that is named is not there")
    ), security(("artel" = ["admin:experiments"])))]
pub(super) async fn collect(app: App, Workspace(workspace): Workspace, request: Json<GcRequest>) -> Answer {
    json(&app.gc(&workspace, request.into_inner()).await?)
}
