//! `[registry]` of artel.toml.

use serde::Deserialize;

/// The registry has no settings of its own yet; the section is read so that a misspelt one is refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}
