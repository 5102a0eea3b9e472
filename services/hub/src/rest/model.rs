//! Users, servers and tokens as upstream shows them (jupyterhub/apihandlers/base.py): each field only to who holds a
//! scope for it.

use crate::Hub;
use crate::access_keys::AccessKey;
use crate::authenticate::Owner;
use crate::clients::Client;
use crate::names;
use crate::permit::Over;
use crate::scopes::Vocabulary;
use crate::store::groups;
use crate::store::servers::{self, Server, State};
use crate::store::tokens::{Kind, Token};
use crate::store::users::User;
use crate::time::iso;
use artel_platform::Result;
use artel_platform::identity::Scopes;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A field that may be hidden, and may be null where it is shown.
type Shown<T> = Option<Option<T>>;

/// A user.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = hub::User)]
pub(crate) struct UserModel {
    /// `user`.
    pub kind: &'static str,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// What the way by which the user logs in knows of them; passwords know nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub user_info: Shown<BTreeMap<String, Value>>,
    /// URL of the default server while it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub server: Shown<String>,
    /// What the default server waits for: `spawn` or `stop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub pending: Shown<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub last_activity: Shown<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub auth_state: Shown<BTreeMap<String, Value>>,
    /// Servers by name; the default one's is empty. Stopped ones only with `include_stopped_servers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servers: Option<BTreeMap<String, ServerModel>>,
}

/// A notebook server.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = hub::Server)]
pub(crate) struct ServerModel {
    pub name: String,
    pub display_name: String,
    pub full_name: String,
    pub last_activity: Option<String>,
    pub started: Option<String>,
    /// `spawn` or `stop`.
    pub pending: Option<&'static str>,
    pub ready: bool,
    pub stopped: bool,
    pub url: String,
    #[schema(value_type = BTreeMap<String, Value>)]
    pub user_options: Value,
    pub progress_url: String,
    pub full_url: Option<String>,
    pub full_progress_url: Option<String>,
    /// Why its last start or run failed; kept until the next start. Not part of upstream's model.
    pub failure: Option<String>,
    /// The last lines of its log then. Not part of upstream's model.
    pub log_tail: Option<String>,
    /// What the spawner knows; for administrators of servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ProcessState>,
}

/// What the spawner knows.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = hub::ServerState)]
pub(crate) struct ProcessState {
    pub pid: Option<u32>,
}

/// A token.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = hub::Token)]
pub(crate) struct TokenModel {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    pub id: String,
    /// `api_token`.
    pub kind: &'static str,
    /// Always empty, as upstream's.
    pub roles: Vec<String>,
    pub scopes: Vec<String>,
    pub created: String,
    pub last_activity: Option<String>,
    pub expires_at: Option<String>,
    pub note: String,
    pub session_id: Option<String>,
    pub oauth_client: String,
    /// The secret, only in the answer to the request that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The token as an S3 access key, beside the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3: Option<AccessKey>,
}

/// Which fields of a user model a scope shows.
const FIELDS: &[(&str, &[&str])] = &[
    ("read:users", &["user_info", "admin", "roles", "groups", "server", "pending", "created", "last_activity"]),
    ("read:users:name", &["user_info", "admin"]),
    ("read:users:groups", &["groups"]),
    ("read:users:activity", &["last_activity"]),
    ("read:roles:users", &["roles", "admin"]),
    ("read:servers", &["servers"]),
    ("admin:auth_state", &["auth_state"]),
];

/// Scopes any of which lets a user be seen.
pub(crate) const SEES: &[&str] =
    &["read:users", "read:users:name", "read:servers", "read:users:groups", "read:users:activity", "read:roles:users"];

/// A user with what a model shows of them.
pub(crate) struct Account {
    pub user: User,
    pub servers: Vec<Server>,
    pub groups: Vec<String>,
    pub roles: Vec<String>,
}

/// The roles that every account has by itself, before those that it was given.
fn with_own(user: &User, held: Vec<String>) -> Vec<String> {
    let own: &[&str] = if user.admin { &["user", "admin"] } else { &["user"] };
    let given = held.into_iter().filter(|role| !matches!(role.as_str(), "user" | "admin"));
    own.iter().map(|role| (*role).to_owned()).chain(given).collect()
}

impl Hub {
    /// These users with all that their models show.
    pub(crate) async fn accounts(&self, users: Vec<User>) -> Result<Vec<Account>> {
        let names: Vec<&str> = users.iter().map(|user| user.name.as_str()).collect();
        let mut servers: BTreeMap<String, Vec<Server>> = BTreeMap::new();
        for server in servers::of_users(&self.db, &names).await? {
            servers.entry(server.user.clone()).or_default().push(server);
        }
        let mut groups = groups::of_users(&self.db, &names).await?;
        let mut held = self.roles_held("user", &names).await?;
        let account = |user: User| Account {
            servers: servers.remove(&user.name).unwrap_or_default(),
            groups: groups.remove(&user.name).unwrap_or_default().into_iter().collect(),
            roles: with_own(&user, held.remove(&user.name).unwrap_or_default()),
            user,
        };
        Ok(users.into_iter().map(account).collect())
    }

    /// The account of a user who was made just now: nothing is theirs yet but what the settings give.
    pub(crate) fn new_account(&self, user: User) -> Account {
        let held = self.fixed.of("user", &user.name).map(|held| held.role.clone()).collect();
        Account { servers: Vec::new(), groups: Vec::new(), roles: with_own(&user, held), user }
    }

