//! Assets and aliases (airflow/api_fastapi/core_api/routes/public/assets.py).

use super::body;
use super::dag_runs::{Trigger, show_one};
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::states::RunType;
use crate::store::asset_references::{self, ShownReference};
use crate::store::assets::{self, AliasRow, AssetRow};
use crate::store::{Filter, asset_events, watchers};
use crate::times::{shown, shown_opt};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::{Error, Identity, Result};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use utoipa::ToSchema;

/// A DAG that waits for an asset.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::DagScheduleAssetReference)]
pub(super) struct ScheduleReference {
    dag_id: String,
    created_at: String,
    updated_at: String,
}

/// A task that takes or makes an asset.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::TaskAssetReference)]
pub(super) struct TaskReference {
    dag_id: String,
    task_id: String,
    created_at: String,
    updated_at: String,
}

/// An alias.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::AssetAliasResponse)]
pub(super) struct AliasResponse {
    id: i64,
    name: String,
    group: String,
}

impl From<AliasRow> for AliasResponse {
    fn from(row: AliasRow) -> Self {
        Self { id: row.id, name: row.name, group: row.group }
    }
}

/// A trigger that watches an asset from outside.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::AssetWatcherResponse)]
pub(super) struct WatcherResponse {
    name: String,
    trigger_id: i64,
    created_date: String,
}

/// The newest event of an asset; empty when there was none.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = airflow::LastAssetEventResponse)]
pub(super) struct LastEvent {
    id: Option<i64>,
    timestamp: Option<String>,
}

/// An asset with all that refers to it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::AssetResponse)]
pub(super) struct AssetResponse {
    id: i64,
    name: String,
    uri: String,
    group: String,
    extra: Value,
    created_at: String,
    updated_at: String,
    scheduled_dags: Vec<ScheduleReference>,
    producing_tasks: Vec<TaskReference>,
    consuming_tasks: Vec<TaskReference>,
    aliases: Vec<AliasResponse>,
    watchers: Vec<WatcherResponse>,
    last_asset_event: LastEvent,
}

/// Assets.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::AssetCollectionResponse)]
pub(super) struct AssetCollection {
    assets: Vec<AssetResponse>,
    total_entries: i64,
}

/// Aliases.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::AssetAliasCollectionResponse)]
pub(super) struct AliasCollection {
    asset_aliases: Vec<AliasResponse>,
    total_entries: i64,
}

/// JSON that was stored, with what its keys call secret hidden.
pub(super) fn extra(json: &str) -> Result<Value> {
    Ok(crate::sensitive::redacted(serde_json::from_str(json)?))
}

fn schedule(r: &ShownReference) -> ScheduleReference {
    ScheduleReference { dag_id: r.dag_id.clone(), created_at: shown(r.created_at), updated_at: shown(r.updated_at) }
}

fn task(r: &ShownReference) -> TaskReference {
    TaskReference { dag_id: r.dag_id.clone(), task_id: r.task_id.clone(), created_at: shown(r.created_at), updated_at: shown(r.updated_at) }
}

/// Assets with what refers to them.
async fn shown_assets(scheduler: &Scheduler, rows: &[AssetRow]) -> Result<Vec<AssetResponse>> {
    let ids: Vec<i64> = rows.iter().map(|r| r.id).collect();
    let references = asset_references::to_assets(&scheduler.db, &ids).await?;
    let mut aliases: HashMap<i64, Vec<AliasResponse>> = HashMap::new();
    for (asset, alias) in assets::aliases_of(&scheduler.db, &ids).await? {
        aliases.entry(asset).or_default().push(alias.into());
    }
    let mut watching: HashMap<i64, Vec<WatcherResponse>> = HashMap::new();
    for w in watchers::of_assets(&scheduler.db, &ids).await? {
        let trigger_id = w.trigger_id.parse().unwrap_or_default();
        watching.entry(w.asset_id).or_default().push(WatcherResponse { name: w.name, trigger_id, created_date: shown(w.created_at) });
    }
    let mut newest: HashMap<i64, LastEvent> = HashMap::new();
    for (asset, id, at) in asset_events::newest(&scheduler.db, &ids).await? {
        newest.insert(asset, LastEvent { id: Some(id), timestamp: shown_opt(Some(at)) });
    }
    let mut all = Vec::new();
    for row in rows {
        let of = |kind: &'static str| references.iter().filter(move |r| r.asset_id == row.id && r.kind == kind);
        all.push(AssetResponse {
            id: row.id,
            name: row.name.clone(),
            uri: row.uri.clone(),
            group: row.group.clone(),
            extra: extra(&row.extra)?,
            created_at: shown(row.created_at),
            updated_at: shown(row.updated_at),
            scheduled_dags: of("schedule").map(schedule).collect(),
            producing_tasks: of("outlet").map(task).collect(),
            consuming_tasks: of("inlet").map(task).collect(),
            aliases: aliases.remove(&row.id).unwrap_or_default(),
            watchers: watching.remove(&row.id).unwrap_or_default(),
            last_asset_event: newest.remove(&row.id).unwrap_or_default(),
        });
    }
    Ok(all)
}

