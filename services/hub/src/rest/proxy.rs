//! The proxy's routes as the hub knows them (jupyterhub/apihandlers/proxy.py). The gateway follows the hub by itself:
//! there is no other proxy to be told of.

use super::pagination::{Page, PageQuery, Paginated};
use crate::Hub;
use crate::permit::Over;
use crate::store::servers;
use crate::{config::Service, names};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Identity, Result};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A route.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = hub::ProxyRoute)]
pub(super) struct Route {
    routespec: String,
    target: String,
    #[schema(value_type = BTreeMap<String, Value>)]
    data: Value,
}

/// The routing table.
#[utoipa::path(get, path = "/hub/api/proxy", tag = "hub", params(PageQuery), responses((status = 200, body = BTreeMap<String, Route>)), security(("artel" = ["proxy"])))]
pub(super) async fn list(hub: web::Data<Hub>, request: HttpRequest, who: Identity, query: web::Query<PageQuery>) -> Result<HttpResponse> {
    hub.allow(&who, &["proxy"], Over::Everything).await?;
    let page = Page::of(&request, &query)?;
    let all = hub.proxy_routes().await?;
    let total = all.len() as i64;
    let part: BTreeMap<String, Route> = page.part(all.into_iter().collect()).collect();
    if page.wanted {
        return Ok(HttpResponse::Ok().json(Paginated::new(&hub.public_url, &request, &page, total, part)?));
    }
    Ok(HttpResponse::Ok().json(part))
}

/// Makes the gateways look at the routes again.
#[utoipa::path(post, path = "/hub/api/proxy", tag = "hub", responses((status = 200)), security(("artel" = ["proxy"])))]
pub(super) async fn check(hub: web::Data<Hub>, who: Identity) -> Result<HttpResponse> {
    hub.allow(&who, &["proxy"], Over::Everything).await?;
    hub.announce();
    Ok(HttpResponse::Ok().finish())
}

impl Hub {
    /// By the path in front, as upstream's proxies have it.
    async fn proxy_routes(&self) -> Result<BTreeMap<String, Route>> {
        let mut routes = BTreeMap::new();
        let mut add = |routespec: String, target: String, data: Value| {
            routes.insert(routespec.clone(), Route { routespec, target, data });
        };
        add("/".into(), self.public_url.clone(), json!({"hub": true}));
        for server in servers::ready(&self.db).await? {
            let data = json!({"user": server.user, "server_name": server.name});
            add(names::prefix(&server.user, &server.name), server.url.unwrap_or_default(), data);
        }
        for service in self.services().await?.into_iter().filter(|service: &Service| !service.url.is_empty()) {
            add(service.prefix(), service.origin(), json!({"service": service.name}));
        }
        Ok(routes)
    }
}
