//! Aliases: names that point to one version and can be moved.

use crate::Registry;
use crate::model_versions::{self, number};
use crate::registered_models;
use crate::store::aliases as store;
use crate::uri::ModelUri;
use crate::validate;
use crate::webhooks::What;
use artel_platform::{Error, Result};
use artel_proto::artel::registry::v1::{ModelVersionAliasDeleted, ModelVersionAliasSet};
use artel_proto::mlflow::{ModelVersion, WebhookAction as Action};
use serde_json::json;

impl Registry {
    /// Points an alias to a version, wherever it pointed before.
    pub async fn set_alias(&self, workspace: &str, name: &str, alias: &str, version: &str) -> Result<()> {
        validate::model_name(name)?;
        validate::new_alias(alias)?;
        let version = validate::version(version)?;
        let mut tx = self.db.begin().await?;
        model_versions::require(&mut tx, workspace, name, version).await?;
        store::set(&mut tx, workspace, name, alias, version).await?;
        tx.emit(&ModelVersionAliasSet { workspace: workspace.into(), name: name.into(), alias: alias.into(), version });
        let data = json!({"name": name, "alias": alias, "version": version.to_string()});
        self.tell(&mut tx, workspace, name, What::Alias, Action::Created, &data).await?;
        tx.commit().await
    }

    /// Removes an alias; fine when there is none.
    pub async fn delete_alias(&self, workspace: &str, name: &str, alias: &str) -> Result<()> {
        validate::model_name(name)?;
        validate::alias(alias)?;
        let mut tx = self.db.begin().await?;
        registered_models::require(&mut tx, workspace, name).await?;
        if store::delete(&mut tx, workspace, name, alias).await? {
            tx.emit(&ModelVersionAliasDeleted { workspace: workspace.into(), name: name.into(), alias: alias.into() });
        }
        self.tell(&mut tx, workspace, name, What::Alias, Action::Deleted, &json!({"name": name, "alias": alias})).await?;
        tx.commit().await
    }

    /// The version that an alias points to; `latest` is the one with the highest number.
    pub async fn version_by_alias(&self, workspace: &str, name: &str, alias: &str) -> Result<ModelVersion> {
        validate::model_name(name)?;
        validate::alias(alias)?;
        if alias.eq_ignore_ascii_case("latest") {
            let versions = self.latest_versions(workspace, name, &[]).await?;
            let latest = versions.into_iter().max_by_key(number);
            return latest.ok_or_else(|| Error::not_found(format!("Latest version not found for model {name}.")));
        }
        match store::find(&self.db, workspace, name, alias).await? {
            Some(version) => self.version(workspace, name, version).await,
            None => {
                self.registered_model(workspace, name).await?;
                Err(Error::invalid(format!("Registered model alias {alias} not found.")))
            }
        }
    }

    /// The version that a `models:/` URI of a registered model names.
    pub(crate) async fn named_version(&self, workspace: &str, uri: &ModelUri<'_>) -> Result<ModelVersion> {
        match *uri {
            ModelUri::Version(name, version) => self.version(workspace, name, version).await,
            ModelUri::Alias(name, alias) => self.version_by_alias(workspace, name, alias).await,
            ModelUri::Latest(name) => self.version_by_alias(workspace, name, "latest").await,
            ModelUri::Stage(name, stage) => {
                let versions = self.latest_versions(workspace, name, &[stage.to_owned()]).await?;
                let none = || Error::not_found(format!("No versions of model with name '{name}' and stage '{stage}' found"));
                versions.into_iter().next().ok_or_else(none)
            }
            ModelUri::Logged(id) => Err(Error::invalid(format!("{id} is a logged model, not a registered one"))),
        }
    }
}
