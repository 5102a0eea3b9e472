//! Experiments: groups of runs with a name, a place for artifacts and tags.

use crate::store::experiments as store;
use crate::{Tracking, artifacts, validate};
use artel_platform::http::DEFAULT_WORKSPACE;
use artel_platform::{Code, Error, Result};
use artel_proto::artel::tracking::v1::ExperimentChanged;
use artel_proto::mlflow::{Experiment, ExperimentTag};

/// Life as upstream spells it.
pub(crate) const ACTIVE: &str = "active";
/// Deleted, but restorable.
pub(crate) const DELETED: &str = "deleted";

/// A stored experiment, without its tags.
pub(crate) struct Stored {
    pub(crate) id: i64,
    pub(crate) workspace: String,
    pub(crate) name: String,
    pub(crate) artifact_location: String,
    pub(crate) lifecycle_stage: String,
    pub(crate) creation_time: i64,
    pub(crate) last_update_time: i64,
}

impl Stored {
    pub(crate) fn message(self, tags: Vec<ExperimentTag>) -> Experiment {
        Experiment {
            experiment_id: Some(self.id.to_string()),
            name: Some(self.name),
            artifact_location: Some(self.artifact_location),
            lifecycle_stage: Some(self.lifecycle_stage),
            last_update_time: Some(self.last_update_time),
            creation_time: Some(self.creation_time),
            tags,
            workspace: Some(self.workspace),
            ..Default::default()
        }
    }

    pub(crate) fn changed(&self) -> ExperimentChanged {
        ExperimentChanged {
            workspace: self.workspace.clone(),
            experiment_id: self.id.to_string(),
            name: self.name.clone(),
            lifecycle_stage: self.lifecycle_stage.clone(),
        }
    }

    /// Fails unless it is active.
    pub(crate) fn require_active(&self) -> Result<()> {
        if self.lifecycle_stage == ACTIVE {
            return Ok(());
        }
        Err(Error::invalid(format!("The experiment {} must be in the 'active' state. Current state is {}.", self.id, self.lifecycle_stage)))
    }
}

impl Tracking {
    /// "Default" (id 0) must be there before anybody asks.
    pub(crate) async fn create_default_experiment(&self) -> Result<()> {
        if store::find(&self.db, DEFAULT_WORKSPACE, 0).await?.is_some() {
            return Ok(());
        }
        let now = self.clock.now();
        let experiment = Stored {
            id: 0,
            workspace: DEFAULT_WORKSPACE.into(),
            name: "Default".into(),
            artifact_location: artifacts::append(&self.settings.default_artifact_root, &["0"]),
            lifecycle_stage: ACTIVE.into(),
            creation_time: now,
            last_update_time: now,
        };
        let mut tx = self.db.begin().await?;
        store::insert_default(&mut tx, &experiment).await?;
        tx.commit().await
    }

    /// Makes an experiment; returns its id.
    pub(crate) async fn create_experiment(
        &self,
        workspace: &str,
        name: &str,
        location: Option<&str>,
        tags: &[ExperimentTag],
    ) -> Result<String> {
        validate::experiment_name(name)?;
        let location = location.filter(|l| !l.is_empty());
        if let Some(location) = location {
            if self.settings.workspaces {
                return Err(Error::invalid("artifact_location cannot be specified when workspaces are enabled"));
            }
            validate::artifact_location(location)?;
        }
        tags.iter().try_for_each(validate::experiment_tag)?;
        let now = self.clock.now();
        let root = self.artifact_root(workspace).await?;
        let mut tx = self.db.begin().await?;
        let id = store::next_id(&mut tx).await?;
        let experiment = Stored {
            id,
            workspace: workspace.into(),
            name: name.into(),
            artifact_location: match location {
                Some(location) => artifacts::resolve_local(location)?,
                None => artifacts::append(&root, &[&id.to_string()]),
            },
            lifecycle_stage: ACTIVE.into(),
            creation_time: now,
            last_update_time: now,
        };
        store::insert(&mut tx, &experiment).await.map_err(|e| taken(e, name))?;
        store::set_tags(&mut tx, id, tags).await?;
        tx.emit(&experiment.changed());
        tx.commit().await?;
        Ok(id.to_string())
    }

