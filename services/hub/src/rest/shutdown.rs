//! Ending the process (jupyterhub/apihandlers/hub.py).

use crate::Hub;
use crate::permit::Over;
use actix_web::{HttpResponse, web};
use artel_platform::{Identity, Result};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;
use utoipa::ToSchema;

/// What ends along.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = hub::Shutdown)]
#[serde(deny_unknown_fields)]
pub(super) struct Shutdown {
    /// Whether notebook servers end; absent: as the settings say.
    servers: Option<bool>,
    /// Taken and without effect: there is no other process that would be the proxy.
    proxy: Option<bool>,
}

/// What is going to happen.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::ShuttingDown)]
pub(super) struct ShuttingDown {
    message: &'static str,
}

/// Ends the process of the hub, with everything else that runs in it, as Ctrl-C does.
#[utoipa::path(post, path = "/hub/api/shutdown", tag = "hub", request_body = Option<Shutdown>, responses((status = 202, body = ShuttingDown), (status = 400)), security(("artel" = ["shutdown"])))]
pub(super) async fn post(hub: web::Data<Hub>, who: Identity, body: web::Bytes) -> Result<HttpResponse> {
    hub.allow(&who, &["shutdown"], Over::Everything).await?;
    let Shutdown { servers, proxy } = super::body(&body)?;
    if let Some(servers) = servers {
        hub.stop_servers_on_exit.store(servers, Ordering::Relaxed);
    }
    tracing::warn!(by = who.name, servers, proxy, "shut down by the API");
    hub.ask_process_to_end();
    Ok(HttpResponse::Accepted().json(ShuttingDown { message: "Shutting down Hub" }))
}
