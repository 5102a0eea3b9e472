//! Deleting for good what users deleted: runs, experiments and logged models with their artifacts, as upstream's
//! `mlflow gc` does (mlflow/cli/__init__.py). Where ids are named, only these are touched.
//!
//! Artifacts go first and rows last: whatever was cut off half way is found again by the next round.

use crate::experiments::{DELETED, Stored as Experiment};
use crate::logged_models::Stored as LoggedModel;
use crate::runs::Stored as Run;
use crate::store::gc as store;
use crate::{Tracking, artifacts};
use artel_platform::{Error, Result};
use artel_proto::artel::artifact::v1::{DeleteRequest, ListRequest};
use artel_proto::artel::tracking::v1::{ExperimentChanged, LoggedModelChanged, RunChanged};
use artel_proto::mlflow::DeleteTraces;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The stage of life that events name when nothing is left.
const REMOVED: &str = "removed";

/// How many traces go in one transaction.
const TRACES: i32 = 500;

/// What is to be freed.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GcRequest {
    /// Only what was deleted so long ago, milliseconds.
    older_than_ms: i64,
    /// These runs; each must be deleted.
    run_ids: Vec<String>,
    /// These experiments, with their runs and models; each must be deleted.
    experiment_ids: Vec<String>,
    /// These logged models; each must be deleted.
    logged_model_ids: Vec<String>,
    /// Only say what would be freed.
    dry_run: bool,
}

/// What was freed.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct GcReport {
    /// Ids of runs.
    runs: Vec<String>,
    /// Ids of experiments.
    experiments: Vec<String>,
    /// Ids of logged models.
    logged_models: Vec<String>,
    /// How many traces of the experiments.
    traces: i64,
    /// How many artifacts of runs and models.
    files: u64,
    /// Their size together, bytes.
    bytes: u64,
    /// Places that this server does not keep: their files are still there.
    kept_elsewhere: Vec<String>,
    /// Nothing was changed.
    dry_run: bool,
}

/// What a round is about.
#[derive(Default)]
struct Due {
    runs: Vec<Run>,
    experiments: Vec<Experiment>,
    logged_models: Vec<LoggedModel>,
}

impl Tracking {
    /// Frees what is due in a workspace.
    pub(crate) async fn gc(&self, workspace: &str, request: GcRequest) -> Result<GcReport> {
        if request.older_than_ms < 0 {
            return Err(Error::invalid(format!("older_than_ms is {}; it must not be negative", request.older_than_ms)));
        }
        let named = !(request.run_ids.is_empty() && request.experiment_ids.is_empty() && request.logged_model_ids.is_empty());
        let mut due = if named { self.named(workspace, &request).await? } else { self.all_deleted(workspace, &request).await? };
        let experiments: Vec<i64> = due.experiments.iter().map(|e| e.id).collect();
        due.runs.extend(store::runs_of(&self.db, &experiments).await?);
        due.logged_models.extend(store::logged_models_of(&self.db, &experiments).await?);
        let (mut seen, mut seen_models) = (HashSet::new(), HashSet::new());
        due.runs.retain(|run| seen.insert(run.id));
        due.logged_models.retain(|model| seen_models.insert(model.model_id.clone()));
        self.free(workspace, due, request.dry_run).await
    }

    async fn all_deleted(&self, workspace: &str, request: &GcRequest) -> Result<Due> {
        let deleted = store::Deleted { workspace, before: self.clock.now().saturating_sub(request.older_than_ms) };
        Ok(Due {
            runs: deleted.runs(&self.db).await?,
            experiments: deleted.experiments(&self.db).await?,
            logged_models: deleted.logged_models(&self.db).await?,
        })
    }

    async fn named(&self, workspace: &str, request: &GcRequest) -> Result<Due> {
        let before = self.clock.now().saturating_sub(request.older_than_ms);
        let mut due = Due::default();
        for run_id in &request.run_ids {
            let run = self.find_run(workspace, run_id).await?;
            let since = store::deleted_time(&self.db, run.id).await?;
            require_due(&format!("Run {run_id}"), &run.lifecycle_stage, since, before)?;
            due.runs.push(run);
        }
        for id in &request.experiment_ids {
            let experiment = self.find_experiment(workspace, id).await?;
            require_due(&format!("Experiment {id}"), &experiment.lifecycle_stage, experiment.last_update_time, before)?;
            due.experiments.push(experiment);
        }
        for model_id in &request.logged_model_ids {
            let model = self.find_logged_model(workspace, model_id, true).await?;
            require_due(&format!("Logged model {model_id}"), &model.lifecycle_stage, model.last_updated_timestamp_ms, before)?;
            due.logged_models.push(model);
        }
        Ok(due)
    }

