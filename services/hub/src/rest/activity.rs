//! Activity that notebook servers report.

use crate::activity::Seen;
use crate::permit::Over;
use crate::store::servers;
use crate::{Hub, time};
use actix_web::{HttpResponse, web};
use artel_platform::{Error, Identity, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// When a user and their servers were last active.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::Activity)]
pub(super) struct Report {
    last_activity: Option<String>,
    #[serde(default)]
    servers: BTreeMap<String, ServerReport>,
}

/// When a server was.
#[derive(Deserialize, ToSchema)]
#[schema(as = hub::ServerActivity)]
pub(super) struct ServerReport {
    last_activity: String,
}

/// Notes when a user and their servers were last active.
#[utoipa::path(post, path = "/hub/api/users/{name}/activity", tag = "hub", params(("name" = String, Path)), request_body = Report,
    responses((status = 200), (status = 400), (status = 404)), security(("artel" = ["users:activity"])))]
pub(super) async fn post(hub: web::Data<Hub>, who: Identity, name: web::Path<String>, body: web::Bytes) -> Result<HttpResponse> {
    hub.allow(&who, &["users:activity"], Over::User(&name)).await?;
    let user = hub.user(&name).await?.name;
    let report: Report = super::body(&body)?;
    if report.last_activity.is_none() && report.servers.is_empty() {
        return Err(Error::invalid("body must contain at least one of `last_activity` or `servers`"));
    }
    let now = hub.cx.clock.now();
    let known = servers::of_users(&hub.db, &[&user]).await?;
    let mut seen = Vec::new();
    for (server, told) in &report.servers {
        if !known.iter().any(|s| s.name == *server) {
            return Err(Error::invalid(format!("No such server '{server}' for user {user}")));
        }
        seen.push(Seen { user: &user, server, at: time::parse(&told.last_activity, now)? });
    }
    let own = match &report.last_activity {
        Some(at) => Some((user.as_str(), time::parse(at, now)?)),
        None => None,
    };
    hub.note_activity(own, &seen).await?;
    Ok(HttpResponse::Ok().finish())
}
