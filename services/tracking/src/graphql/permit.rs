//! What restricted callers get of a request: of each field what the operation behind it would give them
//! (mlflow/server/auth/__init__.py `GraphQLAuthorizationMiddleware`).

use crate::Tracking;
use crate::permissions::{canonical, of_experiment, visible};
use crate::store::permissions::Within;
use artel_platform::Result;
use artel_platform::http::{Access, denied};
use artel_platform::identity::Action::{NotDenied, Read};
use artel_platform::identity::resource::{LOGGED_MODEL, MODEL, MODEL_VERSION, PROMPT, PROMPT_VERSION, RUN};
use artel_platform::identity::{Requirement, Visible};
use artel_proto::mlflow::ModelVersion;
use serde_json::Value;

/// By this tag versions of prompts are known.
const IS_PROMPT: &str = "mlflow.prompt.is_prompt";

impl Tracking {
    /// Fails where the caller may not read what the field is about; of experiments to search those remain in the input
    /// that they may.
    pub(super) async fn permit_field(&self, access: &Access, field: &str, input: &mut Value) -> Result<()> {
        match field {
            "mlflowGetExperiment" => texts(input, "experimentId").iter().try_for_each(|id| of_experiment(access, id, &[])),
            "mlflowGetRun" | "mlflowListArtifacts" | "mlflowGetMetricHistoryBulkInterval" => {
                for run in ["runId", "runUuid", "runIds"].iter().flat_map(|name| texts(input, name)) {
                    self.permit_one(access, Within::Run, &run, (RUN, Read)).await?;
                }
                Ok(())
            }
            "mlflowSearchRuns" if refused(access, RUN) => Err(denied()),
            "mlflowSearchRuns" | "mlflowSearchDatasets" => remaining(access, input),
            "mlflowSearchModelVersions" => {
                // that a version matches a run is told by its being found at all
                let by_run = input.get("filter").and_then(Value::as_str).is_some_and(|filter| filter.contains("run_id"));
                if by_run && refused(access, RUN) { Err(denied()) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

fn refused(access: &Access, kind: &str) -> bool {
    access.require(&[Requirement::on(kind, "*", NotDenied)]).is_err()
}

/// Some that were asked for must be left.
fn remaining(access: &Access, input: &mut Value) -> Result<()> {
    let visible = visible(Some(access));
    let asked = texts(input, "experimentIds");
    let left: Vec<Value> = asked.iter().filter(|id| visible.has(&canonical(id))).map(|id| id.as_str().into()).collect();
    if left.is_empty() && !asked.is_empty() {
        return Err(denied());
    }
    if !asked.is_empty() {
        input["experimentIds"] = left.into();
    }
    Ok(())
}

/// The values of a field of the input, be they one or several.
fn texts(input: &Value, name: &str) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match input.get(name) {
        Some(Value::Array(items)) => items.iter().filter_map(text).collect(),
        value => value.and_then(text).into_iter().collect(),
    }
}

/// Of versions those that the caller may see, and of these what is of runs and logged models only if such may be seen.
pub(super) struct Versions {
    models: Visible,
    prompts: Visible,
    without_runs: bool,
    without_logged_models: bool,
}

impl Versions {
    pub(super) fn of(access: &Access) -> Self {
        let access = &access.in_scope("read:models");
        let visible = |kind: &str, versions: &str| match refused(access, versions) {
            true => Visible::Only(vec![]),
            false => access.readable(kind, "model"),
        };
        Self {
            models: visible(MODEL, MODEL_VERSION),
            prompts: visible(PROMPT, PROMPT_VERSION),
            without_runs: refused(access, RUN),
            without_logged_models: refused(access, LOGGED_MODEL),
        }
    }

    pub(super) fn retain(&self, versions: &mut Vec<ModelVersion>) {
        versions.retain(|version| {
            let is_prompt = version.tags.iter().any(|tag| tag.key() == IS_PROMPT && tag.value().eq_ignore_ascii_case("true"));
            let visible = if is_prompt { &self.prompts } else { &self.models };
            visible.has(version.name())
        });
        for version in versions {
            if self.without_runs {
                (version.run_id, version.run_link) = (None, None);
            }
            if self.without_logged_models {
                version.model_id = None;
            }
        }
    }
}
