//! JupyterHub's REST API (6.1) and the few pages that are not part of the web app.

mod access;
mod activity;
mod authorizations;
mod groups;
mod info;
mod login;
mod metrics;
mod model;
mod oauth;
mod oidc;
mod page;
mod pages;
mod pagination;
mod progress;
mod proxy;
mod roles;
mod servers;
mod services;
mod share_codes;
mod share_models;
mod shares;
mod shutdown;
mod spawn;
mod tokens;
mod users;
mod whoami;

pub(crate) use whoami::Answers;

use artel_platform::http::{Dialect, Routes, parse_json};
use artel_platform::routes;
use artel_platform::{Error, Result};
use serde::Deserialize;

/// Every route of the hub.
pub(crate) fn routes() -> Routes {
    routes!(Dialect::Jupyterhub;
        info::root, info::root_slash, info::info, info::health,
        login::form, login::log_in, login::log_out, login::log_out_page,
        oidc::methods, oidc::depart, oidc::arrive,
        whoami::whoami, users::list, users::create_many, users::get, users::create, users::update, users::delete,
        servers::get_default, servers::create_default, servers::update_default, servers::start_default, servers::stop_default,
        servers::log_default,
        servers::get, servers::create, servers::update, servers::start, servers::stop, servers::log,
        progress::default_server, progress::named_server,
        tokens::list, tokens::create, tokens::get, tokens::revoke,
        activity::post,
        groups::list, groups::create_many, groups::get, groups::create, groups::delete, groups::add_users, groups::remove_users,
        groups::set_properties,
        roles::list, roles::get, roles::put, roles::delete, roles::assign, roles::unassign,
        services::list, services::get, services::create, services::delete,
        shares::of_owner, shares::of_server, shares::grant, shares::revoke, shares::revoke_all,
        shares::with_user, shares::with_group, shares::user_share, shares::leave_user_share, shares::group_share,
        shares::leave_group_share,
        share_codes::of_owner, share_codes::of_server, share_codes::create, share_codes::delete, share_codes::ask, share_codes::accept,
        proxy::list, proxy::check,
        metrics::page, metrics::api, shutdown::post,
        oauth::authorize, oauth::agree, oauth::token,
        authorizations::token, authorizations::no_token, authorizations::cookie,
        pages::hub, pages::hub_slash, pages::home, pages::token_page, pages::admin,
        spawn::own, spawn::of_user, spawn::of_server, spawn::start_own, spawn::start_of_user, spawn::start_of_server,
        spawn::pending, spawn::pending_server, spawn::list,
        pages::hub_user, pages::user,
    )
    .also("/hub/api/users/{name}/server", "/hub/api/users/{name}/servers/")
    .also("/hub/api/health", "/hub/health")
    .merge(access_routes())
}

/// The body of a request, as upstream reads it: of whatever content type, and nothing where there is none.
fn body<T: Default + for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T> {
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    let parsed: Option<T> = parse_json(body).map_err(|e| Error::invalid(format!("Invalid JSON in body of request: {}", e.message)))?;
    Ok(parsed.unwrap_or_default())
}

/// MLflow's users, roles and permissions, each also under `/ajax-api`.
fn access_routes() -> Routes {
    use access::{accounts, grants, roles};
    routes!(Dialect::Mlflow;
        accounts::create, accounts::get, accounts::current, accounts::list, accounts::update_password, accounts::update_admin,
        accounts::delete, accounts::signup,
        grants::list_own, grants::list, grants::grant, grants::revoke, grants::get,
        roles::create, roles::get, roles::list, roles::update, roles::delete, roles::add_permission, roles::remove_permission,
        roles::list_permissions, roles::update_permission, roles::assign, roles::unassign, roles::list_users, roles::list_of_user,
    )
    .mirror("/api/2.0/", "/ajax-api/2.0/")
    .mirror("/api/3.0/", "/ajax-api/3.0/")
}
