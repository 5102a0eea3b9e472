//! DAGs whose asset condition is met are started with what was queued for them
//! (airflow/jobs/scheduler_job_runner.py `_create_dag_runs_asset_triggered`, airflow/models/dag.py `dags_needing_dagruns`).

use crate::Scheduler;
use crate::dag::News;
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
        let news = asset_queue::news(&self.db, None).await?;
        if news.is_empty() {
            return Ok(());
        }
        for (dag_id, version) in asset_queue::dags_with_room(&self.db).await? {
            if let Err(error) = self.start_if_met(&dag_id, &version, news.get(&dag_id)).await {
                // the reconciliation tries it again
                tracing::warn!(dag_id, error = %error.chain(), "the run of assets could not be made");
            }
        }
        Ok(())
    }

    /// Looks before it takes the writers' turn: most conditions wait for more.
    async fn start_if_met(&self, dag_id: &str, version: &str, news: Option<&News>) -> Result<()> {
        let dag = self.version(version).await?;
        match (dag.timetable.asset_condition(), news) {
            (Some(condition), Some(news)) if condition.is_met(news) => self.start_dag_on_assets(dag_id).await,
            _ => Ok(()),
        }
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
        let news = asset_queue::news(&mut tx, Some(dag_id)).await?;
        if !news.get(dag_id).is_some_and(|news| condition.is_met(news)) {
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