    /// The same of one.
    pub(crate) async fn account(&self, user: User) -> Result<Account> {
        let found = self.accounts(vec![user]).await?.pop();
        found.ok_or_else(|| artel_platform::Error::internal("an account was lost"))
    }

    /// An account as somebody with `scopes` may see it.
    pub(crate) fn user_model(&self, account: &Account, scopes: &Scopes, with_stopped: bool) -> UserModel {
        let Account { user, servers, groups, roles } = account;
        let over = Over::User(&user.name);
        let shown = |field: &str| FIELDS.iter().any(|(scope, fields)| fields.contains(&field) && over.held_with(scopes, scope, groups));
        let default = servers.iter().find(|s| s.name.is_empty());
        // upstream has a default server for everybody, whether it was started or not
        let unborn = (with_stopped && default.is_none()).then(|| Server::never_started(&user.name, user.created));
        let listed: BTreeMap<String, ServerModel> = servers
            .iter()
            .chain(&unborn)
            .filter(|s| s.state.is_active() || with_stopped)
            .filter(|s| Over::Server(&s.user, &s.name).held_with(scopes, "read:servers", groups))
            .map(|s| (s.name.clone(), self.server_model(s, scopes, groups)))
            .collect();
        UserModel {
            kind: "user",
            name: user.name.clone(),
            admin: shown("admin").then_some(user.admin),
            roles: shown("roles").then(|| roles.clone()),
            groups: shown("groups").then(|| groups.clone()),
            user_info: shown("user_info").then_some(None),
            server: shown("server").then(|| default.filter(|s| s.state == State::Ready).map(|s| names::prefix(&s.user, ""))),
            pending: shown("pending").then(|| default.and_then(|s| pending(s.state)).map(Into::into)),
            created: shown("created").then(|| iso(user.created)),
            last_activity: shown("last_activity").then(|| user.last_activity.map(iso)),
            auth_state: shown("auth_state").then_some(None),
            servers: (shown("servers") || !listed.is_empty()).then_some(listed),
        }
    }

    /// A server whose owner is in `groups`, as somebody with `scopes` may see it.
    pub(crate) fn server_model(&self, server: &Server, scopes: &Scopes, groups: &[String]) -> ServerModel {
        let full_name = names::full(&server.user, &server.name);
        let url = names::prefix(&server.user, &server.name);
        let progress_url = progress_url(&server.user, &server.name);
        let administers = Over::Server(&server.user, &server.name).held_with(scopes, "admin:server_state", groups);
        ServerModel {
            name: server.name.clone(),
            display_name: server.display_name.clone(),
            last_activity: server.last_activity.map(iso),
            started: server.started.map(iso),
            pending: pending(server.state),
            ready: server.state == State::Ready,
            stopped: !server.state.is_active(),
            user_options: server.user_options.clone(),
            full_url: Some(format!("{}{url}", self.public_url)),
            full_progress_url: Some(format!("{}{progress_url}", self.public_url)),
            failure: server.failure.clone(),
            log_tail: server.log_tail.clone(),
            state: administers.then_some(ProcessState { pid: server.pid }),
            full_name,
            url,
            progress_url,
        }
    }
}

impl Hub {
    /// What people read of the client that a token was given to.
    async fn client_name(&self, token: &Token) -> Result<String> {
        let id = token.client_id.as_deref().unwrap_or_default();
        if let Some(service) = self.service_of_client(id).await? {
            return Ok(format!("JupyterHub service {}", service.name));
        }
        // the client of a server is known by where its token may go
        let server = token.scopes.iter().find_map(|scope| scope.strip_prefix("access:servers!server=")?.split_once('/'));
        Ok(server.map_or_else(|| id.to_owned(), |(user, name)| Client::server(user, name).description()))
    }

    /// A token whose owner is an administrator or not; its scopes are what the owner holds of them now.
    pub(crate) async fn token_model(&self, token: &Token, owner_is_admin: bool) -> Result<TokenModel> {
        let scopes = self.scopes_of_token(token, &Owner::of(token, owner_is_admin)).await?;
        let oauth_client = match token.kind {
            Kind::Oauth => self.client_name(token).await?,
            Kind::Server => Client::server(&token.user, token.server.as_deref().unwrap_or_default()).description(),
            _ => "JupyterHub".into(),
        };
        Ok(TokenModel {
            user: token.service.is_none().then(|| token.user.clone()),
            service: token.service.clone(),
            id: token.id.clone(),
            kind: "api_token",
            roles: vec![],
            scopes: Vocabulary::list(&Scopes::from_iter(scopes)),
            created: iso(token.created),
            last_activity: token.last_activity.map(iso),
            expires_at: token.expires.map(iso),
            note: token.note.clone(),
            session_id: token.session_id.clone(),
            oauth_client,
            token: None,
            s3: None,
        })
    }
}

fn pending(state: State) -> Option<&'static str> {
    match state {
        State::Pending => Some("spawn"),
        State::Stopping => Some("stop"),
        _ => None,
    }
}

fn progress_url(user: &str, server: &str) -> String {
    if server.is_empty() {
        format!("/hub/api/users/{user}/server/progress")
    } else {
        format!("/hub/api/users/{user}/servers/{server}/progress")
    }
}
