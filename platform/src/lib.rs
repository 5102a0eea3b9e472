//! What every part of Artel shares: database, event bus, object store, gRPC channels, REST routes, errors,
//! settings, identity, time, logs, Python environments. It knows no domain.

#![deny(missing_docs)]

pub mod blob;
pub mod bus;
pub mod clock;
pub mod config;
pub mod db;
pub mod error;
pub mod folders;
pub mod http;
pub mod identity;
pub mod process;
pub mod python;
pub mod rpc;
pub mod search;
pub mod service;
pub mod telemetry;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod tls;

pub use error::{Code, Error, Result, ResultExt};
pub use identity::Identity;
pub use service::{Context, Service};
