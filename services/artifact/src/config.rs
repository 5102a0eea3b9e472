//! `[artifact]` of artel.toml.

use artel_platform::{Context, Error, Result};
use serde::Deserialize;

/// Settings of the artifact service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whether MLflow's clients may read and write artifacts through this server.
    pub serve_mlflow: bool,
    /// Whether they transfer large files to and from an S3 store themselves.
    pub direct_transfers: bool,
    /// How long bytes that no path points to any more are kept, in seconds: readers under way finish in that time.
    pub grace_seconds: i64,
    /// How long an upload may take before its bytes count as left behind, in seconds.
    pub upload_seconds: i64,
    /// How often what is due is freed, in seconds.
    pub sweep_seconds: u64,
}

/// The part of `[tracking]` that must fit.
#[derive(Deserialize)]
struct Tracking {
    default_artifact_root: String,
}

/// Runs would get a place that nobody may write to: then nothing starts.
pub(crate) fn check(cx: &Context, config: &Config) -> Result<()> {
    let tracking: Tracking = cx.config.section("tracking")?;
    if !config.serve_mlflow && tracking.default_artifact_root.starts_with("mlflow-artifacts:") {
        return Err(Error::invalid(
            "artifact.serve_mlflow is false, but tracking.default_artifact_root is mlflow-artifacts:, which only this server serves: \
            name a place there that clients reach themselves, such as s3://BUCKET/PREFIX",
        ));
    }
    Ok(())
}
