//! Airflow's REST API v2, its token route and its Task Execution API over HTTP.

mod accepted;
mod asset_events;
mod asset_state;
mod assets;
mod audit;
mod auth;
mod backfills;
mod batch;
mod body;
mod bulk;
mod bulk_check;
mod bulk_instances;
mod bulk_runs;
mod bundles;
mod clear;
mod clear_runs;
mod closed;
mod collections;
mod connections;
mod dag_changes;
mod dag_runs;
mod dag_versions;
mod dags;
mod dependencies;
mod event_logs;
mod execution;
mod hitl;
mod import_errors;
mod info;
mod installed;
mod instance_batch;
mod jobs;
mod links;
mod logs;
mod marks;
mod models;
mod native;
mod paging;
mod pools;
mod query;
mod queued_events;
mod run_batch;
mod task_instances;
mod task_state;
mod tasks;
mod tries;
mod variables;
mod xcom_changes;
mod xcoms;

use artel_platform::http::{Dialect, Routes};
use artel_platform::routes;

/// Every route of the scheduler.
pub(crate) fn routes() -> Routes {
    routes!(Dialect::Airflow;
        info::version, info::health, auth::token, auth::token_cli, closed::login, closed::logout, closed::config, closed::config_option,
        event_logs::list, event_logs::get, jobs::list, installed::providers, installed::plugins, installed::plugin_errors,
        dags::list, dags::get, dags::details, dags::patch, dags::delete, dag_versions::source, dag_versions::list, dag_versions::get, dags::tags, dags::stats,
        dag_changes::patch, dag_changes::favorite, dag_changes::unfavorite,
        tasks::list, tasks::get,
        dag_runs::list, dag_runs::get, dag_runs::create, dag_runs::patch, dag_runs::delete, clear_runs::one, clear_runs::several, clear_runs::partitions, run_batch::list, dag_runs::wait,
        // before those of mapped instances, for keys that are called as what these have: `tries`
        xcoms::list, xcoms::get, xcom_changes::create, xcom_changes::update, xcom_changes::delete,
        task_state::list, task_state::get, task_state::put, task_state::patch, task_state::delete, task_state::clear,
        task_instances::list, task_instances::get, task_instances::delete, task_instances::list_mapped,
        instance_batch::list, dependencies::of_instance, dependencies::of_mapped, closed::external_log,
        marks::patch, marks::dry_run, marks::dry_run_mapped, marks::patch_group, marks::dry_run_group,
        bulk_runs::runs, bulk_instances::change,
        backfills::list, backfills::get, backfills::create, backfills::dry_run, backfills::pause, backfills::unpause, backfills::cancel,
        tries::of_instance, tries::one, tries::of_mapped, tries::one_of_mapped, links::of_instance, clear::clear, logs::get,
        hitl::list, hitl::get, hitl::of_try, hitl::respond,
        // after those for which `{map_index}` would be a word like `tries`
        task_instances::get_mapped, marks::patch_mapped,
        assets::list, assets::aliases, assets::alias, asset_events::list, asset_events::create, asset_events::of_run, assets::get,
        asset_state::list, asset_state::get, asset_state::put, asset_state::delete, asset_state::clear,
        assets::materialize, queued_events::of_asset, queued_events::of_dag, queued_events::of_both, queued_events::delete_of_asset,
        queued_events::delete_of_dag, queued_events::delete_of_both,
        variables::list, variables::get, variables::create, variables::update, variables::delete,
        closed::test_connection, closed::enqueue_test, closed::test_result, connections::defaults,
        connections::list, connections::get, connections::create, connections::update, connections::delete,
        pools::list, pools::get, pools::create, pools::update, pools::delete, pools::bulk, variables::bulk, connections::bulk,
        import_errors::list, import_errors::get, bundles::warnings, bundles::parse,
        bundles::list, bundles::refresh, bundles::hook,
        execution::get, execution::head, execution::post, execution::put, execution::patch, execution::delete,
    )
    .merge(routes!(Dialect::Artel; native::dag_runs, native::task_instances))
    .hook(audit::of_route)
}
