//! `runs/log-*` and tags.

use super::extract::{Present, Request, checked};
use super::{Answer, App, either, json};
use artel_platform::http::Workspace;
use artel_proto::mlflow::*;

checked!(LogMetric, requires(run_id, key, value, timestamp), {
    "run_id": [Required, Text], "key": [Required, Text], "value": [Required, Real], "timestamp": [Integer, Required], "step": [Integer],
    "model_id": [Text], "dataset_name": [Text], "dataset_digest": [Text]
});
checked!(LogParam, requires(run_id, key), { "run_id": [Required, Text], "key": [Required, Text], "value": [Text] });
checked!(SetTag, requires(run_id, key), { "run_id": [Required, Text], "key": [Required, Text], "value": [Text] });
checked!(DeleteTag, requires(run_id, key), { "run_id": [Required, Text], "key": [Required, Text] });
checked!(LogBatch, requires(run_id), also(it => {
    it.metrics.iter().all(|m| m.key.present() && m.value.present() && m.timestamp.present())
        && it.params.iter().all(|p| p.key.present()) && it.tags.iter().all(|t| t.key.present())
}), { "run_id": [Text, Required], "metrics": [Array, Metrics], "params": [Array, Keys], "tags": [Array, Keys] });
checked!(LogModel, requires(run_id, model_json), { "run_id": [Text, Required], "model_json": [Text, Required] });

/// Log one metric point
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/log-metric", tag = "tracking", request_body = LogMetric,
    responses((status = 200, body = log_metric::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn log_metric(app: App, Workspace(workspace): Workspace, Request(request): Request<LogMetric>) -> Answer {
    let run_id = either(request.run_id(), request.run_uuid()).to_owned();
    let metric = Metric {
        key: request.key,
        value: request.value,
        timestamp: request.timestamp,
        step: request.step,
        dataset_name: request.dataset_name,
        dataset_digest: request.dataset_digest,
        model_id: request.model_id,
        run_id: None,
    };
    app.log_metric(&workspace, &run_id, metric).await?;
    json(&log_metric::Response {})
}

/// Log one param
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/log-parameter", tag = "tracking", request_body = LogParam,
    responses((status = 200, body = log_param::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn log_param(app: App, Workspace(workspace): Workspace, Request(request): Request<LogParam>) -> Answer {
    let param = Param { key: request.key.clone(), value: request.value.clone() };
    app.log_param(&workspace, either(request.run_id(), request.run_uuid()), param).await?;
    json(&log_param::Response {})
}

/// Set a tag of a run
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/set-tag", tag = "tracking", request_body = SetTag,
    responses((status = 200, body = set_tag::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn set_tag(app: App, Workspace(workspace): Workspace, Request(request): Request<SetTag>) -> Answer {
    let tag = RunTag { key: request.key.clone(), value: request.value.clone() };
    app.set_tag(&workspace, either(request.run_id(), request.run_uuid()), tag).await?;
    json(&set_tag::Response {})
}

/// Remove a tag of a run
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/delete-tag", tag = "tracking", request_body = DeleteTag,
    responses((status = 200, body = delete_tag::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn delete_tag(app: App, Workspace(workspace): Workspace, Request(request): Request<DeleteTag>) -> Answer {
    app.delete_tag(&workspace, request.run_id(), request.key()).await?;
    json(&delete_tag::Response {})
}

/// Log metrics, params and tags at once
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/log-batch", tag = "tracking", request_body = LogBatch,
    responses((status = 200, body = log_batch::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn log_batch(app: App, Workspace(workspace): Workspace, Request(request): Request<LogBatch>) -> Answer {
    app.log_batch(&workspace, request).await?;
    json(&log_batch::Response {})
}

/// Note a model in a run's history of models
#[utoipa::path(post, path = "/api/2.0/mlflow/runs/log-model", tag = "tracking", request_body = LogModel,
    responses((status = 200, body = log_model::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn log_model(app: App, Workspace(workspace): Workspace, Request(request): Request<LogModel>) -> Answer {
    app.log_model(&workspace, request.run_id(), request.model_json()).await?;
    json(&log_model::Response {})
}
