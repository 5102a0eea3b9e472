//! What Artel itself tells of. `artel://models/<name>@<alias>` has news when the alias is set, with the version in the
//! event's extra: so a new champion starts the DAGs that wait for it. `artel://datasets/<path>` has news when the artifact
//! `datasets/<path>`, or one below it, was written, with its path, size and SHA-256.

use super::AssetChange;
use crate::Scheduler;
use crate::store::assets;
use artel_platform::Result;
use artel_platform::db::Tx;
use artel_proto::artel::artifact::v1::ArtifactWritten;
use artel_proto::artel::registry::v1::ModelVersionAliasSet;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// How the URIs begin.
pub(crate) const SCHEME: &str = "artel://";
/// The group of assets that no DAG file declares.
pub(crate) const GROUP: &str = "artel";

/// Left as they are in a model's name.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Scheduler {
    /// A model's alias was set.
    pub(crate) async fn model_alias_set(&self, event: &ModelVersionAliasSet, tx: &mut Tx) -> Result<()> {
        // DAGs are of one workspace, and their URIs name none
        if event.workspace != artel_platform::http::DEFAULT_WORKSPACE {
            return Ok(());
        }
        let extra = json!({"name": event.name, "alias": event.alias, "version": event.version});
        if self.tell(tx, &model_uris(&event.name, &event.alias), &extra).await? {
            tracing::info!(model = event.name, alias = event.alias, version = event.version, "asset event of a model's alias");
        }
        Ok(())
    }

    /// An artifact was written.
    pub(crate) async fn artifact_written(&self, event: &ArtifactWritten, tx: &mut Tx) -> Result<bool> {
        let Some(below) = below_datasets(event) else { return Ok(false) };
        let extra = json!({"path": event.path, "size": event.size, "sha256": event.sha256});
        let told = self.tell(tx, &dataset_uris(below), &extra).await?;
        if told {
            tracing::info!(path = event.path, "asset event of a dataset");
        }
        Ok(told)
    }

    /// There is news of the active assets among these; whether there is one.
    async fn tell(&self, tx: &mut Tx, uris: &[String], extra: &Value) -> Result<bool> {
        let mut told = false;
        for uri in uris {
            if let Some(asset) = assets::active_by(&mut *tx, "uri", uri).await? {
                let change = AssetChange { asset: &asset, extra, source: None, aliases: &[], partition_key: None, partition_date: None };
                self.register_asset_change(tx, &change).await?;
                told = true;
            }
        }
        Ok(told)
    }
}

/// Is it news of a dataset? Most artifacts are results of runs, or logs of tasks.
pub(crate) fn is_of_dataset(event: &ArtifactWritten) -> bool {
    below_datasets(event).is_some()
}

fn below_datasets(event: &ArtifactWritten) -> Option<&str> {
    // DAGs are of one workspace, and their URIs name none
    event.path.strip_prefix("datasets/").filter(|_| event.workspace == artel_platform::http::DEFAULT_WORKSPACE)
}

/// The dataset and every folder that it is in, each as DAG files may write it.
fn dataset_uris(path: &str) -> Vec<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let mut uris = Vec::new();
    for count in (1..=parts.len()).rev() {
        let encoded: Vec<String> = parts[..count].iter().map(|part| utf8_percent_encode(part, PLAIN).to_string()).collect();
        let (encoded, plain) = (encoded.join("/"), parts[..count].join("/"));
        uris.push(format!("{SCHEME}datasets/{encoded}"));
        if encoded != plain {
            uris.push(format!("{SCHEME}datasets/{plain}"));
        }
    }
    uris
}

/// How DAG files may write it: a name with blanks or slashes encoded, or as it is.
fn model_uris(name: &str, alias: &str) -> Vec<String> {
    let encoded = utf8_percent_encode(name, PLAIN).to_string();
    let mut uris = vec![format!("{SCHEME}models/{encoded}@{alias}")];
    if encoded != name {
        uris.push(format!("{SCHEME}models/{name}@{alias}"));
    }
    uris
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_where_they_need_it() {
        assert_eq!(model_uris("churn-v2", "champion"), ["artel://models/churn-v2@champion"]);
        assert_eq!(
            dataset_uris("wine/2024 red.csv"),
            ["artel://datasets/wine/2024%20red.csv", "artel://datasets/wine/2024 red.csv", "artel://datasets/wine"]
        );
        assert_eq!(model_uris("a b/c", "prod"), ["artel://models/a%20b%2Fc@prod", "artel://models/a b/c@prod"]);
    }
}
