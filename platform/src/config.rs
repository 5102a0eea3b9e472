//! Settings: the built-in `artel.toml` < a file < `ARTEL_SECTION__KEY` < flags. Every key is in `artel.toml`; a key
//! that is not there is refused with the nearest one that is.

use crate::error::{Error, Result};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every setting with its default, commented.
pub const DEFAULTS: &str = include_str!("../../artel.toml");

/// The effective settings of a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder for everything that is not in `database` or `artifacts`.
    pub data: PathBuf,
    /// `sqlite://FOLDER` or `postgres://…`; empty means `sqlite://DATA/db`.
    pub database: String,
    /// `local` or `kafka://HOST:PORT[,HOST:PORT][/NAMESPACE]`.
    pub bus: String,
    /// `file://FOLDER` or `s3://BUCKET/PREFIX`; empty means `file://DATA/artifacts`.
    pub artifacts: String,
    /// Where the process listens.
    pub server: Server,
    /// Who may enter.
    pub security: Security,
    /// Where the other services are in the split shape, by name.
    pub peers: BTreeMap<String, Peer>,
    /// S3 access for `artifacts = "s3://…"`.
    pub s3: S3,
    /// Log output.
    pub log: Log,
    /// Python environments.
    pub python: Python,
    /// Each service's own section, checked by the service.
    pub hub: toml::Table,
    /// See `hub`.
    pub tracking: toml::Table,
    /// See `hub`.
    pub registry: toml::Table,
    /// See `hub`.
    pub artifact: toml::Table,
    /// See `hub`.
    pub scheduler: toml::Table,
    /// See `hub`.
    pub serving: toml::Table,
}

/// Where the process listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// HTTP address.
    pub listen: String,
    /// gRPC address, used when other processes must reach this one; empty in the single shape.
    pub grpc_listen: String,
    /// URL that clients use, when a proxy stands in front; empty means `http://LISTEN`.
    pub public_url: String,
    /// Seconds that requests under way get at shutdown.
    pub drain_seconds: u64,
}

/// Who may enter.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// `password` or `none` (loopback only).
    pub auth: String,
    /// The installation's secret, the same for every process; empty means `DATA/secret`, made on first start.
    pub secret: String,
    /// A file that holds the secret.
    pub secret_file: String,
}

/// One service in another process, or in several: then their addresses are separated by commas, and one is used until
/// it does not answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its REST side, `http://HOST:PORT`; only the gateway asks for it.
    #[serde(default)]
    pub http: String,
    /// Its gRPC side, `http://HOST:PORT`.
    pub grpc: String,
}

/// S3 access.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// URL of an S3 server; empty means AWS.
    pub endpoint: String,
    /// The same server's URL in the answers to clients that transfer large files themselves; empty means `endpoint`.
    pub public_endpoint: String,
    /// Region name.
    pub region: String,
    /// Access key; empty means the AWS default chain.
    pub access_key_id: String,
    /// Secret key.
    pub secret_access_key: String,
    /// A file that holds the secret key.
    pub secret_access_key_file: String,
    /// What is sent has a CRC-32 that the server checks. Otherwise each part is signed, which takes longer.
    pub checksums: bool,
}

/// Log output.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `auto` (human on a terminal, JSON otherwise), `human` or `json`.
    pub format: String,
    /// Filter, e.g. `info,artel_scheduler=debug`.
    pub filter: String,
}

/// Python environments.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Python {
    /// Interpreter that environments are made from.
    pub interpreter: String,
    /// The `uv` program; empty means the one on PATH or in the cache folder, else `venv` and pip.
    pub uv: String,
    /// Folder of built environments; empty means `DATA/environments`.
    pub environments: String,
}

impl Config {
    /// Built-in < `file` < environment < `flags` (a table of the same shape).
    pub fn load(file: Option<&Path>, flags: &toml::Table) -> Result<Self> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            if !file.exists() {
                return Err(Error::invalid(format!("the settings file {} does not exist", file.display())));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        figment = figment.merge(Env::prefixed("ARTEL_").filter(|key| is_setting(key.as_str())).split("__"));
        figment = figment.merge(Serialized::defaults(flags));
        let mut config: Self = figment.extract().map_err(|e| explain(&e))?;
        config.complete()?;
        Ok(config)
    }

    /// Fills in what depends on other settings and reads the `*_file` secrets.
    fn complete(&mut self) -> Result<()> {
        if self.data.is_relative() {
            self.data = std::env::current_dir()?.join(&self.data);
        }
        let data = self.data.display().to_string();
        fill(&mut self.database, || format!("sqlite://{data}/db"));
        fill(&mut self.artifacts, || format!("file://{data}/artifacts"));
        fill(&mut self.python.environments, || format!("{data}/environments"));
        let listen = self.server.listen.clone();
        fill(&mut self.server.public_url, || format!("http://{listen}"));
        read_secret(&mut self.security.secret, &self.security.secret_file)?;
        read_secret(&mut self.s3.secret_access_key, &self.s3.secret_access_key_file)
    }

