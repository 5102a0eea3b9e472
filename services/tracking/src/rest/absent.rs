//! Upstream's parts for generative AI, which Artel does not have: a clear 501 with MLflow's error body.

use artel_platform::http::{Dialect, Routes};

/// Everything at and below these paths, and below the same ones of `/ajax-api`.
const ABSENT: &[(&str, &str)] = &[
    ("/api/3.0/mlflow/datasets", "evaluation datasets"),
    ("/api/3.0/mlflow/scorers", "scorers"),
    ("/api/3.0/mlflow/scorer", "scorers"),
    ("/api/3.0/mlflow/issues", "issues"),
    ("/api/3.0/mlflow/label-schemas", "label schemas"),
    ("/api/3.0/mlflow/review-queues", "review queues"),
    ("/api/3.0/mlflow/prompt-optimization", "prompt optimization"),
    ("/api/3.0/mlflow/gateway", "the AI gateway"),
    ("/api/3.0/mlflow/genai", "evaluation on the server"),
    ("/api/3.0/mlflow/demo", "demo data"),
    ("/api/3.0/mlflow/jobs", "background jobs of generative AI"),
    ("/api/3.0/mlflow/assistant", "the assistant"),
    ("/api/3.0/mlflow/mcp-servers", "the registry of MCP servers"),
    ("/api/3.0/mlflow/skills", "the registry of skills"),
    ("/api/3.0/jobs", "background jobs of generative AI"),
    ("/api/2.0/mlflow/runs/create-promptlab-run", "the prompt lab"),
];

/// The routes, each with what it would be for.
pub(super) fn add(routes: Routes) -> Routes {
    ABSENT.iter().fold(routes, |routes, (path, what)| {
        let (mirror, why) = (path.replacen("/api/", "/ajax-api/", 1), format!("this server does not have {what}"));
        routes.absent(Dialect::Mlflow, path, &why).absent(Dialect::Mlflow, &mirror, &why)
    })
}
