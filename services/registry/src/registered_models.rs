//! Registered models: a name, a description, tags; and under it versions and aliases.

use crate::Registry;
use crate::store::{aliases, model_versions, registered_models as store, tags};
use crate::validate::{self, IS_PROMPT_TAG, is_internal};
use crate::webhooks::What;
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use artel_proto::artel::registry::v1::{ModelVersionAliasDeleted, RegisteredModelChanged};
use artel_proto::mlflow::{RegisteredModel, RegisteredModelTag, WebhookAction as Action, WebhookEntity as Entity};
use serde_json::json;
use std::collections::BTreeMap;

impl Registry {
    /// Makes a registered model. `RESOURCE_ALREADY_EXISTS` when a model or a prompt has the name.
    pub async fn create_registered_model(
        &self,
        workspace: &str,
        name: &str,
        model_tags: &[RegisteredModelTag],
        description: &str,
    ) -> Result<RegisteredModel> {
        validate::model_name(name)?;
        for tag in model_tags {
            validate::model_tag(tag.key(), tag.value())?;
        }
        let mut tx = self.db.begin().await?;
        if !store::insert(&mut tx, workspace, name, description, self.clock.now()).await? {
            drop(tx);
            let taken = self.registered_model(workspace, name).await?;
            return Err(name_taken(name, is_prompt(&taken.tags), is_prompt(model_tags)));
        }
        for tag in model_tags {
            tags::set_of_model(&mut tx, workspace, name, tag.key(), tag.value()).await?;
        }
        changed(&mut tx, workspace, name);
        let prompt = is_prompt(model_tags);
        let told: BTreeMap<&str, &str> = model_tags.iter().map(|t| (t.key(), t.value())).filter(|t| !prompt || !is_internal(t.0)).collect();
        let entity = if prompt { Entity::Prompt } else { Entity::RegisteredModel };
        self.tell_created(&mut tx, workspace, entity, &json!({"name": name, "tags": told, "description": description})).await?;
        tx.commit().await?;
        self.registered_model(workspace, name).await
    }

    /// A registered model with its latest version of each stage.
    pub async fn registered_model(&self, workspace: &str, name: &str) -> Result<RegisteredModel> {
        validate::model_name(name)?;
        let model = store::get(&self.db, workspace, name).await?.ok_or_else(|| not_found(name))?;
        Ok(self.completed(workspace, vec![model]).await?.remove(0))
    }

    /// Adds tags, aliases and latest versions.
    pub(crate) async fn completed(&self, workspace: &str, mut models: Vec<RegisteredModel>) -> Result<Vec<RegisteredModel>> {
        let names: Vec<String> = models.iter().map(|m| m.name().to_owned()).collect();
        let mut tags = tags::of_models(&self.db, workspace, &names).await?;
        let mut aliases = aliases::of_models(&self.db, workspace, &names).await?;
        let latest = model_versions::latest(&self.db, workspace, &names).await?;
        let mut latest = self.tagged(workspace, latest).await?;
        for model in &mut models {
            model.tags = tags.remove(model.name()).unwrap_or_default();
            model.aliases = aliases.remove(model.name()).unwrap_or_default();
            let (mine, others) = latest.into_iter().partition(|v| v.name() == model.name());
            model.latest_versions = mine;
            latest = others;
        }
        Ok(models)
    }

    /// Changes the description.
    pub async fn update_registered_model(&self, workspace: &str, name: &str, description: &str) -> Result<RegisteredModel> {
        validate::model_name(name)?;
        let mut tx = self.db.begin().await?;
        if !store::describe(&mut tx, workspace, name, description, self.clock.now()).await? {
            return Err(not_found(name));
        }
        changed(&mut tx, workspace, name);
        tx.commit().await?;
        self.registered_model(workspace, name).await
    }

