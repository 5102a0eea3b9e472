//! What a reference to a registered model means now, and where in the artifact service it lies.

use crate::Registry;
use crate::model_versions::number;
use crate::uri;
use artel_platform::{Error, Result};
use artel_proto::artel::registry::v1::ModelReference;

/// Which version is meant.
#[derive(Debug, Clone)]
pub enum Selector {
    /// The one with this number.
    Version(i64),
    /// The one that an alias points to.
    Alias(String),
    /// The one with the highest number.
    Latest,
}

impl Registry {
    /// The version that `selector` means now.
    pub async fn resolve(&self, workspace: &str, name: &str, selector: Selector) -> Result<ModelReference> {
        let version = match selector {
            Selector::Version(version) => self.version(workspace, name, version).await?,
            Selector::Alias(alias) => self.version_by_alias(workspace, name, &alias).await?,
            Selector::Latest => self.version_by_alias(workspace, name, "latest").await?,
        };
        let number = number(&version);
        let location = self.download_uri(workspace, name, number).await?;
        Ok(ModelReference {
            artifact_path: self.artifact_path(workspace, &location).await?,
            model_id: self.model_id(workspace, name, number).await?.unwrap_or_default(),
            name: name.into(),
            version: number,
            source: version.source.unwrap_or_default(),
            run_id: version.run_id.unwrap_or_default(),
        })
    }

    /// The path in the artifact service of a location, asking tracking where runs and logged models lie.
    pub(crate) async fn artifact_path(&self, workspace: &str, location: &str) -> Result<String> {
        let root = if let Some((run_id, path)) = uri::run(location) {
            format!("{}/{path}", self.run(workspace, run_id).await?.artifact_uri)
        } else if let Some(uri::ModelUri::Logged(model_id)) = uri::model(location) {
            self.logged_model(workspace, model_id).await?.artifact_uri
        } else {
            location.to_owned()
        };
        uri::proxied(&root).ok_or_else(|| Error::conflict(format!("the model lies at {root}, outside this installation's artifact store: register it from a run that logs to mlflow-artifacts:/")))
    }
}
