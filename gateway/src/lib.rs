//! The gateway: says who a request is from, passes it to whoever owns its path, and serves the web app, the merged
//! OpenAPI document and the stream of events. It parses no bodies and knows no domain.

mod authenticate;
pub mod configurable;
mod credentials;
mod document;
mod environments;
mod events;
mod handler;
mod native;
mod notebooks;
mod proxy;
mod server;
mod table;
mod webapp;

pub use document::merge as merge_openapi;
pub use native::Readiness;
pub use server::{Parts, start};
pub use table::owner;

/// The gateway's own part of the OpenAPI document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    native::routes().openapi()
}

/// The gateway's own routes, for the test that each names its scope.
pub fn routes() -> artel_platform::http::Routes {
    native::routes()
}
