//! OAuth clients: notebook servers and services.

use crate::authenticate::hash;
use crate::oauth::AuthorizeQuery;
use crate::permit::Over;
use crate::scopes::Holder;
use crate::store::tokens::{self, Kind};
use crate::{Hub, names};
use artel_platform::{Error, Result};

/// Where a client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Owner and name.
    Server(String, String),
    Service(String),
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    pub id: String,
    pub place: Place,
    /// Where its answers go.
    pub redirect_uri: String,
    /// What it may ask for beside the user's name.
    pub allowed_scopes: Vec<String>,
    /// The user is not asked.
    pub no_confirm: bool,
}

impl Place {
    /// The filter that names it.
    pub(crate) fn filter(&self) -> String {
        match self {
            Self::Server(user, name) => format!("server={}", names::full(user, name)),
            Self::Service(name) => format!("service={name}"),
        }
    }

    /// The scope that whoever goes there needs, and for what.
    pub(crate) fn access(&self) -> (&'static str, Over<'_>) {
        match self {
            Self::Server(user, name) => ("access:servers", Over::Server(user, name)),
            Self::Service(name) => ("access:services", Over::Service(name)),
        }
    }
}

impl Client {
    /// The client that a notebook server is.
    pub(crate) fn server(user: &str, name: &str) -> Self {
        Self {
            id: names::oauth_client(user, name),
            place: Place::Server(user.into(), name.into()),
            redirect_uri: names::oauth_callback(user, name),
            allowed_scopes: vec![],
            no_confirm: false,
        }
    }

    /// What people read.
    pub(crate) fn description(&self) -> String {
        match &self.place {
            Place::Server(user, name) => format!("Server at {}", names::prefix(user, name)),
            Place::Service(name) => format!("JupyterHub service {name}"),
        }
    }

    /// Is it a server of this user?
    pub(crate) fn is_of(&self, user: &str) -> bool {
        matches!(&self.place, Place::Server(owner, _) if owner == user)
    }

    /// With which whoever bears a token of this client may go there.
    pub(crate) fn access_scope(&self) -> String {
        format!("{}!{}", self.place.access().0, self.place.filter())
    }

    /// For whom scopes are expanded that `user` gives to this client.
    pub(crate) fn holder<'a>(&'a self, user: &'a str) -> Holder<'a> {
        match &self.place {
            Place::Server(owner, name) => Holder { user: Some(user), server: Some((owner, name)), service: None },
            Place::Service(name) => Holder { user: Some(user), server: None, service: Some(name) },
        }
    }
}

impl Hub {
    /// The client that asks, known by its id and its callback. Two servers may have one id: `jupyterhub-user-a-b` is user
    /// `a-b` or server `b` of user `a`.
    pub(crate) async fn client_of(&self, query: &AuthorizeQuery) -> Result<Client> {
        let id = query.client_id.as_deref().filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Error::invalid("(invalid_request) Missing client_id parameter."))?;
        let mut clients: Vec<Client> = Vec::new();
        if let Some(service) = self.service_of_client(id).await? {
            clients.push(Client {
                id: id.into(),
                redirect_uri: service.redirect_uri(),
                place: Place::Service(service.name),
                allowed_scopes: service.oauth_client_allowed_scopes,
                no_confirm: service.oauth_no_confirm,
            });
        }
        let servers = tokens::of_client(&self.db, id).await?;
        clients.extend(servers.into_iter().map(|token| Client::server(&token.user, &token.server.unwrap_or_default())));
        if clients.is_empty() {
            return Err(Error::invalid("(invalid_request) Invalid client_id parameter value."));
        }
        let Some(given) = query.redirect_uri.as_deref() else {
            let only = clients.len() == 1;
            let found = clients.pop().filter(|client| only && !client.redirect_uri.is_empty());
            return found.ok_or_else(|| Error::invalid("(invalid_request) Missing redirect URI."));
        };
        let local = given.strip_prefix(&self.public_url).filter(|path| path.starts_with('/')).unwrap_or(given);
        let found = clients
            .into_iter()
            .find(|client| !client.redirect_uri.is_empty() && (client.redirect_uri == given || client.redirect_uri == local));
        let client = found.ok_or_else(|| Error::invalid("(invalid_request) Mismatching redirect URI."))?;
        // the answer goes where it was asked from: by path, or with this site's name in front
        Ok(Client { redirect_uri: given.to_owned(), ..client })
    }

    /// Does this secret belong to the client of that id?
    pub(crate) async fn is_client(&self, id: &str, secret: &str) -> Result<bool> {
        let found = tokens::find_by_hash(&self.db, &hash(secret), self.cx.clock.now()).await?;
        let Some(token) = found.map(|owned| owned.token) else { return Ok(false) };
        Ok(match token.kind {
            Kind::Server => token.client_id.as_deref() == Some(id),
            Kind::Service => {
                let service = self.service(token.service.as_deref().unwrap_or_default()).await?;
                service.and_then(|service| service.client_id()).as_deref() == Some(id)
            }
            _ => false,
        })
    }
}
