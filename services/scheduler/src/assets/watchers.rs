//! Watchers of assets: triggers that run for as long as a DAG that waits for the asset may run, and whose every event is
//! news of it (airflow/dag_processing/collection.py `add_asset_trigger_references`, airflow/models/trigger.py `submit_event`).

use super::AssetChange;
use crate::Scheduler;
use crate::dag::{Asset, AssetLike, Dag};
use crate::store::assets;
use crate::store::triggers::{self, Trigger};
use crate::store::watchers::{self, Watching};
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Marks, in place of a task instance, triggers of watchers.
pub(crate) const WATCHER: &str = "watcher ";

/// Upstream's clients want numbers for ids of triggers: the same number for what runs the same.
pub(crate) fn number(text: &str) -> i64 {
    Sha256::digest(text).iter().take(6).fold(0, |id, byte| id * 256 + i64::from(*byte))
}

/// The watchers that stand at the assets of a DAG's schedule, with their assets.
fn named(dag: &Dag) -> Vec<&Asset> {
    let leaves = dag.timetable.asset_condition().into_iter().flat_map(|condition| condition.leaves());
    leaves.filter_map(|leaf| if let AssetLike::Asset(asset) = leaf { Some(asset) } else { None }).collect()
}

impl Scheduler {
    /// Takes in what a DAG watches, as its file says it now. Whoever runs triggers is woken by the caller, after the commit.
    pub(super) async fn write_watchers(&self, tx: &mut Tx, dag: &Dag, now: i64) -> Result<()> {
        let mut wanted = BTreeSet::new();
        for asset in named(dag) {
            for watcher in &asset.watchers {
                let missing = || Error::internal(format!("asset {} is not known", asset.name));
                let row = assets::by_key(&mut *tx, &asset.name, &asset.uri).await?.ok_or_else(missing)?;
                let id = number(&format!("{} {}", watcher.classpath, watcher.kwargs)).to_string();
                let kwargs = self.seal_trigger_kwargs(&id, &watcher.kwargs)?;
                let trigger = Trigger {
                    ti_id: format!("{WATCHER}{id}"),
                    id,
                    classpath: watcher.classpath.clone(),
                    kwargs,
                    from_dag: false,
                    fires_at: None,
                    created_at: now,
                };
                watchers::put_trigger(tx, &trigger).await?;
                wanted.insert(Watching { asset_id: row.id, trigger_id: trigger.id, name: watcher.name.clone() });
            }
        }
        watchers::replace(tx, &dag.dag_id, &wanted, now).await
    }

    /// A watcher's trigger has fired: there is news of what it watches.
    pub(crate) async fn watcher_fired(&self, trigger_id: &str, payload: &Value) -> Result<()> {
        let mut tx = self.db.begin().await?;
        if triggers::get(&mut tx, trigger_id).await?.is_none() {
            return Ok(());
        }
        let extra = json!({"from_trigger": true, "payload": payload});
        let watched = watchers::watched(&mut tx, trigger_id).await?;
        for asset in &watched {
            let change = AssetChange { asset, extra: &extra, source: None, aliases: &[], partition_key: None, partition_date: None };
            self.register_asset_change(&mut tx, &change).await?;
        }
        tx.commit().await?;
        let names: Vec<&str> = watched.iter().map(|a| a.name.as_str()).collect();
        tracing::info!(assets = names.join(","), "asset event of a watcher");
        self.assets_changed();
        Ok(())
    }
}
