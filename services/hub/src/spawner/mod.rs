//! Notebook servers as processes of this machine.

mod account;
mod cgroup;
mod doing;
mod environment;
mod home;
mod hooks;
mod leftovers;
mod limits;
mod log;
mod process;

pub(crate) use environment::{Launch, MARK, variables};
pub(crate) use home::Homes;
pub(crate) use limits::Limiter;
pub(crate) use process::{Exit, Process};

use crate::config::{Service, Settings};
use crate::names;
use account::Account;
use artel_platform::python::{Environment, Environments, Progress, Requirements};
use artel_platform::{Context, Error, Result, ResultExt, folders};
use limits::Limits;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The requirement set that notebook servers run on.
const SET: &str = "notebook";

/// How long one try to reach a server may take.
const TRY: Duration = Duration::from_secs(5);

/// The commands of the settings, and how long one may take.
struct Hooks {
    pre_spawn: Vec<String>,
    post_stop: Vec<String>,
    limit: Duration,
}

/// Starts, reaches and ends the processes.
pub(crate) struct Spawner {
    python: Environments,
    http: reqwest::Client,
    data: PathBuf,
    /// URL by which servers reach the suite.
    connect_url: String,
    env_keep: Vec<String>,
    bind: String,
    host: String,
    grace: Duration,
    token_cache_seconds: u64,
    homes: Homes,
    /// Whether each server runs as the account of this machine that has its user's name.
    system_accounts: bool,
    limiter: Arc<Limiter>,
    hooks: Hooks,
    /// Names the boot and process space in which process ids mean something.
    pub node: String,
    /// The launches whose processes are kept here.
    kept: Mutex<HashMap<String, Kept>>,
}

#[derive(Default)]
struct Kept {
    /// Cancelled when the process is to end.
    order: CancellationToken,
    /// Whether the table had it when it was last known to: before that nothing follows from its not being there.
    in_table: bool,
}

impl Spawner {
    pub(crate) fn new(cx: &Context, settings: &Settings, public_url: &str) -> Self {
        let connect_url = if settings.connect_url.is_empty() { public_url } else { settings.connect_url.trim_end_matches('/') };
        Self {
            python: cx.python.clone(),
            // servers are on this machine: a proxy of the environment cannot reach them
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(TRY)
                .build()
                .unwrap_or_default(),
            data: cx.config.data.clone(),
            connect_url: connect_url.to_owned(),
            env_keep: settings.env_keep.clone(),
            bind: settings.server_bind.clone(),
            host: if settings.server_host.is_empty() { settings.server_bind.clone() } else { settings.server_host.clone() },
            grace: Duration::from_secs(settings.stop_grace_seconds),
            token_cache_seconds: settings.server_token_cache_seconds,
            homes: Homes::new(&cx.config.data, &settings.home, &settings.home_skeleton),
            system_accounts: settings.system_accounts,
            limiter: Arc::new(Limiter::new(&settings.limits)),
            hooks: Hooks {
                pre_spawn: settings.pre_spawn_hook.clone(),
                post_stop: settings.post_stop_hook.clone(),
                limit: Duration::from_secs(settings.hook_timeout_seconds),
            },
            node: node(),
            kept: Mutex::default(),
        }
    }

    /// Enters a launch that will be put into the table; the token is cancelled when its process is to end.
    pub(crate) fn enter(&self, launch: &str) -> CancellationToken {
        self.kept.lock().expect("not poisoned").entry(launch.to_owned()).or_default().order.clone()
    }

    /// Notes that a launch is in the table: once it is not, it is no longer wanted.
    pub(crate) fn note_in_table(&self, launch: &str) {
        if let Some(kept) = self.kept.lock().expect("not poisoned").get_mut(launch) {
            kept.in_table = true;
        }
    }

    pub(crate) fn leave(&self, launch: &str) {
        self.kept.lock().expect("not poisoned").remove(launch);
    }

    /// The launches that are kept here and have been put into the table.
    pub(crate) fn kept(&self) -> Vec<String> {
        let kept = self.kept.lock().expect("not poisoned");
        kept.iter().filter(|(_, kept)| kept.in_table).map(|(launch, _)| launch.clone()).collect()
    }

