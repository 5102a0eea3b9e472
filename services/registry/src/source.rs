//! May this be the source of a model version? Upstream's rules (mlflow/server/handlers.py `_create_model_version` and
//! what it calls): a source must belong to the run or logged model that the request names, and must not lead elsewhere.

use crate::Registry;
use crate::model_versions::number;
use crate::uri::{self, ModelUri};
use artel_platform::{Code, Error, Result};
use artel_proto::artel::tracking::v1::{DescribeLoggedModelRequest, DescribeRunRequest, LoggedModelDescription, RunDescription};

/// Prompt versions have no artifacts: their source is one of these words.
pub(crate) const PROMPT_SOURCES: &[&str] = &["dummy-source", "prompt-template"];

/// Schemes whose URI names the host to connect to (mlflow/store/artifact/host_policy.py).
const HOST_SCHEMES: &[&str] = &["ftp", "sftp", "hdfs", "viewfs", "http", "https", "mlflow-artifacts", "r2", "b2", "abfss"];

/// Where a version comes from, all of it checked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    /// As it is registered.
    pub(crate) source: String,
    /// Where the bytes lie.
    pub(crate) storage_location: String,
    /// The run, when one is known.
    pub(crate) run_id: Option<String>,
    /// The logged model, when there is one.
    pub(crate) model_id: Option<String>,
}

/// A prompt's source.
pub(crate) fn of_prompt(source: &str, run_id: Option<&str>) -> Result<Origin> {
    if !PROMPT_SOURCES.contains(&source) {
        return Err(Error::invalid(format!("Invalid prompt source: '{source}'. Prompt sources must use an MLflow placeholder.")));
    }
    Ok(Origin { source: source.into(), storage_location: source.into(), run_id: Some(run_id.unwrap_or_default().into()), model_id: None })
}

impl Registry {
    /// Checks a source against the run and the logged model that the request names; finds where its bytes lie.
    pub(crate) async fn origin(&self, workspace: &str, source: &str, run_id: Option<&str>, model_id: Option<&str>) -> Result<Origin> {
        refuse_other_hosts(source)?;
        let mut origin = self.lineage(workspace, source, run_id, model_id).await?;
        let model_id = origin.model_id.clone().filter(|id| !id.is_empty());
        let run_id = origin.run_id.clone().filter(|id| !id.is_empty());
        match &model_id {
            Some(id) => self.check_model_source(workspace, &origin.source, id).await?,
            None => self.check_run_source(workspace, &origin.source, run_id.as_deref()).await?,
        }
        match uri::model(&origin.source) {
            Some(ModelUri::Logged(id)) => {
                let model = self.logged_model(workspace, id).await.map_err(|e| unfetched(&origin.source, e))?;
                origin.storage_location = model.artifact_uri;
                origin.run_id = run_id.or(some(model.source_run_id));
            }
            Some(ModelUri::Version(name, version)) => {
                origin.storage_location = self.download_uri(workspace, name, version).await.map_err(|e| unfetched(&origin.source, e))?;
            }
            _ => origin.storage_location = origin.source.clone(),
        }
        if origin.run_id.as_deref().unwrap_or_default().is_empty()
            && let Some(id) = &model_id
        {
            origin.run_id = some(self.logged_model(workspace, id).await?.source_run_id);
        }
        origin.model_id = model_id;
        Ok(origin)
    }

    /// A source that is itself a registered version takes over that version's run and model.
    async fn lineage(&self, workspace: &str, source: &str, run_id: Option<&str>, model_id: Option<&str>) -> Result<Origin> {
        let given = |source: String| Origin {
            source,
            run_id: Some(run_id.unwrap_or_default().into()),
            model_id: model_id.map(Into::into),
            ..Origin::default()
        };
        let parts = uri::split(source);
        if parts.scheme != "models" {
            return Ok(given(source.into()));
        }
        if !parts.authority.is_empty() {
            return Err(refused(source, "Registered model sources must use the active model registry."));
        }
        let named = uri::model(source).ok_or_else(|| not_contained(source, "model_id"))?;
        let Some(name) = named.name() else { return Ok(given(source.into())) };
        if self.registered_model(workspace, name).await?.tags.iter().any(crate::registered_models::is_prompt_tag) {
            return Err(refused(source, "Prompt versions cannot be used as model version sources."));
        }
        let version = self.named_version(workspace, &named).await?;
        let number = number(&version);
        let stored_model = self.model_id(workspace, version.name(), number).await?;
        let differs = |given: Option<&str>, stored: Option<&str>| given.is_some_and(|id| id != stored.unwrap_or_default());
        if differs(run_id, version.run_id.as_deref()) || differs(model_id, stored_model.as_deref()) {
            return Err(refused(source, "The run_id and model_id request parameters must match the referenced model version."));
        }
        Ok(Origin {
            source: format!("models:/{}/{number}", version.name()),
            run_id: run_id.map(Into::into).or(version.run_id),
            model_id: stored_model,
            ..Origin::default()
        })
    }