    /// Gives a model another name; versions, tags and aliases go with it.
    pub async fn rename_registered_model(&self, workspace: &str, name: &str, new_name: &str) -> Result<RegisteredModel> {
        validate::new_model_name(new_name)?;
        validate::model_name(name)?;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        if name != new_name && store::exists(&mut tx, workspace, new_name).await? {
            let error = if store::exists(&mut tx, workspace, name).await? {
                Error::exists(format!("Registered Model (name={new_name}) already exists."))
            } else {
                not_found(name)
            };
            return Err(error);
        }
        if !store::rename(&mut tx, workspace, name, new_name, now).await? {
            return Err(not_found(name));
        }
        model_versions::touch_all(&mut tx, workspace, new_name, now).await?;
        if name != new_name {
            tx.emit(&RegisteredModelChanged { workspace: workspace.into(), name: name.into(), removed: true });
        }
        changed(&mut tx, workspace, new_name);
        tx.commit().await?;
        self.registered_model(workspace, new_name).await
    }

    /// Deletes a model with everything under it.
    pub async fn delete_registered_model(&self, workspace: &str, name: &str) -> Result<()> {
        validate::model_name(name)?;
        let mut tx = self.db.begin().await?;
        let aliases = aliases::names(&mut tx, workspace, name).await?;
        if !store::delete(&mut tx, workspace, name).await? {
            return Err(not_found(name));
        }
        for alias in aliases {
            tx.emit(&ModelVersionAliasDeleted { workspace: workspace.into(), name: name.into(), alias });
        }
        tx.emit(&RegisteredModelChanged { workspace: workspace.into(), name: name.into(), removed: true });
        tx.commit().await
    }

    /// Sets a tag of a model.
    pub async fn set_registered_model_tag(&self, workspace: &str, name: &str, key: &str, value: &str) -> Result<()> {
        validate::model_name(name)?;
        validate::model_tag(key, value)?;
        let mut tx = self.db.begin().await?;
        require(&mut tx, workspace, name).await?;
        tags::set_of_model(&mut tx, workspace, name, key, value).await?;
        changed(&mut tx, workspace, name);
        let data = json!({"name": name, "key": key, "value": value});
        self.tell(&mut tx, workspace, name, What::ItsTag, Action::Set, &data).await?;
        tx.commit().await
    }

    /// Removes a tag of a model; fine when it has none.
    pub async fn delete_registered_model_tag(&self, workspace: &str, name: &str, key: &str) -> Result<()> {
        validate::model_name(name)?;
        validate::tag_key(key)?;
        let mut tx = self.db.begin().await?;
        require(&mut tx, workspace, name).await?;
        tags::delete_of_model(&mut tx, workspace, name, key).await?;
        changed(&mut tx, workspace, name);
        self.tell(&mut tx, workspace, name, What::ItsTag, Action::Deleted, &json!({"name": name, "key": key})).await?;
        tx.commit().await
    }
}

/// Fails unless the model is there.
pub(crate) async fn require(tx: &mut Tx, workspace: &str, name: &str) -> Result<()> {
    if store::exists(tx, workspace, name).await? { Ok(()) } else { Err(not_found(name)) }
}

pub(crate) fn not_found(name: &str) -> Error {
    Error::not_found(format!("Registered Model with name={name} not found"))
}

/// Does this tag make a model a prompt?
pub(crate) fn is_prompt_tag(tag: &RegisteredModelTag) -> bool {
    tag.key() == IS_PROMPT_TAG && tag.value().eq_ignore_ascii_case("true")
}

/// The last tag of a key counts.
fn is_prompt(tags: &[RegisteredModelTag]) -> bool {
    tags.iter().rev().find(|t| t.key() == IS_PROMPT_TAG).is_some_and(is_prompt_tag)
}

/// Upstream's words (mlflow/prompt/registry_utils.py `handle_resource_already_exist_error`).
fn name_taken(name: &str, taken_by_prompt: bool, wanted_prompt: bool) -> Error {
    let word = |prompt| if prompt { "Prompt" } else { "Registered Model" };
    if taken_by_prompt == wanted_prompt {
        return Error::exists(format!("{} (name={name}) already exists.", word(wanted_prompt)));
    }
    Error::exists(format!(
        "Tried to create a {} with name '{name}', but the name is already taken by a {}. MLflow does not allow creating a model and a prompt with the same name.",
        word(wanted_prompt).to_lowercase(),
        word(taken_by_prompt).to_lowercase()
    ))
}

fn changed(tx: &mut Tx, workspace: &str, name: &str) {
    tx.emit(&RegisteredModelChanged { workspace: workspace.into(), name: name.into(), removed: false });
}
