//! `metrics/*`: histories.

use super::extract::{Request, checked};
use super::{App, Answer, either, json};
use crate::history::MAX_BULK;
use actix_web::HttpRequest;
use artel_platform::Error;
use artel_platform::http::Workspace;
use artel_proto::mlflow::*;

const MAX_RUNS: usize = 100;
const MAX_SAMPLES: i64 = 2500;

checked!(GetMetricHistory, requires(run_id, metric_key), { "run_id": [Text, Required], "metric_key": [Text, Required], "page_token": [Text] });
checked!(GetMetricHistoryBulkInterval, requires(run_ids, metric_key), also(it => it.run_ids.len() <= MAX_RUNS && it.max_results.is_none_or(|n| (1..=2500).contains(&n))), {
    "run_ids": [Required, Array, Texts, RunIds], "metric_key": [Required, Text], "start_step": [Integer], "end_step": [Integer],
    "max_results": [Integer, Samples]
});

/// Every point of a metric, in pages when `max_results` is given
#[utoipa::path(get, path = "/api/2.0/mlflow/metrics/get-history", tag = "tracking",
    params(("run_id" = String, Query), ("metric_key" = String, Query), ("max_results" = Option<i32>, Query), ("page_token" = Option<String>, Query)),
    responses((status = 200, body = get_metric_history::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get_history(app: App, Workspace(workspace): Workspace, Request(request): Request<GetMetricHistory>) -> Answer {
    if let Some(count) = request.max_results.filter(|n| *n <= 0) {
        return Err(Error::invalid(format!("Invalid value {count} for parameter 'max_results' supplied. It must be a positive integer.")));
    }
    let run_id = either(request.run_id(), request.run_uuid());
    let (metrics, next_page_token) =
        app.metric_history(&workspace, run_id, request.metric_key(), request.max_results.map(i64::from), request.page_token.as_deref()).await?;
    json(&get_metric_history::Response { metrics, next_page_token })
}

/// Points of a metric of several runs, evenly taken
#[utoipa::path(get, path = "/api/2.0/mlflow/metrics/get-history-bulk-interval", tag = "tracking",
    params(("run_ids" = Vec<String>, Query), ("metric_key" = String, Query), ("start_step" = Option<i32>, Query), ("end_step" = Option<i32>, Query), ("max_results" = Option<i32>, Query)),
    responses((status = 200, body = get_metric_history_bulk_interval::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get_history_bulk_interval(app: App, Workspace(workspace): Workspace, Request(request): Request<GetMetricHistoryBulkInterval>) -> Answer {
    let steps = match (request.start_step, request.end_step) {
        (Some(first), Some(last)) if first > last => {
            return Err(Error::invalid(format!("end_step must be greater than start_step. Found start_step={first} and end_step={last}.")));
        }
        (Some(first), Some(last)) => Some((i64::from(first), i64::from(last))),
        (None, None) => None,
        _ => return Err(Error::invalid("If either start step or end step are specified, both must be specified.")),
    };
    let count = request.max_results.map_or(MAX_SAMPLES, i64::from);
    let metrics = app.metric_history_sampled(&workspace, &request.run_ids, request.metric_key(), steps, count).await?;
    json(&get_metric_history_bulk_interval::Response { metrics })
}

/// The histories of several runs one after the other (for the web bundle of MLflow)
#[utoipa::path(get, path = "/ajax-api/2.0/mlflow/metrics/get-history-bulk", tag = "tracking",
    params(("run_id" = Vec<String>, Query), ("metric_key" = String, Query), ("max_results" = Option<i64>, Query)),
    responses((status = 200, body = get_metric_history_bulk_interval::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get_history_bulk(app: App, Workspace(workspace): Workspace, request: HttpRequest) -> Answer {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).map_err(|_| Error::invalid("the query string is malformed"))?;
    let all = |name: &str| pairs.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect::<Vec<_>>();
    let run_ids = all("run_id");
    if run_ids.is_empty() {
        return Err(Error::invalid("GetMetricHistoryBulk request must specify at least one run_id."));
    }
    if run_ids.len() > MAX_RUNS {
        return Err(Error::invalid(format!("GetMetricHistoryBulk request cannot specify more than {MAX_RUNS} run_ids. Received {} run_ids.", run_ids.len())));
    }
    let Some(key) = all("metric_key").pop() else {
        return Err(Error::invalid("GetMetricHistoryBulk request must specify a metric_key."));
    };
    let count = match all("max_results").pop() {
        None => MAX_BULK,
        Some(text) => text.parse::<i64>().map_err(|_| Error::invalid(format!("max_results must be an integer, got '{text}'")))?.min(MAX_BULK),
    };
    let metrics = app.metric_history_bulk(&workspace, &run_ids, &key, count).await?;
    json(&serde_json::json!({ "metrics": metrics }))
}