    async fn check_run_source(&self, workspace: &str, source: &str, run_id: Option<&str>) -> Result<()> {
        if is_local(source)? {
            let Some(id) = run_id else { return Err(outside(source, "run_id")) };
            let root = self.run(workspace, id).await.map_err(|e| not_there(e, source, "run_id"))?.artifact_uri;
            return local_within(source, &root, "run_id");
        }
        refuse_relative(source)?;
        let parts = uri::split(source);
        let contained = match parts.scheme.as_str() {
            "runs" => parts.authority.is_empty() && uri::run(source).is_some_and(|(id, _)| run_id == Some(id)),
            "models" if !parts.authority.is_empty() => return Err(not_contained(source, "model_id")),
            "models" => match uri::model(source) {
                None | Some(ModelUri::Logged(_)) => return Err(not_contained(source, "model_id")),
                Some(_) => true,
            },
            _ if is_proxied(source) => match run_id {
                None => false,
                Some(id) => is_within(source, &self.run(workspace, id).await.map_err(|e| not_there(e, source, "run_id"))?.artifact_uri),
            },
            _ => true,
        };
        if contained { Ok(()) } else { Err(not_contained(source, "run_id")) }
    }

    async fn check_model_source(&self, workspace: &str, source: &str, model_id: &str) -> Result<()> {
        if is_local(source)? {
            let root = self.logged_model(workspace, model_id).await.map_err(|e| not_there(e, source, "model_id"))?.artifact_uri;
            return local_within(source, &root, "model_id");
        }
        refuse_relative(source)?;
        let parts = uri::split(source);
        let contained = match parts.scheme.as_str() {
            "models" => {
                parts.authority.is_empty()
                    && match uri::model(source) {
                        None => false,
                        Some(ModelUri::Logged(id)) => id == model_id,
                        Some(_) => true,
                    }
            }
            "runs" => false,
            _ if is_proxied(source) => {
                is_within(source, &self.logged_model(workspace, model_id).await.map_err(|e| not_there(e, source, "model_id"))?.artifact_uri)
            }
            _ => true,
        };
        if contained { Ok(()) } else { Err(not_contained(source, "model_id")) }
    }

    pub(crate) async fn run(&self, workspace: &str, run_id: &str) -> Result<RunDescription> {
        let request = DescribeRunRequest { workspace: workspace.into(), run_id: run_id.into() };
        Ok(self.peers.tracking().describe_run(request).await?.into_inner())
    }

    pub(crate) async fn logged_model(&self, workspace: &str, model_id: &str) -> Result<LoggedModelDescription> {
        let request = DescribeLoggedModelRequest { workspace: workspace.into(), model_id: model_id.into() };
        Ok(self.peers.tracking().describe_logged_model(request).await?.into_inner())
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn refused(source: &str, why: &str) -> Error {
    Error::invalid(format!("Invalid model version source: '{source}'. {why}"))
}

/// A path of this machine must lie in the artifact folder, itself of this machine, of what the request names.
fn local_within(source: &str, root: &str, parameter: &str) -> Result<()> {
    let path = uri::local_path(source);
    let contained = matches!(is_local(root), Ok(true)) && path.starts_with(uri::local_path(root));
    if contained { Ok(()) } else { Err(outside(&path.display().to_string(), parameter)) }
}

fn outside(source: &str, parameter: &str) -> Error {
    refused(
        source,
        &format!(
            "To use a local path as a model version source, the {parameter} request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the {parameter}."
        ),
    )
}

fn not_contained(source: &str, parameter: &str) -> Error {
    refused(source, &format!("The {parameter} request parameter must identify the resource that contains the source."))
}

/// What the request names is not there: then it does not contain the source.
fn not_there(error: Error, source: &str, parameter: &str) -> Error {
    if error.code == Code::NotFound { not_contained(source, parameter) } else { error }
}

fn unfetched(source: &str, error: Error) -> Error {
    match error.code {
        Code::NotFound | Code::InvalidArgument => {
            Error::invalid(format!("Unable to fetch model from model URI source artifact location '{source}'.Error: {}", error.message))
        }
        _ => error,
    }
}

/// The server never connects to a host that a client names.
fn refuse_other_hosts(source: &str) -> Result<()> {
    let parts = uri::split(source);
    let scheme = parts.scheme.as_str();
    if !HOST_SCHEMES.contains(&scheme) || (scheme == "mlflow-artifacts" && parts.authority.is_empty()) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "'source' cannot use the '{scheme}' scheme: the '{scheme}' scheme addresses a host other than the tracking server's configured artifact storage, so the server would connect to the host named in the URI. Use mlflow-artifacts:/, runs:/ or models:/ without a host."
    )))
}

