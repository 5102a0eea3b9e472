//! The section `[hub]` of the settings.

use crate::profiles::Profile;
use crate::scopes::Custom;
use crate::spawner::{Homes, Limiter};
use artel_platform::identity::Permission;
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

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
    /// How many servers may be starting at a time; 0: any number.
    pub concurrent_spawn_limit: i64,
    /// Between how many and how many seconds later one is told to try again then.
    pub spawn_throttle_retry_range: [u64; 2],
    /// How many servers there may be at a time; 0: any number.
    pub active_server_limit: i64,
    /// How many starts of a server may fail in a row before the next has to wait; 0: any number.
    pub consecutive_failure_limit: i64,
    /// Seconds that it has to wait first; each further failure doubles them.
    pub failure_pause_seconds: u64,
    /// The program that is a server, with its arguments; empty: `jupyterhub-singleuser`.
    pub command: Vec<String>,
    /// Arguments after those of the program.
    pub arguments: Vec<String>,
    /// Where a server's root leads, a path of its own; empty: JupyterLab.
    pub default_url: String,
    /// Seconds that a server believes what the hub says of a token; upstream's are 300.
    pub server_token_cache_seconds: u64,
    /// Environment variables of servers.
    pub environment: BTreeMap<String, String>,
    /// Where a user's home is.
    pub home: String,
    /// Folder whose content a new home gets; empty: none.
    pub home_skeleton: String,
    /// Whether each server runs as the account of this machine that has its user's name, in the home of that account.
    pub system_accounts: bool,
    /// MiB of memory that a server gets; 0: no limit.
    pub memory_mib: u64,
    /// Processors that it gets; 0: no limit.
    pub cpus: f64,
    /// How limits are kept: `auto`, `cgroup`, `systemd` or `rlimit`.
    pub limits: String,
    /// Command that runs before a server's start; empty: none.
    pub pre_spawn_hook: Vec<String>,
    /// Command that runs after a server's end; empty: none.
    pub post_stop_hook: Vec<String>,
    /// Seconds that either may take.
    pub hook_timeout_seconds: u64,
    /// Seconds without activity after which a server is stopped; 0: never.
    pub cull_idle_seconds: u64,
    /// Seconds after which a server is stopped whatever it does; 0: never.
    pub cull_max_age_seconds: u64,
    /// Seconds between looks for such servers.
    pub cull_every_seconds: u64,
    /// Whether a server is stopped although a kernel of it is busy.
    pub cull_busy: bool,
    /// Whether a named server that is stopped so is forgotten too.
    pub cull_removes_named_servers: bool,
    /// What users may choose to start a server with.
    pub profiles: Vec<Profile>,
    /// Whether users may have servers with names.
    pub allow_named_servers: bool,
    /// How many; 0: any number.
    pub named_server_limit_per_user: i64,
    /// What a user may do with an experiment or model that no grant is about: `READ`, `USE`, `EDIT`, `MANAGE` or
    /// `NO_PERMISSIONS`.
    pub default_permission: String,
    /// Environment variables that notebook servers and managed services get from the hub's own environment.
    pub env_keep: Vec<String>,
    /// Seconds that a token lives at most; 0: any time.
    pub token_expires_in_max_seconds: i64,
    /// Roles beside upstream's own, or with other scopes (upstream's `load_roles`).
    pub load_roles: Vec<Role>,
    /// Groups that are there at start, by name (upstream's `load_groups`).
    pub load_groups: BTreeMap<String, Group>,
    /// Scopes that services check themselves, by name (upstream's `custom_scopes`).
    pub custom_scopes: BTreeMap<String, Custom>,
    /// Programs that use the hub's API (upstream's `services`).
    pub services: Vec<Service>,
    /// Whether a client has to send a PKCE challenge.
    pub oauth_require_pkce: bool,
    /// Whether everybody whom a provider knows may come in.
    pub allow_all: bool,
    /// Users who may.
    pub allowed_users: Vec<String>,
    /// Groups of the provider whose members may.
    pub allowed_groups: Vec<String>,
    /// Users who may not, whoever knows them.
    pub blocked_users: Vec<String>,
    /// Users of a provider who are administrators.
    pub admin_users: Vec<String>,
    /// Signing in by OpenID Connect.
    pub oidc: crate::oidc::Settings,
    /// Passwords of this machine's accounts.
    pub pam: crate::directory::PamSettings,
    /// Passwords that an LDAP directory keeps.
    pub ldap: crate::directory::LdapSettings,
}

/// A role and who has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// What it is called.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What it gives; `None`: as it is without the settings.
    pub scopes: Option<Vec<String>>,
    /// Users who have it.
    #[serde(default)]
    pub users: Vec<String>,
    /// Groups whose members have it.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Services that have it.
    #[serde(default)]
    pub services: Vec<String>,
}

/// A group.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its members.
    #[serde(default)]
    pub users: Vec<String>,
    /// What the installation wants to know of it.
    #[serde(default)]
    pub properties: Map<String, Value>,
}