    /// Orders the end of a launch; `false` when it is not kept here.
    pub(crate) fn order_stop(&self, launch: &str) -> bool {
        let kept = self.kept.lock().expect("not poisoned");
        kept.get(launch).map(|kept| kept.order.cancel()).is_some()
    }

    /// The Python environment of notebook servers, built on first need.
    pub(crate) async fn environment(&self) -> Result<Environment> {
        self.python.ensure(SET, &Requirements::Set(SET)).await
    }

    /// How the builds of this process are getting on.
    pub(crate) fn builds(&self) -> watch::Receiver<Vec<Progress>> {
        self.python.progress()
    }

    /// The account of this machine as which a user's servers run; `None`: as Artel does.
    async fn account(&self, user: &str) -> Result<Option<Account>> {
        if self.system_accounts { Account::find(user).await.map(Some) } else { Ok(None) }
    }

    /// Starts the process of `launch` on a free port; returns it with the URL (prefix included) that reaches it. Without
    /// `environment` its plan names a command.
    pub(crate) async fn start(&self, environment: Option<&Environment>, launch: &Launch) -> Result<(Process, String)> {
        let account = self.account(&launch.user).await?;
        let port = artel_platform::process::free_port()?;
        let prefix = names::prefix(&launch.user, &launch.name);
        let own = format!("http://{}:{port}{prefix}", self.bind);
        let home = match &account {
            Some(account) => account.home.clone(),
            None => self.homes.ensure(&launch.user)?,
        };
        let log = log::fresh(&self.log_file(&launch.user, &launch.name))?;
        let (mut program, mut arguments) = self.program(environment, launch)?;
        if let Some(account) = &account {
            (program, arguments) = account.runs(&program, &arguments);
        }
        let limits = Limits { memory_mib: launch.plan.memory_mib, cpus: launch.plan.cpus };
        let mut command = self.limiter.command(&launch.id, limits, &program, &arguments)?;
        command
            .env_clear()
            .envs(self.kept_variables(environment))
            .envs(variables(launch, &own, &self.connect_url, &self.data))
            .env("HOME", &home)
            .current_dir(&home);
        Ok((Process::start(command, log)?, format!("http://{}:{port}{prefix}", self.host)))
    }

    /// What is run, with its arguments.
    fn program(&self, environment: Option<&Environment>, launch: &Launch) -> Result<(PathBuf, Vec<String>)> {
        let plan = &launch.plan;
        let (program, mut arguments) = match (plan.command.split_first(), environment) {
            (Some((program, arguments)), _) => (PathBuf::from(program), arguments.to_vec()),
            (None, Some(environment)) => {
                let cache = format!("--HubOAuth.cache_max_age={}", self.token_cache_seconds);
                (environment.program("jupyterhub-singleuser"), vec![cache])
            }
            (None, None) => return Err(Error::internal("a server without a program")),
        };
        if plan.command.is_empty() && !self.system_accounts && rustix::process::geteuid().is_root() {
            arguments.push("--allow-root".into());
        }
        arguments.extend(plan.arguments.iter().cloned());
        Ok((program, arguments))
    }

    /// Runs `hub.pre_spawn_hook` for a server that is about to start.
    pub(crate) async fn before_start(&self, user: &str, name: &str, options: &serde_json::Value) -> Result<()> {
        let variables = self.hook_variables(user, name, options).await;
        hooks::run("pre_spawn_hook", &self.hooks.pre_spawn, &variables, self.hooks.limit).await
    }

    /// Runs `hub.post_stop_hook` for a server that has ended.
    pub(crate) async fn after_stop(&self, user: &str, name: &str, options: &serde_json::Value) {
        let variables = self.hook_variables(user, name, options).await;
        if let Err(error) = hooks::run("post_stop_hook", &self.hooks.post_stop, &variables, self.hooks.limit).await {
            tracing::warn!(server = names::full(user, name), error = %error.chain(), "a hook failed");
        }
    }

