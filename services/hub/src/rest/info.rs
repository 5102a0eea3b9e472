//! What the hub is.

use crate::permit::Over;
use crate::{Hub, JUPYTERHUB_VERSION};
use actix_web::http::header;
use actix_web::{HttpResponse, Responder, web};
use artel_platform::{Identity, Result};
use serde::Serialize;
use utoipa::ToSchema;

/// The API's version.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::Version)]
pub(super) struct Version {
    version: &'static str,
}

/// Which parts the hub is made of, in upstream's terms.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::Info)]
pub(super) struct Info {
    version: &'static str,
    /// There is no Python in the hub; upstream says here which.
    python: &'static str,
    sys_executable: String,
    spawner: Part,
    authenticator: Part,
}

/// One exchangeable part.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::Part)]
pub(super) struct Part {
    class: &'static str,
    version: &'static str,
}

fn version() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("x-jupyterhub-version", JUPYTERHUB_VERSION))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .json(Version { version: JUPYTERHUB_VERSION })
}

/// The version of the API; notebook servers look here first.
#[utoipa::path(get, path = "/hub/api", tag = "hub", responses((status = 200, body = Version)), security(("artel" = ["public"])))]
pub(super) async fn root() -> impl Responder {
    version()
}

/// The same.
#[utoipa::path(get, path = "/hub/api/", tag = "hub", responses((status = 200, body = Version)), security(("artel" = ["public"])))]
pub(super) async fn root_slash() -> impl Responder {
    version()
}

/// What the hub is made of.
#[utoipa::path(get, path = "/hub/api/info", tag = "hub", responses((status = 200, body = Info)), security(("artel" = ["read:hub"])))]
pub(super) async fn info(hub: web::Data<Hub>, who: Identity) -> Result<HttpResponse> {
    hub.allow(&who, &["read:hub"], Over::Everything).await?;
    let own = env!("CARGO_PKG_VERSION");
    let program = std::env::current_exe().map(|p| p.display().to_string()).unwrap_or_default();
    Ok(HttpResponse::Ok().json(Info {
        version: JUPYTERHUB_VERSION,
        python: "",
        sys_executable: program,
        spawner: Part { class: "jupyterhub.spawner.LocalProcessSpawner", version: JUPYTERHUB_VERSION },
        authenticator: Part { class: "artel.Passwords", version: own },
    }))
}

/// Answers while the hub runs.
#[utoipa::path(get, path = "/hub/api/health", tag = "hub", responses((status = 200)), security(("artel" = ["public"])))]
pub(super) async fn health() -> impl Responder {
    HttpResponse::Ok().finish()
}
