//! `metrics/*`: histories.

use super::extract::{Request, checked};
use super::{Answer, App, either, json};
use crate::history::MAX_BULK;
use crate::store::point::Point;
use actix_web::{HttpRequest, HttpResponse};
use artel_platform::Error;
use artel_platform::http::Workspace;
use artel_proto::mlflow::*;
use bytes::Bytes;
use futures::StreamExt;

/// How many points of a long history are read at once.
const BLOCK: i64 = 25_000;
const MAX_RUNS: usize = 100;

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
    let (run_id, key) = (either(request.run_id(), request.run_uuid()).to_owned(), request.metric_key().to_owned());
    let count = request.max_results.map_or(BLOCK, i64::from);
    let (points, next) = app.metric_history(&workspace, &run_id, &key, count, request.page_token.as_deref()).await?;
    let name = serde_json::to_string(&key)?;
    let mut head = if points.is_empty() { "{".to_owned() } else { "{\"metrics\":[".to_owned() };
    write_points(&mut head, &name, &points);
    if request.max_results.is_some() || next.is_none() {
        let comma = if points.is_empty() { "" } else { "]" };
        head.push_str(comma);
        if let Some(token) = next {
            head.push_str(&format!(",\"next_page_token\":{}", serde_json::to_string(&token)?));
        }
        head.push('}');
        return Ok(HttpResponse::Ok().content_type("application/json").body(head));
    }
    // a long history goes out block by block, and is never held whole
    let first = futures::stream::iter([Ok(Bytes::from(head))]);
    let rest = futures::stream::try_unfold(next, move |token| {
        let (app, workspace, run_id, key, name) = (app.clone(), workspace.clone(), run_id.clone(), key.clone(), name.clone());
        async move {
            let Some(token) = token else { return Ok::<_, Error>(None) };
            let (points, next) = app.metric_history(&workspace, &run_id, &key, BLOCK, Some(&token)).await?;
            let mut block = String::from(",");
            write_points(&mut block, &name, &points);
            if next.is_none() {
                block.push_str("]}");
            }
            Ok(Some((Bytes::from(block), next)))
        }
    });
    Ok(HttpResponse::Ok().content_type("application/json").streaming(first.chain(rest)))
}

/// `{"key":…,"value":…,"timestamp":…,"step":…}` of each point, separated by commas. `name` is the key as JSON.
fn write_points(out: &mut String, name: &str, points: &[Point]) {
    use std::fmt::Write;
    out.reserve(points.len() * (name.len() + 80));
    for (i, point) in points.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let value = point.logged();
        let _ = if value.is_nan() {
            write!(out, "{comma}{{\"key\":{name},\"value\":\"NaN\",\"timestamp\":{},\"step\":{}}}", point.timestamp, point.step)
        } else {
            write!(out, "{comma}{{\"key\":{name},\"value\":{value:?},\"timestamp\":{},\"step\":{}}}", point.timestamp, point.step)
        };
    }
}

/// Points of a metric of several runs, evenly taken
#[utoipa::path(get, path = "/api/2.0/mlflow/metrics/get-history-bulk-interval", tag = "tracking",
    params(("run_ids" = Vec<String>, Query), ("metric_key" = String, Query), ("start_step" = Option<i32>, Query), ("end_step" = Option<i32>, Query), ("max_results" = Option<i32>, Query)),
    responses((status = 200, body = get_metric_history_bulk_interval::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get_history_bulk_interval(
    app: App,
    Workspace(workspace): Workspace,
    Request(request): Request<GetMetricHistoryBulkInterval>,
) -> Answer {
    let metrics = app.metric_history_bulk_interval(&workspace, &request).await?;
    json(&get_metric_history_bulk_interval::Response { metrics })
}

/// The histories of several runs one after the other (for the web bundle of MLflow)
#[utoipa::path(get, path = "/ajax-api/2.0/mlflow/metrics/get-history-bulk", tag = "tracking",
    params(("run_id" = Vec<String>, Query), ("metric_key" = String, Query), ("max_results" = Option<i64>, Query)),
    responses((status = 200, body = get_metric_history_bulk_interval::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get_history_bulk(app: App, Workspace(workspace): Workspace, request: HttpRequest) -> Answer {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(request.query_string()).map_err(|_| Error::invalid("the query string is malformed"))?;
    let all = |name: &str| pairs.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect::<Vec<_>>();
    let run_ids = all("run_id");
    if run_ids.is_empty() {
        return Err(Error::invalid("GetMetricHistoryBulk request must specify at least one run_id."));
    }
    if run_ids.len() > MAX_RUNS {
        return Err(Error::invalid(format!(
            "GetMetricHistoryBulk request cannot specify more than {MAX_RUNS} run_ids. Received {} run_ids.",
            run_ids.len()
        )));
    }
    let Some(key) = all("metric_key").pop() else {
        return Err(Error::invalid("GetMetricHistoryBulk request must specify a metric_key."));
    };
    let count = match all("max_results").pop() {
        None => MAX_BULK,
        Some(text) => {
            text.parse::<i64>().map_err(|_| Error::invalid(format!("max_results must be an integer, got '{text}'")))?.min(MAX_BULK)
        }
    };
    let metrics = app.metric_history_bulk(&workspace, &run_ids, &key, count).await?;
    json(&serde_json::json!({ "metrics": metrics }))
}
