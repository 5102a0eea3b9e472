//! Which assets there are: those that DAGs, tasks and aliases refer to are active (airflow/dag_processing/collection.py
//! `AssetModelOperation`, airflow/jobs/scheduler_job_runner.py `_update_asset_orphanage`).

use super::own;
use crate::Scheduler;
use crate::dag::{Asset, AssetLike, Dag};
use crate::store::asset_references::{self, Reference};
use crate::store::{Filter, asset_queue, assets, watchers};
use artel_platform::Result;
use artel_platform::db::Tx;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

impl Scheduler {
    /// Takes in what a DAG refers to, as its file says it now.
    pub(crate) async fn write_assets(&self, tx: &mut Tx, dag: &Dag) -> Result<()> {
        let now = self.cx.clock.now();
        let condition = dag.timetable.asset_condition();
        let mut named: Vec<(&str, &str, AssetLike)> = Vec::new();
        named.extend(condition.iter().flat_map(|c| c.leaves()).map(|leaf| ("schedule", "", leaf.clone())));
        for task in &dag.tasks {
            named.extend(task.inlets().into_iter().map(|one| ("inlet", task.task_id.as_str(), one)));
            named.extend(task.outlets().into_iter().map(|one| ("outlet", task.task_id.as_str(), one)));
        }
        if named.is_empty() && !asset_references::has_any(tx, &dag.dag_id).await? {
            return Ok(());
        }
        assets::take_turn(tx, "events").await?;
        let mut wanted = BTreeSet::new();
        for (kind, task_id, one) in &named {
            wanted.extend(reference(tx, kind, task_id, one, now).await?);
        }
        if condition.is_none() {
            let mut all = Filter::default();
            all.compare("dag_id", "=", &dag.dag_id);
            asset_queue::remove(tx, all).await?;
        }
        if asset_references::replace(tx, &dag.dag_id, &wanted, now).await? {
            settle(tx, now).await?;
        }
        self.write_watchers(tx, dag, now).await
    }

    /// The DAG's condition as upstream shows it, with the numbers of its assets; null where it has none.
    pub(crate) async fn asset_expression(&self, dag: &Dag) -> Result<Value> {
        let Some(condition) = dag.timetable.asset_condition() else { return Ok(Value::Null) };
        let mut ids = HashMap::new();
        for leaf in condition.leaves() {
            if let AssetLike::Asset(asset) = leaf
                && let Some(row) = assets::by_key(&self.db, &asset.name, &asset.uri).await?
            {
                ids.insert((row.name, row.uri), row.id);
            }
        }
        Ok(condition.expression(&|a| ids.get(&(a.name.clone(), a.uri.clone())).copied()))
    }

    /// DAGs that are gone refer to nothing any more.
    pub(crate) async fn forget_assets(&self, tx: &mut Tx, dag_ids: &[String]) -> Result<()> {
        if dag_ids.is_empty() {
            return Ok(());
        }
        assets::take_turn(tx, "events").await?;
        watchers::remove(tx, dag_ids).await?;
        if asset_references::remove(tx, dag_ids).await? {
            settle(tx, self.cx.clock.now()).await?;
        }
        Ok(())
    }
}

/// The reference to what was named, which is made known. References by name and by URI count in schedules only.
async fn reference(tx: &mut Tx, kind: &str, task_id: &str, to: &AssetLike, now: i64) -> Result<Option<Reference>> {
    let row = |kind: String, target: &str, target_id: Option<i64>| {
        Some(Reference { kind, task_id: task_id.into(), target: target.into(), target_id })
    };
    let scheduled = kind == "schedule";
    Ok(match to {
        AssetLike::Asset(asset) => row(kind.into(), "", Some(assets::put(tx, asset, now).await?)),
        AssetLike::Alias { name, group } => {
            let id = assets::put_alias(tx, name, Some(group)).await?;
            if scheduled { row("schedule_alias".into(), "", Some(id)) } else { None }
        }
        AssetLike::NameRef(name) if scheduled => row("schedule_name".into(), name, None),
        AssetLike::UriRef(uri) if scheduled => {
            // what Artel itself tells of exists although no file declares it
            if uri.starts_with(own::SCHEME) && !assets::has_uri(tx, uri).await? {
                let asset = Asset { name: uri.clone(), uri: uri.clone(), group: own::GROUP.into(), extra: json!({}), watchers: vec![] };
                assets::put(tx, &asset, now).await?;
            }
            row("schedule_uri".into(), uri, None)
        }
        AssetLike::NameRef(_) | AssetLike::UriRef(_) => None,
    })
}

/// Makes what nothing refers to inactive, and what something refers to active unless its name or URI is taken.
pub(super) async fn settle(tx: &mut Tx, now: i64) -> Result<()> {
    assets::retire_unreferred(tx, now).await?;
    for asset in assets::inactive_referred(tx).await? {
        if !assets::activate(tx, &asset, now).await? {
            tracing::warn!(name = asset.name, uri = asset.uri, "the asset stays inactive: another active one has its name or its URI");
        }
    }
    Ok(())
}
