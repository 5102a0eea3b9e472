//! The section `[hub]` of the settings.

use artel_platform::identity::Permission;
use artel_platform::{Error, Result};
use serde::Deserialize;

/// Settings of the hub. Each is explained in `artel.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Password of `admin` on first start; empty: a random one.
    pub admin_password: String,
    /// A file that holds it.
    pub admin_password_file: String,
    /// Days until a browser has to log in again.
    pub session_days: u32,
    /// URL by which notebook servers reach the suite; empty: `server.public_url`.
    pub connect_url: String,
    /// Address that notebook servers listen on, without a port.
    pub server_bind: String,
    /// Name by which the gateway reaches that address; empty: `server_bind`.
    pub server_host: String,
    /// Seconds that a notebook server gets from its process's start to its first answer.
    pub start_timeout_seconds: u64,
    /// Seconds that a request to start or stop a server waits for the end of it.
    pub slow_seconds: u64,
    /// Seconds between asking a server to end and killing it.
    pub stop_grace_seconds: u64,
    /// Whether notebook servers end with the hub.
    pub stop_servers_on_exit: bool,
    /// How many servers may be starting at a time.
    pub concurrent_spawn_limit: i64,
    /// Whether users may have servers with names.
    pub allow_named_servers: bool,
    /// How many; 0: any number.
    pub named_server_limit_per_user: i64,
    /// What a user may do with an experiment or model that no grant is about: `READ`, `USE`, `EDIT`, `MANAGE` or
    /// `NO_PERMISSIONS`.
    pub default_permission: String,
    /// Environment variables that notebook servers get from the hub's own environment.
    pub env_keep: Vec<String>,
}

impl Settings {
    /// The setting of that name.
    pub(crate) fn default_permission(&self) -> Result<Permission> {
        let found = Permission::parse(&self.default_permission).filter(|p| *p != Permission::Deny);
        found.ok_or_else(|| {
            let given = &self.default_permission;
            Error::invalid(format!("hub.default_permission = \"{given}\" must be NO_PERMISSIONS, READ, USE, EDIT or MANAGE"))
        })
    }

    /// The password that `admin` shall have, from the setting or its file.
    pub(crate) fn fixed_admin_password(&self) -> Result<Option<String>> {
        if !self.admin_password.is_empty() {
            return Ok(Some(self.admin_password.clone()));
        }
        if self.admin_password_file.is_empty() {
            return Ok(None);
        }
        let file = &self.admin_password_file;
        let text = std::fs::read_to_string(file).map_err(|e| Error::invalid(format!("cannot read hub.admin_password_file {file}: {e}")))?;
        match text.trim() {
            "" => Err(Error::invalid(format!("hub.admin_password_file {file} is empty; write the password into it"))),
            password => Ok(Some(password.to_owned())),
        }
    }
}
