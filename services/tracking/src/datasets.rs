//! What runs took and made: datasets, and models in and out.

use crate::store::datasets as store;
use crate::{Tracking, validate};
use artel_platform::{Error, Result};
use artel_proto::mlflow::{DatasetInput, DatasetSummary, LogInputs, LogOutputs};
use std::collections::HashSet;

/// The tag that says what a dataset was used for.
pub(crate) const CONTEXT: &str = "mlflow.data.context";
const MAX_EXPERIMENTS: usize = 20;

impl Tracking {
    /// Notes datasets and models that a run took. A dataset is known by experiment, name and digest.
    pub(crate) async fn log_inputs(&self, workspace: &str, request: LogInputs) -> Result<()> {
        validate::run_id(request.run_id())?;
        request.datasets.iter().try_for_each(validate::dataset_input)?;
        let mut seen = HashSet::new();
        let inputs: Vec<&DatasetInput> =
            request.datasets.iter().filter(|d| seen.insert(d.dataset.as_ref().map(|d| (d.name(), d.digest())))).collect();
        let mut tx = self.db.begin().await?;
        let run = self.open_run(&mut tx, workspace, request.run_id()).await?;
        for input in inputs {
            let Some(dataset) = &input.dataset else { continue };
            let id = store::add_dataset(&mut tx, &self.ids.hex32(), run.experiment, dataset).await?;
            // what a dataset was used for is said once
            if store::add_input(&mut tx, run.id, &id).await? {
                store::add_input_tags(&mut tx, run.id, &id, &input.tags).await?;
            }
        }
        let models: Vec<&str> = request.models.iter().map(|m| m.model_id()).collect();
        store::add_model_inputs(&mut tx, run.id, &models).await?;
        tx.emit(&run.changed(workspace));
        tx.commit().await
    }

    /// Notes models that a run made.
    pub(crate) async fn log_outputs(&self, workspace: &str, request: LogOutputs) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let run = self.open_run(&mut tx, workspace, request.run_id()).await?;
        let mut seen = HashSet::new();
        let models: Vec<(&str, i64)> =
            request.models.iter().rev().filter(|m| seen.insert(m.model_id())).map(|m| (m.model_id(), m.step())).collect();
        store::add_model_outputs(&mut tx, run.id, &models).await?;
        tx.emit(&run.changed(workspace));
        tx.commit().await
    }

    /// Every dataset of these experiments, with what it was used for.
    pub(crate) async fn search_datasets(&self, workspace: &str, experiment_ids: &[String]) -> Result<Vec<DatasetSummary>> {
        if experiment_ids.is_empty() {
            return Err(Error::invalid("SearchDatasets request must specify at least one experiment_id."));
        }
        if experiment_ids.len() > MAX_EXPERIMENTS {
            return Err(Error::invalid(format!(
                "SearchDatasets request cannot specify more than {MAX_EXPERIMENTS} experiment_ids. Received {} experiment_ids.",
                experiment_ids.len()
            )));
        }
        let ids: Vec<i64> = experiment_ids.iter().map(|id| validate::experiment_id(id)).collect::<Result<_>>()?;
        store::summaries(&self.db, workspace, &ids).await
    }
}
