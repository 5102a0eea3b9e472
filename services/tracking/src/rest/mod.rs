//! MLflow's tracking API: one flat list of routes, each also under `/ajax-api`.

mod absent;
mod artifacts;
mod bundle;
mod experiments;
mod extract;
mod files;
mod gc;
mod graphql;
mod logged_models;
mod logging;
mod metrics;
mod presigned;
mod runs;
mod server;
mod traces;
mod traces_assessments;
mod traces_otlp;
mod traces_v2;
mod workspaces;

use crate::Tracking;
use actix_web::{HttpResponse, web};
use artel_platform::http::{Dialect, Routes};
use artel_platform::{Result, routes};
use serde::Serialize;

type App = web::Data<Tracking>;
type Answer = Result<HttpResponse>;

/// Every route.
pub(crate) fn routes() -> Routes {
    let routes = routes!(Dialect::Mlflow;
        experiments::create, experiments::get, experiments::get_by_name, experiments::search, experiments::search_by_query,
        experiments::delete, experiments::restore, experiments::update, experiments::set_tag, experiments::delete_tag,
        experiments::search_datasets,
        runs::create, runs::get, runs::update, runs::delete, runs::restore, runs::search, runs::log_inputs, runs::log_outputs,
        logging::log_metric, logging::log_param, logging::log_batch, logging::log_model, logging::set_tag, logging::delete_tag,
        metrics::get_history, metrics::get_history_bulk_interval, metrics::get_history_bulk,
        artifacts::list, artifacts::get, artifacts::get_of_model, artifacts::upload, presigned::upload, presigned::download,
        logged_models::create, logged_models::search, logged_models::get, logged_models::finalize, logged_models::delete,
        logged_models::log_params, logged_models::set_tags, logged_models::delete_tag, logged_models::list_artifacts,
        graphql::post, graphql::get,
        server::health, server::version, server::info, bundle::telemetry, bundle::report, bundle::gateway,
        workspaces::list, workspaces::create, workspaces::get, workspaces::update, workspaces::delete,
        traces_otlp::export,
        traces::start, traces::get, traces::batch_get, traces::batch_get_infos, traces::search, traces::delete, traces::correlate,
        traces::metrics, traces::get_info, traces::set_tag, traces::delete_tag, traces::link_to_run, traces::link_prompts, traces::file,
        traces_assessments::create, traces_assessments::get, traces_assessments::update, traces_assessments::delete,
        traces_v2::start, traces_v2::search, traces_v2::delete, traces_v2::end, traces_v2::get_info, traces_v2::set_tag, traces_v2::delete_tag,
    )
    .also("/ajax-api/2.0/mlflow/get-trace-artifact", "/ajax-api/3.0/mlflow/get-trace-artifact")
    .mirror("/api/2.0/", "/ajax-api/2.0/")
    .mirror("/api/3.0/", "/ajax-api/3.0/")
    .also("/ajax-api/2.0/mlflow/experiments/search-datasets", "/api/2.0mlflow/experiments/search-datasets")
    .merge(routes!(Dialect::Artel; gc::collect));
    absent::add(routes)
}

fn json<T: Serialize>(message: &T) -> Answer {
    Ok(HttpResponse::Ok().content_type("application/json").body(serde_json::to_vec(message)?))
}

/// A run is named by `run_id`, by old clients by `run_uuid`.
fn either<'a>(run_id: &'a str, run_uuid: &'a str) -> &'a str {
    if run_id.is_empty() { run_uuid } else { run_id }
}
