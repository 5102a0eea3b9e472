//! Stages of model versions (mlflow/entities/model_registry/model_version_stages.py).

use artel_platform::{Error, Result};

/// Every stage a version can be put in.
pub(crate) const ALL: &[&str] = &["None", "Staging", "Production", "Archived"];
/// Where a version is in use.
pub(crate) const ACTIVE: &[&str] = &["Staging", "Production"];
/// Where it starts.
pub(crate) const NONE: &str = "None";
/// Where the others of an active stage go.
pub(crate) const ARCHIVED: &str = "Archived";
/// The mark of a deleted version; nobody sees it.
pub(crate) const DELETED: &str = "Deleted_Internal";

/// The stage in its usual spelling.
pub(crate) fn canonical(stage: &str) -> Result<&'static str> {
    ALL.iter()
        .find(|known| known.eq_ignore_ascii_case(stage))
        .copied()
        .ok_or_else(|| Error::invalid(format!("Invalid Model Version stage: {stage}. Value must be one of {}.", ALL.join(", "))))
}
