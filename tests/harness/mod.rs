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

use std::sync::atomic::{AtomicU32, Ordering};
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

/// A port of the loopback address that nobody uses now, and that nobody gets by chance before its server listens: it
/// lies below those that the system hands out for connections, and this process gives each one out once.
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(97);
    (0..COUNT)
        .map(|_| FIRST + start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

/// A folder of the project.
pub fn project(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
