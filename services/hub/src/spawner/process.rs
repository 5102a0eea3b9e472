//! One notebook server's process: a child of ours, or one that an earlier run has left.

use super::cannot_start;
use artel_platform::{Result, process};
use rustix::process::Signal;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};

/// How often a process that is no child of ours is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Code(i32),
    Signal(i32),
    /// It was no child of ours.
    Unknown,
}

/// A running process, leader of its group.
pub(crate) struct Process {
    pub pid: u32,
    /// With the id it names the process, also after a reuse of the id.
    pub started: Option<u64>,
    child: Option<Child>,
}

impl Process {
    pub(super) fn start(mut command: Command, log: File) -> Result<Self> {
        let error = log.try_clone()?;
        // it outlives the hub where the settings say so: nothing here may end it by being dropped
        process::group(&mut command).kill_on_drop(false).stdout(Stdio::from(log)).stderr(Stdio::from(error));
        let child = command.spawn().map_err(cannot_start)?;
        let pid = child.id().unwrap_or_default();
        Ok(Self { pid, started: process::started_at(pid), child: Some(child) })
    }

    /// The process of an earlier run, if it is still the same one.
    pub(crate) fn adopt(pid: u32, started: Option<u64>) -> Option<Self> {
        let same = started.is_some() && process::is_alive(pid, started);
        same.then_some(Self { pid, started, child: None })
    }

    /// Returns when it has ended.
    pub(crate) async fn wait(&mut self) -> Exit {
        match &mut self.child {
            Some(child) => child.wait().await.map_or(Exit::Unknown, exit),
            None => {
                while process::is_alive(self.pid, self.started) {
                    tokio::time::sleep(LOOK).await;
                }
                Exit::Unknown
            }
        }
    }

    /// SIGTERM to the group, SIGKILL after `grace`.
    pub(super) async fn end(&mut self, grace: Duration) {
        if let Some(child) = &mut self.child {
            return process::end(child, grace).await;
        }
        if !process::is_alive(self.pid, self.started) {
            return;
        }
        process::signal_group(self.pid, Signal::TERM);
        if tokio::time::timeout(grace, self.wait()).await.is_err() {
            process::signal_group(self.pid, Signal::KILL);
            let _ = tokio::time::timeout(grace, self.wait()).await;
        }
    }
}

fn exit(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        _ => Exit::Unknown,
    }
}
