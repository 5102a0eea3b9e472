//! Assets and their events, as tasks ask for them (routes/assets.py, asset_events.py) and tell of them.

use super::{Call, Reply};
use crate::Scheduler;
use crate::assets::Outlets;
use crate::dag::AssetLike;
use crate::states::TaskState;
use crate::store::asset_events::{self, AssetEvent, CreatedRun};
use crate::store::assets::{self, AssetRow};
use crate::store::runs::DagRun;
use crate::store::{Filter, Read, instances};
use crate::times::{shown, shown_opt};
use artel_platform::Result;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// What a success tells of its outlets; nothing for another state. The refusal of a body that is none.
pub(super) fn outlets_of(call: &Call<'_>, state: TaskState) -> std::result::Result<Outlets, Reply> {
    if state != TaskState::Success {
        return Ok(Outlets::default());
    }
    let outlets = Outlets::read(&call.body).map_err(|why| Reply::new(422, json!({"detail": why})))?;
    outlets.check_partition_keys().map_err(|why| Reply::refused(422, "invalid_partition_key", why))?;
    Ok(outlets)
}

impl Scheduler {
    /// The active asset of a name or URI.
    pub(super) async fn asset_by(&self, call: &Call<'_>, column: &'static str) -> Result<Reply> {
        let wanted = call.query.required(column)?;
        let what = if column == "uri" { "URI" } else { "name" };
        Ok(match assets::active_by(&self.db, column, wanted).await? {
            Some(asset) => Reply::ok(shown_asset(&asset)?),
            None => Reply::not_found(format!("Asset with {what} {wanted} not found")),
        })
    }

    /// What an alias came to mean.
    pub(super) async fn assets_by_alias(&self, call: &Call<'_>) -> Result<Reply> {
        let found = assets::of_alias(&self.db, call.query.required("alias_name")?).await?;
        Ok(Reply::ok(Value::Array(found.iter().map(shown_asset).collect::<Result<_>>()?)))
    }

    /// Events of an asset. Of several with the name, or the URI, the active one; with both exactly that.
    pub(super) async fn events_by_asset(&self, call: &Call<'_>) -> Result<Reply> {
        let given = |key: &str| call.query.get(key).filter(|v| !v.is_empty());
        let mut filter = Filter::default();
        let conditions = match (given("name"), given("uri")) {
            (None, None) => return Ok(Reply::refused(400, "Missing parameter", "name and uri cannot both be None")),
            (Some(name), Some(uri)) => format!("name = {} AND uri = {}", filter.arg(name), filter.arg(uri)),
            (Some(name), None) => format!("name = {} AND is_active = 1", filter.arg(name)),
            (None, Some(uri)) => format!("uri = {} AND is_active = 1", filter.arg(uri)),
        };
        filter.that(format!("asset_id IN (SELECT id FROM assets WHERE {conditions})"));
        self.events(call, filter).await
    }

    /// Events that came through an alias.
    pub(super) async fn events_by_alias(&self, call: &Call<'_>) -> Result<Reply> {
        let mut filter = Filter::default();
        let through = "id IN (SELECT x.event_id FROM asset_alias_events x JOIN asset_aliases a ON a.id = x.alias_id WHERE a.name = {})";
        filter.with(through, call.query.required("name")?);
        self.events(call, filter).await
    }

    async fn events(&self, call: &Call<'_>, mut filter: Filter) -> Result<Reply> {
        for (key, operator) in [("after", ">="), ("before", "<=")] {
            if let Some(text) = call.query.get(key).filter(|t| !t.is_empty()) {
                filter.compare("timestamp", operator, crate::times::parse(text)?);
            }
        }
        let ascending = call.query.get("ascending").is_none() || call.query.flag("ascending");
        let order = if ascending { "timestamp, id" } else { "timestamp DESC, id DESC" };
        // upstream takes a limit of 0 for none
        let limit = call.query.int("limit")?.filter(|n| *n > 0);
        let found = asset_events::find(&self.db, filter, order, limit).await?;
        let ids: Vec<i64> = found.iter().map(|e| e.id).collect();
        let known = assets::by_ids(&self.db, &asset_ids(&found)).await?;
        let mut runs: HashMap<i64, Vec<Value>> = HashMap::new();
        for run in asset_events::created_runs(&self.db, &ids).await? {
            runs.entry(run.event_id).or_default().push(created_run(&run));
        }
        let mut shown_events = Vec::new();
        for event in &found {
            let Some(asset) = known.get(&event.asset_id) else { continue };
            shown_events.push(json!({
                "id": event.id, "timestamp": shown(event.timestamp), "extra": parsed(&event.extra)?, "asset": shown_asset(asset)?,
                "created_dagruns": runs.remove(&event.id).unwrap_or_default(),
                "source_task_id": event.source_task_id, "source_dag_id": event.source_dag_id, "source_run_id": event.source_run_id,
                "source_map_index": event.source_map_index, "partition_key": event.partition_key,
            }));
        }
        Ok(Reply::ok(json!({"asset_events": shown_events})))
    }

