//! DAGs whose asset condition is met are started with what was queued for them
//! (airflow/jobs/scheduler_job_runner.py `_create_dag_runs_asset_triggered`, airflow/models/dag.py `dags_needing_dagruns`).

use crate::Scheduler;
use crate::runs::blank;
use crate::states::RunType;
use crate::store::asset_events::{self, AssetEvent};
use crate::store::asset_queue::Queued;
use crate::store::dags::DagRow;
use crate::store::runs::DagRun;
use crate::store::{Filter, asset_queue, assets, dags, runs};
use artel_platform::Result;
use artel_platform::db::Tx;

impl Scheduler {
    /// Starts the DAGs that can be started on assets, if something happened that may let one.
    pub(crate) async fn start_on_assets(&self) -> Result<()> {
        if !self.assets_due.take() {
            return Ok(());
        }
        self.start_partitions().await?;
        for dag_id in asset_queue::dags_with_room(&self.db).await? {
            if let Err(error) = self.start_dag_on_assets(&dag_id).await {
                // the reconciliation tries it again
                tracing::warn!(dag_id, error = %error.chain(), "the run of assets could not be made");
            }
        }
        Ok(())
    }

    async fn start_dag_on_assets(&self, dag_id: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        assets::take_turn(&mut tx, "events").await?;
        let Some(row) = dags::get(&mut tx, dag_id).await? else { return Ok(()) };
        if row.is_paused || row.is_stale || row.has_import_errors || runs::active(&mut tx, dag_id).await? >= row.max_active_runs {
            return Ok(());
        }
        let dag = self.version_in(&mut tx, &row.latest_version_id).await?;
        let Some(condition) = dag.timetable.asset_condition() else { return Ok(()) };
        let queued = asset_queue::of_dag(&mut tx, dag_id).await?;
        let Some(newest) = queued.last() else { return Ok(()) };
        if !condition.is_met(&asset_queue::news(&mut tx, dag_id).await?) {
            return Ok(());
        }
        let events = consumable(&mut tx, &row, newest, dag.restriction.catchup).await?;
        let run = self.asset_run(&row, newest.created_at);
        self.insert_run(&mut tx, &dag, &run, self.cx.clock.now()).await?;
        asset_events::consume(&mut tx, dag_id, &run.run_id, &events).await?;
        let mut used = Filter::default();
        used.compare("dag_id", "=", dag_id);
        asset_queue::remove(&mut tx, used).await?;
        tx.commit().await?;
        tracing::info!(dag_id, run_id = run.run_id, events = events.len(), "run started on assets");
        Ok(())
    }

    /// A run that the news of `at` starts.
    fn asset_run(&self, row: &DagRow, at: i64) -> DagRun {
        DagRun {
            run_id: self.asset_run_id(at),
            run_type: RunType::AssetTriggered,
            logical_date: None,
            triggered_by: Some("asset".into()),
            ..blank(row, 0, at, self.cx.clock.now())
        }
    }
}

/// The events since those of the run before. The first run takes none from before the DAG was scheduled on assets,
/// unless it makes up for what was missed.
async fn consumable(tx: &mut Tx, row: &DagRow, newest: &Queued, catchup: bool) -> Result<Vec<AssetEvent>> {
    let before = asset_events::newest_consumed(tx, &row.dag_id).await?;
    let since = if before.is_none() && !catchup { asset_events::scheduled_since(tx, &row.dag_id).await? } else { None };
    asset_events::for_dag(tx, &row.dag_id, before.unwrap_or_default(), newest.event_id, since.unwrap_or_default()).await
}