/// A service, with upstream's names (jupyterhub/services/service.py).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// What it is called.
    pub name: String,
    /// May do everything.
    pub admin: bool,
    /// Where it listens; the gateway serves it at `/services/NAME/`.
    pub url: String,
    /// Its token; empty: it has none, or the hub makes one for the process that it keeps.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_token: String,
    /// A file that holds it.
    pub api_token_file: String,
    /// The scopes that it may ask its visitors for.
    pub oauth_client_allowed_scopes: Vec<String>,
    /// `service-NAME` where empty.
    pub oauth_client_id: String,
    /// `/services/NAME/oauth_callback` where empty.
    pub oauth_redirect_uri: String,
    /// Visitors are not asked whether it may know who they are.
    pub oauth_no_confirm: bool,
    /// Anything, for those who list services.
    pub info: Map<String, Value>,
    /// Shown to users.
    pub display: Option<bool>,
    /// The program and its arguments, where the hub is to keep its process.
    pub command: Vec<String>,
    /// The process's folder.
    pub cwd: String,
    /// More environment variables of the process.
    pub environment: BTreeMap<String, String>,
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

    /// Fails for roles, groups and services that cannot be.
    pub(crate) fn check(&self) -> Result<()> {
        crate::profiles::check(&self.profiles)?;
        self.oidc.check()?;
        self.ldap.check()?;
        Limiter::check(&self.limits)?;
        Homes::check(&self.home)?;
        if self.system_accounts && !rustix::process::geteuid().is_root() {
            return Err(Error::invalid("setting hub.system_accounts: only root can start servers as other accounts; run Artel as root"));
        }
        let [least, most] = self.spawn_throttle_retry_range;
        if least > most {
            return Err(Error::invalid(format!("setting hub.spawn_throttle_retry_range: [{least}, {most}] must be from less to more")));
        }
        if self.cull_every_seconds == 0 {
            return Err(Error::invalid("setting hub.cull_every_seconds must be 1 or more"));
        }
        for role in &self.load_roles {
            crate::roles::check_name(&role.name)?;
        }
        for service in &self.services {
            service.check()?;
            let again = self.services.iter().filter(|other| other.name == service.name).count() > 1;
            if again {
                return Err(Error::invalid(format!("setting hub.services: there are two services {}", service.name)));
            }
        }
        Ok(())
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

impl Service {
    /// Fails when it cannot be a service.
    pub(crate) fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if self.name.is_empty() || self.name.len() > 128 || !self.name.chars().all(plain) || self.name.starts_with('.') {
            return Err(Error::invalid(format!("Invalid service name: {:?}; use 1 to 128 letters, digits and . _ -", self.name)));
        }
        if !self.oauth_client_id.is_empty() && !self.oauth_client_id.starts_with("service-") {
            return Err(Error::invalid(format!(
                "service {} has oauth_client_id='{}'. Service oauth client ids must start with 'service-'",
                self.name, self.oauth_client_id
            )));
        }
        if !self.url.is_empty() && !url::Url::parse(&self.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(Error::invalid(format!("service {} has the url {:?}, which is no http:// or https:// URL", self.name, self.url)));
        }
        Ok(())
    }

    /// Its token, from the setting or its file.
    pub(crate) fn token(&self) -> Result<Option<String>> {
        let token = match self.api_token_file.as_str() {
            "" => self.api_token.clone(),
            file => {
                let text = std::fs::read_to_string(file);
                text.map_err(|e| Error::invalid(format!("cannot read api_token_file {file} of the service {}: {e}", self.name)))?
                    .trim()
                    .to_owned()
            }
        };
        // upstream's rule for tokens that somebody made up (jupyterhub/orm.py `Hashed.check_token`)
        match token.len() {
            0 => Ok(None),
            1..8 => Err(Error::invalid(format!("the token of the service {} must be at least 8 characters long", self.name))),
            _ => Ok(Some(token)),
        }
    }

    /// The OAuth client that it is, where it is one: it has an address or says how it is called back.
    pub(crate) fn client_id(&self) -> Option<String> {
        let some = !self.url.is_empty() || !self.oauth_client_id.is_empty() || !self.oauth_redirect_uri.is_empty() || self.oauth_no_confirm;
        let given = (!self.oauth_client_id.is_empty()).then(|| self.oauth_client_id.clone());
        some.then(|| given.unwrap_or_else(|| format!("service-{}", self.name)))
    }

    /// Where its OAuth answers go.
    pub(crate) fn redirect_uri(&self) -> String {
        match self.oauth_redirect_uri.as_str() {
            "" if self.url.is_empty() => String::new(),
            "" => format!("{}oauth_callback", self.prefix()),
            given => given.to_owned(),
        }
    }

    /// `http://HOST:PORT` of its address: whatever path that has, the gateway keeps its own.
    pub(crate) fn origin(&self) -> String {
        url::Url::parse(&self.url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }

    /// `/services/NAME/`.
    pub(crate) fn prefix(&self) -> String {
        format!("/services/{}/", self.name)
    }
}