    async fn hook_variables(&self, user: &str, name: &str, options: &serde_json::Value) -> BTreeMap<String, String> {
        // a hook may be what makes the account
        let account = self.account(user).await.ok().flatten();
        let home = account.map_or_else(|| self.homes.of(user), |account| account.home);
        [
            ("JUPYTERHUB_USER", user.to_owned()),
            ("JUPYTERHUB_SERVER_NAME", name.to_owned()),
            ("JUPYTERHUB_SERVICE_PREFIX", names::prefix(user, name)),
            ("ARTEL_USER_HOME", home.display().to_string()),
            ("ARTEL_USER_OPTIONS", options.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Why the limits have ended a server, if they have.
    pub(crate) fn verdict(&self, launch: &str) -> Option<String> {
        self.limiter.verdict(launch)
    }

    /// Starts the process of a managed service.
    pub(crate) fn start_service(&self, service: &Service, variables: &[(String, String)]) -> Result<Process> {
        let log = log::fresh(&self.data.join("logs/services").join(format!("{}.log", service.name)))?;
        let (program, arguments) = service.command.split_first().ok_or_else(|| Error::internal("a managed service without a command"))?;
        let mut command = Command::new(program);
        let kept = self.env_keep.iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
        command.args(arguments).env_clear().envs(kept).envs(variables.iter().cloned());
        if !service.cwd.is_empty() {
            command.current_dir(&service.cwd);
        }
        Process::start(command, log).map_err(|error| Error::conflict(format!("{program} cannot be started: {}", error.chain())))
    }

    /// URL by which servers and services reach the suite.
    pub(crate) fn connect_url(&self) -> &str {
        &self.connect_url
    }

    fn kept_variables(&self, environment: Option<&Environment>) -> Vec<(String, String)> {
        let mut kept: Vec<(String, String)> =
            self.env_keep.iter().filter_map(|name| Some((name.clone(), std::env::var(name).ok()?))).collect();
        let path = kept
            .iter()
            .position(|(name, _)| name == "PATH")
            .map(|at| kept.remove(at).1)
            .unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        let bin = environment.map(|environment| format!("{}:", environment.folder.join("bin").display())).unwrap_or_default();
        kept.push(("PATH".into(), format!("{bin}{path}")));
        kept
    }

    /// Does the server at `url` (with its prefix) answer? Anything but a server error counts, as upstream has it.
    pub(crate) async fn answers(&self, url: &str) -> bool {
        let answer = self.http.get(format!("{url}api")).send().await;
        answer.is_ok_and(|r| r.status().as_u16() < 500)
    }

    /// Ends a process: its group politely, then surely, then whatever of the launch is left elsewhere.
    pub(crate) async fn end(&self, process: &mut Process, launch: &str) {
        process.end(self.grace).await;
        self.clean(launch).await;
    }

    /// Kills what a launch has left: kernels and terminals live in sessions of their own.
    pub(crate) async fn clean(&self, launch: &str) {
        let (launch, limiter) = (launch.to_owned(), self.limiter.clone());
        let work = move || {
            leftovers::kill(&launch);
            limiter.clean(&launch);
        };
        if let Err(error) = tokio::task::spawn_blocking(work).await {
            tracing::warn!(%error, "leftover processes not looked for");
        }
    }

    /// Moves a user's home folder, where they have one. `FAILED_PRECONDITION` when somebody has left one of the new name.
    pub(crate) fn move_home(&self, user: &str, new: &str) -> Result<()> {
        // an account keeps its home
        if self.system_accounts { Ok(()) } else { self.homes.rename(user, new) }
    }

    /// The last lines of a server's log.
    pub(crate) fn log_tail(&self, user: &str, name: &str) -> String {
        log::tail(&self.log_file(user, name))
    }

    /// `~` cannot be part of a name, so no two servers share a file.
    pub(crate) fn log_file(&self, user: &str, name: &str) -> PathBuf {
        let file = if name.is_empty() { format!("{user}.log") } else { format!("{user}~{name}.log") };
        self.data.join("logs/servers").join(file)
    }
}

fn make_folder(folder: &Path) -> Result<()> {
    folders::make(folder, folders::PRIVATE).or_internal(&format!("cannot make the folder {}", folder.display()))
}

fn node() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = std::fs::read_link("/proc/self/ns/pid").map(|p| p.display().to_string()).unwrap_or_default();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{} {} {space}", host.trim(), boot.trim())
}

/// The failure of a process that could not be started.
fn cannot_start(error: std::io::Error) -> Error {
    Error::conflict(format!("the notebook server's program cannot be started: {error}")).because(error)
}
