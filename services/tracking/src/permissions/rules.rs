//! What each route needs, as upstream's table (mlflow/server/auth/__init__.py `BEFORE_REQUEST_HANDLERS`).

use artel_platform::identity::Action::{self, Delete, Read, Update};
use artel_platform::identity::resource::{LOGGED_MODEL, RUN};

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Whatever the handler lets through.
    Open,
    /// To make an experiment.
    CreateExperiment,
    /// This, of the experiment that is named.
    Experiment(Action),
    /// To read the experiment of that name.
    ExperimentByName,
    /// To delete the experiment with all that lies in it.
    DeleteExperiment,
    /// To read each of the experiments that are named.
    EachExperiment,
    /// Of the experiments that are named those remain that can be read, if things of this type can.
    Remaining(&'static str),
    /// To make something of this type in the experiment.
    CreateIn(&'static str),
    /// This, of each run that is named.
    Run(Action),
    /// To change the run, and each logged model that the request writes to.
    LogToRun,
    /// This, of the logged model.
    Model(Action),
    /// To change the run or the logged model, whichever is named.
    RunOrModel,
    /// This, of each trace that is named.
    Trace(Action),
    /// To delete traces of the experiment.
    DeleteTraces,
    /// To search traces of the experiments that are named.
    SearchTraces,
    /// To add traces to the experiment.
    StartTrace,
    /// This, of assessments of the trace.
    Assessment(Action),
    /// To change the run and read the traces.
    LinkTraces,
    /// To be an administrator.
    Admin,
}

/// Method, route, rule. A `*` at the end stands for anything.
const RULES: &[(&str, &str, Rule)] = &[
    ("POST", "experiments/create", Rule::CreateExperiment),
    ("GET", "experiments/get", Rule::Experiment(Read)),
    ("GET", "experiments/get-by-name", Rule::ExperimentByName),
    ("POST", "experiments/delete", Rule::DeleteExperiment),
    ("POST", "experiments/restore", Rule::DeleteExperiment),
    ("POST", "experiments/update", Rule::Experiment(Update)),
    ("POST", "experiments/set-experiment-tag", Rule::Experiment(Update)),
    ("POST", "experiments/delete-experiment-tag", Rule::Experiment(Update)),
    ("GET", "experiments/search", Rule::Open),
    ("POST", "experiments/search", Rule::Open),
    ("POST", "experiments/search-datasets", Rule::EachExperiment),
    ("POST", "runs/create", Rule::CreateIn(RUN)),
    ("POST", "runs/create-promptlab-run", Rule::CreateIn(RUN)),
    ("GET", "runs/get", Rule::Run(Read)),
    ("POST", "runs/update", Rule::Run(Update)),
    ("POST", "runs/delete", Rule::Run(Delete)),
    ("POST", "runs/restore", Rule::Run(Delete)),
    ("POST", "runs/search", Rule::Remaining(RUN)),
    ("POST", "runs/log-metric", Rule::LogToRun),
    ("POST", "runs/log-batch", Rule::LogToRun),
    ("POST", "runs/log-inputs", Rule::LogToRun),
    ("POST", "runs/outputs", Rule::LogToRun),
    ("POST", "runs/log-parameter", Rule::Run(Update)),
    ("POST", "runs/log-model", Rule::Run(Update)),
    ("POST", "runs/set-tag", Rule::Run(Update)),
    ("POST", "runs/delete-tag", Rule::Run(Update)),
    ("GET", "metrics/get-history", Rule::Run(Read)),
    ("GET", "metrics/get-history-bulk", Rule::Run(Read)),
    ("GET", "metrics/get-history-bulk-interval", Rule::Run(Read)),
    ("GET", "artifacts/list", Rule::Run(Read)),
    ("GET", "/get-artifact", Rule::Run(Read)),
    ("POST", "upload-artifact", Rule::Run(Update)),
    ("POST", "artifacts/presigned-download-url", Rule::Run(Read)),
    ("POST", "artifacts/presigned-upload-url", Rule::RunOrModel),
    ("POST", "logged-models", Rule::CreateIn(LOGGED_MODEL)),
    ("POST", "logged-models/search", Rule::Remaining(LOGGED_MODEL)),
    ("GET", "logged-models/{model_id}", Rule::Model(Read)),
    ("PATCH", "logged-models/{model_id}", Rule::Model(Update)),
    ("DELETE", "logged-models/{model_id}", Rule::Model(Delete)),
    ("POST", "logged-models/{model_id}/params", Rule::Model(Update)),
    ("PATCH", "logged-models/{model_id}/tags", Rule::Model(Update)),
    ("DELETE", "logged-models/{model_id}/tags/{tag_key}", Rule::Model(Delete)),
    ("GET", "logged-models/{model_id}/artifacts/*", Rule::Model(Read)),
    ("GET", "workspaces", Rule::Open),
    ("GET", "workspaces/{workspace_name}", Rule::Open),
    ("POST", "workspaces", Rule::Admin),
    ("PATCH", "workspaces/{workspace_name}", Rule::Admin),
    ("DELETE", "workspaces/{workspace_name}", Rule::Admin),
    ("POST", "traces", Rule::StartTrace),
    ("GET", "traces", Rule::SearchTraces),
    ("POST", "traces/search", Rule::SearchTraces),
    ("GET", "traces/get", Rule::Trace(Read)),
    ("GET", "traces/batchGet", Rule::Trace(Read)),
    ("POST", "traces/batchGet", Rule::Trace(Read)),
    ("GET", "traces/batchGetInfos", Rule::Trace(Read)),
    ("POST", "traces/batchGetInfos", Rule::Trace(Read)),
    ("POST", "traces/delete-traces", Rule::DeleteTraces),
    ("POST", "traces/link-to-run", Rule::LinkTraces),
    ("POST", "traces/link-prompts", Rule::Trace(Update)),
    ("POST", "traces/metrics", Rule::SearchTraces),
    ("POST", "traces/calculate-filter-correlation", Rule::SearchTraces),
    ("GET", "get-trace-artifact", Rule::Trace(Read)),
    ("POST", "/v1/traces", Rule::StartTrace),
    ("POST", "artel/v1/gc", Rule::Admin),
    // each field of a request goes by the rule of the operation behind it (`graphql/permit.rs`)
    ("GET", "/graphql", Rule::Open),
    ("POST", "/graphql", Rule::Open),
    ("GET", "ui-telemetry", Rule::Open),
    ("POST", "ui-telemetry", Rule::Open),
    ("GET", "gateway-proxy", Rule::Open),
];

/// The rule of a route; `None` where there is none, and nobody restricted may pass.
pub(super) fn rule(method: &str, route: &str) -> Option<Rule> {
    let method = if method == "HEAD" { "GET" } else { method };
    let fits = |pattern: &str| pattern.strip_suffix('*').map_or(pattern == route, |start| route.starts_with(start));
    RULES.iter().find(|row| row.0 == method && fits(row.1)).map(|row| row.2).or_else(|| of_one_trace(method, route))
}

/// Routes of one trace, whatever its path parameter is called.
fn of_one_trace(method: &str, route: &str) -> Option<Rule> {
    let rest = route.strip_prefix("traces/{")?.split_once('}')?.1;
    let part = rest.trim_start_matches('/').split('/').next().unwrap_or_default();
    let action = match method {
        "GET" => Read,
        _ => Update,
    };
    match part {
        "assessments" => Some(Rule::Assessment(action)),
        "" | "info" | "tags" | "spans" | "artifacts" | "end" => Some(Rule::Trace(action)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_experiments_and_runs_has_a_rule() {
        for info in crate::routes().list() {
            let path = info.path.as_str();
            let rest = path.strip_prefix("/api/").or_else(|| path.strip_prefix("/ajax-api/")).unwrap_or(path);
            let rest = rest.strip_prefix("2.0/mlflow/").or_else(|| rest.strip_prefix("3.0/mlflow/")).unwrap_or(rest);
            let classic =
                ["experiments/", "runs/", "metrics/", "artifacts/", "logged-models", "workspaces", "/get-artifact", "upload-artifact"];
            if classic.iter().any(|start| rest.starts_with(start)) {
                assert!(rule(info.method.as_str(), rest).is_some(), "{} {path}: who may call it?", info.method);
            }
        }
        assert_eq!(rule("PATCH", "traces/{trace_id}/tags"), Some(Rule::Trace(Update)));
        assert_eq!(rule("GET", "traces/{trace_id}/assessments/{assessment_id}"), Some(Rule::Assessment(Read)));
        assert_eq!(rule("POST", "/graphql"), Some(Rule::Open));
        assert_eq!(rule("POST", "gateway/secrets/create"), None);
    }
}
