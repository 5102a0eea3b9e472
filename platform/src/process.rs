//! Child processes: each in its own process group, its output handed on line by line, ended politely and then surely.

use crate::error::{Error, Result};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

/// Prepares `command` as the leader of a process group of its own, without standard input.
pub fn group(command: &mut Command) -> &mut Command {
    command.process_group(0).stdin(Stdio::null()).kill_on_drop(true)
}

/// Calls `line` for every line of `output`, to its end. Bytes that are no UTF-8 are replaced.
pub async fn each_line(output: impl AsyncRead + Unpin, mut line: impl FnMut(&str)) {
    let mut reader = BufReader::new(output);
    let mut buffer = Vec::new();
    while let Ok(n) = reader.read_until(b'\n', &mut buffer).await {
        if n == 0 {
            return;
        }
        line(String::from_utf8_lossy(&buffer).trim_end());
        buffer.clear();
    }
}

/// Writes every line of a child's `output` to the log, to its end.
pub async fn each_line_of(process: &'static str, output: impl AsyncRead + Unpin) {
    each_line(output, |line| tracing::info!(process, "{line}")).await;
}

/// Ends the whole group of `child`: SIGTERM, then SIGKILL after `grace`. Returns when the child is reaped.
pub async fn end(child: &mut Child, grace: Duration) {
    let Some(pid) = child.id() else { return };
    signal_group(pid, Signal::TERM);
    if tokio::time::timeout(grace, child.wait()).await.is_err() {
        signal_group(pid, Signal::KILL);
        let _ = child.wait().await;
    }
    // members of the group that outlived their leader
    signal_group(pid, Signal::KILL);
}

/// Sends a signal to the group that `pid` leads; fine when it is gone.
pub fn signal_group(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid as i32) {
        let _ = kill_process_group(pid, signal);
    }
}

/// Is a process with this id alive and the one that was started then? `start_time` guards against a reused id.
pub fn is_alive(pid: u32, start_time: Option<u64>) -> bool {
    let Some(raw) = Pid::from_raw(pid as i32) else { return false };
    if test_kill_process(raw).is_err() || is_zombie(pid) {
        return false;
    }
    start_time.is_none_or(|expected| started_at(pid) == Some(expected))
}

fn stat_fields(pid: u32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_whitespace().map(Into::into).collect())
}

fn is_zombie(pid: u32) -> bool {
    stat_fields(pid).and_then(|f| f.first().cloned()).as_deref() == Some("Z")
}

/// When the process started, in clock ticks since boot (field 22 of /proc/PID/stat): with the id it names a process.
pub fn started_at(pid: u32) -> Option<u64> {
    stat_fields(pid)?.get(19)?.parse().ok()
}

/// A port of the loopback address that nobody uses now, and that nobody gets by chance before the child listens: it lies
/// below those that the system hands out for connections, and this process gives each one out once, in turn.
pub fn free_port() -> Result<u16> {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // processes that start together begin at different places
    let start = std::process::id().wrapping_mul(97);
    (0..COUNT)
        .map(|_| FIRST + start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| Error::unavailable("no free port between 10000 and 30000"))
}
