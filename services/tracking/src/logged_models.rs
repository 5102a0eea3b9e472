//! Logged models: the artifacts, params, tags and metrics of a model, before or without its registration.

use crate::experiments::{ACTIVE, DELETED};
use crate::store::logged_models as store;
use crate::{Tracking, artifacts, names, validate};
use artel_platform::{Error, Result};
use artel_proto::artel::tracking::v1::LoggedModelChanged;
use artel_proto::json::EnumName;
use artel_proto::mlflow::{
    CreateLoggedModel, LoggedModel, LoggedModelData, LoggedModelInfo, LoggedModelParameter, LoggedModelStatus, LoggedModelTag, Metric,
};

/// A stored logged model, without its params, tags and metrics.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) model_id: String,
    pub(crate) experiment: i64,
    pub(crate) name: String,
    pub(crate) artifact_location: String,
    pub(crate) creation_timestamp_ms: i64,
    pub(crate) last_updated_timestamp_ms: i64,
    pub(crate) status: i64,
    pub(crate) status_message: Option<String>,
    pub(crate) lifecycle_stage: String,
    pub(crate) model_type: Option<String>,
    pub(crate) source_run_id: Option<String>,
}

/// What belongs to one logged model.
#[derive(Default)]
pub(crate) struct Details {
    pub(crate) params: Vec<LoggedModelParameter>,
    pub(crate) tags: Vec<LoggedModelTag>,
    pub(crate) metrics: Vec<Metric>,
}

impl Stored {
    fn message(self, details: Details) -> LoggedModel {
        LoggedModel {
            info: Some(LoggedModelInfo {
                model_id: Some(self.model_id),
                experiment_id: Some(self.experiment.to_string()),
                name: Some(self.name),
                creation_timestamp_ms: Some(self.creation_timestamp_ms),
                last_updated_timestamp_ms: Some(self.last_updated_timestamp_ms),
                artifact_uri: Some(self.artifact_location),
                status: i32::try_from(self.status).ok(),
                model_type: self.model_type,
                source_run_id: self.source_run_id,
                status_message: self.status_message,
                tags: details.tags,
                ..Default::default()
            }),
            data: Some(LoggedModelData { params: details.params, metrics: details.metrics }),
        }
    }

    pub(crate) fn changed(&self, workspace: &str) -> LoggedModelChanged {
        LoggedModelChanged {
            workspace: workspace.into(),
            model_id: self.model_id.clone(),
            experiment_id: self.experiment.to_string(),
            status: status_name(self.status).into(),
        }
    }
}

/// A status as upstream's enum spells it.
pub(crate) fn status_name(status: i64) -> &'static str {
    i32::try_from(status).ok().and_then(|s| LoggedModelStatus::try_from(s).ok()).unwrap_or_default().name()
}

fn missing(model_id: &str) -> Error {
    Error::not_found(format!("Logged model with ID '{model_id}' not found."))
}

impl Tracking {
    /// Makes a model, pending, in an active experiment.
    pub(crate) async fn create_logged_model(&self, workspace: &str, request: CreateLoggedModel) -> Result<LoggedModel> {
        validate::logged_model_name(request.name())?;
        let experiment = self.find_experiment(workspace, request.experiment_id()).await?;
        experiment.require_active()?;
        let now = self.clock.now();
        let model_id = format!("m-{}", self.ids.hex32());
        let model = Stored {
            artifact_location: artifacts::append(&experiment.artifact_location, &["models", &model_id, "artifacts"]),
            model_id,
            experiment: experiment.id,
            name: Some(request.name().to_owned()).filter(|n| !n.is_empty()).unwrap_or_else(|| names::random(&self.ids)),
            creation_timestamp_ms: now,
            last_updated_timestamp_ms: now,
            status: LoggedModelStatus::LoggedModelPending as i64,
            status_message: None,
            lifecycle_stage: ACTIVE.into(),
            // upstream keeps the empty text of an absent field
            model_type: Some(request.model_type().into()),
            source_run_id: Some(request.source_run_id().into()),
        };
        let mut tx = self.db.begin().await?;
        store::insert(&mut tx, workspace, &model).await?;
        store::add_params(&mut tx, &model.model_id, &request.params).await?;
        store::set_tags(&mut tx, &model.model_id, &request.tags).await?;
        tx.emit(&model.changed(workspace));
        tx.commit().await?;
        self.with_details(model).await
    }

