//! Assets: known from the DAG files that name them (`known`), told of by tasks (`outlets`), by people and by other parts
//! of Artel (`own`); an event is written and queued for the DAGs that wait for it (here), and a DAG whose condition is
//! met is started with what was queued (`start`). The rules are upstream's (airflow/assets/manager.py).

mod known;
mod outlets;
pub(crate) mod own;
mod partitions;
mod start;
pub(crate) mod watchers;

pub(crate) use outlets::Outlets;

use crate::Scheduler;
use crate::store::asset_events::{self, AssetEvent};
use crate::store::asset_references::consumers;
use crate::store::assets::{self, AssetRow};
use crate::store::instances::TaskInstance;
use crate::store::{Filter, asset_queue};
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};

/// Something happened that may let a DAG start on assets: news, room, a new version. The timer looks when it is set;
/// the reconciliation sets it too, for what happened in another process.
#[derive(Default)]
pub(crate) struct AssetsDue(AtomicBool);

impl AssetsDue {
    /// Something happened.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Did something happen since it was asked last?
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

/// News of an asset.
#[derive(Clone, Copy)]
pub(crate) struct AssetChange<'a> {
    pub(crate) asset: &'a AssetRow,
    pub(crate) extra: &'a Value,
    /// The try that made it.
    pub(crate) source: Option<&'a TaskInstance>,
    /// Names of the aliases that it was told of through.
    pub(crate) aliases: &'a [String],
    pub(crate) partition_key: Option<&'a str>,
    /// The time that its run's partition stands for.
    pub(crate) partition_date: Option<i64>,
}

impl Scheduler {
    /// Writes the event of a change and queues it for the DAGs that wait for it. The caller wakes the timer after the
    /// commit ([`Scheduler::assets_changed`]).
    pub(crate) async fn register_asset_change(&self, tx: &mut Tx, change: &AssetChange<'_>) -> Result<AssetEvent> {
        let (now, asset) = (self.cx.clock.now(), change.asset);
        let id = assets::next_id(tx, "events").await?;
        if !asset.is_active {
            tracing::warn!(name = asset.name, uri = asset.uri, "event of an asset that is not active");
        }
        let mut aliases = Vec::new();
        for name in change.aliases {
            let alias = assets::put_alias(tx, name, None).await?;
            assets::associate(tx, alias, asset.id).await?;
            aliases.push(alias);
        }
        let source = change.source;
        let event = AssetEvent {
            id,
            asset_id: asset.id,
            extra: change.extra.to_string(),
            source_task_id: source.map(|s| s.task_id.clone()),
            source_dag_id: source.map(|s| s.dag_id.clone()),
            source_run_id: source.map(|s| s.run_id.clone()),
            source_map_index: source.map_or(-1, |s| s.map_index),
            partition_key: change.partition_key.map(Into::into),
            timestamp: now,
        };
        asset_events::insert(tx, &event, &aliases).await?;
        let waiting = consumers(tx, asset, &aliases).await?;
        let (partitioned, others): (Vec<_>, Vec<_>) = waiting.iter().partition(|c| c.timetable_type == "PartitionedAssetTimetable");
        for consumer in partitioned {
            self.queue_partitions(tx, consumer, asset, &event, change.partition_date).await?;
        }
        // news of one partition is for DAGs that run per partition only
        if change.partition_key.is_none() {
            let dag_ids: Vec<&str> = others.iter().map(|c| c.dag_id.as_str()).collect();
            asset_queue::put(tx, &dag_ids, asset.id, id, now).await?;
        }
        Ok(event)
    }

    /// After the commit of something that may let a DAG start on assets.
    pub(crate) fn assets_changed(&self) {
        self.assets_due.set();
        self.timer.notify_one();
    }

    /// The asset; `NOT_FOUND` when there is none.
    pub(crate) async fn asset(&self, id: i64) -> Result<AssetRow> {
        assets::get(&self.db, id).await?.ok_or_else(|| Error::not_found(format!("The Asset with ID: `{id}` was not found")))
    }

    /// Somebody tells of news of an asset.
    pub(crate) async fn create_asset_event(&self, asset_id: i64, extra: &Value, partition_key: Option<&str>) -> Result<AssetEvent> {
        let mut tx = self.db.begin().await?;
        let asset = assets::get(&mut tx, asset_id).await?;
        let asset = asset.ok_or_else(|| Error::not_found(format!("Asset with ID: `{asset_id}` was not found")))?;
        let change = AssetChange { asset: &asset, extra, source: None, aliases: &[], partition_key, partition_date: None };
        let event = self.register_asset_change(&mut tx, &change).await?;
        tx.commit().await?;
        self.assets_changed();
        Ok(event)
    }

    /// News that waits is not waited for any more; `NOT_FOUND` with `message` when there was none.
    pub(crate) async fn drop_queued_events(&self, which: Filter, message: String) -> Result<()> {
        let mut tx = self.db.begin().await?;
        assets::take_turn(&mut tx, "events").await?;
        if asset_queue::remove(&mut tx, which).await? == 0 {
            return Err(Error::not_found(message));
        }
        tx.commit().await
    }
}
