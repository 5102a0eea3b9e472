//! Events of assets (airflow/api_fastapi/core_api/routes/public/assets.py, dag_run.py).

use super::assets::extra;
use super::body::Body;
use super::paging::Paging;
use super::query::Query;
use crate::Scheduler;
use crate::store::asset_events::{self, AssetEvent, CreatedRun};
use crate::store::{Filter, assets};
use crate::times::{shown, shown_opt};
use actix_web::{HttpRequest, HttpResponse, web};
use artel_platform::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;
use utoipa::ToSchema;

/// A run that was started with an event.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::DagRunAssetReference)]
pub(super) struct RunReference {
    run_id: String,
    dag_id: String,
    logical_date: Option<String>,
    start_date: String,
    end_date: Option<String>,
    state: String,
    data_interval_start: Option<String>,
    data_interval_end: Option<String>,
    partition_key: Option<String>,
    /// It is the newest of the events that the run was started with.
    triggering: bool,
}

impl From<CreatedRun> for RunReference {
    fn from(run: CreatedRun) -> Self {
        Self {
            // upstream's clients expect a start even of a run that waits to be started
            start_date: shown(run.start_date.unwrap_or(run.run_after)),
            run_id: run.run_id,
            dag_id: run.dag_id,
            logical_date: shown_opt(run.logical_date),
            end_date: shown_opt(run.end_date),
            state: run.state,
            data_interval_start: shown_opt(run.data_interval_start),
            data_interval_end: shown_opt(run.data_interval_end),
            partition_key: run.partition_key,
            triggering: run.triggering,
        }
    }
}

/// An event.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::AssetEventResponse)]
pub(super) struct EventResponse {
    id: i64,
    asset_id: i64,
    uri: Option<String>,
    name: Option<String>,
    group: Option<String>,
    extra: Value,
    source_task_id: Option<String>,
    source_dag_id: Option<String>,
    source_run_id: Option<String>,
    source_map_index: i64,
    created_dagruns: Vec<RunReference>,
    timestamp: String,
    partition_key: Option<String>,
}

/// Events.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::AssetEventCollectionResponse)]
pub(super) struct EventCollection {
    asset_events: Vec<EventResponse>,
    total_entries: i64,
}

/// Who may be started by an event. There are no teams here: it is read and has no effect, as upstream without teams.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::AssetEventAccessControl)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
pub(super) struct AccessControl {
    consumer_teams: Option<Vec<String>>,
    allow_global: Option<bool>,
}

/// An event to be made.
#[derive(Deserialize, ToSchema)]
#[schema(as = airflow::CreateAssetEventsBody)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEvent {
    asset_id: i64,
    #[schema(max_length = 250, pattern = r"\S")]
    partition_key: Option<String>,
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    extra: Map<String, Value>,
    #[allow(dead_code)]
    access_control: Option<AccessControl>,
}

async fn shown_events(scheduler: &Scheduler, events: &[AssetEvent]) -> Result<Vec<EventResponse>> {
    let mut ids: Vec<i64> = events.iter().map(|e| e.asset_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let known = assets::by_ids(&scheduler.db, &ids).await?;
    let mut runs: HashMap<i64, Vec<RunReference>> = HashMap::new();
    for run in asset_events::created_runs(&scheduler.db, &events.iter().map(|e| e.id).collect::<Vec<_>>()).await? {
        runs.entry(run.event_id).or_default().push(run.into());
    }
    let mut all = Vec::new();
    for e in events {
        let asset = known.get(&e.asset_id);
        all.push(EventResponse {
            id: e.id,
            asset_id: e.asset_id,
            uri: asset.map(|a| a.uri.clone()),
            name: asset.map(|a| a.name.clone()),
            group: asset.map(|a| a.group.clone()),
            extra: extra(&e.extra)?,
            source_task_id: e.source_task_id.clone(),
            source_dag_id: e.source_dag_id.clone(),
            source_run_id: e.source_run_id.clone(),
            source_map_index: e.source_map_index,
            created_dagruns: runs.remove(&e.id).unwrap_or_default(),
            timestamp: shown(e.timestamp),
            partition_key: e.partition_key.clone(),
        });
    }
    Ok(all)
}

const ORDER: &[(&str, &str)] = &[
    ("source_task_id", "source_task_id"),
    ("source_dag_id", "source_dag_id"),
    ("source_run_id", "source_run_id"),
    ("source_map_index", "source_map_index"),
    ("timestamp", "timestamp"),
    ("id", "id"),
];

/// Events of assets.
#[utoipa::path(get, path = "/api/v2/assets/events", tag = "pipelines", params(Paging), responses((status = 200, body = EventCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn list(scheduler: web::Data<Scheduler>, request: HttpRequest) -> Result<HttpResponse> {
    let query = Query::of(&request);
    let mut filter = Filter::default();
    for key in ["asset_id", "source_map_index"] {
        if let Some(number) = query.int(key)? {
            filter.compare(key, "=", number);
        }
    }
    for key in ["source_dag_id", "source_task_id", "source_run_id"] {
        if let Some(text) = query.get(key) {
            filter.compare(key, "=", text);
        }
    }
    query.patterns(&mut filter, "name", "(SELECT a.name FROM assets a WHERE a.id = asset_events.asset_id)");
    query.times(&mut filter, "timestamp", "timestamp")?;
    let (found, total_entries) = asset_events::list(&scheduler.db, filter, &query.page(ORDER, "timestamp", "id")?).await?;
    Ok(HttpResponse::Ok().json(EventCollection { asset_events: shown_events(&scheduler, &found).await?, total_entries }))
}

/// Tells of news of an asset.
#[utoipa::path(post, path = "/api/v2/assets/events", tag = "pipelines", request_body = NewEvent, responses((status = 200, body = EventResponse)), security(("artel" = ["run:dags"])))]
pub(super) async fn create(scheduler: web::Data<Scheduler>, body: Body<NewEvent>) -> Result<HttpResponse> {
    let (mut new, sent) = body.into_parts();
    if sent.get("extra").is_some() {
        new.extra.insert("from_rest_api".into(), true.into());
    }
    let event = scheduler.create_asset_event(new.asset_id, &Value::Object(new.extra), new.partition_key.as_deref()).await?;
    Ok(HttpResponse::Ok().json(shown_events(&scheduler, &[event]).await?.remove(0)))
}

/// The events that a run was started with.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/upstreamAssetEvents", tag = "pipelines", responses((status = 200, body = EventCollection)), security(("artel" = ["read:dags"])))]
pub(super) async fn of_run(scheduler: web::Data<Scheduler>, path: web::Path<(String, String)>) -> Result<HttpResponse> {
    let run = scheduler.run(&path.0, &path.1).await?;
    let found = asset_events::consumed(&scheduler.db, &run.dag_id, &run.run_id).await?;
    let asset_events = shown_events(&scheduler, &found).await?;
    Ok(HttpResponse::Ok().json(EventCollection { total_entries: asset_events.len() as i64, asset_events }))
}
