//! REST: endpoints in the form of `/api/2.0/serving-endpoints` (mlflow/deployments/databricks), queries in the form of
//! MLflow's scoring server, and what `get_deploy_client("http://…")` reads (mlflow/deployments/mlflow).

mod discovery;
mod endpoints;
mod gateway_client;
mod invocations;
mod wire;

use artel_platform::http::{Dialect, Routes};
use artel_platform::routes;

/// Every route of the service.
pub fn routes() -> Routes {
    routes!(Dialect::Mlflow;
        endpoints::list, endpoints::create, endpoints::get, endpoints::set_config, endpoints::set_tags, endpoints::delete, endpoints::revisions,
        invocations::invoke, invocations::ping, invocations::health, invocations::version,
        gateway_client::list, gateway_client::get, discovery::host_metadata,
    )
    // MLflow's clients write these with a slash at the end
    .also("/api/2.0/serving-endpoints", "/api/2.0/serving-endpoints/")
    .also("/api/2.0/endpoints", "/api/2.0/endpoints/")
    .also("/serving-endpoints/{name}/invocations", "/api/2.0/serving-endpoints/{name}/invocations")
    .also("/serving-endpoints/{name}/invocations", "/endpoints/{name}/invocations")
}
