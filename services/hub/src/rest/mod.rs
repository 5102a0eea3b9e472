//! JupyterHub's REST API (6.1) and the few pages that are not part of the web app.

mod access;
mod activity;
mod info;
mod login;
mod model;
mod oauth;
mod page;
mod pages;
mod pagination;
mod progress;
mod servers;
mod tokens;
mod users;

use artel_platform::http::{Dialect, Routes};
use artel_platform::routes;

/// Every route of the hub.
pub(crate) fn routes() -> Routes {
    routes!(Dialect::Jupyterhub;
        info::root, info::root_slash, info::info, info::health,
        login::form, login::log_in, login::log_out, login::log_out_page,
        users::whoami, users::list, users::create_many, users::get, users::create, users::update, users::delete,
        servers::get_default, servers::start_default, servers::stop_default, servers::log_default,
        servers::get, servers::start, servers::stop, servers::log,
        progress::default_server, progress::named_server,
        tokens::list, tokens::create, tokens::get, tokens::revoke,
        activity::post,
        oauth::authorize, oauth::agree, oauth::token,
        pages::hub, pages::hub_slash, pages::home, pages::token_page, pages::admin,
        pages::spawn, pages::spawn_user, pages::spawn_server, pages::spawn_pending, pages::spawn_pending_server,
        pages::hub_user, pages::user,
    )
    .merge(access_routes())
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
