//! The operations behind the fields of a request, and what a run gets that its message lacks.

use super::Asker;
use super::permit::Versions;
use crate::Tracking;
use artel_platform::{Error, Result};
use artel_proto::artel::registry::v1::SearchModelVersionsRequest;
use artel_proto::json::Message;
use artel_proto::mlflow::*;
use serde_json::{Value, json};
use std::collections::HashMap;

impl Tracking {
    /// The whole answer of a root field.
    pub(super) async fn resolve(&self, asker: &Asker<'_>, field: &str, input: Value) -> Result<Value> {
        let workspace = asker.workspace;
        Ok(match field {
            "mlflowGetExperiment" => {
                let request: GetExperiment = read(input)?;
                json!({"experiment": self.get_experiment(workspace, request.experiment_id()).await?})
            }
            "mlflowGetRun" => {
                let request: GetRun = read(input)?;
                let run_id = request.run_id.as_deref().filter(|id| !id.is_empty()).unwrap_or(request.run_uuid());
                json!({"run": self.get_run(workspace, run_id).await?})
            }
            "mlflowSearchRuns" => {
                let page = self.search_runs(workspace, read(input)?).await?;
                serde_json::to_value(search_runs::Response { runs: page.rows, next_page_token: page.next })?
            }
            "mlflowListArtifacts" => serde_json::to_value(self.list_files_of_run(workspace, read(input)?).await?)?,
            "mlflowGetMetricHistoryBulkInterval" => {
                json!({"metrics": self.metric_history_bulk_interval(workspace, &read(input)?).await?})
            }
            "mlflowSearchDatasets" => {
                let request: SearchDatasets = read(input)?;
                json!({"dataset_summaries": self.search_datasets(workspace, &request.experiment_ids).await?})
            }
            "mlflowSearchModelVersions" => serde_json::to_value(self.search_model_versions(asker, read(input)?).await?)?,
            _ => json!({"output": input.as_str()}),
        })
    }

    async fn search_model_versions(&self, asker: &Asker<'_>, search: SearchModelVersions) -> Result<search_model_versions::Response> {
        asker.identity.require("read:models")?;
        let request = SearchModelVersionsRequest { workspace: asker.workspace.into(), search: Some(search) };
        let mut found = self.peers.registry().search_model_versions(request).await?.into_inner().found.unwrap_or_default();
        if let Some(access) = asker.access {
            Versions::of(access).retain(&mut found.model_versions);
        }
        Ok(found)
    }

    /// Adds to runs their experiment and the versions made of them, where those are wanted.
    pub(super) async fn extend_runs(&self, asker: &Asker<'_>, runs: &mut [Value], wanted: &[&str]) -> Result<()> {
        let mut experiments: HashMap<String, Value> = HashMap::new();
        for run in runs {
            let text = |name: &str| run["info"][name].as_str().unwrap_or_default().to_owned();
            let (run_id, experiment_id) = (text("run_id"), text("experiment_id"));
            if wanted.contains(&"experiment") {
                if !experiments.contains_key(&experiment_id) {
                    let experiment = serde_json::to_value(self.get_experiment(asker.workspace, &experiment_id).await?)?;
                    experiments.insert(experiment_id.clone(), experiment);
                }
                run["experiment"] = experiments[&experiment_id].clone();
            }
            if wanted.contains(&"modelVersions") {
                let search = SearchModelVersions { filter: Some(format!("run_id='{run_id}'")), ..Default::default() };
                run["model_versions"] = serde_json::to_value(self.search_model_versions(asker, search).await?.model_versions)?;
            }
        }
        Ok(())
    }
}

/// An input object as its message. Numbers may come as text, as JavaScript sends long ones.
fn read<T: Message>(input: Value) -> Result<T> {
    match input {
        Value::Null => Ok(T::default()),
        Value::Object(fields) => {
            if let Some(unknown) = fields.keys().find(|name| !T::FIELDS.iter().any(|f| f.json_name == name.as_str())) {
                return Err(Error::invalid(format!("Field '{unknown}' is not defined by the type of the argument 'input'.")));
            }
            let fields = Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect());
            T::deserialize(&fields).map_err(|e| Error::invalid(format!("the argument 'input' cannot be read: {e}")))
        }
        _ => Err(Error::invalid("the argument 'input' must be an object")),
    }
}
