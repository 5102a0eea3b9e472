//! `/api/3.0/mlflow/workspaces` (mlflow/server/handlers.py).

use super::{Answer, App, json};
use crate::workspaces::{Stored, Wish};
use actix_web::{HttpResponse, web};
use artel_platform::http::{Restricted, denied};
use artel_platform::{Error, Identity, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A workspace.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::Workspace)]
pub(super) struct WorkspaceWire {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_artifact_root: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_archival_config: Option<TraceArchival>,
}

/// Where and when traces are archived.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = mlflow::TraceArchivalConfig)]
#[serde(default)]
pub(super) struct TraceArchival {
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention: Option<String>,
}

/// Workspaces.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::WorkspaceList)]
pub(super) struct WorkspaceList {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workspaces: Vec<WorkspaceWire>,
}

/// One workspace.
#[derive(Serialize, ToSchema)]
#[schema(as = mlflow::WorkspaceAnswer)]
pub(super) struct WorkspaceAnswer {
    workspace: WorkspaceWire,
}

/// A new workspace, or changes of one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = mlflow::WorkspaceWish)]
#[serde(default)]
pub(super) struct WishWire {
    /// Of a new one.
    name: Option<String>,
    description: Option<String>,
    #[serde(alias = "defaultArtifactRoot")]
    default_artifact_root: Option<String>,
    #[serde(alias = "traceArchivalConfig")]
    trace_archival_config: Option<TraceArchival>,
}

/// How to delete.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteQuery {
    /// `RESTRICT`: only when nothing is in it.
    mode: Option<String>,
}

impl From<Stored> for WorkspaceWire {
    fn from(w: Stored) -> Self {
        let archival = TraceArchival { location: w.trace_archival_location, retention: w.trace_archival_retention };
        Self {
            name: w.name,
            description: w.description,
            default_artifact_root: w.default_artifact_root,
            trace_archival_config: (archival.location.is_some() || archival.retention.is_some()).then_some(archival),
        }
    }
}

impl From<WishWire> for Wish {
    fn from(w: WishWire) -> Self {
        let archival = w.trace_archival_config.unwrap_or_default();
        Self {
            description: w.description,
            default_artifact_root: w.default_artifact_root,
            trace_archival_location: archival.location,
            trace_archival_retention: archival.retention,
        }
    }
}

/// Fails while there is only the default workspace.
fn enabled(app: &App) -> Result<()> {
    if app.settings.workspaces {
        return Ok(());
    }
    let message = "workspaces are not enabled on this server; set [tracking] workspaces = true";
    Err(Error::conflict(message).reason("FEATURE_DISABLED"))
}

fn only_admins(who: &Identity) -> Result<()> {
    if who.admin { Ok(()) } else { Err(denied()) }
}

fn read(body: &[u8]) -> Result<WishWire> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    artel_platform::http::parse_json(body)
}

/// List workspaces: those that the caller may enter
#[utoipa::path(get, path = "/api/3.0/mlflow/workspaces", tag = "tracking",
    responses((status = 200, body = WorkspaceList), (status = 400, description = "Workspaces are not enabled")), security(("artel" = ["read:experiments"])))]
pub(super) async fn list(app: App, restricted: Restricted) -> Answer {
    enabled(&app)?;
    let mut workspaces = app.workspaces().await?;
    if let Some(grants) = restricted.0.as_ref().and_then(|access| access.grants()) {
        workspaces.retain(|w| grants.present_in(&w.name));
    }
    json(&WorkspaceList { workspaces: workspaces.into_iter().map(Into::into).collect() })
}

/// Make a workspace
#[utoipa::path(post, path = "/api/3.0/mlflow/workspaces", tag = "tracking", request_body = WishWire,
    responses((status = 201, body = WorkspaceAnswer), (status = 400, description = "The name is taken or cannot be used, or workspaces are not enabled"), (status = 403, description = "Only administrators may")),
    security(("artel" = ["experiments"])))]
pub(super) async fn create(app: App, who: Identity, body: web::Bytes) -> Answer {
    enabled(&app)?;
    only_admins(&who)?;
    let mut wish = read(&body)?;
    let name = wish.name.take().filter(|n| !n.is_empty()).ok_or_else(|| {
        Error::invalid("Missing value for required parameter 'name'. See the API docs for more information about request parameters.")
    })?;
    let workspace = app.create_workspace(&name, wish.into()).await?.into();
    Ok(HttpResponse::Created().json(WorkspaceAnswer { workspace }))
}

/// Read a workspace
#[utoipa::path(get, path = "/api/3.0/mlflow/workspaces/{workspace_name}", tag = "tracking", params(("workspace_name" = String, Path)),
    responses((status = 200, body = WorkspaceAnswer), (status = 400, description = "Workspaces are not enabled"), (status = 403, description = "The caller may not enter it"), (status = 404, description = "There is no such workspace")),
    security(("artel" = ["read:experiments"])))]
pub(super) async fn get(app: App, restricted: Restricted, name: web::Path<String>) -> Answer {
    enabled(&app)?;
    if restricted.0.as_ref().and_then(|access| access.grants()).is_some_and(|grants| !grants.present_in(&name)) {
        return Err(denied());
    }
    json(&WorkspaceAnswer { workspace: app.workspace(&name).await?.into() })
}

/// Change a workspace
#[utoipa::path(patch, path = "/api/3.0/mlflow/workspaces/{workspace_name}", tag = "tracking", params(("workspace_name" = String, Path)), request_body = WishWire,
    responses((status = 200, body = WorkspaceAnswer), (status = 400, description = "Nothing is named, a value cannot be used, or workspaces are not enabled"), (status = 403, description = "Only administrators may"), (status = 404, description = "There is no such workspace")),
    security(("artel" = ["experiments"])))]
pub(super) async fn update(app: App, who: Identity, name: web::Path<String>, body: web::Bytes) -> Answer {
    enabled(&app)?;
    only_admins(&who)?;
    let workspace = app.update_workspace(&name, read(&body)?.into()).await?.into();
    json(&WorkspaceAnswer { workspace })
}

/// Delete a workspace in which nothing is left
#[utoipa::path(delete, path = "/api/3.0/mlflow/workspaces/{workspace_name}", tag = "tracking", params(("workspace_name" = String, Path), DeleteQuery),
    responses((status = 204), (status = 400, description = "Something is left in it, or workspaces are not enabled"), (status = 403, description = "Only administrators may"), (status = 404, description = "There is no such workspace"), (status = 501, description = "The mode is not implemented")),
    security(("artel" = ["experiments"])))]
pub(super) async fn delete(app: App, who: Identity, name: web::Path<String>, query: web::Query<DeleteQuery>) -> Answer {
    enabled(&app)?;
    only_admins(&who)?;
    app.delete_workspace(&name, query.mode.as_deref().unwrap_or("RESTRICT")).await?;
    Ok(HttpResponse::NoContent().finish())
}
