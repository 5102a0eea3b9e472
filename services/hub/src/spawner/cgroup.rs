//! Control groups, version 2: one below our own for each server (Linux, Documentation/admin-guide/cgroup-v2.rst).

use super::limits::Limits;
use artel_platform::{Error, Result, ResultExt};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where this process and what it starts beside servers goes: a group with controllers for its children holds no process.
const OWN: &str = "artel-own";
/// The period over which processor time is shared out, microseconds (the kernel's default).
const PERIOD: u64 = 100_000;
/// A group is busy until its last process is reaped.
const EMPTY_WITHIN: u32 = 50;

/// The folder of our own control group, ready to hold one per server. Says why not.
pub(super) fn own() -> std::result::Result<PathBuf, String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").map_err(|e| e.to_string())?;
    let groups = fs::read_to_string("/proc/self/cgroup").map_err(|e| e.to_string())?;
    let base = place(&mounts, &groups).ok_or("no control groups of version 2 are mounted")?;
    // a server's process that starts another hub is in the leaf already
    let base = if base.ends_with(OWN) { base.parent().map(Path::to_owned).unwrap_or_default() } else { base };
    prepare(&base)?;
    Ok(base)
}

/// Our folder by /proc/self/mountinfo and /proc/self/cgroup.
fn place(mounts: &str, groups: &str) -> Option<PathBuf> {
    let (root, mount) = mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let fields: Vec<&str> = before.split(' ').collect();
        after.starts_with("cgroup2 ").then(|| Some((*fields.get(3)?, *fields.get(4)?)))?
    })?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    // what is mounted may be a part of the tree
    let below = path.strip_prefix(root.trim_end_matches('/')).unwrap_or(path);
    Some(Path::new(mount).join(below.trim_start_matches('/')))
}

fn prepare(base: &Path) -> std::result::Result<(), String> {
    let said = |what: &str, path: &Path, error: std::io::Error| format!("cannot {what} {}: {error}", path.display());
    let controllers = fs::read_to_string(base.join("cgroup.controllers")).map_err(|e| said("read", &base.join("cgroup.controllers"), e))?;
    let has: HashSet<&str> = controllers.split_whitespace().collect();
    if !(has.contains("memory") && has.contains("cpu")) {
        return Err(format!("{} has the controllers {controllers:?}, not memory and cpu", base.display()));
    }
    let inside = members(base);
    let strangers = inside.iter().filter(|pid| !is_ours(**pid)).count();
    if strangers > 0 {
        return Err(format!("{} holds {strangers} processes that are not Artel's; start it in a control group of its own", base.display()));
    }
    let leaf = base.join(OWN);
    fs::create_dir_all(&leaf).map_err(|e| said("make", &leaf, e))?;
    for pid in inside {
        let _ = fs::write(leaf.join("cgroup.procs"), pid.to_string());
    }
    let control = base.join("cgroup.subtree_control");
    fs::write(&control, "+memory +cpu").map_err(|e| said("write", &control, e))
}

fn members(group: &Path) -> Vec<u32> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// Is it this process or one that it has started?
fn is_ours(pid: u32) -> bool {
    let own = std::process::id();
    let mut next = pid;
    // as deep as a family of processes may sensibly be
    for _ in 0..64 {
        if next == own {
            return true;
        }
        let Some(parent) = parent(next) else { return false };
        next = parent;
    }
    false
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn folder(base: &Path, launch: &str) -> PathBuf {
    base.join(format!("artel-{launch}"))
}

/// Makes the group of a launch; returns its folder.
pub(super) fn make(base: &Path, launch: &str, limits: Limits) -> Result<PathBuf> {
    let group = folder(base, launch);
    let failed = format!("cannot make the control group {}", group.display());
    fs::create_dir_all(&group).or_internal(&failed)?;
    let set = |file: &str, value: String| fs::write(group.join(file), value).or_internal(&failed);
    if limits.memory_mib > 0 {
        set("memory.max", limits.bytes().to_string())?;
        // without swap accounting there is no such file, and nothing to limit
        let _ = fs::write(group.join("memory.swap.max"), "0");
    }
    if limits.cpus > 0.0 {
        set("cpu.max", format!("{} {PERIOD}", ((limits.cpus * PERIOD as f64).round() as u64).max(1000)))?;
    }
    Ok(group)
}

/// What a shell says to enter the group.
pub(super) fn enter(group: &Path) -> String {
    format!("echo $$ > '{}/cgroup.procs' && ", group.display().to_string().replace('\'', r"'\''"))
}

/// Has the kernel killed something of the launch for want of memory?
pub(super) fn was_short_of_memory(base: &Path, launch: &str) -> bool {
    let events = fs::read_to_string(folder(base, launch).join("memory.events")).unwrap_or_default();
    events.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count.trim() != "0"))
}

/// Kills what is left in a launch's group, and removes it.
pub(super) fn remove(base: &Path, launch: &str) {
    let group = folder(base, launch);
    if !group.exists() {
        return;
    }
    let _ = fs::write(group.join("cgroup.kill"), "1");
    for _ in 0..EMPTY_WITHIN {
        if fs::remove_dir(&group).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let error = Error::conflict(format!("the control group {} cannot be removed", group.display()));
    tracing::warn!(%error, "a control group is left");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_found_wherever_it_is_mounted() {
        let whole = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
        assert_eq!(place(whole, "0::/system.slice/artel.service\n").unwrap(), Path::new("/sys/fs/cgroup/system.slice/artel.service"));
        let part = "9 8 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        assert_eq!(place(part, "1:name=systemd:/x\n0::/docker/abc/job\n").unwrap(), Path::new("/sys/fs/cgroup/job"));
        assert_eq!(place(part, "0::/docker/abc\n").unwrap(), Path::new("/sys/fs/cgroup"));
        assert_eq!(place("25 1 0:1 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n", "0::/\n"), None);
    }

    #[test]
    fn limits_are_written_in_the_kernels_words() {
        let base = std::env::temp_dir().join(format!("artel-cgroup-{}", std::process::id()));
        let group = make(&base, "l1", Limits { memory_mib: 512, cpus: 0.5 }).unwrap();
        let read = |file: &str| fs::read_to_string(group.join(file)).unwrap();
        assert_eq!((read("memory.max").as_str(), read("cpu.max").as_str()), ("536870912", "50000 100000"));
        assert!(!was_short_of_memory(&base, "l1"));
        fs::write(group.join("memory.events"), "low 0\noom 1\noom_kill 1\n").unwrap();
        assert!(was_short_of_memory(&base, "l1"));
        fs::remove_dir_all(&base).unwrap();
    }

    #[test]
    fn a_group_with_strangers_is_not_taken() {
        assert!(is_ours(std::process::id()));
        assert!(!is_ours(1));
        let error = prepare(Path::new("/nowhere")).unwrap_err();
        assert!(error.contains("/nowhere/cgroup.controllers"), "{error}");
    }
}