    /// The section of `service` as its own type; an unknown key there is an error too.
    pub fn section<T: for<'de> Deserialize<'de>>(&self, service: &str) -> Result<T> {
        let table = match service {
            "hub" => &self.hub,
            "tracking" => &self.tracking,
            "registry" => &self.registry,
            "artifact" => &self.artifact,
            "scheduler" => &self.scheduler,
            "serving" => &self.serving,
            _ => return Err(Error::internal(format!("no section for {service}"))),
        };
        Figment::from(Serialized::defaults(table)).extract().map_err(|e| explain_in(&e, service))
    }

    /// The effective settings as TOML with secrets replaced by `***`, for `artel config`.
    pub fn shown(&self) -> Result<String> {
        let mut shown = self.clone();
        for secret in [&mut shown.security.secret, &mut shown.s3.secret_access_key] {
            if !secret.is_empty() {
                *secret = "***".into();
            }
        }
        for section in
            [&mut shown.hub, &mut shown.tracking, &mut shown.registry, &mut shown.artifact, &mut shown.scheduler, &mut shown.serving]
        {
            hide_secrets(section);
        }
        if let Ok(mut url) = url::Url::parse(&shown.database)
            && url.password().is_some()
        {
            let _ = url.set_password(Some("***"));
            shown.database = url.into();
        }
        toml::to_string_pretty(&shown).map_err(|e| Error::internal("cannot show the settings").because(e))
    }
}

/// Replaces what a section keeps secret, also in the tables within; what a process gets in its environment may be secret.
fn hide_secrets(table: &mut toml::Table) {
    for (key, value) in table.iter_mut() {
        let secret = ["password", "secret", "token"].iter().any(|word| key.contains(word)) && !key.ends_with("_file");
        match value {
            toml::Value::String(text) if secret && !text.is_empty() => *text = "***".into(),
            toml::Value::Table(environment) if key == "environment" => {
                environment.iter_mut().for_each(|(_, value)| *value = toml::Value::String("***".into()));
            }
            toml::Value::Table(inner) => hide_secrets(inner),
            toml::Value::Array(items) => items.iter_mut().filter_map(toml::Value::as_table_mut).for_each(hide_secrets),
            _ => {}
        }
    }
}

/// `ARTEL_…` variables that are no settings, and neither are those that name the servers of a test run.
const RESERVED: &[&str] = &["cache", "server", "token", "log", "worker_token"];
const RESERVED_PREFIX: &str = "test_";

fn is_setting(variable: &str) -> bool {
    let variable = variable.to_ascii_lowercase();
    !RESERVED.contains(&variable.as_str()) && !variable.starts_with(RESERVED_PREFIX)
}

fn fill(setting: &mut String, default: impl FnOnce() -> String) {
    if setting.is_empty() {
        *setting = default();
    }
}

fn read_secret(setting: &mut String, file: &str) -> Result<()> {
    if !file.is_empty() && setting.is_empty() {
        let text = std::fs::read_to_string(file).map_err(|e| Error::invalid(format!("cannot read the secret file {file}")).because(e))?;
        *setting = text.trim().to_owned();
    }
    Ok(())
}

fn explain(error: &figment::Error) -> Error {
    explain_in(error, "")
}

/// Says which setting is wrong and where it was set; for an unknown one, which is nearest.
fn explain_in(error: &figment::Error, section: &str) -> Error {
    use figment::error::Kind;
    let mut path: Vec<&str> = if section.is_empty() { vec![] } else { vec![section] };
    path.extend(error.path.iter().map(String::as_str));
    let origin = match error.metadata.as_ref().and_then(|m| m.source.as_ref()) {
        Some(figment::Source::File(file)) => format!(" of {}", file.display()),
        _ => String::new(),
    };
    match &error.kind {
        Kind::UnknownField(name, known) => {
            if path.last() == Some(&name.as_str()) {
                path.pop();
            }
            let nearest = known.iter().min_by_key(|k| strsim::damerau_levenshtein(k, name));
            let place = if path.is_empty() { String::new() } else { format!(" in [{}]", path.join(".")) };
            let hint = nearest.map(|n| format!("; did you mean {n}?")).unwrap_or_default();
            Error::invalid(format!("unknown setting {name:?}{place}{origin}{hint} (`artel config` shows every setting)"))
        }
        kind if path.is_empty() => Error::invalid(format!("the settings{origin} cannot be read: {}", one_line(kind))),
        kind => Error::invalid(format!("setting {}{origin}: {}", path.join("."), one_line(kind))),
    }
}

/// The parser draws the place between its first line and its last; a message of ours is one line.
fn one_line(kind: &figment::error::Kind) -> String {
    let text = kind.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines[..] {
        [first, .., last] => format!("{first}: {last}"),
        _ => lines.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn secrets_are_not_shown() {
        let flags: toml::Table =
            "database = 'postgres://ada:hunter2@db/artel'\n[security]\nsecret = 'hunter3'\n[hub]\nadmin_password = 'hunter4'\n[[hub.services]]\nname = 's'\napi_token = 'hunter5'\nenvironment = { KEY = 'hunter6' }"
                .parse()
                .unwrap();
        let shown = Config::load(None, &flags).unwrap().shown().unwrap();
        assert!(!shown.contains("hunter"), "{shown}");
        assert!(shown.contains("ada:***@db"), "{shown}");
    }
}
