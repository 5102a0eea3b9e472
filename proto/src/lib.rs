//! What crosses a process boundary: gRPC services, events and the messages that upstream defines in protobuf.
//! A type lives here only if it travels; each service's package is `artel::<service>::v1`.

#![allow(missing_docs, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/packages.rs"));

pub mod event;
pub mod json;

/// The compiled descriptors of every package.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
