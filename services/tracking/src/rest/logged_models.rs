//! `logged-models/*`

use super::extract::{Request, checked};
use super::{Answer, App, json};
use actix_web::web::{Path, Query};
use artel_platform::Error;
use artel_platform::http::Workspace;
use artel_proto::mlflow::*;
use serde::Deserialize;

checked!(CreateLoggedModel, requires(experiment_id), {
    "experiment_id": [Text, Required], "name": [Text], "model_type": [Text], "source_run_id": [Text], "params": [Array], "tags": [Array]
});
checked!(LogLoggedModelParamsRequest, requires(model_id), { "model_id": [Text, Required], "params": [Array] });
checked!(FinalizeLoggedModel, requires(model_id, status), { "model_id": [Text, Required], "status": [Integer, Required] });
checked!(SetLoggedModelTags, requires(), { "tags": [Array] });
checked!(SearchLoggedModels, requires(experiment_ids), {
    "experiment_ids": [Array, Texts, Required], "filter": [Text], "datasets": [Array], "max_results": [Integer], "order_by": [Array], "page_token": [Text]
});
checked!(ListLoggedModelArtifacts, requires(), { "artifact_directory_path": [Text] });

/// What `GET logged-models/{model_id}` takes.
#[derive(Deserialize)]
pub(super) struct GetQuery {
    allow_deleted: Option<String>,
}

/// Make a logged model
#[utoipa::path(post, path = "/api/2.0/mlflow/logged-models", tag = "tracking", request_body = CreateLoggedModel,
    responses((status = 200, body = create_logged_model::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn create(app: App, Workspace(workspace): Workspace, Request(request): Request<CreateLoggedModel>) -> Answer {
    let model = app.create_logged_model(&workspace, request).await?;
    json(&create_logged_model::Response { model: Some(model) })
}

/// Search logged models
#[utoipa::path(post, path = "/api/2.0/mlflow/logged-models/search", tag = "tracking", request_body = SearchLoggedModels,
    responses((status = 200, body = search_logged_models::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn search(app: App, Workspace(workspace): Workspace, Request(request): Request<SearchLoggedModels>) -> Answer {
    let page = app.search_logged_models(&workspace, request).await?;
    json(&search_logged_models::Response { models: page.rows, next_page_token: page.next })
}

/// Read a logged model
#[utoipa::path(get, path = "/api/2.0/mlflow/logged-models/{model_id}", tag = "tracking", params(("model_id" = String, Path), ("allow_deleted" = Option<bool>, Query)),
    responses((status = 200, body = get_logged_model::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get(app: App, Workspace(workspace): Workspace, model_id: Path<String>, query: Query<GetQuery>) -> Answer {
    let allow_deleted = query.allow_deleted.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let model = app.get_logged_model(&workspace, &model_id, allow_deleted).await?;
    json(&get_logged_model::Response { model: Some(model) })
}

/// Say how the upload of a model went
#[utoipa::path(patch, path = "/api/2.0/mlflow/logged-models/{model_id}", tag = "tracking", params(("model_id" = String, Path)), request_body = FinalizeLoggedModel,
    responses((status = 200, body = finalize_logged_model::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn finalize(
    app: App,
    Workspace(workspace): Workspace,
    model_id: Path<String>,
    Request(request): Request<FinalizeLoggedModel>,
) -> Answer {
    if request.model_id() != model_id.as_str() {
        return Err(Error::invalid(format!("the path names the model '{model_id}', the body '{}'", request.model_id())));
    }
    let model = app.finalize_logged_model(&workspace, &model_id, request.status()).await?;
    json(&finalize_logged_model::Response { model: Some(model) })
}

/// Delete a logged model
#[utoipa::path(delete, path = "/api/2.0/mlflow/logged-models/{model_id}", tag = "tracking", params(("model_id" = String, Path)),
    responses((status = 200, body = delete_logged_model::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn delete(app: App, Workspace(workspace): Workspace, model_id: Path<String>) -> Answer {
    app.delete_logged_model(&workspace, &model_id).await?;
    json(&delete_logged_model::Response {})
}

/// Add params to a logged model
#[utoipa::path(post, path = "/api/2.0/mlflow/logged-models/{model_id}/params", tag = "tracking", params(("model_id" = String, Path)), request_body = LogLoggedModelParamsRequest,
    responses((status = 200, body = log_logged_model_params_request::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn log_params(
    app: App,
    Workspace(workspace): Workspace,
    model_id: Path<String>,
    Request(request): Request<LogLoggedModelParamsRequest>,
) -> Answer {
    app.log_logged_model_params(&workspace, &model_id, &request.params).await?;
    json(&log_logged_model_params_request::Response {})
}

/// Set tags of a logged model
#[utoipa::path(patch, path = "/api/2.0/mlflow/logged-models/{model_id}/tags", tag = "tracking", params(("model_id" = String, Path)), request_body = SetLoggedModelTags,
    responses((status = 200, body = set_logged_model_tags::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn set_tags(
    app: App,
    Workspace(workspace): Workspace,
    model_id: Path<String>,
    Request(request): Request<SetLoggedModelTags>,
) -> Answer {
    app.set_logged_model_tags(&workspace, &model_id, &request.tags).await?;
    json(&set_logged_model_tags::Response::default())
}

/// Remove a tag of a logged model
#[utoipa::path(delete, path = "/api/2.0/mlflow/logged-models/{model_id}/tags/{tag_key}", tag = "tracking", params(("model_id" = String, Path), ("tag_key" = String, Path)),
    responses((status = 200, body = delete_logged_model_tag::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn delete_tag(app: App, Workspace(workspace): Workspace, path: Path<(String, String)>) -> Answer {
    app.delete_logged_model_tag(&workspace, &path.0, &path.1).await?;
    json(&delete_logged_model_tag::Response {})
}

/// List the files of a logged model
#[utoipa::path(get, path = "/api/2.0/mlflow/logged-models/{model_id}/artifacts/directories", tag = "tracking",
    params(("model_id" = String, Path), ("artifact_directory_path" = Option<String>, Query)),
    responses((status = 200, body = list_logged_model_artifacts::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn list_artifacts(
    app: App,
    Workspace(workspace): Workspace,
    model_id: Path<String>,
    Request(request): Request<ListLoggedModelArtifacts>,
) -> Answer {
    let path = request.artifact_directory_path.as_deref().map(crate::artifacts::safe_path).transpose()?;
    let model = app.find_logged_model(&workspace, &model_id, false).await?;
    let files = app.list_files(&workspace, &model.artifact_location, path.as_deref()).await?;
    json(&list_logged_model_artifacts::Response { root_uri: Some(model.artifact_location), files, next_page_token: None })
}
