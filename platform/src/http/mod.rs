//! REST on actix-web: a flat route list that is also the OpenAPI document and the table of scopes, errors in the
//! dialect of the API that was called, and the listener.

mod access;
mod described;
mod dialect;
mod fault;
pub mod file;
mod gate;
mod groups;
mod hook;
mod json;
mod mlflow;
mod range;
mod routes;
mod server;
mod workspace;

pub use access::{CSRF_HEADER, INTERNAL_HEADER, REQUEST_ID, accept_internal};
pub use dialect::{Dialect, UNPROCESSABLE};
pub use fault::{Fault, NO_WHOLE_NUMBER};
pub use gate::{Access, Attempt, Gate, Guard, Restricted, denied, workspaces_enabled};
pub use hook::{Hook, peek_body};
pub use json::{Json, field_at_fault, is_json, parse_json};
pub use mlflow::{Check, Checks, MlflowRequest, Rule, invalid_value, missing_value, read_mlflow};
pub use pastey::paste;
pub use routes::{RouteInfo, Routes};
pub use server::{Listening, bind, cannot_listen};
pub use workspace::{DEFAULT_WORKSPACE, WORKSPACE_HEADER, Workspace, check_name as check_workspace_name};