    /// The experiment with that id, deleted or not.
    pub(crate) async fn get_experiment(&self, workspace: &str, id: &str) -> Result<Experiment> {
        let stored = self.find_experiment(workspace, id).await?;
        self.with_tags(stored).await
    }

    /// The experiment with that id, without its tags.
    pub(crate) async fn find_experiment(&self, workspace: &str, id: &str) -> Result<Stored> {
        let id = validate::experiment_id(id)?;
        store::find(&self.db, workspace, id).await?.ok_or_else(|| missing(id))
    }

    /// The experiment with that name, deleted or not.
    pub(crate) async fn get_experiment_by_name(&self, workspace: &str, name: &str) -> Result<Experiment> {
        let stored = store::find_by_name(&self.db, workspace, name).await?;
        let stored = stored.ok_or_else(|| Error::not_found(format!("Could not find experiment with name '{name}'")))?;
        self.with_tags(stored).await
    }

    async fn with_tags(&self, stored: Stored) -> Result<Experiment> {
        let tags = store::tags(&self.db, &[stored.id]).await?.remove(&stored.id).unwrap_or_default();
        Ok(stored.message(tags))
    }

    /// Deletes an active experiment and its runs (restorable).
    pub(crate) async fn delete_experiment(&self, workspace: &str, id: &str) -> Result<()> {
        self.move_experiment(workspace, id, ACTIVE, DELETED).await
    }

    /// Brings a deleted experiment and all of its runs back.
    pub(crate) async fn restore_experiment(&self, workspace: &str, id: &str) -> Result<()> {
        self.move_experiment(workspace, id, DELETED, ACTIVE).await
    }

    async fn move_experiment(&self, workspace: &str, id: &str, from: &str, to: &str) -> Result<()> {
        let id = validate::experiment_id(id)?;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let experiment = store::set_stage(&mut tx, workspace, id, from, to, now).await?.ok_or_else(|| missing(id))?;
        store::set_stage_of_runs(&mut tx, id, to, now).await?;
        tx.emit(&experiment.changed());
        tx.commit().await
    }

    /// Gives an active experiment another name.
    pub(crate) async fn rename_experiment(&self, workspace: &str, id: &str, name: &str) -> Result<()> {
        validate::experiment_name(name)?;
        let stored = self.find_experiment(workspace, id).await?;
        if stored.lifecycle_stage != ACTIVE {
            return Err(Error::conflict("Cannot rename a non-active experiment.").reason("INVALID_STATE"));
        }
        let mut tx = self.db.begin().await?;
        store::rename(&mut tx, stored.id, name, self.clock.now()).await.map_err(|e| taken(e, name))?;
        tx.emit(&Stored { name: name.into(), ..stored }.changed());
        tx.commit().await
    }

    /// Sets a tag of an active experiment.
    pub(crate) async fn set_experiment_tag(&self, workspace: &str, id: &str, tag: ExperimentTag) -> Result<()> {
        validate::experiment_tag(&tag)?;
        let stored = self.find_experiment(workspace, id).await?;
        stored.require_active()?;
        let mut tx = self.db.begin().await?;
        store::set_tags(&mut tx, stored.id, &[tag]).await?;
        tx.emit(&stored.changed());
        tx.commit().await
    }

    /// Removes a tag of an active experiment.
    pub(crate) async fn delete_experiment_tag(&self, workspace: &str, id: &str, key: &str) -> Result<()> {
        let stored = self.find_experiment(workspace, id).await?;
        stored.require_active()?;
        let mut tx = self.db.begin().await?;
        if store::delete_tag(&mut tx, stored.id, key).await? == 0 {
            return Err(Error::not_found(format!("No tag with name: {key} in experiment with id {}", stored.id)));
        }
        tx.emit(&stored.changed());
        tx.commit().await
    }
}

fn missing(id: i64) -> Error {
    Error::not_found(format!("No Experiment with id={id} exists"))
}

fn taken(error: Error, name: &str) -> Error {
    if error.code != Code::AlreadyExists {
        return error;
    }
    Error::exists(format!(
        "Experiment(name={name}) already exists. Choose another name, or restore or permanently delete the experiment that has it"
    ))
}
