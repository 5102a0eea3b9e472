//! The small Python side: its files, compiled into the binary, and the environments it runs in.

mod announce;
mod build;
mod environments;
mod files;
mod side;

pub use announce::announce;
pub use environments::{Environment, Environments, Progress, Requirements};
pub use side::{FrameSender, Launch, SideProcess};
