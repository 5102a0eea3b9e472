//! Runs: their making, life and reading.

use crate::experiments::{ACTIVE, DELETED};
use crate::store::{runs as store, values};
use crate::{Tracking, artifacts, names};
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use artel_proto::artel::tracking::v1::RunChanged;
use artel_proto::json::EnumName;
use artel_proto::mlflow::{CreateRun, Run, RunData, RunInfo, RunInputs, RunOutputs, RunStatus, RunTag, UpdateRun};

/// The tag that repeats a run's name.
pub(crate) const RUN_NAME: &str = "mlflow.runName";

/// A stored run, without what was logged to it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// Its number inside the service.
    pub(crate) id: i64,
    pub(crate) run_id: String,
    pub(crate) experiment: i64,
    pub(crate) name: String,
    pub(crate) user_id: String,
    pub(crate) status: String,
    pub(crate) start_time: i64,
    pub(crate) end_time: Option<i64>,
    pub(crate) lifecycle_stage: String,
    pub(crate) artifact_uri: String,
}

impl Stored {
    pub(crate) fn info(&self) -> RunInfo {
        RunInfo {
            run_id: Some(self.run_id.clone()),
            run_uuid: Some(self.run_id.clone()),
            run_name: Some(self.name.clone()),
            experiment_id: Some(self.experiment.to_string()),
            user_id: Some(self.user_id.clone()),
            status: RunStatus::parse(&self.status).map(Into::into),
            start_time: Some(self.start_time),
            end_time: self.end_time,
            artifact_uri: Some(self.artifact_uri.clone()),
            lifecycle_stage: Some(self.lifecycle_stage.clone()),
        }
    }

    pub(crate) fn changed(&self, workspace: &str) -> RunChanged {
        RunChanged {
            workspace: workspace.into(),
            run_id: self.run_id.clone(),
            experiment_id: self.experiment.to_string(),
            status: self.status.clone(),
            lifecycle_stage: self.lifecycle_stage.clone(),
        }
    }

    /// Fails unless it is active.
    pub(crate) fn require_active(&self) -> Result<()> {
        if self.lifecycle_stage == ACTIVE {
            return Ok(());
        }
        Err(Error::invalid(format!("The run {} must be in the 'active' state. Current state is {}.", self.run_id, self.lifecycle_stage)))
    }
}

/// There is no such run in the workspace.
pub(crate) fn missing(run_id: &str) -> Error {
    Error::not_found(format!("Run with id={run_id} not found"))
}

impl Tracking {
    /// Starts a run in an active experiment.
    pub(crate) async fn create_run(&self, workspace: &str, request: CreateRun) -> Result<Run> {
        let experiment = self.find_experiment(workspace, request.experiment_id()).await?;
        experiment.require_active()?;
        let tagged = request.tags.iter().find(|t| t.key() == RUN_NAME).map(|t| t.value().to_owned()).filter(|n| !n.is_empty());
        let asked = Some(request.run_name().to_owned()).filter(|n| !n.is_empty());
        if let (Some(asked), Some(tagged)) = (&asked, &tagged)
            && asked != tagged
        {
            return Err(Error::invalid(format!(
                "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='{asked}', mlflow.runName='{tagged}')."
            )));
        }
        let name = asked.or(tagged).unwrap_or_else(|| names::random(&self.ids));
        // upstream checks neither names nor lengths of the tags that a run begins with
        let mut tags = request.tags.clone();
        tags.iter_mut().for_each(|tag| tag.value = Some(tag.value().to_owned()));
        tags.retain(|t| t.key() != RUN_NAME);
        tags.push(RunTag { key: Some(RUN_NAME.into()), value: Some(name.clone()) });
        let tags = values::last_of_each(tags);

        let run_id = self.ids.hex32();
        let run = Stored {
            id: self.run_numbers.next(&self.db).await?,
            artifact_uri: artifacts::append(&experiment.artifact_location, &[&run_id, "artifacts"]),
            run_id,
            experiment: experiment.id,
            name,
            user_id: request.user_id().into(),
            status: RunStatus::Running.name().into(),
            start_time: request.start_time(),
            end_time: None,
            lifecycle_stage: ACTIVE.into(),
        };
        let mut tx = self.db.begin().await?;
        store::insert(&mut tx, workspace, &run).await?;
        values::set_tags(&mut tx, run.id, &tags).await?;
        self.live.due(&run.run_id, self.clock.now());
        tx.emit(&run.changed(workspace));
        tx.commit().await?;
        let data = RunData { tags, ..Default::default() };
        Ok(Run { info: Some(run.info()), data: Some(data), inputs: Some(RunInputs::default()), outputs: None })
    }

