//! Processes of a launch that are outside its process group: kernels and terminals make sessions of their own. They
//! are known by the mark in the environment that they inherited.

use super::environment::MARK;
use rustix::process::{Pid, Signal, kill_process};

/// Kills every process that carries the mark of `launch`; again for what was started meanwhile.
pub(super) fn kill(launch: &str) {
    for _ in 0..3 {
        let found = marked(launch);
        for pid in &found {
            let _ = kill_process(*pid, Signal::KILL);
        }
        if found.is_empty() {
            return;
        }
    }
}

fn marked(launch: &str) -> Vec<Pid> {
    let mark = format!("{MARK}={launch}");
    let Ok(entries) = std::fs::read_dir("/proc") else { return vec![] };
    let own = std::process::id() as i32;
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| *pid != own && carries(*pid, mark.as_bytes()))
        .filter_map(Pid::from_raw)
        .collect()
}

fn carries(pid: i32, mark: &[u8]) -> bool {
    // processes of other users cannot be read, and are none of ours
    std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| environ.split(|b| *b == 0).any(|variable| variable == mark))
}
