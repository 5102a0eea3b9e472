//! Model versions: numbered, each from a source that its run or logged model contains.

use crate::registered_models::not_found as model_not_found;
use crate::store::{aliases, model_versions as store, registered_models, tags};
use crate::validate::{self, IS_PROMPT_TAG, PROMPT_TEXT_TAG};
use crate::webhooks::What;
use crate::{Registry, source, stages};
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use artel_proto::artel::registry::v1::{ModelVersionAliasDeleted, ModelVersionChanged, ModelVersionCreated};
use artel_proto::mlflow::{ModelVersion, ModelVersionTag, WebhookAction as Action, WebhookEntity as Entity};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a new version is made from.
#[derive(Debug, Clone, Default)]
pub struct NewVersion {
    /// Registered model.
    pub name: String,
    /// URI of the artifacts.
    pub source: String,
    /// Run that made them.
    pub run_id: Option<String>,
    /// Logged model that they are.
    pub model_id: Option<String>,
    /// Tags; the last of a key counts.
    pub tags: Vec<ModelVersionTag>,
    /// Link to the run elsewhere.
    pub run_link: String,
    /// Text.
    pub description: String,
}

impl Registry {
    /// Makes the next version. Its source is checked first (module `source`).
    pub async fn create_model_version(&self, workspace: &str, new: NewVersion) -> Result<ModelVersion> {
        validate::model_name(&new.name)?;
        for tag in &new.tags {
            validate::version_tag(tag.key(), tag.value.as_deref())?;
        }
        let is_prompt = new.tags.iter().rev().find(|t| t.key() == IS_PROMPT_TAG).is_some_and(|t| t.value().eq_ignore_ascii_case("true"));
        let (run_id, model_id) = (new.run_id.as_deref(), new.model_id.as_deref());
        let origin =
            if is_prompt { source::of_prompt(&new.source, run_id)? } else { self.origin(workspace, &new.source, run_id, model_id).await? };

        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        // holds the model: two creations take their numbers one after the other
        if !registered_models::touch(&mut tx, workspace, &new.name, now).await? {
            return Err(model_not_found(&new.name));
        }
        let version = store::last_number(&mut tx, workspace, &new.name).await? + 1;
        let event = ModelVersionCreated {
            workspace: workspace.into(),
            name: new.name.clone(),
            version,
            source: origin.source.clone(),
            run_id: origin.run_id.clone().unwrap_or_default(),
            model_id: origin.model_id.clone().unwrap_or_default(),
        };
        store::insert(&mut tx, workspace, version, &new, &origin, now).await?;
        for tag in &new.tags {
            tags::set_of_version(&mut tx, workspace, (&new.name, version), tag.key(), tag.value()).await?;
        }
        tx.emit(&event);
        let (entity, data) = told(&new, &event, is_prompt);
        self.tell_created(&mut tx, workspace, entity, &data).await?;
        tx.commit().await?;
        self.version(workspace, &new.name, version).await
    }

    /// A version by its number as text.
    pub async fn model_version(&self, workspace: &str, name: &str, version: &str) -> Result<ModelVersion> {
        validate::model_name(name)?;
        self.version(workspace, name, validate::version(version)?).await
    }

    pub(crate) async fn version(&self, workspace: &str, name: &str, version: i64) -> Result<ModelVersion> {
        let found = store::get(&self.db, workspace, name, version).await?.ok_or_else(|| not_found(name, version))?;
        let mut found = self.tagged(workspace, vec![found]).await?.remove(0);
        found.aliases = aliases::of_version(&self.db, workspace, name, version).await?;
        Ok(found)
    }

    /// Adds the tags.
    pub(crate) async fn tagged(&self, workspace: &str, mut versions: Vec<ModelVersion>) -> Result<Vec<ModelVersion>> {
        let ids: Vec<(String, i64)> = versions.iter().map(|v| (v.name().to_owned(), number(v))).collect();
        let mut tags = tags::of_versions(&self.db, workspace, &ids).await?;
        for version in &mut versions {
            version.tags = tags.remove(&(version.name().to_owned(), number(version))).unwrap_or_default();
        }
        Ok(versions)
    }

    /// Changes the description; `None` removes it.
    pub async fn update_model_version(
        &self,
        workspace: &str,
        name: &str,
        version: &str,
        description: Option<&str>,
    ) -> Result<ModelVersion> {
        validate::model_name(name)?;
        let version = validate::version(version)?;
        let mut tx = self.db.begin().await?;
        if !store::describe(&mut tx, workspace, name, version, description, self.clock.now()).await? {
            return Err(not_found(name, version));
        }
        changed(&mut tx, workspace, name, version);
        tx.commit().await?;
        self.version(workspace, name, version).await
    }

    /// Moves a version to a stage; with `archive_existing` the others that are there go to the archive.
    pub async fn transition_stage(
        &self,
        workspace: &str,
        name: &str,
        version: &str,
        stage: &str,
        archive_existing: bool,
    ) -> Result<ModelVersion> {
        let canonical = stages::canonical(stage)?;
        if archive_existing && !stages::ACTIVE.contains(&canonical) {
            return Err(Error::invalid(format!(
                "Model version transition cannot archive existing model versions because '{stage}' is not an Active stage. Valid stages are ['Staging', 'Production']"
            )));
        }
        validate::model_name(name)?;
        let version = validate::version(version)?;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        touch_model(&mut tx, workspace, name, version, now).await?;
        if !store::set_stage(&mut tx, workspace, name, version, canonical, now).await? {
            return Err(not_found(name, version));
        }
        if archive_existing {
            for other in store::archive_others(&mut tx, workspace, name, version, canonical, now).await? {
                changed(&mut tx, workspace, name, other);
            }
        }
        changed(&mut tx, workspace, name, version);
        tx.commit().await?;
        self.version(workspace, name, version).await
    }