    /// Inlets and outlets of a try's task that are not active.
    pub(super) async fn inactive_ports(&self, id: &str) -> Result<Reply> {
        let Some(instance) = instances::get(&self.db, id).await? else { return Ok(Reply::not_found("Task Instance not found")) };
        let dag = self.version(&instance.dag_version_id).await?;
        let task = dag.task(&instance.task_id);
        let mut seen = HashSet::new();
        let mut inactive = Vec::new();
        for port in task.iter().flat_map(|t| t.inlets().into_iter().chain(t.outlets())) {
            let AssetLike::Asset(asset) = port else { continue };
            let active = assets::by_key(&self.db, &asset.name, &asset.uri).await?.is_some_and(|a| a.is_active);
            if !active && seen.insert((asset.name.clone(), asset.uri.clone())) {
                inactive.push(json!({"name": asset.name, "uri": asset.uri, "type": "Asset"}));
            }
        }
        Ok(Reply::ok(json!({"inactive_assets": inactive})))
    }

    /// The run with the events that it was started with, as tasks see it.
    pub(crate) async fn dag_run_with_events(&self, run: &DagRun) -> Result<Value> {
        let mut value = super::lifecycle::dag_run(run)?;
        value["consumed_asset_events"] = consumed_events(&self.db, run).await?;
        Ok(value)
    }
}

/// `AssetEventDagRunReference`s of a run.
pub(super) async fn consumed_events(from: impl Into<Read<'_>>, run: &DagRun) -> Result<Value> {
    let mut from: Read<'_> = from.into();
    if run.run_type != crate::states::RunType::AssetTriggered {
        return Ok(json!([]));
    }
    let events = asset_events::consumed(from.again(), &run.dag_id, &run.run_id).await?;
    let ids: Vec<i64> = events.iter().map(|e| e.id).collect();
    let known = assets::by_ids(from.again(), &asset_ids(&events)).await?;
    let mut aliases: HashMap<i64, Vec<Value>> = HashMap::new();
    for (event, name) in asset_events::aliases(from.again(), &ids).await? {
        aliases.entry(event).or_default().push(json!({"name": name}));
    }
    let mut all = Vec::new();
    for event in &events {
        let Some(asset) = known.get(&event.asset_id) else { continue };
        all.push(json!({
            "asset": {"name": asset.name, "uri": asset.uri, "extra": parsed(&asset.extra)?},
            "extra": parsed(&event.extra)?,
            "source_task_id": event.source_task_id, "source_dag_id": event.source_dag_id, "source_run_id": event.source_run_id,
            "source_map_index": event.source_map_index,
            "source_aliases": aliases.remove(&event.id).unwrap_or_default(),
            "timestamp": shown(event.timestamp), "partition_key": event.partition_key,
        }));
    }
    Ok(Value::Array(all))
}

fn asset_ids(events: &[AssetEvent]) -> Vec<i64> {
    let ids: HashSet<i64> = events.iter().map(|e| e.asset_id).collect();
    ids.into_iter().collect()
}

fn parsed(json: &str) -> Result<Value> {
    Ok(serde_json::from_str(json)?)
}

fn shown_asset(asset: &AssetRow) -> Result<Value> {
    Ok(json!({"name": asset.name, "uri": asset.uri, "group": asset.group, "extra": parsed(&asset.extra)?}))
}

/// `DagRunAssetReference`. Upstream's has a start even of a run that waits to be started.
fn created_run(run: &CreatedRun) -> Value {
    json!({
        "run_id": run.run_id, "dag_id": run.dag_id, "logical_date": shown_opt(run.logical_date),
        "start_date": shown(run.start_date.unwrap_or(run.run_after)), "end_date": shown_opt(run.end_date), "state": run.state,
        "data_interval_start": shown_opt(run.data_interval_start), "data_interval_end": shown_opt(run.data_interval_end),
        "partition_key": run.partition_key,
    })
}
