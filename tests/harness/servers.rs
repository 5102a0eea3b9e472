//! The servers of the split shape, as `make test` started them, and a Kafka of a test's own that may be stopped.

use super::{free_port, project};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where PostgreSQL, Kafka and S3 are. `None` where `make test` did not start them.
pub struct Servers {
    pub postgres: String,
    pub kafka: String,
    pub s3: S3,
}

/// As `infra/dev/s3` prints it.
#[derive(Default)]
pub struct S3 {
    pub endpoint: String,
    pub bucket: String,
    pub key_id: String,
    pub secret: String,
}

pub fn servers() -> Option<Servers> {
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    Some(Servers { postgres: variable("ARTEL_TEST_POSTGRES")?, kafka: variable("ARTEL_TEST_KAFKA")?, s3: s3(&variable("ARTEL_TEST_S3")?) })
}

fn s3(line: &str) -> S3 {
    let mut found = S3::default();
    for (key, value) in line.split_whitespace().filter_map(|part| part.split_once('=')) {
        match key {
            "endpoint" => found.endpoint = value.into(),
            "bucket" => found.bucket = value.into(),
            "key_id" => found.key_id = value.into(),
            "secret" => found.secret = value.into(),
            _ => {}
        }
    }
    found
}

/// An empty database on the test server.
pub fn fresh_database(server: &str) -> String {
    let name = format!("s{}_{}", std::process::id(), free_port());
    let status = Command::new("psql").args([server, "-qc", &format!("CREATE DATABASE {name}")]).status().unwrap();
    assert!(status.success(), "a database for the test");
    let (front, _) = server.rsplit_once('/').unwrap();
    format!("{front}/{name}")
}

/// A Kafka broker of one test.
pub struct Kafka {
    folder: PathBuf,
    port: u16,
}

impl Kafka {
    pub fn start(folder: &Path) -> Self {
        let kafka = Self { folder: folder.join("kafka"), port: free_port() };
        kafka.resume();
        kafka
    }

    pub fn url(&self) -> String {
        format!("kafka://127.0.0.1:{}", self.port)
    }

    /// Starts it (again) with what it had.
    pub fn resume(&self) {
        self.script(&["start", &self.folder.display().to_string(), &self.port.to_string()]);
    }

    pub fn stop(&self) {
        self.script(&["stop", &self.folder.display().to_string()]);
    }

    fn script(&self, args: &[&str]) {
        let output = Command::new(project("infra/dev/kafka")).args(args).output().unwrap();
        assert!(output.status.success(), "kafka {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        let _ = Command::new(project("infra/dev/kafka")).args(["kill", &self.folder.display().to_string()]).output();
    }
}
