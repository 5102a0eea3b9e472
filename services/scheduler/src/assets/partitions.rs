//! DAGs that run once per partition: an event's key counts towards the runs of the keys that it becomes, and a run
//! starts when enough has arrived for it (airflow/assets/manager.py `_queue_partitioned_dags`,
//! airflow/jobs/scheduler_job_runner.py `_create_dagruns_for_partitioned_asset_dags`).

use crate::Scheduler;
use crate::dag::News;
use crate::partition::PartitionedAssets;
use crate::runs::blank;
use crate::states::RunType;
use crate::store::asset_events::AssetEvent;
use crate::store::asset_partitions::{self, Arrived, PartitionRun};
use crate::store::asset_references::Consumer;
use crate::store::assets::{self, AssetRow};
use crate::store::dags;
use crate::store::runs::DagRun;
use crate::times;
use crate::timetable::Timetable;
use artel_platform::Result;
use artel_platform::db::Tx;

/// Runs to come that are looked at in one go (upstream's `max_partition_dag_runs_per_loop`).
const BATCH: i64 = 500;

impl Scheduler {
    /// Counts an event for the partitions of a DAG. A key that its schedule cannot map is told of and left out: the
    /// task that made it has nothing to do with that.
    pub(super) async fn queue_partitions(
        &self,
        tx: &mut Tx,
        consumer: &Consumer,
        asset: &AssetRow,
        event: &AssetEvent,
        date: Option<i64>,
    ) -> Result<()> {
        let Some(source_key) = event.partition_key.as_deref() else {
            tracing::warn!(dag_id = consumer.dag_id, asset = asset.name, "the DAG runs per partition, but the event has no partition key");
            return Ok(());
        };
        let dag = self.version_in(tx, &consumer.latest_version_id).await?;
        let Timetable::PartitionedAssets(schedule) = &dag.timetable else { return Ok(()) };
        let mapper = schedule.mapper(&asset.name);
        let keys = match mapper.to_downstream(source_key) {
            Ok(keys) => keys,
            Err(error) => {
                tracing::warn!(dag_id = consumer.dag_id, asset = asset.name, error = error.message, "the partition key was not mapped");
                return Ok(());
            }
        };
        let date = date.filter(|_| mapper.carries_date());
        for key in keys {
            let id = self.partition_to_come(tx, consumer, schedule, key, date).await?;
            asset_partitions::add_key(tx, id, event.id, asset.id, source_key).await?;
        }
        Ok(())
    }

    /// The run to come of a key. Dates that events carry for it have to agree, else it has none.
    async fn partition_to_come(
        &self,
        tx: &mut Tx,
        consumer: &Consumer,
        schedule: &PartitionedAssets,
        partition_key: String,
        partition_date: Option<i64>,
    ) -> Result<i64> {
        if let Some(known) = asset_partitions::pending(tx, &consumer.dag_id, &partition_key).await? {
            let agreed = match (known.partition_date, partition_date) {
                (None, given) => given,
                (Some(there), Some(given)) if there != given => None,
                (there, _) => there,
            };
            if agreed != known.partition_date {
                asset_partitions::set_date(tx, known.id, agreed).await?;
            }
            return Ok(known.id);
        }
        let (dag_id, fingerprint) = (consumer.dag_id.clone(), schedule.fingerprint.clone());
        let run = PartitionRun { id: 0, dag_id, partition_key, partition_date, fingerprint };
        asset_partitions::insert(tx, &run, self.cx.clock.now()).await
    }

    /// Starts the runs for which enough has arrived.
    pub(super) async fn start_partitions(&self) -> Result<()> {
        if !asset_partitions::any_pending(&self.db).await? {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        assets::take_turn(&mut tx, "events").await?;
        let mut changed = false;
        for pending in asset_partitions::all_pending(&mut tx, BATCH).await? {
            changed |= self.start_partition(&mut tx, &pending).await?;
        }
        if changed { tx.commit().await } else { Ok(()) }
    }

    /// Starts a run to come, or forgets it when it was counted for another schedule; returns whether it did.
    async fn start_partition(&self, tx: &mut Tx, pending: &PartitionRun) -> Result<bool> {
        let Some(row) = dags::get(&mut *tx, &pending.dag_id).await? else { return Ok(false) };
        let dag = self.version_in(tx, &row.latest_version_id).await?;
        let schedule = match &dag.timetable {
            Timetable::PartitionedAssets(schedule) if schedule.fingerprint == pending.fingerprint => schedule,
            _ => {
                tracing::info!(
                    dag_id = pending.dag_id,
                    key = pending.partition_key,
                    "a partition to come was forgotten: the schedule changed"
                );
                asset_partitions::remove(tx, pending.id).await?;
                return Ok(true);
            }
        };
        let arrived = asset_partitions::arrived(tx, pending.id).await?;
        let mut news = News { aliases: asset_partitions::arrived_aliases(tx, pending.id).await?.into_iter().collect(), ..News::default() };
        for one in &arrived {
            // a key that the mapper does not understand is not there yet
            if schedule.mapper(&one.name).is_satisfied(&pending.partition_key, &one.source_keys).unwrap_or(false) {
                news.names.insert(one.name.clone());
                news.uris.insert(one.uri.clone());
                news.assets.insert((one.name.clone(), one.uri.clone()));
            }
        }
        if !schedule.condition.is_met(&news) {
            return Ok(false);
        }
        let now = self.cx.clock.now();
        let run = DagRun {
            run_id: self.asset_run_id(now),
            run_type: RunType::AssetTriggered,
            logical_date: None,
            partition_key: Some(pending.partition_key.clone()),
            partition_date: partition_date(schedule, &arrived, pending),
            triggered_by: Some("asset".into()),
            ..blank(&row, 0, now, now)
        };
        self.insert_run(tx, &dag, &run, now).await?;
        asset_partitions::consume(tx, pending.id, &run.dag_id, &run.run_id).await?;
        asset_partitions::set_run(tx, pending.id, &run.run_id).await?;
        tracing::info!(dag_id = run.dag_id, run_id = run.run_id, key = pending.partition_key, "run of a partition started on assets");
        Ok(true)
    }

    /// Many runs may begin in the same moment: a random part tells them apart.
    pub(super) fn asset_run_id(&self, at: i64) -> String {
        let suffix: String = self.cx.ids.hex32().chars().rev().take(8).collect();
        format!("{}_{suffix}", RunType::AssetTriggered.run_id(times::at(at)))
    }
}

/// The time that the key names, if the mappers of what arrived agree; where none names one, the time that was carried.
fn partition_date(schedule: &PartitionedAssets, arrived: &[Arrived], pending: &PartitionRun) -> Option<i64> {
    let dates = arrived.iter().map(|one| schedule.mapper(&one.name).partition_date(&pending.partition_key));
    let Ok(dates) = dates.collect::<Result<Vec<_>>>() else { return None };
    let mut dates: Vec<i64> = dates.into_iter().flatten().map(|d| d.timestamp_millis()).collect();
    dates.sort_unstable();
    dates.dedup();
    match dates.as_slice() {
        [] => pending.partition_date,
        [one] => Some(*one),
        _ => {
            tracing::warn!(dag_id = pending.dag_id, key = pending.partition_key, "the mappers disagree about the time of a partition");
            None
        }
    }
}
