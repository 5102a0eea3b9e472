//! A model's files on this machine, and what they need to run.

mod files;
mod requirements;

pub use files::{ModelFiles, ModelFolder};
pub use requirements::requirements;
