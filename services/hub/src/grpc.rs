//! The hub for the gateway.

use crate::authenticate::Principal;
use crate::store::servers;
use crate::{Hub, names};
use artel_platform::{Error, Result};
use artel_proto::artel::hub::v1 as wire;
use artel_proto::artel::hub::v1::authenticate_request::Credential;
use futures::Stream;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tonic::{Request, Response, Status};

/// How often routes are read again although nothing was announced: a replica may have started a server.
const LOOK: Duration = Duration::from_secs(2);

/// Counts as one address in the limit on wrong passwords: where Basic credentials come from is not known here.
const BASIC: &str = "basic";

/// The gRPC side.
pub(crate) struct HubApi(pub Arc<Hub>);

type RouteStream = Pin<Box<dyn Stream<Item = Result<wire::ListRoutesResponse, Status>> + Send>>;

#[tonic::async_trait]
impl wire::hub_server::Hub for HubApi {
    async fn authenticate(&self, request: Request<wire::AuthenticateRequest>) -> Result<Response<wire::Principal>, Status> {
        let principal = match request.into_inner().credential {
            Some(Credential::Session(cookie)) => self.0.by_session(&cookie).await?,
            Some(Credential::Token(secret)) => self.0.by_token(&secret).await?,
            Some(Credential::Password(p)) => self.0.by_basic(&p.username, &p.password, BASIC).await?,
            None => return Err(Error::unauthenticated("no credential was sent").into()),
        };
        let restricted = self.0.is_restricted(&principal.name, principal.admin).await?;
        Ok(Response::new(wire::Principal { restricted, ..principal.into() }))
    }

    async fn access_key(&self, request: Request<wire::AccessKeyRequest>) -> Result<Response<wire::AccessKeyResponse>, Status> {
        let mut answer = self.0.by_access_key(&request.into_inner().access_key_id).await?;
        if let Some(principal) = &mut answer.principal {
            principal.restricted = self.0.is_restricted(&principal.name, principal.admin).await?;
        }
        Ok(Response::new(answer))
    }

    async fn list_routes(&self, _: Request<wire::ListRoutesRequest>) -> Result<Response<wire::ListRoutesResponse>, Status> {
        Ok(Response::new(self.0.routes().await?))
    }

    type WatchRoutesStream = RouteStream;

    async fn watch_routes(&self, _: Request<wire::ListRoutesRequest>) -> Result<Response<RouteStream>, Status> {
        Ok(Response::new(Box::pin(self.0.clone().watch())))
    }

    async fn list_grants(&self, request: Request<wire::ListGrantsRequest>) -> Result<Response<wire::ListGrantsResponse>, Status> {
        Ok(Response::new(self.0.list_grants(&request.into_inner().user).await?))
    }

    async fn change_grants(&self, request: Request<wire::ChangeGrantsRequest>) -> Result<Response<wire::ChangeGrantsResponse>, Status> {
        self.0.change_grants(request.into_inner()).await?;
        Ok(Response::new(wire::ChangeGrantsResponse {}))
    }

    async fn report_activity(
        &self,
        request: Request<wire::ReportActivityRequest>,
    ) -> Result<Response<wire::ReportActivityResponse>, Status> {
        let routes: Vec<(String, i64)> = request.into_inner().routes.into_iter().map(|r| (r.prefix, r.last_activity)).collect();
        self.0.note_traffic(&routes).await?;
        Ok(Response::new(wire::ReportActivityResponse {}))
    }
}

impl From<Principal> for wire::Principal {
    fn from(p: Principal) -> Self {
        Self {
            kind: p.kind.into(),
            name: p.name,
            admin: p.admin,
            groups: p.groups,
            scopes: p.scopes.into_iter().collect(),
            session_id: p.session_id.unwrap_or_default(),
            token_id: p.token_id.unwrap_or_default(),
            csrf: p.csrf.unwrap_or_default(),
            restricted: false,
        }
    }
}

impl Hub {
    /// The proxy's routes: one per ready server, in order of user and name, and one per service with an address.
    pub(crate) async fn routes(&self) -> Result<wire::ListRoutesResponse> {
        let servers = servers::ready(&self.db).await?.into_iter().filter_map(|server| {
            let prefix = names::prefix(&server.user, &server.name);
            // the table keeps the whole URL; the proxy puts the path behind it again
            let target = server.url?.strip_suffix(&prefix)?.to_owned();
            Some(wire::Route { prefix, target, user: server.user, server: server.name })
        });
        let services = self.services().await?.into_iter().filter(|service| !service.url.is_empty()).map(|service| wire::Route {
            prefix: service.prefix(),
            target: service.origin(),
            user: String::new(),
            server: String::new(),
        });
        let routes = servers.chain(services).collect();
        Ok(wire::ListRoutesResponse { routes })
    }

    /// The routes now, and again whenever they have changed. Ends with the hub.
    fn watch(self: Arc<Self>) -> impl Stream<Item = Result<wire::ListRoutesResponse, Status>> + Send {
        let changes = self.changes.subscribe();
        futures::stream::unfold((self, changes, None), |(hub, mut changes, last)| async move {
            loop {
                changes.mark_unchanged();
                let routes = match hub.routes().await {
                    Ok(routes) => routes,
                    Err(error) => return Some((Err(error.into()), (hub, changes, last))),
                };
                if last.as_ref() != Some(&routes) {
                    return Some((Ok(routes.clone()), (hub, changes, Some(routes))));
                }
                tokio::select! {
                    () = hub.cx.stop.cancelled() => return None,
                    _ = tokio::time::timeout(LOOK, changes.changed()) => {}
                }
            }
        })
    }
}
