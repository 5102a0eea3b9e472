//! `artel gc`: deletes for good what users deleted.
//!
//! The running server does the work. A second process on the same data would need the tracking and the artifact service
//! with their background tasks, and two artifact services must not free one store; the server is there anyway. The
//! command proves by the installation's secret that it may, as `artel worker` does, so it needs no login.

use super::Settings;
use artel_platform::clock::Clock;
use artel_platform::http::WORKSPACE_HEADER;
use artel_platform::identity::{Audience, Identity};
use artel_platform::{Error, Result, ResultExt};
use clap::Args;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the token of one call is good for.
const TOKEN_LIFE: Duration = Duration::from_secs(60);

/// Delete for good the runs, experiments and logged models that users deleted, with their artifacts.
///
/// Asks the running server. Where ids are named, only these are deleted; each must be deleted already.
/// Example: artel gc --older-than 30d --dry-run
#[derive(Args)]
pub struct Gc {
    #[command(flatten)]
    settings: Settings,
    /// The server, when it is not where the settings say
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Only what was deleted so long ago, e.g. 30d, 12h or 1d12h
    #[arg(long, value_name = "AGE")]
    older_than: Option<String>,
    /// Only these runs
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    run_ids: Vec<String>,
    /// Only these experiments, with their runs and models
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    experiment_ids: Vec<String>,
    /// Only these logged models
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    logged_model_ids: Vec<String>,
    /// The workspace to look in
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

impl Gc {
    pub(super) async fn run(self) -> Result<()> {
        let body = json!({
            "older_than_ms": self.older_than.as_deref().map(millis).transpose()?.unwrap_or(0),
            "run_ids": self.run_ids, "experiment_ids": self.experiment_ids, "logged_model_ids": self.logged_model_ids,
            "dry_run": self.dry_run,
        });
        let config = self.settings.load(&[])?;
        let server = self.server.unwrap_or_else(|| format!("http://{}", config.server.listen));
        let token =
            crate::assemble::keys(&config)?.sign(&Identity::internal("gc"), Audience::Gateway, Clock::system().now(), TOKEN_LIFE)?;
        let mut request =
            reqwest::Client::new().post(format!("{}/api/artel/v1/gc", server.trim_end_matches('/'))).bearer_auth(token).json(&body);
        if let Some(workspace) = &self.workspace {
            request = request.header(WORKSPACE_HEADER, workspace);
        }
        let answer =
            request.send().await.or_unavailable(&format!("cannot reach the server at {server}; is it running? Name it with --server"))?;
        let status = answer.status();
        let text = answer.text().await.or_unavailable("the server's answer broke off")?;
        let report: Value = serde_json::from_str(&text).map_err(|_| Error::unavailable(format!("{server} answered {status}: {text}")))?;
        if !status.is_success() {
            let message = report["error"]["message"].as_str().or(report["message"].as_str()).unwrap_or(&text);
            return Err(Error::invalid(message));
        }
        print(&report, self.dry_run);
        Ok(())
    }
}

fn print(report: &Value, dry_run: bool) {
    let done = if dry_run { "would be permanently deleted" } else { "has been permanently deleted" };
    for (kind, name) in [("runs", "Run"), ("logged_models", "Logged model"), ("experiments", "Experiment")] {
        for id in report[kind].as_array().into_iter().flatten().filter_map(Value::as_str) {
            println!("{name} with ID {id} {done}.");
        }
    }
    for place in report["kept_elsewhere"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        println!("The files at {place} are not kept by this server; they stay.");
    }
    let verb = if dry_run { "would be freed" } else { "freed" };
    if report["traces"].as_i64().is_some_and(|count| count > 0) {
        println!("{} traces {verb}", report["traces"]);
    }
    println!("{} files, {} bytes {verb}", report["files"], report["bytes"]);
}

/// `30d`, `12h`, `1d2h3m4s` as milliseconds, as `mlflow gc` reads them.
fn millis(text: &str) -> Result<i64> {
    const UNITS: [(char, f64); 4] = [('d', 86_400_000.0), ('h', 3_600_000.0), ('m', 60_000.0), ('s', 1000.0)];
    let invalid = || {
        Error::invalid(format!("Could not parse any time information from '{text}'. Examples of valid strings: '8h', '2d8h5m20s', '2m4s'"))
    };
    let (mut total, mut left, mut next) = (0.0, text, 0);
    while !left.is_empty() {
        let end = left.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(invalid)?;
        let number: f64 = left[..end].parse().map_err(|_| invalid())?;
        let unit = left[end..].chars().next().ok_or_else(invalid)?;
        // each unit once, the largest first
        let place = UNITS[next..].iter().position(|(name, _)| *name == unit).ok_or_else(invalid)? + next;
        total += number * UNITS[place].1;
        next = place + 1;
        left = &left[end + unit.len_utf8()..];
    }
    if text.is_empty() { Err(invalid()) } else { Ok(total as i64) }
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn ages_are_read_as_upstream_reads_them() {
        for (text, expected) in [("30d", 2_592_000_000), ("1d2h3m4s", 93_784_000), ("1.5h", 5_400_000), ("0s", 0)] {
            assert_eq!(millis(text).unwrap(), expected, "{text}");
        }
        for text in ["", "30", "d", "2h1d", "1d1d", "1w", "1..2h", "1é"] {
            assert!(millis(text).is_err(), "{text}");
        }
    }
}
