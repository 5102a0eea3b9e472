//! The servers of the split shape, as `make test` started them, and some of a test's own that may be stopped or killed.

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

/// A server of one test's own, by the script of `infra/dev` with its name.
pub struct OwnServer {
    script: &'static str,
    folder: PathBuf,
    port: u16,
    pub url: String,
}

impl OwnServer {
    pub fn kafka(folder: &Path) -> Self {
        Self::start("kafka", folder)
    }

    pub fn postgres(folder: &Path) -> Self {
        Self::start("postgres", folder)
    }

    fn start(script: &'static str, folder: &Path) -> Self {
        let mut server = Self { script, folder: folder.join(script), port: free_port(), url: String::new() };
        server.url = server.resume().expect("the server starts");
        server
    }

    /// Starts it (again) with what it had; its URL, or why it does not start.
    pub fn resume(&self) -> Result<String, String> {
        self.run(&["start", &self.folder.display().to_string(), &self.port.to_string()])
    }

    pub fn stop(&self) {
        self.run(&["stop", &self.folder.display().to_string()]).unwrap();
    }

    /// As a crash: no warning, no clean-up.
    pub fn kill9(&self) {
        let pid = std::fs::read_to_string(self.folder.join("pid")).unwrap();
        assert!(Command::new("kill").args(["-KILL", pid.trim()]).status().unwrap().success());
    }

    fn run(&self, args: &[&str]) -> Result<String, String> {
        let output = Command::new(project("infra/dev").join(self.script)).args(args).output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(said(&output.stdout)) } else { Err(format!("{} {args:?}: {}", self.script, said(&output.stderr))) }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let _ = self.run(&["kill", &self.folder.display().to_string()]);
    }
}