    /// A model that is not deleted, or any.
    pub(crate) async fn get_logged_model(&self, workspace: &str, model_id: &str, allow_deleted: bool) -> Result<LoggedModel> {
        let model = self.find_logged_model(workspace, model_id, allow_deleted).await?;
        self.with_details(model).await
    }

    /// The same without params, tags and metrics.
    pub(crate) async fn find_logged_model(&self, workspace: &str, model_id: &str, allow_deleted: bool) -> Result<Stored> {
        let model = store::find(&self.db, workspace, model_id).await?;
        model.filter(|m| allow_deleted || m.lifecycle_stage != DELETED).ok_or_else(|| missing(model_id))
    }

    async fn with_details(&self, model: Stored) -> Result<LoggedModel> {
        let mut models = self.complete_models(vec![model]).await?;
        models.pop().ok_or_else(|| Error::internal("a model vanished while it was read"))
    }

    /// Adds params, tags and metrics to stored models.
    pub(crate) async fn complete_models(&self, models: Vec<Stored>) -> Result<Vec<LoggedModel>> {
        if models.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&str> = models.iter().map(|m| m.model_id.as_str()).collect();
        let mut details = store::details(&self.db, &ids).await?;
        Ok(models
            .into_iter()
            .map(|m| {
                let own = details.remove(&m.model_id).unwrap_or_default();
                m.message(own)
            })
            .collect())
    }

    /// Says how the upload of a model went.
    pub(crate) async fn finalize_logged_model(&self, workspace: &str, model_id: &str, status: LoggedModelStatus) -> Result<LoggedModel> {
        let mut model = self.find_logged_model(workspace, model_id, true).await?;
        model.status = status as i64;
        model.last_updated_timestamp_ms = self.clock.now();
        self.save_logged_model(workspace, &model).await?;
        self.with_details(model).await
    }

    /// Deletes a model.
    pub(crate) async fn delete_logged_model(&self, workspace: &str, model_id: &str) -> Result<()> {
        let mut model = self.find_logged_model(workspace, model_id, true).await?;
        model.lifecycle_stage = DELETED.into();
        model.last_updated_timestamp_ms = self.clock.now();
        self.save_logged_model(workspace, &model).await
    }

    async fn save_logged_model(&self, workspace: &str, model: &Stored) -> Result<()> {
        let mut tx = self.db.begin().await?;
        store::update(&mut tx, model).await?;
        tx.emit(&model.changed(workspace));
        tx.commit().await
    }

    /// Adds params. The same value again is fine, another is not.
    pub(crate) async fn log_logged_model_params(&self, workspace: &str, model_id: &str, params: &[LoggedModelParameter]) -> Result<()> {
        let model = self.find_logged_model(workspace, model_id, true).await?;
        let mut tx = self.db.begin().await?;
        store::add_params(&mut tx, &model.model_id, params).await?;
        for param in params {
            let kept = store::param_in(&mut tx, &model.model_id, param.key()).await?;
            if kept != param.value() {
                return Err(Error::invalid(format!(
                    "Changing param values is not allowed. Param with key='{}' was already logged with value='{kept}' for model ID='{model_id}'. Attempted logging new value '{}'.",
                    param.key(),
                    param.value()
                )));
            }
        }
        tx.commit().await
    }

    /// Sets tags.
    pub(crate) async fn set_logged_model_tags(&self, workspace: &str, model_id: &str, tags: &[LoggedModelTag]) -> Result<()> {
        let model = self.find_logged_model(workspace, model_id, true).await?;
        let mut tx = self.db.begin().await?;
        store::set_tags(&mut tx, &model.model_id, tags).await?;
        tx.emit(&model.changed(workspace));
        tx.commit().await
    }

    /// Removes a tag; it has to be there.
    pub(crate) async fn delete_logged_model_tag(&self, workspace: &str, model_id: &str, key: &str) -> Result<()> {
        let model = self.find_logged_model(workspace, model_id, true).await?;
        let mut tx = self.db.begin().await?;
        if store::delete_tag(&mut tx, &model.model_id, key).await? == 0 {
            return Err(Error::not_found(format!("No tag with key '{key}' found for model with ID '{model_id}'.")));
        }
        tx.emit(&model.changed(workspace));
        tx.commit().await
    }
}