    async fn free(&self, workspace: &str, due: Due, dry_run: bool) -> Result<GcReport> {
        let mut report = GcReport { dry_run, ..Default::default() };
        for run in due.runs {
            self.free_files(workspace, &run.artifact_uri, &mut report).await?;
            if !dry_run {
                self.remove_run(workspace, &run).await?;
            }
            report.runs.push(run.run_id);
        }
        for model in due.logged_models {
            self.free_files(workspace, &model.artifact_location, &mut report).await?;
            if !dry_run {
                self.remove_logged_model(workspace, &model).await?;
            }
            report.logged_models.push(model.model_id);
        }
        for experiment in due.experiments {
            report.traces += store::count_traces(&self.db, experiment.id).await?;
            if !dry_run {
                self.remove_traces(workspace, &experiment).await?;
                self.remove_experiment(&experiment).await?;
            }
            report.experiments.push(experiment.id.to_string());
        }
        Ok(report)
    }

    /// Deletes the files below a place, if this server keeps it. There may be none.
    async fn free_files(&self, workspace: &str, location: &str, report: &mut GcReport) -> Result<()> {
        let Some(path) = artifacts::proxied_path(location) else {
            return self.free_local(location, report).await;
        };
        if path.is_empty() {
            return Ok(());
        }
        let list = ListRequest { workspace: workspace.into(), path: path.clone(), recursive: true };
        let entries = self.peers.artifact().list(list).await?.into_inner().entries;
        report.files += entries.len() as u64;
        report.bytes += entries.iter().map(|entry| entry.size.max(0) as u64).sum::<u64>();
        if !report.dry_run && !entries.is_empty() {
            let delete = DeleteRequest { workspace: workspace.into(), path, recursive: true };
            match self.peers.artifact().delete(delete).await {
                Err(status) if status.code() == tonic::Code::NotFound => {}
                deleted => drop(deleted?),
            }
        }
        Ok(())
    }

    async fn free_local(&self, location: &str, report: &mut GcReport) -> Result<()> {
        let Some(folder) = self.local_folder(location) else {
            report.kept_elsewhere.push(location.into());
            return Ok(());
        };
        let (files, bytes) = folder.size().await?;
        report.files += files;
        report.bytes += bytes;
        if report.dry_run { Ok(()) } else { folder.remove().await }
    }

    async fn remove_run(&self, workspace: &str, run: &Run) -> Result<()> {
        self.settle().await?;
        for key in store::metrics_of(&self.db, run.id).await? {
            let mut tx = self.db.begin().await?;
            store::remove_metric(&mut tx, run.id, key).await?;
            tx.commit().await?;
        }
        let mut tx = self.db.begin().await?;
        store::remove_run(&mut tx, run.id, &run.run_id).await?;
        tx.emit(&RunChanged { lifecycle_stage: REMOVED.into(), ..run.changed(workspace) });
        tx.commit().await
    }

    async fn remove_logged_model(&self, workspace: &str, model: &LoggedModel) -> Result<()> {
        let mut tx = self.db.begin().await?;
        store::remove_logged_model(&mut tx, &model.model_id).await?;
        tx.emit(&LoggedModelChanged { status: REMOVED.into(), ..model.changed(workspace) });
        tx.commit().await
    }

    /// The traces of an experiment, some at a time.
    async fn remove_traces(&self, workspace: &str, experiment: &Experiment) -> Result<()> {
        let some = DeleteTraces {
            experiment_id: Some(experiment.id.to_string()),
            max_timestamp_millis: Some(i64::MAX),
            max_traces: Some(TRACES),
            ..Default::default()
        };
        while self.delete_traces(workspace, &some).await? > 0 {}
        Ok(())
    }

    async fn remove_experiment(&self, experiment: &Experiment) -> Result<()> {
        let mut tx = self.db.begin().await?;
        store::remove_experiment(&mut tx, experiment.id).await?;
        tx.emit(&ExperimentChanged { lifecycle_stage: REMOVED.into(), ..experiment.changed() });
        tx.commit().await
    }
}

/// Something that is named must be deleted, and long enough ago.
fn require_due(what: &str, stage: &str, since: i64, before: i64) -> Result<()> {
    if stage != DELETED {
        return Err(Error::invalid(format!(
            "{what} is not in the `deleted` lifecycle stage. Only what is in the `deleted` lifecycle stage can be deleted for good."
        )));
    }
    if since > before {
        return Err(Error::invalid(format!("{what} is not older than the required age.")));
    }
    Ok(())
}
