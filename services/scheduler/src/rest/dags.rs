//! DAGs, their versions, sources and tags.

use super::body::Body;
use super::collections::DagCollection;
use super::dag_runs::escaped;
use super::models::{DagResponse, DagVersionResponse, params};
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::states::RunState;
use crate::store::dags::{self, DagRow};
use crate::store::{Filter, Page, runs, versions};
use crate::times::{self, shown, shown_opt};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Identity, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use utoipa::ToSchema;

/// What of a DAG can be changed.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::DAGPatchBody)]
#[serde(deny_unknown_fields)]
pub(super) struct DagPatch {
    pub(super) is_paused: bool,
}

/// A column of the DAG's newest run.
macro_rules! last_run {
    ($column:literal) => {
        concat!("(SELECT r.", $column, " FROM dag_runs r WHERE r.dag_id = dags.dag_id ORDER BY r.run_after DESC LIMIT 1)")
    };
}

const ORDER: &[(&str, &str)] = &[
    ("dag_id", "dag_id"),
    ("dag_display_name", "display_name"),
    ("next_dagrun", "next_logical_date"),
    ("last_run_state", last_run!("state")),
    ("last_run_start_date", last_run!("start_date")),
];

pub(super) fn filter_of(query: &Query) -> Result<Filter> {
    let mut filter = Filter::default();
    query.patterns(&mut filter, "dag_id", "dag_id");
    query.patterns(&mut filter, "dag_display_name", "display_name");
    if query.flag("exclude_stale")?.unwrap_or(true) {
        filter.that("is_stale = 0");
    }
    for (key, column) in [("paused", "is_paused"), ("has_import_errors", "has_import_errors")] {
        if let Some(flag) = query.flag(key)? {
            filter.compare(column, "=", flag);
        }
    }
    for key in ["bundle_name", "bundle_version"] {
        filter.any_of(key, &query.all(key));
    }
    filter.any_of("timetable_type", &query.all("timetable_type"));
    let owners = query.all("owners");
    if !owners.is_empty() {
        let each: Vec<String> = owners.iter().map(|o| format!("owners LIKE {}", filter.arg(format!("%{o}%")))).collect();
        filter.that(format!("({})", each.join(" OR ")));
    }
    let mode = query.choice("tags_match_mode", &["any", "all"])?;
    let tags = query.all("tags");
    if !tags.is_empty() {
        let each: Vec<String> = tags
            .iter()
            .map(|t| format!("EXISTS (SELECT 1 FROM dag_tags g WHERE g.dag_id = dags.dag_id AND g.name = {})", filter.arg(t.as_str())))
            .collect();
        let join = if mode == Some("all") { " AND " } else { " OR " };
        filter.that(format!("({})", each.join(join)));
    }
    if let Some(state) = query.word("last_dag_run_state", RunState::WORDS)? {
        filter.compare(last_run!("state"), "=", state.as_str().unwrap_or_default());
    }
    query.words(&mut filter, "dag_run_state", last_run!("state"), RunState::WORDS)?;
    query.times(&mut filter, "dag_run_start_date", last_run!("start_date"))?;
    query.times(&mut filter, "dag_run_end_date", last_run!("end_date"))?;
    if let Some(scheduled) = query.flag("has_asset_schedule")? {
        let not = if scheduled { "" } else { "NOT " };
        filter.that(format!("{not}EXISTS (SELECT 1 FROM asset_references s WHERE s.dag_id = dags.dag_id AND s.kind = 'schedule')"));
    }
    if let Some(asset) = query.get("asset_dependency") {
        let condition = r"EXISTS (SELECT 1 FROM asset_references s JOIN assets a ON a.id = s.target_id WHERE s.dag_id = dags.dag_id AND s.kind = 'schedule'
             AND (LOWER(a.name) LIKE {} ESCAPE '\' OR LOWER(a.uri) LIKE {} ESCAPE '\'))";
        filter.with(condition, format!("%{}%", escaped(&asset.to_lowercase())));
    }
    Ok(filter)
}

pub(super) async fn with_tags(scheduler: &Scheduler, rows: &[DagRow]) -> Result<Vec<DagResponse>> {
    let ids: Vec<String> = rows.iter().map(|r| r.dag_id.clone()).collect();
    let mut tags: HashMap<String, Vec<String>> = HashMap::new();
    for (dag_id, tag) in dags::tags(&scheduler.db, &ids).await? {
        tags.entry(dag_id).or_default().push(tag);
    }
    Ok(rows.iter().map(|row| DagResponse::new(row, tags.get(&row.dag_id).map(Vec::as_slice).unwrap_or_default())).collect())
}

/// DAGs.
#[utoipa::path(get, path = "/api/v2/dags", tag = "pipelines", params(Paging), responses((status = 200, body = DagCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, request: HttpRequest, who: Identity) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let page = query.page(ORDER, "dag_id", "dag_id")?;
    let mut filter = filter_of(&query)?;
    if let Some(favorite) = query.flag("is_favorite")? {
        let not = if favorite { "" } else { "NOT " };
        filter.with(&format!("{not}EXISTS (SELECT 1 FROM dag_favorites f WHERE f.dag_id = dags.dag_id AND f.user_name = {{}})"), who.name);
    }
    let (rows, total_entries) = dags::list(&scheduler.db, filter, &page).await?;
    let dags = with_tags(&scheduler, &rows).await?;
    Ok(HttpResponse::Ok().json(DagCollection { dags, total_entries }))
}