/// A path of this machine (mlflow/utils/uri.py `is_local_uri`).
fn is_local(source: &str) -> Result<bool> {
    let parts = uri::split(source);
    if parts.scheme == "file" {
        let host = parts.authority.rsplit('@').next().unwrap_or_default();
        let here = host.is_empty() || host == "." || host.starts_with("localhost") || host.starts_with("127.0.0.1");
        if !here {
            return Err(Error::invalid(format!(
                "{source} is not a valid remote uri. For remote access on windows, please consider using a different scheme such as SMB (e.g. smb://<hostname>/<path>)."
            )));
        }
    }
    Ok(matches!(parts.scheme.as_str(), "" | "file"))
}

/// A path that is not what it says: relative, with `..` (encoded or not) or with a NUL.
fn refuse_relative(source: &str) -> Result<()> {
    let decoded = uri::unquote(source, true);
    let path = uri::split(&decoded).path.trim_end_matches('/');
    let tidy = path.starts_with('/') && !path.contains('\0') && !path.split('/').any(|part| part == ".");
    if tidy && !decoded.split('/').any(|part| part == "..") {
        return Ok(());
    }
    Err(refused(
        source,
        "If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.",
    ))
}

fn is_proxied(source: &str) -> bool {
    uri::proxied(source).is_some()
}

/// Does `source` lie in `root`?
fn is_within(source: &str, root: &str) -> bool {
    let parts = |text: &str| {
        let uri = uri::split(text);
        let names: Vec<String> = uri.path.split('/').filter(|p| !p.is_empty()).map(|p| uri::unquote(p, false)).collect();
        (uri.scheme, uri.authority.to_ascii_lowercase(), names)
    };
    let (source, root) = (parts(source), parts(root));
    source.0 == root.0 && source.1 == root.1 && !root.2.is_empty() && source.2.starts_with(&root.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for bad in [
            "mlflow-artifacts:/a/../b",
            "mlflow-artifacts:/a/%2e%2e/b",
            "s3://bucket/a/..%252f..%252fb",
            "s3:/bucket/a/../b",
            "s3://bucket",
            "mlflow-artifacts:/a%00",
            "mlflow-artifacts:a/b",
            "s3://bucket/a/./b",
        ] {
            assert!(refuse_relative(bad).is_err(), "{bad}");
        }
        for good in ["mlflow-artifacts:/1/run/artifacts/model", "s3://bucket/a//b/", "runs:/ab/model", "models:/m-12", "s3://b/a..b"] {
            assert!(refuse_relative(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_source_lies_in_its_root_by_whole_names() {
        let root = "mlflow-artifacts:/1/run/artifacts";
        assert!(is_within("mlflow-artifacts:/1/run/artifacts/model", root));
        assert!(is_within("mlflow-artifacts:/1/%72un/artifacts", root));
        assert!(!is_within("mlflow-artifacts:/1/run/artifacts2/model", root));
        assert!(!is_within("mlflow-artifacts://host/1/run/artifacts/model", root));
        assert!(!is_within("s3:/1/run/artifacts/model", root));
        assert!(!is_within("s3://b/x", "s3://b"));
    }

    #[test]
    fn hosts_and_local_paths() {
        for bad in ["http://evil/x", "ftp://h/x", "mlflow-artifacts://host:80/x", "abfss://a@b/c"] {
            assert!(refuse_other_hosts(bad).is_err(), "{bad}");
        }
        for good in ["s3://b/x", "mlflow-artifacts:/x", "runs:/a/b", "gs://b/x"] {
            assert!(refuse_other_hosts(good).is_ok(), "{good}");
        }
        assert!(is_local("/etc/passwd").unwrap() && is_local("file:///etc").unwrap() && is_local("a/b").unwrap());
        assert!(!is_local("s3://b/x").unwrap() && is_local("file://other/etc").is_err());
        assert!(of_prompt("dummy-source", None).is_ok() && of_prompt("s3://b/x", None).is_err());
    }
}
