//! One `artel` process under test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running `artel`; killed with everything it started when dropped.
pub struct Process {
    pub name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `artel ARGS…`; its output goes to `folder/NAME.log` (appended, for restarts).
    pub fn start(name: &str, folder: &Path, args: &[String]) -> Self {
        let log = folder.join(format!("{name}.log"));
        let output = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_artel"));
        command.args(args).current_dir(folder).stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        command.env("ARTEL_PYTHON__ENVIRONMENTS", super::python::environments());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ARTEL_TEST_")) {
            command.env_remove(name);
        }
        Self { name: name.into(), child: command.spawn().unwrap(), log }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As a crash: no warning, no clean-up.
    pub fn kill9(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// As Ctrl-C; returns how long it took. Fails when it takes longer than `limit` or ends with an error.
    pub fn interrupt(&mut self, limit: Duration) -> Duration {
        let started = Instant::now();
        signal(self.child.id(), "INT");
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{} ended with {status}\n{}", self.name, self.tail());
                return started.elapsed();
            }
            assert!(started.elapsed() < limit, "{} did not stop within {limit:?}\n{}", self.name, self.tail());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Has it ended by itself?
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The end of its output, for failures.
    pub fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// All of its output so far.
    pub fn output(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- {} ----\n{}", self.name, self.tail());
        }
        if !self.has_ended() {
            signal(self.child.id(), "TERM");
            let started = Instant::now();
            while !self.has_ended() && started.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        self.kill9();
    }
}

fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
}
