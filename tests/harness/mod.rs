//! Starts real installations for the scenarios: the binary as one process, or as eight on PostgreSQL, Apache Kafka and
//! an S3 server. Everything lives in a temporary folder and ends with the test.

#![allow(dead_code, unused_imports, clippy::unwrap_used)]

mod client;
mod installation;
mod process;
mod python;
mod servers;

pub use client::Client;
pub use installation::{ADMIN_PASSWORD, Installation, Shape, Split};
pub use process::Process;
pub use python::{python, python_of, run_program, run_python, story};
pub use servers::OwnServer;

use std::time::{Duration, Instant};

/// Waits for a condition, at most `seconds`; fails with what it waited for and what it saw last.
pub async fn eventually<T>(what: &str, seconds: u64, mut attempt: impl AsyncFnMut() -> Result<T, String>) -> T {
    let started = Instant::now();
    loop {
        let seen = match attempt().await {
            Ok(value) => return value,
            Err(seen) => seen,
        };
        assert!(started.elapsed() < Duration::from_secs(seconds), "{what}: not within {seconds} s, last seen: {seen}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A port for a server of a test.
pub fn free_port() -> u16 {
    artel_platform::process::free_port().expect("a free port")
}

/// A folder of the project.
pub fn project(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
