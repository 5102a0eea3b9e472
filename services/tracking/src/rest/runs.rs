//! `runs/*`: making, reading, changing, searching.

use super::extract::{Request, checked};
use super::{Answer, App, either, json};
use artel_platform::http::Workspace;
use artel_proto::mlflow::*;

checked!(CreateRun, requires(), { "experiment_id": [Text], "start_time": [Integer], "run_name": [Text] });
checked!(UpdateRun, requires(run_id), also(it => it.status.is_none_or(|status| RunStatus::try_from(status).is_ok())), {
    "run_id": [Required, Text], "end_time": [Integer], "status": [Text, RunStatus], "run_name": [Text]
});
checked!(DeleteRun, requires(run_id), { "run_id": [Required, Text] });
checked!(RestoreRun, requires(run_id), { "run_id": [Required, Text] });
checked!(GetRun, requires(run_id), { "run_id": [Required, Text] });
checked!(SearchRuns, requires(), also(it => it.max_results() <= 50_000), {
    "experiment_ids": [Array], "filter": [Text], "max_results": [Integer, PageSize], "order_by": [Array, Texts]
});
checked!(LogInputs, requires(run_id), { "run_id": [Required, Text], "datasets": [Array], "models": [Array] });
checked!(LogOutputs, requires(run_id, models), { "run_id": [Required, Text], "models": [Required, Array] });

/// Start a run
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/create", tag = "tracking", request_body = CreateRun,
    responses((status = 200, body = create_run::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn create(app: App, Workspace(workspace): Workspace, Request(request): Request<CreateRun>) -> Answer {
    let run = app.create_run(&workspace, request).await?;
    json(&create_run::Response { run: Some(run) })
}

/// Read a run with its params, tags, inputs, outputs and latest metrics
#[utoipa::path(get, path = "/api/2.0/mlflow/runs/get", tag = "tracking", params(("run_id" = String, Query)),
    responses((status = 200, body = get_run::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get(app: App, Workspace(workspace): Workspace, Request(request): Request<GetRun>) -> Answer {
    let run = app.get_run(&workspace, either(request.run_id(), request.run_uuid())).await?;
    json(&get_run::Response { run: Some(run) })
}

/// Change status, end time or name of a run
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/update", tag = "tracking", request_body = UpdateRun,
    responses((status = 200, body = update_run::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn update(app: App, Workspace(workspace): Workspace, Request(request): Request<UpdateRun>) -> Answer {
    let run_info = app.update_run(&workspace, request).await?;
    json(&update_run::Response { run_info: Some(run_info) })
}

/// Delete a run (it can be restored)
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/delete", tag = "tracking", request_body = DeleteRun,
    responses((status = 200, body = delete_run::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn delete(app: App, Workspace(workspace): Workspace, Request(request): Request<DeleteRun>) -> Answer {
    app.delete_run(&workspace, request.run_id()).await?;
    json(&delete_run::Response {})
}

/// Restore a deleted run
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/restore", tag = "tracking", request_body = RestoreRun,
    responses((status = 200, body = restore_run::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn restore(app: App, Workspace(workspace): Workspace, Request(request): Request<RestoreRun>) -> Answer {
    app.restore_run(&workspace, request.run_id()).await?;
    json(&restore_run::Response {})
}

/// Search runs
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/search", tag = "tracking", request_body = SearchRuns,
    responses((status = 200, body = search_runs::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn search(app: App, Workspace(workspace): Workspace, Request(request): Request<SearchRuns>) -> Answer {
    let page = app.search_runs(&workspace, request).await?;
    json(&search_runs::Response { runs: page.rows, next_page_token: page.next })
}

/// Note datasets and models that a run took
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/log-inputs", tag = "tracking", request_body = LogInputs,
    responses((status = 200, body = log_inputs::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn log_inputs(app: App, Workspace(workspace): Workspace, Request(request): Request<LogInputs>) -> Answer {
    app.log_inputs(&workspace, request).await?;
    json(&log_inputs::Response {})
}

/// Note models that a run made
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/outputs", tag = "tracking", request_body = LogOutputs,
    responses((status = 200, body = log_outputs::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn log_outputs(app: App, Workspace(workspace): Workspace, Request(request): Request<LogOutputs>) -> Answer {
    app.log_outputs(&workspace, request).await?;
    json(&log_outputs::Response {})
}
