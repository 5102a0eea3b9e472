//! MLflow's model registry API: one flat list of routes, each also under `/ajax-api`; and what only Artel has.

mod aliases;
mod artifacts;
mod compare;
mod deliveries;
mod model_versions;
mod registered_models;
mod webhooks;

use crate::Registry;
use actix_web::web;
use artel_platform::http::{Dialect, Routes};
use artel_platform::routes;

type App = web::Data<Registry>;

pub(crate) fn routes() -> Routes {
    routes!(Dialect::Mlflow;
        registered_models::create_registered_model, registered_models::get_registered_model, registered_models::search_registered_models,
        registered_models::rename_registered_model, registered_models::update_registered_model, registered_models::delete_registered_model,
        registered_models::set_registered_model_tag, registered_models::delete_registered_model_tag,
        registered_models::get_latest_versions, registered_models::get_latest_versions_by_query,
        aliases::set_registered_model_alias, aliases::delete_registered_model_alias, aliases::get_model_version_by_alias,
        model_versions::create_model_version, model_versions::get_model_version, model_versions::search_model_versions,
        model_versions::update_model_version, model_versions::transition_model_version_stage, model_versions::delete_model_version,
        model_versions::get_model_version_download_uri,
        model_versions::set_model_version_tag, model_versions::delete_model_version_tag,
        webhooks::create_webhook, webhooks::list_webhooks, webhooks::get_webhook, webhooks::update_webhook, webhooks::delete_webhook,
        webhooks::test_webhook,
        artifacts::get,
    )
    .mirror("/api/2.0/", "/ajax-api/2.0/")
    .also("/model-versions/get-artifact", "/ajax-api/2.0/mlflow/model-versions/get-artifact")
    .merge(routes!(Dialect::Artel; compare::compare, deliveries::list, deliveries::send))
}
