//! `artel token`: credentials for programs.

use super::Settings;
use artel_platform::{Error, Result};
use clap::Subcommand;

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
}

impl Token {
    pub(super) async fn run(self) -> Result<()> {
        let Self::Create { settings, user, scopes, expires, note, s3 } = self;
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
