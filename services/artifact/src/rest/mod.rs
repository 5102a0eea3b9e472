//! MLflow's artifact proxy, and DVC remotes.

mod artifacts;
pub(crate) mod body;
mod dvc;
mod multipart;
mod proxied;
pub(crate) mod serve;

use artel_platform::http::{Dialect, Routes};
use artel_platform::routes;
use proxied::Proxied;

pub(crate) fn routes() -> Routes {
    routes!(Dialect::Mlflow;
        artifacts::list_artifacts, artifacts::download_artifact, artifacts::upload_artifact, artifacts::delete_artifact,
        multipart::create_multipart_upload, multipart::complete_multipart_upload, multipart::abort_multipart_upload,
        multipart::presigned_download_url,
    )
    .mirror("/api/2.0/", "/ajax-api/2.0/")
    .merge(routes!(Dialect::Artel; dvc::read_object, dvc::write_object, dvc::delete_remote))
}
