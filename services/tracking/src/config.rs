//! `[tracking]` of artel.toml.

use serde::Deserialize;

/// The section's keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where the artifacts of an experiment go that names no place of its own; the experiment's id is appended.
    pub(crate) default_artifact_root: String,
    /// Cut params and tags that are too long, instead of refusing them.
    pub(crate) truncate_long_values: bool,
    /// Whether there are workspaces beside the default one.
    pub(crate) workspaces: bool,
}
