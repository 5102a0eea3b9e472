//! The small Python side: its files, compiled into the binary, and the environments it runs in.

mod announce;
mod build;
mod environments;
mod files;
mod json;
mod side;

pub use announce::announce;
pub use environments::{Environment, Environments, Progress, Requirements};
pub use json::dumps;
pub use side::{FrameSender, Launch, SideProcess};

/// The environment variable by which MLflow's client does not report its use to its maker. Its reporting also changes the
/// environment on a thread of its own, and whatever reads it at that moment fails.
pub const NO_TELEMETRY: (&str, &str) = ("MLFLOW_DISABLE_TELEMETRY", "true");