    /// A run with everything but its histories.
    pub(crate) async fn get_run(&self, workspace: &str, run_id: &str) -> Result<Run> {
        let stored = self.find_run(workspace, run_id).await?;
        let mut runs = self.complete(vec![stored]).await?;
        runs.pop().ok_or_else(|| missing(run_id))
    }

    /// A run without what was logged to it.
    pub(crate) async fn find_run(&self, workspace: &str, run_id: &str) -> Result<Stored> {
        store::find(&self.db, workspace, run_id).await?.ok_or_else(|| missing(run_id))
    }

    /// Adds to stored runs what was logged to them; a fixed number of queries, however many runs.
    pub(crate) async fn complete(&self, runs: Vec<Stored>) -> Result<Vec<Run>> {
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<i64> = runs.iter().map(|r| r.id).collect();
        let mut metrics = self.latest_metrics(&ids).await?;
        let mut params = values::params(&self.db, &ids).await?;
        let mut tags = values::tags(&self.db, &ids).await?;
        let mut inputs = crate::store::datasets::inputs(&self.db, &ids).await?;
        let (mut models_in, mut models_out) = crate::store::datasets::models(&self.db, &ids).await?;
        let mut complete = Vec::with_capacity(runs.len());
        for run in &runs {
            let id = &run.id;
            let data = RunData {
                metrics: metrics.remove(id).unwrap_or_default(),
                params: params.remove(id).unwrap_or_default(),
                tags: tags.remove(id).unwrap_or_default(),
            };
            let inputs =
                RunInputs { dataset_inputs: inputs.remove(id).unwrap_or_default(), model_inputs: models_in.remove(id).unwrap_or_default() };
            let outputs = RunOutputs { model_outputs: models_out.remove(id).unwrap_or_default() };
            complete.push(Run { info: Some(run.info()), data: Some(data), inputs: Some(inputs), outputs: Some(outputs) });
        }
        Ok(complete)
    }

    /// Changes status, end or name of an active run; what is absent stays.
    pub(crate) async fn update_run(&self, workspace: &str, request: UpdateRun) -> Result<RunInfo> {
        let run_id = request.run_id.as_deref().filter(|id| !id.is_empty()).unwrap_or(request.run_uuid());
        let mut tx = self.db.begin().await?;
        let mut run = store::find_in(&mut tx, workspace, run_id).await?.ok_or_else(|| missing(run_id))?;
        run.require_active()?;
        if let Some(status) = request.status.and_then(|s| RunStatus::try_from(s).ok()) {
            run.status = status.name().into();
        }
        run.end_time = request.end_time.or(run.end_time);
        if let Some(name) = request.run_name.filter(|n| !n.is_empty()) {
            values::set_tags(&mut tx, run.id, &[RunTag { key: Some(RUN_NAME.into()), value: Some(name.clone()) }]).await?;
            run.name = name;
        }
        store::update(&mut tx, &run).await?;
        tx.emit(&run.changed(workspace));
        tx.commit().await?;
        Ok(run.info())
    }

    /// Deletes a run (restorable).
    pub(crate) async fn delete_run(&self, workspace: &str, run_id: &str) -> Result<()> {
        let now = self.clock.now();
        self.move_run(workspace, run_id, DELETED, Some(now)).await
    }

    /// Brings a deleted run back.
    pub(crate) async fn restore_run(&self, workspace: &str, run_id: &str) -> Result<()> {
        self.move_run(workspace, run_id, ACTIVE, None).await
    }

    async fn move_run(&self, workspace: &str, run_id: &str, stage: &str, deleted_time: Option<i64>) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let run = store::set_stage(&mut tx, workspace, run_id, stage, deleted_time).await?.ok_or_else(|| missing(run_id))?;
        tx.emit(&run.changed(workspace));
        tx.commit().await
    }

    /// The run to log to, inside the transaction that logs: it is there and active.
    pub(crate) async fn open_run(&self, tx: &mut Tx, workspace: &str, run_id: &str) -> Result<Stored> {
        let run = store::find_in(tx, workspace, run_id).await?.ok_or_else(|| missing(run_id))?;
        run.require_active()?;
        Ok(run)
    }
}
