//! Users, servers and tokens as upstream shows them (jupyterhub/apihandlers/base.py): each field only to who holds a
//! scope for it.

use crate::Hub;
use crate::access_keys::AccessKey;
use crate::authenticate::token_scopes;
use crate::names;
use crate::store::servers::{Server, State};
use crate::store::tokens::{Kind, Token};
use crate::store::users::User;
use crate::time::iso;
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
    pub user: String,
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
    ("read:users", &["admin", "roles", "groups", "server", "pending", "created", "last_activity"]),
    ("read:users:name", &["admin"]),
    ("read:users:groups", &["groups"]),
    ("read:users:activity", &["last_activity"]),
    ("read:roles:users", &["roles", "admin"]),
    ("read:servers", &["servers"]),
    ("admin:auth_state", &["auth_state"]),
];

/// Scopes any of which lets a user be seen.
pub(crate) fn can_see(scopes: &Scopes, user: &str) -> bool {
    FIELDS.iter().any(|(scope, _)| scopes.has_for(scope, ("user", user)))
}

impl Hub {
    /// `user` as somebody with `scopes` may see them; `servers` are all of theirs.
    pub(crate) fn user_model(&self, user: &User, servers: &[Server], scopes: &Scopes, with_stopped: bool) -> UserModel {
        let shown =
            |field: &str| FIELDS.iter().any(|(scope, fields)| fields.contains(&field) && scopes.has_for(scope, ("user", &user.name)));
        let default = servers.iter().find(|s| s.name.is_empty());
        let role = if user.admin { vec!["user".into(), "admin".into()] } else { vec!["user".into()] };
        let listed: BTreeMap<String, ServerModel> = servers
            .iter()
            .filter(|s| (s.state.is_active() || with_stopped) && scopes.has_for("read:servers", ("server", &names::full(&s.user, &s.name))))
            .map(|s| (s.name.clone(), self.server_model(s, scopes)))
            .collect();
        UserModel {
            kind: "user",
            name: user.name.clone(),
            admin: shown("admin").then_some(user.admin),
            roles: shown("roles").then_some(role),
            groups: shown("groups").then(Vec::new),
            server: shown("server").then(|| default.filter(|s| s.state == State::Ready).map(|s| names::prefix(&s.user, ""))),
            pending: shown("pending").then(|| default.and_then(|s| pending(s.state)).map(Into::into)),
            created: shown("created").then(|| iso(user.created)),
            last_activity: shown("last_activity").then(|| user.last_activity.map(iso)),
            auth_state: shown("auth_state").then_some(None),
            servers: (shown("servers") || !listed.is_empty()).then_some(listed),
        }
    }

    pub(crate) fn server_model(&self, server: &Server, scopes: &Scopes) -> ServerModel {
        let full_name = names::full(&server.user, &server.name);
        let url = names::prefix(&server.user, &server.name);
        let progress_url = progress_url(&server.user, &server.name);
        let administers = scopes.has_for("admin:server_state", ("server", &full_name));
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

/// `owner_is_admin`: a token's scopes are what its owner holds of them now.
pub(crate) fn token_model(token: &Token, owner_is_admin: bool) -> TokenModel {
    let scopes = Scopes::from_iter(token_scopes(token, owner_is_admin));
    let oauth_client = match token.kind {
        Kind::Oauth => token.client_id.clone().unwrap_or_default(),
        _ => "JupyterHub".into(),
    };
    TokenModel {
        user: token.user.clone(),
        id: token.id.clone(),
        kind: "api_token",
        roles: vec![],
        scopes: crate::roles::listed(&scopes),
        created: iso(token.created),
        last_activity: token.last_activity.map(iso),
        expires_at: token.expires.map(iso),
        note: token.note.clone(),
        session_id: token.session_id.clone(),
        oauth_client,
        token: None,
        s3: None,
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