    /// Deletes a version: what it says is erased, its aliases go, its number stays taken.
    pub async fn delete_model_version(&self, workspace: &str, name: &str, version: &str) -> Result<()> {
        let version = validate::version(version)?;
        validate::model_name(name)?;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        touch_model(&mut tx, workspace, name, version, now).await?;
        if !store::scrub(&mut tx, workspace, name, version, now).await? {
            return Err(not_found(name, version));
        }
        for alias in aliases::delete_of_version(&mut tx, workspace, name, version).await? {
            tx.emit(&ModelVersionAliasDeleted { workspace: workspace.into(), name: name.into(), alias });
        }
        tx.emit(&ModelVersionChanged { workspace: workspace.into(), name: name.into(), version, removed: true });
        tx.commit().await
    }

    /// The latest version of each of `stages`; of every stage when there are none.
    pub async fn latest_versions(&self, workspace: &str, name: &str, wanted: &[String]) -> Result<Vec<ModelVersion>> {
        let model = self.registered_model(workspace, name).await?;
        let wanted: Vec<&str> = wanted.iter().map(|stage| stages::canonical(stage)).collect::<Result<_>>()?;
        let mut versions = model.latest_versions;
        versions.retain(|v| wanted.is_empty() || wanted.contains(&v.current_stage()));
        for version in &mut versions {
            version.aliases = model.aliases.iter().filter(|a| a.version() == version.version()).map(|a| a.alias().to_owned()).collect();
        }
        Ok(versions)
    }

    /// Where the bytes of a version lie.
    pub async fn download_uri(&self, workspace: &str, name: &str, version: i64) -> Result<String> {
        store::storage_location(&self.db, workspace, name, version).await?.ok_or_else(|| not_found(name, version))
    }

    /// The logged model that a version was made from, if it is known.
    pub(crate) async fn model_id(&self, workspace: &str, name: &str, version: i64) -> Result<Option<String>> {
        store::model_id(&self.db, workspace, name, version).await
    }

    /// Sets a tag of a version.
    pub async fn set_model_version_tag(&self, workspace: &str, name: &str, version: &str, key: &str, value: &str) -> Result<()> {
        validate::model_name(name)?;
        let version = validate::version(version)?;
        validate::version_tag(key, Some(value))?;
        let mut tx = self.db.begin().await?;
        require(&mut tx, workspace, name, version).await?;
        tags::set_of_version(&mut tx, workspace, (name, version), key, value).await?;
        changed(&mut tx, workspace, name, version);
        let data = json!({"name": name, "version": version.to_string(), "key": key, "value": value});
        self.tell(&mut tx, workspace, name, What::VersionTag, Action::Set, &data).await?;
        tx.commit().await
    }

    /// Removes a tag of a version; fine when it has none.
    pub async fn delete_model_version_tag(&self, workspace: &str, name: &str, version: &str, key: &str) -> Result<()> {
        validate::model_name(name)?;
        let version = validate::version(version)?;
        validate::tag_key(key)?;
        let mut tx = self.db.begin().await?;
        require(&mut tx, workspace, name, version).await?;
        tags::delete_of_version(&mut tx, workspace, (name, version), key).await?;
        changed(&mut tx, workspace, name, version);
        let data = json!({"name": name, "version": version.to_string(), "key": key});
        self.tell(&mut tx, workspace, name, What::VersionTag, Action::Deleted, &data).await?;
        tx.commit().await
    }
}

/// What webhooks hear of a new version (mlflow/webhooks/types.py): of a prompt its text, but not the client's own tags.
fn told(new: &NewVersion, event: &ModelVersionCreated, is_prompt: bool) -> (Entity, Value) {
    let mut tags: BTreeMap<&str, &str> = new.tags.iter().map(|t| (t.key(), t.value())).collect();
    let (name, version) = (&new.name, event.version.to_string());
    let description = Some(&new.description).filter(|text| !text.is_empty());
    if is_prompt {
        let template = tags.remove(PROMPT_TEXT_TAG);
        tags.retain(|key, _| !validate::is_internal(key));
        let data = json!({"name": name, "version": version, "template": template, "tags": tags, "description": description});
        return (Entity::PromptVersion, data);
    }
    let run_id = Some(&event.run_id).filter(|id| !id.is_empty());
    let data =
        json!({"name": name, "version": version, "source": event.source, "run_id": run_id, "tags": tags, "description": description});
    (Entity::ModelVersion, data)
}

/// Fails unless the version is there.
pub(crate) async fn require(tx: &mut Tx, workspace: &str, name: &str, version: i64) -> Result<()> {
    if store::exists(tx, workspace, name, version).await? { Ok(()) } else { Err(not_found(name, version)) }
}

/// Notes a change of the version's model, and holds its row before the version's: a rename takes them in this order, and
/// two transactions that took them in different ones would wait for each other.
async fn touch_model(tx: &mut Tx, workspace: &str, name: &str, version: i64, now: i64) -> Result<()> {
    if registered_models::touch(tx, workspace, name, now).await? { Ok(()) } else { Err(not_found(name, version)) }
}

pub(crate) fn not_found(name: &str, version: i64) -> Error {
    Error::not_found(format!("Model Version (name={name}, version={version}) not found"))
}

/// The number of a stored version; on the wire it is text.
pub(crate) fn number(version: &ModelVersion) -> i64 {
    version.version().parse().unwrap_or_default()
}

fn changed(tx: &mut Tx, workspace: &str, name: &str, version: i64) {
    tx.emit(&ModelVersionChanged { workspace: workspace.into(), name: name.into(), version, removed: false });
}
