//! Where a command finds its settings: flags over environment over file over the built-in defaults.

use artel_platform::Result;
use artel_platform::config::Config;
use clap::Args;
use std::path::PathBuf;

/// Settings that every command takes.
#[derive(Args, Default)]
pub struct Settings {
    /// Settings file (TOML); `artel config` shows every key
    #[arg(long, value_name = "FILE", env = "ARTEL_CONFIG_FILE")]
    config: Option<PathBuf>,
    /// Folder for everything that is not in the database or the artifact store
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// sqlite://FOLDER or postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// local or kafka://HOST:PORT[/NAMESPACE]
    #[arg(long, value_name = "URL")]
    bus: Option<String>,
    /// file://FOLDER or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL")]
    artifacts: Option<String>,
}

impl Settings {
    /// The effective settings, with further flags of the command as `(section, key, value)`.
    pub fn load(&self, more: &[(&str, &str, Option<&str>)]) -> Result<Config> {
        let mut flags = toml::Table::new();
        let data = self.data.as_ref().map(|d| d.display().to_string());
        let own = [("data", &data), ("database", &self.database), ("bus", &self.bus), ("artifacts", &self.artifacts)];
        for (key, value) in own {
            if let Some(value) = value {
                flags.insert(key.into(), value.clone().into());
            }
        }
        for (section, key, value) in more {
            if let Some(value) = value {
                let table = flags.entry(*section).or_insert_with(|| toml::Table::new().into());
                if let Some(table) = table.as_table_mut() {
                    table.insert((*key).into(), (*value).into());
                }
            }
        }
        Config::load(self.config.as_deref(), &flags)
    }
}
