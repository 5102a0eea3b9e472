//! Who may touch which artifact: what lies below `<experiment>/` belongs to the experiment, and by the folder below to
//! its runs, logged models or traces (mlflow/server/auth/__init__.py `_authorize_artifact_proxy_resolved`). Asked only
//! for callers who may not do everything.

use crate::path::ArtifactPath;
use artel_platform::http::{Access, Attempt, DEFAULT_WORKSPACE, Guard, Workspace, denied};
use artel_platform::identity::{Action, Requirement, resource};
use artel_platform::{Error, Result};
use futures::future::LocalBoxFuture;

/// Folder of the workspaces beside the default one.
const WORKSPACES: &str = "workspaces";

/// The artifact service's part of the gate.
pub(crate) struct ArtifactGuard;

impl Guard for ArtifactGuard {
    fn check<'a>(&'a self, attempt: &'a mut Attempt<'_>) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let route = attempt.route();
            let Some(proxied) = route.strip_prefix("2.0/mlflow-artifacts/") else {
                // data remotes hold nothing of experiments
                return if route.starts_with("/dvc/") { Ok(()) } else { Err(denied()) };
            };
            let action = match attempt.method().as_str() {
                "GET" | "HEAD" => Action::Read,
                "DELETE" => Action::Manage,
                _ => Action::Update,
            };
            // a list names its folder in the query, everything else in the path
            let text = if proxied.contains('{') { attempt.path("path") } else { attempt.all("path").await?.into_iter().next() };
            permit(&attempt.access, &text.unwrap_or_default(), action)
        })
    }
}

fn permit(access: &Access, text: &str, action: Action) -> Result<()> {
    // a path that cannot be one names nothing that could be allowed
    let path = ArtifactPath::from_client(text).map_err(|_| denied())?;
    let rest = within_workspace(path.as_str());
    let (experiment, below) = rest.split_once('/').unwrap_or((rest, ""));
    if experiment.is_empty() || !experiment.bytes().all(|b| b.is_ascii_digit()) {
        // nobody's experiment: what is granted on all of them decides
        return access.require(&[Requirement::on(resource::EXPERIMENT, "*", action)]);
    }
    access.require_scope(("experiment", experiment))?;
    let kinds = kinds(below, action == Action::Manage);
    if kinds.is_empty() {
        return access.require(&[Requirement::on(resource::EXPERIMENT, experiment, action)]);
    }
    let container = (resource::EXPERIMENT, experiment);
    let mut requirements = vec![Requirement::on(resource::EXPERIMENT, experiment, Action::Read)];
    requirements.extend(kinds.iter().map(|kind| Requirement::within(kind, action, container)));
    access.require(&requirements)
}

/// What kinds of things a path below an experiment belongs to. Deleting takes a whole folder with it.
fn kinds(below: &str, recursive: bool) -> &'static [&'static str] {
    let mut names = below.split('/');
    let (first, second) = (names.next().unwrap_or_default(), names.next());
    match first {
        "" if recursive => &[resource::RUN, resource::TRACE, resource::LOGGED_MODEL],
        "" => &[],
        "models" => &[resource::LOGGED_MODEL],
        "traces" => &[resource::TRACE],
        run if second == Some("artifacts") || is_run_id(run) || recursive => &[resource::RUN],
        _ => &[],
    }
}

fn is_run_id(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The path without the folder of its workspace.
fn within_workspace(path: &str) -> &str {
    let Some(rest) = path.strip_prefix(WORKSPACES).and_then(|rest| rest.strip_prefix('/')) else { return path };
    rest.split_once('/').map_or("", |(_, rest)| rest)
}

/// The path that a client sends, which may begin with the folder of its workspace.
pub(crate) fn in_workspace(workspace: &Workspace, text: &str) -> Result<ArtifactPath> {
    let path = ArtifactPath::from_client(text)?;
    check_workspace(&workspace.0, &path)?;
    Ok(path)
}

/// Fails when a path names another workspace than the request (mlflow/server/handlers.py
/// `_get_workspace_scoped_repo_path_if_enabled`).
fn check_workspace(workspace: &str, path: &ArtifactPath) -> Result<()> {
    let Some(rest) = path.as_str().strip_prefix(WORKSPACES).and_then(|rest| rest.strip_prefix('/')) else { return Ok(()) };
    let named = rest.split('/').next().unwrap_or_default();
    if named == workspace || workspace == DEFAULT_WORKSPACE && named.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!("Artifact path targets workspace '{named}' but the workspace specified in the request is '{workspace}'.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_an_experiment_and_a_kind_of_thing() {
        let run = "0123456789abcdef0123456789abcdef";
        assert_eq!(kinds(&format!("{run}/artifacts/model"), false), [resource::RUN]);
        assert_eq!(kinds(run, false), [resource::RUN]);
        assert_eq!(kinds("models/m-1/artifacts/MLmodel", false), [resource::LOGGED_MODEL]);
        assert_eq!(kinds("notes.txt", false), [] as [&str; 0]);
        assert_eq!(kinds("notes.txt", true), [resource::RUN]);
        assert_eq!(kinds("", true).len(), 3);
        assert_eq!(within_workspace("workspaces/team/5/x"), "5/x");
        assert_eq!(within_workspace("5/workspaces/x"), "5/workspaces/x");
    }

    #[test]
    fn a_path_stays_in_its_workspace() {
        let path = |text: &str| ArtifactPath::from_client(text).expect("a path");
        assert!(check_workspace("team", &path("workspaces/team/1/a")).is_ok() && check_workspace("team", &path("1/a")).is_ok());
        assert!(check_workspace("default", &path("workspaces/team/1/a")).is_err());
    }
}
