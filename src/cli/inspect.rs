//! Commands that look at an installation without serving.

use super::Settings;
use crate::assemble;
use artel_platform::bus::Bus;
use artel_platform::{Error, Result};
use clap::Args;
use std::io::{ErrorKind, Write};

/// Bring the database's tables up to date and exit (`serve` does the same at start).
#[derive(Args)]
pub struct Migrate {
    #[command(flatten)]
    settings: Settings,
}

/// Print the effective settings as TOML, secrets hidden.
#[derive(Args)]
pub struct ShowConfig {
    #[command(flatten)]
    settings: Settings,
    /// Print the commented defaults instead
    #[arg(long)]
    defaults: bool,
}

/// Print the OpenAPI 3.1 document of the whole suite as JSON.
#[derive(Args)]
pub struct Openapi {}

/// List the event topics and what is published on each.
#[derive(Args)]
pub struct Topics {}

/// Check what Artel stands on: database, bus, artifact store, Python.
#[derive(Args)]
pub struct Doctor {
    #[command(flatten)]
    settings: Settings,
}

/// Prints a long text; a reader like `head` that has seen enough is no error.
fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

impl Migrate {
    pub(super) async fn run(self) -> Result<()> {
        let config = self.settings.load(&[])?;
        artel_platform::telemetry::start(&config.log)?;
        let cx = assemble::context(config, assemble::NAMES, Default::default()).await?;
        for service in assemble::SERVICES {
            let started = (service.start)(cx.clone()).await?;
            println!("{} is up to date", service.name);
            started.db.close().await;
        }
        Ok(())
    }
}

impl ShowConfig {
    pub(super) fn run(self) -> Result<()> {
        if self.defaults { print(artel_platform::config::DEFAULTS) } else { print(&self.settings.load(&[])?.shown()?) }
    }
}

impl Openapi {
    pub(super) fn run(self) -> Result<()> {
        print(&(serde_json::to_string_pretty(&assemble::openapi())? + "\n"))
    }
}

impl Topics {
    pub(super) fn run(self) -> Result<()> {
        for topic in artel_proto::event::TOPICS {
            let names: Vec<_> = artel_proto::event::EVENT_TYPES.iter().filter(|t| t.topic == *topic).map(|t| t.name).collect();
            println!("{topic:28} {}", names.join(", "));
        }
        Ok(())
    }
}

impl Doctor {
    pub(super) async fn run(self) -> Result<()> {
        let config = self.settings.load(&[])?;
        let mut failed = 0;
        let mut report = |what: &str, place: &str, result: Result<()>| match result {
            Ok(()) => println!("ok      {what:10} {place}"),
            Err(error) => {
                failed += 1;
                println!("failed  {what:10} {place}\n        {}", error.chain());
            }
        };
        let shown = config.shown()?;
        let database = shown.lines().find_map(|l| l.strip_prefix("database = ")).unwrap_or_default().trim_matches('"').to_owned();
        report("database", &database, check_database(&config.database).await);
        let blobs = async { artel_platform::blob::Blobs::open(&config.artifacts, &config.s3).await?.ping().await };
        report("artifacts", &config.artifacts, blobs.await);
        report("bus", &config.bus, async { Bus::open(&config.bus)?.ping().await }.await);
        let python = tokio::process::Command::new(&config.python.interpreter).arg("--version").output().await;
        let python = python
            .map(drop)
            .map_err(|e| Error::conflict("the interpreter cannot be run; install Python or set python.interpreter").because(e));
        report("python", &config.python.interpreter, python);
        if failed == 0 { Ok(()) } else { Err(Error::conflict(format!("{failed} of 4 checks failed"))) }
    }
}

async fn check_database(url: &str) -> Result<()> {
    let db = artel_platform::db::Db::open(url, "doctor", &[]).await?;
    db.ping().await?;
    db.close().await;
    Ok(())
}