/// One DAG.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}", tag = "pipelines", responses((status = 200, body = DagResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>) -> Result<HttpResponse> {
    let row = scheduler.dag_row(&dag_id).await?;
    Ok(HttpResponse::Ok().json(with_tags(&scheduler, &[row]).await?.remove(0)))
}

/// One DAG with what its file says.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/details", tag = "pipelines", responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn details(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>, who: Identity) -> Result<HttpResponse> {
    let row = scheduler.dag_row(&dag_id).await?;
    let dag = scheduler.version(&row.latest_version_id).await?;
    let version = versions::latest(&scheduler.db, &dag_id).await?;
    let mut shown_dag = serde_json::to_value(with_tags(&scheduler, std::slice::from_ref(&row)).await?.remove(0))?;
    let more = json!({
        "catchup": dag.restriction.catchup,
        "dag_run_timeout": dag.dagrun_timeout.map(times::iso_span),
        "asset_expression": scheduler.asset_expression(&dag).await?,
        "doc_md": dag.doc_md,
        "start_date": shown_opt(dag.start_date.map(|t| t.timestamp_millis())),
        "end_date": shown_opt(dag.end_date.map(|t| t.timestamp_millis())),
        "is_paused_upon_creation": dag.is_paused_upon_creation,
        "params": params(&dag.params),
        "render_template_as_native_obj": dag.render_template_as_native_obj,
        "template_search_path": null,
        "timezone": dag.timezone,
        "last_parsed": shown(row.last_parsed_at),
        "default_args": object(&dag.default_args),
        "rerun_with_latest_version": null,
        "owner_links": object(&dag.owner_links),
        "is_favorite": dags::is_favorite(&scheduler.db, &dag_id, &who.name).await?,
        "active_runs_count": runs::active(&scheduler.db, &dag_id).await?,
        "concurrency": dag.max_active_tasks,
        "latest_dag_version": version.map(|v| DagVersionResponse::new(&v, &row.display_name)),
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut shown_dag, more) {
        all.extend(more);
    }
    Ok(HttpResponse::Ok().json(shown_dag))
}

/// What the serialized form leaves out when it is empty.
fn object(value: &Value) -> Value {
    if value.is_null() { json!({}) } else { value.clone() }
}

/// Nothing else of a DAG can be changed than whether it is paused.
pub(super) fn check_mask(query: &Query) -> Result<()> {
    if query.all("update_mask").iter().any(|field| field != "is_paused") {
        return Err(Error::invalid("Only `is_paused` field can be updated through the REST API"));
    }
    Ok(())
}

/// Pauses a DAG, or lets it go on.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}", tag = "pipelines", request_body = DagPatch, responses((status = 200, body = DagResponse)), security(("artel" = ["dags"])))]
pub(super) async fn patch(
    scheduler: web::Data<Scheduler>,
    dag_id: web::Path<String>,
    request: HttpRequest,
    body: Body<DagPatch>,
) -> Result<HttpResponse> {
    check_mask(&Query::of(&request))?;
    if !scheduler.set_paused(&dag_id, body.is_paused).await? {
        return Err(Error::not_found(format!("Dag with id: {dag_id} was not found")));
    }
    let row = scheduler.dag_row(&dag_id).await?;
    Ok(HttpResponse::Ok().json(with_tags(&scheduler, &[row]).await?.remove(0)))
}

/// Removes a DAG with its runs. It comes back when its file is parsed again.
#[utoipa::path(delete, path = "/api/v2/dags/{dag_id}", tag = "pipelines", responses((status = 204)), security(("artel" = ["dags"])))]
pub(super) async fn delete(scheduler: web::Data<Scheduler>, dag_id: web::Path<String>) -> Result<HttpResponse> {
    dags::get(&scheduler.db, &dag_id).await?.ok_or_else(|| Error::not_found(format!("Dag with id: {dag_id} was not found")))?;
    scheduler.delete_dag(&dag_id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Tags in use.
#[utoipa::path(get, path = "/api/v2/dagTags", tag = "pipelines", params(Paging), responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn tags(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = Filter::default();
    query.patterns(&mut filter, "tag_name", "name");
    let (tags, total_entries) = dags::all_tags(&scheduler.db, filter, &query.page(&[("name", "name")], "name", "name")?).await?;
    Ok(HttpResponse::Ok().json(json!({"tags": tags, "total_entries": total_entries})))
}

/// Run counts by state, of the DAGs that have runs.
#[utoipa::path(get, path = "/api/v2/dagStats", tag = "pipelines", responses((status = 200, body = serde_json::Value)), security(("artel" = ["read:dags"])))]
pub(super) async fn stats(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let mut filter = Filter::default();
    filter.that("is_stale = 0");
    filter.that("EXISTS (SELECT 1 FROM dag_runs r WHERE r.dag_id = dags.dag_id)");
    filter.any_of("dag_id", &Query::of(&request).all("dag_ids"));
    let (rows, total_entries) = dags::list(&scheduler.db, filter, &Page::all("dag_id")).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let counts: HashMap<String, i64> = runs::stats(&scheduler.db, &row.dag_id).await?.into_iter().collect();
        let stats: Vec<Value> = ["queued", "running", "success", "failed"]
            .iter()
            .map(|state| json!({"state": state, "count": counts.get(*state).copied().unwrap_or(0)}))
            .collect();
        all.push(json!({"dag_id": row.dag_id, "dag_display_name": row.display_name, "stats": stats}));
    }
    Ok(HttpResponse::Ok().json(json!({"dags": all, "total_entries": total_entries})))
}
