//! How git reaches a repository: the credentials of a connection, read as upstream's hook reads them
//! (airflow/providers/git/hooks/git.py), or of files. They go to git by its environment and never by its arguments.

use super::BundleSettings;
use crate::store::connections::Connection;
use artel_platform::{Error, Result, ResultExt};
use serde_json::Value;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What git answers to a server that asks who it is.
const HELPER: &str = r#"!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$ARTEL_GIT_USER" "$ARTEL_GIT_TOKEN"; }; f"#;
const HOST_KEY_CHECKS: &[&str] = &["yes", "no", "accept-new", "off", "ask"];

/// URL and environment for git. Files that it needs are removed with it.
#[derive(Default)]
pub(super) struct Access {
    /// Without credentials.
    pub(super) url: String,
    pub(super) env: Vec<(String, String)>,
    /// What must not be seen in messages.
    pub(super) secrets: Vec<String>,
    _files: Option<PrivateFolder>,
}

struct PrivateFolder(PathBuf);

impl PrivateFolder {
    fn new(path: PathBuf) -> Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).or_internal("cannot make the folder for a key")?;
        Ok(Self(path))
    }

    fn write(&self, name: &str, content: &str, mode: u32) -> Result<PathBuf> {
        use std::io::Write;
        let path = self.0.join(name);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
        file.write_all(content.as_bytes())?;
        Ok(path)
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[derive(Default)]
struct Credentials {
    user: Option<String>,
    token: Option<String>,
    private_key: Option<String>,
    key_file: Option<String>,
    passphrase: Option<String>,
    known_hosts: Option<String>,
    host_key_check: Option<String>,
    ssh_config: Option<String>,
    proxy_command: Option<String>,
    port: Option<i64>,
}

impl Access {
    /// `scratch` is a folder that is this access's own.
    pub(super) fn new(url: &str, settings: &BundleSettings, connection: Option<Connection>, scratch: &Path) -> Result<Self> {
        let mut credentials = match &connection {
            Some(connection) => of_connection(connection)?,
            None => of_files(settings)?,
        };
        let url = connection.as_ref().and_then(|c| c.host.clone()).filter(|_| url.is_empty()).unwrap_or_else(|| url.to_owned());
        let (url, embedded) = without_credentials(&url);
        if let Some((user, token)) = embedded {
            credentials.user = credentials.user.or(user);
            credentials.token = credentials.token.or(Some(token));
        }
        let mut access = Self { url, ..Self::default() };
        access.authenticate_http(&credentials);
        access.authenticate_ssh(&credentials, scratch)?;
        access.secrets.extend([credentials.token, credentials.private_key, credentials.passphrase].into_iter().flatten());
        Ok(access)
    }

    /// A credential helper for this host alone; the helpers of the machine are asked nothing and told nothing.
    fn authenticate_http(&mut self, credentials: &Credentials) {
        let (Some(token), Some(scope)) = (&credentials.token, scope(&self.url)) else { return };
        let user = credentials.user.clone().unwrap_or_else(|| "user".into());
        let key = format!("credential.{scope}.helper");
        self.env.extend(
            [
                ("GIT_CONFIG_COUNT", "2"),
                ("GIT_CONFIG_KEY_0", &key),
                ("GIT_CONFIG_VALUE_0", ""),
                ("GIT_CONFIG_KEY_1", &key),
                ("GIT_CONFIG_VALUE_1", HELPER),
                ("ARTEL_GIT_USER", &user),
                ("ARTEL_GIT_TOKEN", token),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
    }

    fn authenticate_ssh(&mut self, credentials: &Credentials, scratch: &Path) -> Result<()> {
        let mut command = vec!["ssh".to_owned()];
        let mut files = None;
        if credentials.private_key.is_some() || credentials.passphrase.is_some() {
            files = Some(PrivateFolder::new(scratch.to_path_buf())?);
        }
        let key_file = match (&credentials.private_key, &files) {
            (Some(key), Some(files)) => Some(files.write("key", &format!("{}\n", key.trim_end()), 0o600)?.display().to_string()),
            _ => credentials.key_file.clone(),
        };
        if let Some(file) = key_file {
            command.push(format!("-i {} -o IdentitiesOnly=yes", quoted(&file)));
        }
        command.push(format!("-o StrictHostKeyChecking={}", credentials.host_key_check.as_deref().unwrap_or("accept-new")));
        match (&credentials.passphrase, &files) {
            (Some(passphrase), Some(files)) => {
                let script = files.write("passphrase", "#!/bin/sh\nprintf '%s\\n' \"$ARTEL_GIT_PASSPHRASE\"\n", 0o700)?;
                let env = [
                    ("SSH_ASKPASS", script.display().to_string()),
                    ("SSH_ASKPASS_REQUIRE", "force".into()),
                    ("ARTEL_GIT_PASSPHRASE", passphrase.clone()),
                ];
                self.env.extend(env.map(|(name, value)| (name.to_owned(), value)));
            }
            _ => command.push("-o BatchMode=yes".into()),
        }
        let options = [
            ("-o UserKnownHostsFile=", &credentials.known_hosts),
            ("-F ", &credentials.ssh_config),
            ("-o ProxyCommand=", &credentials.proxy_command),
        ];
        command.extend(options.into_iter().filter_map(|(option, value)| Some(format!("{option}{}", quoted(value.as_ref()?)))));
        command.extend(credentials.port.map(|port| format!("-p {port}")));
        self.env.push(("GIT_SSH_COMMAND".into(), command.join(" ")));
        self._files = files;
        Ok(())
    }

    /// The text with every secret blotted out.
    pub(super) fn masked(&self, text: &str) -> String {
        self.secrets.iter().filter(|s| s.len() > 3).fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

fn of_connection(connection: &Connection) -> Result<Credentials> {
    let extra: Value = match connection.extra.as_deref().filter(|e| !e.trim().is_empty()) {
        Some(extra) => serde_json::from_str(extra)
            .map_err(|_| Error::conflict(format!("the extra of connection {} is no JSON", connection.conn_id)))?,
        None => Value::Null,
    };
    let text = |key: &str| extra[key].as_str().filter(|v| !v.is_empty()).map(str::to_owned);
    if extra.get("github_app_id").is_some_and(|v| !v.is_null() && v != "") {
        return Err(Error::conflict(format!(
            "connection {}: GitHub App authentication is not supported; give a token",
            connection.conn_id
        )));
    }
    let check = text("strict_host_key_checking");
    if check.as_ref().is_some_and(|c| !HOST_KEY_CHECKS.contains(&c.as_str())) {
        return Err(Error::conflict(format!(
            "connection {}: strict_host_key_checking must be one of {}",
            connection.conn_id,
            HOST_KEY_CHECKS.join(", ")
        )));
    }
    Ok(Credentials {
        user: connection.login.clone().filter(|l| !l.is_empty()),
        token: connection.password.clone().filter(|p| !p.is_empty()),
        private_key: text("private_key"),
        key_file: text("key_file"),
        passphrase: text("private_key_passphrase"),
        known_hosts: text("known_hosts_file"),
        host_key_check: check,
        ssh_config: text("ssh_config_file"),
        proxy_command: text("host_proxy_cmd"),
        port: extra["ssh_port"].as_i64().or_else(|| extra["ssh_port"].as_str()?.parse().ok()),
    })
}

fn of_files(settings: &BundleSettings) -> Result<Credentials> {
    let set = |value: &str| Some(value.to_owned()).filter(|v| !v.is_empty());
    let token = match set(&settings.token_file) {
        Some(file) => Some(secret_of(&file)?),
        None => None,
    };
    Ok(Credentials {
        user: set(&settings.username),
        token,
        key_file: set(&settings.private_key_file),
        known_hosts: set(&settings.known_hosts_file),
        ..Credentials::default()
    })
}

/// The contents of a file without the line's end.
pub(super) fn secret_of(file: &str) -> Result<String> {
    let text = std::fs::read_to_string(file).map_err(|e| Error::conflict(format!("cannot read the secret file {file}")).because(e))?;
    Ok(text.trim().to_owned())
}

/// A word for the shell that git starts ssh with.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

type Embedded = Option<(Option<String>, String)>;

/// Takes `user:password@` out of an http URL. A user alone is no secret and stays.
fn without_credentials(url: &str) -> (String, Embedded) {
    let Ok(mut parsed) = url::Url::parse(url) else { return (url.to_owned(), None) };
    let Some(password) = parsed.password().filter(|_| matches!(parsed.scheme(), "http" | "https")) else {
        return (url.to_owned(), None);
    };
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let found = (Some(decoded(parsed.username())).filter(|u| !u.is_empty()), decoded(password));
    let _ = parsed.set_password(None);
    let _ = parsed.set_username("");
    (parsed.into(), Some(found))
}

/// `scheme://host[:port]`, by which git chooses a credential helper.
fn scope(url: &str) -> Option<String> {
    let parsed = url::Url::parse(url).ok().filter(|u| matches!(u.scheme(), "http" | "https"))?;
    let port = parsed.port().map(|p| format!(":{p}")).unwrap_or_default();
    Some(format!("{}://{}{port}", parsed.scheme(), parsed.host_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_url_goes_to_the_helper_and_nowhere_else() {
        let access = Access::new("https://ada:s%20cret@git.example:8443/r.git", &BundleSettings::default(), None, Path::new("/x")).unwrap();
        assert_eq!(access.url, "https://git.example:8443/r.git");
        let get = |name: &str| access.env.iter().find(|e| e.0 == name).map(|e| e.1.as_str());
        assert_eq!(get("ARTEL_GIT_USER"), Some("ada"));
        assert_eq!(get("ARTEL_GIT_TOKEN"), Some("s cret"));
        assert_eq!(get("GIT_CONFIG_KEY_1"), Some("credential.https://git.example:8443.helper"));
        assert_eq!(access.masked("fatal: s cret was refused"), "fatal: *** was refused");
    }

    #[test]
    fn a_private_key_is_in_a_file_of_its_owner_while_it_is_needed() {
        use std::os::unix::fs::PermissionsExt;
        let scratch = std::env::temp_dir().join(format!("artel-key-{}", std::process::id()));
        let extra = serde_json::json!({"private_key": "KEY KEY KEY", "ssh_port": "2222"}).to_string();
        let connection = Connection { conn_id: "c".into(), extra: Some(extra), ..Connection::default() };
        let access = Access::new("git@host:r.git", &BundleSettings::default(), Some(connection), &scratch).unwrap();
        let command = &access.env.iter().find(|e| e.0 == "GIT_SSH_COMMAND").unwrap().1;
        assert!(command.contains("-p 2222") && command.contains("IdentitiesOnly=yes") && !command.contains("KEY KEY"), "{command}");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&scratch), mode(&scratch.join("key"))), (0o700, 0o600));
        drop(access);
        assert!(!scratch.exists());
    }
}
