//! `artel token`: credentials for programs.

use super::Settings;
use artel_platform::clock::Clock;
use artel_platform::identity::Audience;
use artel_platform::{Error, Identity, Result};
use clap::Subcommand;
use std::time::Duration;

/// Make tokens for programs. Works while Artel runs.
#[derive(Subcommand)]
pub enum Token {
    /// Make a token and print it; it is shown this once
    ///
    /// Use it as MLFLOW_TRACKING_TOKEN or in the header `Authorization: Bearer TOKEN`.
    Create {
        #[command(flatten)]
        settings: Settings,
        /// Whose token
        #[arg(long)]
        user: String,
        /// What it may do, e.g. experiments,models; everything its user may when not given
        #[arg(long, value_delimiter = ',')]
        scopes: Vec<String>,
        /// How long it is good for, e.g. 12h or 30d; for ever when not given
        #[arg(long)]
        expires: Option<String>,
        /// What it is for
        #[arg(long, default_value = "made on the command line")]
        note: String,
        /// Print below it what an S3 client needs, as lines NAME=VALUE
        #[arg(long)]
        s3: bool,
    },
    /// Make a token for workers on other hosts and print it
    ///
    /// `artel worker --server http://HOST:PORT --token TOKEN` takes tasks with it. It is good for that alone, and until its
    /// end: nobody can take it back but by changing the installation's secret.
    Worker {
        #[command(flatten)]
        settings: Settings,
        /// How long it is good for, e.g. 12h or 30d
        #[arg(long, default_value = "30d")]
        expires: String,
    },
}

impl Token {
    pub(super) async fn run(self) -> Result<()> {
        let (settings, user, scopes, expires, note, s3) = match self {
            Self::Create { settings, user, scopes, expires, note, s3 } => (settings, user, scopes, expires, note, s3),
            Self::Worker { settings, expires } => {
                let keys = crate::assemble::keys(&settings.load(&[])?)?;
                let life = Duration::from_secs(seconds(&expires)?.unsigned_abs());
                println!("{}", keys.sign(&Identity::worker("worker"), Audience::Worker, Clock::system().now(), life)?);
                return Ok(());
            }
        };
        let expires = expires.map(|text| seconds(&text)).transpose()?;
        let hub = super::user::hub(&settings).await?;
        let token = hub.create_token(&user, &scopes, expires, &note).await?;
        println!("{}", token.secret);
        if s3 {
            let key = hub.access_key(&token.id)?;
            println!("AWS_ACCESS_KEY_ID={}\nAWS_SECRET_ACCESS_KEY={}", key.access_key_id, key.secret_access_key);
            println!("AWS_ENDPOINT_URL_S3={}/s3", settings.load(&[])?.server.public_url.trim_end_matches('/'));
        }
        Ok(())
    }
}

/// `90`, `90s`, `15m`, `12h`, `30d` as seconds.
fn seconds(text: &str) -> Result<i64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => 0,
    };
    match number.parse::<i64>().ok().and_then(|n| n.checked_mul(factor)).filter(|n| *n > 0) {
        Some(seconds) => Ok(seconds),
        None => Err(Error::invalid(format!("--expires {text}: give a number with s, m, h or d, such as 12h"))),
    }
}