/// Assets; of inactive ones with `only_active=false`.
#[utoipa::path(get, path = "/api/v2/assets", tag = "pipelines", params(Paging), responses((status = 200, body = AssetCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = Filter::default();
    query.patterns(&mut filter, "name", "name");
    query.patterns(&mut filter, "uri", "uri");
    if query.flag("only_active")?.unwrap_or(true) {
        filter.that("is_active = 1");
    }
    // upstream takes `dag_ids=a,b` as well as a repeated key
    let dag_ids: Vec<String> = match query.all("dag_ids").as_slice() {
        [one] => one.split(',').map(str::to_owned).collect(),
        many => many.to_vec(),
    };
    if !dag_ids.is_empty() {
        let places: Vec<String> = dag_ids.iter().map(|d| filter.arg(d)).collect();
        filter.that(format!(
            "id IN (SELECT target_id FROM asset_references WHERE kind IN ('schedule', 'inlet', 'outlet') AND dag_id IN ({}))",
            places.join(",")
        ));
    }
    let order = [("id", "id"), ("name", "name"), ("uri", "uri"), ("created_at", "created_at"), ("updated_at", "updated_at")];
    let (rows, total_entries) = assets::list(&scheduler.db, filter, &query.page(&order, "id", "id")?).await?;
    let assets = shown_assets(&scheduler, &rows).await?;
    Ok(HttpResponse::Ok().json(AssetCollection { assets, total_entries }))
}

/// One asset.
#[utoipa::path(get, path = "/api/v2/assets/{asset_id}", tag = "pipelines", responses((status = 200, body = AssetResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn get(scheduler: web::Data<Scheduler>, id: web::Path<i64>) -> Result<HttpResponse> {
    let row = scheduler.asset(*id).await?;
    Ok(HttpResponse::Ok().json(shown_assets(&scheduler, &[row]).await?.remove(0)))
}

/// Aliases.
#[utoipa::path(get, path = "/api/v2/assets/aliases", tag = "pipelines", params(Paging), responses((status = 200, body = AliasCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn aliases(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = Filter::default();
    query.patterns(&mut filter, "name", "name");
    let page = query.page(&[("id", "id"), ("name", "name")], "id", "id")?;
    let (rows, total_entries) = assets::list_aliases(&scheduler.db, filter, &page).await?;
    let asset_aliases = rows.into_iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(AliasCollection { asset_aliases, total_entries }))
}

/// One alias.
#[utoipa::path(get, path = "/api/v2/assets/aliases/{asset_alias_id}", tag = "pipelines", responses((status = 200, body = AliasResponse)), security(("artel" = ["read:dags"])))]
pub(super) async fn alias(scheduler: web::Data<Scheduler>, id: web::Path<i64>) -> Result<HttpResponse> {
    let found = assets::get_alias(&scheduler.db, *id).await?;
    let alias = found.ok_or_else(|| Error::not_found(format!("The Asset Alias with ID: `{id}` was not found")))?;
    Ok(HttpResponse::Ok().json(AliasResponse::from(alias)))
}

/// Runs the one DAG that makes an asset.
#[utoipa::path(post, path = "/api/v2/assets/{asset_id}/materialize", tag = "pipelines", request_body = Trigger, responses((status = 200, body = super::models::DagRunResponse)), security(("artel" = ["run:dags"])))]
pub(super) async fn materialize(
    scheduler: web::Data<Scheduler>,
    id: web::Path<i64>,
    request: HttpRequest,
    who: Identity,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let dag_id = match asset_references::producers(&scheduler.db, *id).await?.as_slice() {
        [] => return Err(Error::not_found(format!("No Dag materializes asset with ID: {id}"))),
        [one] => one.clone(),
        _ => return Err(Error::conflict(format!("More than one Dag materializes asset with ID: {id}"))),
    };
    if scheduler.latest(&dag_id).await?.allowed_run_types.as_ref().is_some_and(|types| !types.iter().any(|t| t == "asset_materialization"))
    {
        return Err(Error::invalid(format!("Dag with dag_id: '{dag_id}' does not allow asset materialization runs")));
    }
    let body: Trigger = if body.is_empty() { Trigger::default() } else { body::parse(&body)? };
    let mut new = body.into_run(&request, who)?;
    new.run_type = Some(RunType::AssetMaterialization);
    let run = scheduler.trigger(&dag_id, new).await?;
    show_one(&scheduler, &run.dag_id, &run.run_id).await
}
