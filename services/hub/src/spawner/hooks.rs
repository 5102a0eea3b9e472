//! Commands of the settings that run before a server's start and after its end (upstream's `pre_spawn_hook` and
//! `post_stop_hook`).

use artel_platform::{Error, Result, process};
use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// How much of what a hook says is kept.
const SAID: usize = 2000;
/// Between asking a hook that takes too long to end and killing it.
const GRACE: Duration = Duration::from_secs(2);

/// Runs the command of the setting `name` to its end. `FAILED_PRECONDITION` when it fails, with its last line;
/// `DEADLINE_EXCEEDED` when it takes longer than `limit`.
pub(crate) async fn run(name: &str, command: &[String], variables: &BTreeMap<String, String>, limit: Duration) -> Result<()> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let mut hook = Command::new(program);
    hook.args(arguments).envs(variables).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = process::group(&mut hook)
        .spawn()
        .map_err(|error| Error::conflict(format!("hub.{name} cannot be started: {program}: {error}")).because(error))?;
    let mut said = Vec::new();
    let mut stderr = child.stderr.take();
    let ended = tokio::time::timeout(limit, async {
        if let Some(stderr) = &mut stderr {
            let _ = stderr.read_to_end(&mut said).await;
        }
        child.wait().await
    })
    .await;
    let Ok(status) = ended else {
        process::end(&mut child, GRACE).await;
        return Err(Error::timeout(format!("hub.{name} did not end within {} s (hub.hook_timeout_seconds)", limit.as_secs())));
    };
    let text = String::from_utf8_lossy(&said[said.len().saturating_sub(SAID)..]).into_owned();
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| format!(": {}", line.trim())).unwrap_or_default();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::conflict(format!("hub.{name} failed ({status}){last}"))),
        Err(error) => Err(Error::internal(format!("hub.{name} was lost")).because(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run_it(script: &str, seconds: u64) -> Result<()> {
        let command = ["sh", "-c", script].map(str::to_owned);
        let variables = BTreeMap::from([("WHO".to_owned(), "ada".to_owned())]);
        run("pre_spawn_hook", &command, &variables, Duration::from_secs(seconds)).await
    }

    #[tokio::test]
    async fn a_hook_that_fails_is_heard() {
        assert!(run_it("test \"$WHO\" = ada", 20).await.is_ok());
        let error = run_it("echo first >&2; echo no room for $WHO >&2; exit 3", 20).await.unwrap_err();
        assert!(error.message.contains("exit status: 3") && error.message.ends_with(": no room for ada"), "{}", error.message);
        assert!(run("pre_spawn_hook", &[], &BTreeMap::new(), Duration::ZERO).await.is_ok());
        let missing = run("post_stop_hook", &["/no/such".into()], &BTreeMap::new(), Duration::from_secs(1)).await.unwrap_err();
        assert!(missing.message.contains("hub.post_stop_hook cannot be started"), "{}", missing.message);
    }

    #[tokio::test]
    async fn a_hook_that_hangs_is_ended() {
        let error = run_it("sleep 60", 1).await.unwrap_err();
        assert_eq!(error.code, artel_platform::Code::DeadlineExceeded);
    }
}
