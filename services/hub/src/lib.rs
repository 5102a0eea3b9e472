//! The hub: users, passwords, tokens, sessions and scopes; OAuth for notebook servers; the servers themselves and the
//! routes by which the proxy finds them. It speaks JupyterHub's REST API, as clients and `jupyterhub-singleuser` know it.
//!
//! Tables: `users`, `identities`, `sessions`, `tokens`, `oauth_codes`, `servers`; `user_groups`, `group_members`, `scope_roles`,
//! `scope_role_holders`, `hub_services`, `service_keepers`, `shares`, `share_codes`; `roles`, `role_permissions`,
//! `role_assignments` and the numbers by which MLflow's API knows them. Topics: `hub.users`, `hub.servers`.

#![deny(missing_docs)]

mod access;
mod access_keys;
mod activity;
mod adopt;
mod attempts;
mod authenticate;
mod bootstrap;
mod clients;
mod config;
mod cull;
mod directory;
mod groups;
mod grpc;
mod identities;
mod keeper;
mod managed;
mod metrics;
mod names;
mod oauth;
mod oidc;
mod passwords;
mod permit;
mod profiles;
mod refresh;
mod rest;
mod roles;
mod scopes;
mod servers;
mod services;
mod sessions;
mod shares;
mod spawner;
mod store;
mod sweep;
mod time;
mod tokens;
mod users;

pub use access_keys::AccessKey;
pub use tokens::NewToken;
pub use users::UserSummary;

use artel_platform::db::{Db, Migrations};
use artel_platform::http::Routes;
use artel_platform::identity::{Permission, Vault};
use artel_platform::{Context, Result, Service, migrations};
use artel_proto::artel::hub::v1::hub_server::HubServer;
use attempts::Attempts;
use directory::Directories;
use oidc::Oidc;
use passwords::Passwords;
use spawner::Spawner;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::watch;

static MIGRATIONS: Migrations = migrations!("0001_hub", "0002_access", "0003_rbac", "0004_spawn", "0005_identities");

/// JupyterHub's release whose API this is.
pub const JUPYTERHUB_VERSION: &str = "6.1.1";

/// The domain: every operation of the hub. With [`Hub::open`] it is usable without a running service.
pub struct Hub {
    cx: Context,
    db: Db,
    settings: config::Settings,
    /// What a user may do with an experiment or model that no grant is about.
    default_permission: Permission,
    /// Whether there are workspaces beside the default one.
    workspaces: bool,
    /// Where browsers find the suite, without a slash at the end.
    public_url: String,
    passwords: Passwords,
    /// Failed sign-ins by address.
    attempts: Attempts,
    /// The provider that users sign in at, where there is one.
    oidc: Option<Oidc>,
    /// Who else keeps passwords.
    directories: Directories,
    vault: Vault,
    /// Upstream's roles and those of the settings.
    fixed: roles::Fixed,
    /// Which scopes there are.
    vocabulary: scopes::Vocabulary,
    metrics: metrics::Metrics,
    /// Who asked for themselves just now.
    answers: rest::Answers,
    /// As the settings say, unless a shutdown by the API said otherwise.
    stop_servers_on_exit: AtomicBool,
    spawner: Spawner,
    /// Counts changes of servers, for those who follow one or all of them.
    changes: watch::Sender<u64>,
    /// Where servers are kept: the runtime of an HTTP worker ends before they do.
    runtime: tokio::runtime::Handle,
}

impl Hub {
    /// The hub's domain on its database, without servers: for the command line, also while the service runs.
    pub async fn open(cx: &Context) -> Result<Self> {
        let settings: config::Settings = cx.config.section("hub")?;
        settings.check()?;
        let vocabulary = scopes::Vocabulary::new(settings.custom_scopes.clone())?;
        let public_url = cx.config.server.public_url.trim_end_matches('/').to_owned();
        Ok(Self {
            default_permission: settings.default_permission()?,
            workspaces: artel_platform::http::workspaces_enabled(cx)?,
            cx: cx.clone(),
            db: cx.database("hub", MIGRATIONS).await?,
            passwords: Passwords::new(),
            attempts: Attempts::default(),
            oidc: Oidc::new(&settings.oidc, &public_url)?,
            directories: Directories::new(&settings, &cx.config.python.interpreter)?,
            vault: Vault::new(cx.keys.storage())?,
            fixed: roles::Fixed::new(&settings, &vocabulary)?,
            vocabulary,
            metrics: metrics::Metrics::new()?,
            answers: Default::default(),
            stop_servers_on_exit: AtomicBool::new(settings.stop_servers_on_exit),
            spawner: Spawner::new(cx, &settings, &public_url),
            changes: watch::channel(0).0,
            runtime: tokio::runtime::Handle::current(),
            settings,
            public_url,
        })
    }

    /// Runs a task that is waited for at the end of the process.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.cx.tasks.spawn_on(task, &self.runtime);
    }

    /// Ends the process as a signal would.
    fn ask_process_to_end(&self) {
        self.cx.stop.cancel();
    }

    /// Tells those who follow servers that one has changed.
    fn announce(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

/// Every REST route of the service, without its state.
pub fn routes() -> Routes {
    rest::routes()
}

/// Starts the service: makes the administrator on first start, finds the notebook servers of an earlier run again.
pub async fn start(cx: Context) -> Result<Service> {
    let hub = Arc::new(Hub::open(&cx).await?);
    hub.bootstrap().await?;
    hub.load_groups().await?;
    hub.load_admins().await?;
    hub.load_services().await?;
    hub.load_blocked().await?;
    let left = hub.left_by_earlier_run().await?;
    let tasks = hub.clone();
    cx.spawn("hub", async move {
        tasks.clone().keep_services();
        tasks.clone().adopt(left).await;
        tasks.sweep().await;
    });
    let follower = hub.clone();
    cx.spawn("hub sign-ins", async move { follower.follow_identities().await });
    let culler = hub.clone();
    cx.spawn("hub culler", async move { culler.cull_servers().await });
    let rest = routes().without_document().state(hub.clone());
    let grpc = tonic::service::Routes::new(HubServer::new(grpc::HubApi(hub.clone())));
    Ok(Service { name: "hub", rest, grpc, db: hub.db.clone() })
}
