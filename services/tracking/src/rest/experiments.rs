//! `experiments/*`

use super::extract::{Request, checked};
use super::{Answer, App, json};
use crate::permissions;
use artel_platform::Identity;
use artel_platform::http::{Restricted, Workspace};
use artel_proto::mlflow::*;

checked!(CreateExperiment, requires(name), { "name": [Required, Text], "artifact_location": [Text], "tags": [Array] });
checked!(GetExperiment, requires(experiment_id), { "experiment_id": [Required, Text] });
checked!(GetExperimentByName, requires(experiment_name), { "experiment_name": [Required, Text] });
checked!(DeleteExperiment, requires(experiment_id), { "experiment_id": [Required, Text] });
checked!(RestoreExperiment, requires(experiment_id), { "experiment_id": [Required, Text] });
checked!(UpdateExperiment, requires(experiment_id, new_name), { "experiment_id": [Required, Text], "new_name": [Text, Required] });
checked!(SetExperimentTag, requires(experiment_id, key), { "experiment_id": [Required, Text], "key": [Required, Text], "value": [Text] });
checked!(DeleteExperimentTag, requires(experiment_id, key), { "experiment_id": [Required, Text], "key": [Required, Text] });
checked!(SearchExperiments, requires(), {
    "view_type": [Integer], "max_results": [Integer], "order_by": [Array], "filter": [Text], "page_token": [Text]
});
checked!(SearchDatasets, requires());

/// Make an experiment
#[utoipa::path(post, path = "/api/2.0/mlflow/experiments/create", tag = "tracking", request_body = CreateExperiment,
    responses((status = 200, body = create_experiment::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn create(
    app: App,
    Workspace(workspace): Workspace,
    who: Identity,
    Request(request): Request<CreateExperiment>,
) -> Answer {
    let id = app.create_experiment(&workspace, request.name(), request.artifact_location.as_deref(), &request.tags).await?;
    app.give_to(&who, &workspace, &id).await;
    json(&create_experiment::Response { experiment_id: Some(id) })
}

/// Read an experiment
#[utoipa::path(get, path = "/api/2.0/mlflow/experiments/get", tag = "tracking", params(("experiment_id" = String, Query)),
    responses((status = 200, body = get_experiment::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get(app: App, Workspace(workspace): Workspace, Request(request): Request<GetExperiment>) -> Answer {
    let experiment = app.get_experiment(&workspace, request.experiment_id()).await?;
    json(&get_experiment::Response { experiment: Some(experiment) })
}

/// Read an experiment by its name
#[utoipa::path(get, path = "/api/2.0/mlflow/experiments/get-by-name", tag = "tracking", params(("experiment_name" = String, Query)),
    responses((status = 200, body = get_experiment_by_name::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get_by_name(app: App, Workspace(workspace): Workspace, Request(request): Request<GetExperimentByName>) -> Answer {
    let experiment = app.get_experiment_by_name(&workspace, request.experiment_name()).await?;
    json(&get_experiment_by_name::Response { experiment: Some(experiment) })
}

/// Search experiments
#[utoipa::path(post, path = "/api/2.0/mlflow/experiments/search", tag = "tracking", request_body = SearchExperiments,
    responses((status = 200, body = search_experiments::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn search(
    app: App,
    Workspace(workspace): Workspace,
    restricted: Restricted,
    Request(request): Request<SearchExperiments>,
) -> Answer {
    let page = app.search_experiments(&workspace, request, &permissions::visible(restricted.0.as_ref())).await?;
    json(&search_experiments::Response { experiments: page.rows, next_page_token: page.next })
}

/// Search experiments by a query string
#[utoipa::path(get, path = "/api/2.0/mlflow/experiments/search", tag = "tracking",
    params(("max_results" = i64, Query), ("filter" = Option<String>, Query), ("order_by" = Option<Vec<String>>, Query), ("page_token" = Option<String>, Query), ("view_type" = Option<String>, Query)),
    responses((status = 200, body = search_experiments::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn search_by_query(app: App, workspace: Workspace, restricted: Restricted, request: Request<SearchExperiments>) -> Answer {
    search(app, workspace, restricted, request).await
}

/// Delete an experiment (it can be restored)
#[utoipa::path(post, path = "/api/2.0/mlflow/experiments/delete", tag = "tracking", request_body = DeleteExperiment,
    responses((status = 200, body = delete_experiment::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn delete(app: App, Workspace(workspace): Workspace, Request(request): Request<DeleteExperiment>) -> Answer {
    app.delete_experiment(&workspace, request.experiment_id()).await?;
    json(&delete_experiment::Response {})
}

/// Restore a deleted experiment with all of its runs
#[utoipa::path(post, path = "/api/2.0/mlflow/experiments/restore", tag = "tracking", request_body = RestoreExperiment,
    responses((status = 200, body = restore_experiment::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn restore(app: App, Workspace(workspace): Workspace, Request(request): Request<RestoreExperiment>) -> Answer {
    app.restore_experiment(&workspace, request.experiment_id()).await?;
    json(&restore_experiment::Response {})
}

/// Rename an experiment
#[utoipa::path(post, path = "/api/2.0/mlflow/experiments/update", tag = "tracking", request_body = UpdateExperiment,
    responses((status = 200, body = update_experiment::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn update(app: App, Workspace(workspace): Workspace, Request(request): Request<UpdateExperiment>) -> Answer {
    app.rename_experiment(&workspace, request.experiment_id(), request.new_name()).await?;
    json(&update_experiment::Response {})
}

/// Set a tag of an experiment
#[utoipa::path(post, path = "/api/2.0/mlflow/experiments/set-experiment-tag", tag = "tracking", request_body = SetExperimentTag,
    responses((status = 200, body = set_experiment_tag::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn set_tag(app: App, Workspace(workspace): Workspace, Request(request): Request<SetExperimentTag>) -> Answer {
    let tag = ExperimentTag { key: request.key.clone(), value: Some(request.value().into()) };
    app.set_experiment_tag(&workspace, request.experiment_id(), tag).await?;
    json(&set_experiment_tag::Response {})
}

/// Remove a tag of an experiment
#[utoipa::path(post, path = "/api/2.0/mlflow/experiments/delete-experiment-tag", tag = "tracking", request_body = DeleteExperimentTag,
    responses((status = 200, body = delete_experiment_tag::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn delete_tag(app: App, Workspace(workspace): Workspace, Request(request): Request<DeleteExperimentTag>) -> Answer {
    app.delete_experiment_tag(&workspace, request.experiment_id(), request.key()).await?;
    json(&delete_experiment_tag::Response {})
}

/// The datasets that runs of these experiments took
#[utoipa::path(post, path = "/api/2.0/mlflow/experiments/search-datasets", tag = "tracking", request_body = SearchDatasets,
    responses((status = 200, body = search_datasets::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn search_datasets(app: App, Workspace(workspace): Workspace, Request(request): Request<SearchDatasets>) -> Answer {
    let dataset_summaries = app.search_datasets(&workspace, &request.experiment_ids).await?;
    json(&search_datasets::Response { dataset_summaries })
}
