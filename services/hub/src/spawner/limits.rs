//! How much of the machine a server gets with all its kernels: by a control group of ours, else by a scope that systemd
//! makes, else, for memory alone and process by process, by a resource limit.

use super::cgroup;
use artel_platform::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use tokio::process::Command;

/// What one server may use.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Limits {
    /// MiB; 0: any amount.
    pub memory_mib: u64,
    /// Processors; 0: all.
    pub cpus: f64,
}

impl Limits {
    pub(crate) fn is_none(self) -> bool {
        self.memory_mib == 0 && self.cpus <= 0.0
    }

    pub(crate) fn bytes(self) -> u64 {
        self.memory_mib * 1024 * 1024
    }
}

/// The ways, best first; the setting's words.
const WAYS: &[&str] = &["cgroup", "systemd", "rlimit"];

/// A way to keep a process within limits.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    /// Control groups (version 2) below this folder.
    Cgroup(PathBuf),
    /// A transient scope, of the user's own manager where we are not root.
    Systemd {
        user: bool,
    },
    Rlimit,
}

/// Keeps servers within limits. Which way can be gone is found out when the first one has a limit.
pub(crate) struct Limiter {
    wanted: String,
    way: OnceLock<Result<Way>>,
}

impl Limiter {
    /// `wanted` is the setting `hub.limits`.
    pub(crate) fn new(wanted: &str) -> Self {
        Self { wanted: wanted.into(), way: OnceLock::new() }
    }

    /// Fails for what is no way.
    pub(crate) fn check(wanted: &str) -> Result<()> {
        if wanted == "auto" || WAYS.contains(&wanted) {
            return Ok(());
        }
        Err(Error::invalid(format!("setting hub.limits: {wanted:?} must be auto, {}", WAYS.join(", "))))
    }

    /// The command that runs `program` within `limits`. `launch` names the control group.
    pub(crate) fn command(&self, launch: &str, limits: Limits, program: &Path, arguments: &[String]) -> Result<Command> {
        if limits.is_none() {
            let mut command = Command::new(program);
            command.args(arguments);
            return Ok(command);
        }
        let mut command = match self.way()? {
            Way::Cgroup(base) => through_shell(&cgroup::enter(&cgroup::make(&base, launch, limits)?)),
            Way::Systemd { user } => scope(user, launch, limits),
            Way::Rlimit => through_shell(&match limits.memory_mib {
                0 => String::new(),
                // what a process has reserved for itself; shared libraries and reserved address space do not count
                mib => format!("ulimit -d {} && ", mib * 1024),
            }),
        };
        command.arg(program).args(arguments);
        Ok(command)
    }

    /// Why the kernel has killed something of the launch, if it has: more memory was wanted than the limit.
    pub(crate) fn verdict(&self, launch: &str) -> Option<String> {
        match self.way.get() {
            Some(Ok(Way::Cgroup(base))) if cgroup::was_short_of_memory(base, launch) => {
                Some("it wanted more memory than its limit (hub.memory_mib, or its profile's)".into())
            }
            _ => None,
        }
    }

    /// Ends what is left in the launch's control group, and removes that.
    pub(crate) fn clean(&self, launch: &str) {
        if let Some(Ok(Way::Cgroup(base))) = self.way.get() {
            cgroup::remove(base, launch);
        }
    }

    fn way(&self) -> Result<Way> {
        let found = self.way.get_or_init(|| find(&self.wanted));
        match found {
            Ok(way) => Ok(way.clone()),
            Err(error) => Err(Error::conflict(error.message.clone())),
        }
    }
}

fn find(wanted: &str) -> Result<Way> {
    let mut reasons = Vec::new();
    for way in WAYS.iter().filter(|way| wanted == "auto" || **way == wanted) {
        let tried = match *way {
            "cgroup" => cgroup::own().map(Way::Cgroup),
            "systemd" => systemd(),
            _ => Ok(Way::Rlimit),
        };
        match tried {
            Ok(found) => {
                tracing::info!(way, "limits of notebook servers are kept");
                if found == Way::Rlimit {
                    tracing::warn!(
                        reasons = reasons.join("; "),
                        "only memory is limited, and of each process by itself (hub.limits); processors are not"
                    );
                }
                return Ok(found);
            }
            Err(reason) => reasons.push(format!("{way}: {reason}")),
        }
    }
    Err(Error::conflict(format!("this machine cannot keep the server's limits in the way of hub.limits; {}", reasons.join("; "))))
}

/// `before` runs in the shell that then becomes the program: its process id is the program's.
fn through_shell(before: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("{before}exec \"$@\""), "sh"]);
    command
}

fn scope(user: bool, launch: &str, limits: Limits) -> Command {
    let mut command = Command::new("systemd-run");
    command.args(["--scope", "--quiet", "--collect", &format!("--unit=artel-{launch}")]);
    if user {
        command.arg("--user");
    }
    if limits.memory_mib > 0 {
        command.args(["-p", &format!("MemoryMax={}", limits.bytes()), "-p", "MemorySwapMax=0"]);
    }
    if limits.cpus > 0.0 {
        command.args(["-p", &format!("CPUQuota={}%", (limits.cpus * 100.0).round())]);
    }
    command.arg("--");
    command
}

/// Does systemd make a scope for us?
fn systemd() -> std::result::Result<Way, String> {
    let user = !rustix::process::geteuid().is_root();
    let mut command = std::process::Command::new("systemd-run");
    command.args(["--scope", "--quiet", "--collect"]);
    if user {
        command.arg("--user");
    }
    let tried = command.args(["--", "true"]).stdin(Stdio::null()).output();
    match tried {
        Ok(output) if output.status.success() => Ok(Way::Systemd { user }),
        Ok(output) => Err(format!("systemd-run says: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("systemd-run cannot be started: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &Command) -> Vec<String> {
        let std = command.as_std();
        std::iter::once(std.get_program()).chain(std.get_args()).map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn nothing_stands_before_a_server_without_limits() {
        let command = Limiter::new("cgroup").command("l", Limits::default(), Path::new("/bin/x"), &["-a".into()]).unwrap();
        assert_eq!(words(&command), ["/bin/x", "-a"]);
    }

    #[test]
    fn a_scope_says_bytes_and_per_cent() {
        let words = words(&scope(true, "l", Limits { memory_mib: 2, cpus: 1.5 }));
        assert!(words.contains(&"MemoryMax=2097152".to_owned()) && words.contains(&"CPUQuota=150%".to_owned()), "{words:?}");
        assert!(words.contains(&"--user".to_owned()) && words.contains(&"--unit=artel-l".to_owned()), "{words:?}");
    }

    #[tokio::test]
    async fn a_resource_limit_is_the_programs() {
        let limits = Limits { memory_mib: 300, cpus: 1.0 };
        let shell = ["-c".to_owned(), "ulimit -d; echo \"$1\"".to_owned(), "sh".to_owned(), "an argument".to_owned()];
        let output = Limiter::new("rlimit").command("l", limits, Path::new("/bin/sh"), &shell).unwrap().output().await.unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "307200\nan argument\n");
    }

    #[test]
    fn a_way_that_cannot_be_gone_is_said_at_the_start() {
        assert!(Limiter::check("docker").is_err());
        assert!(Limiter::check("auto").is_ok());
    }
}
