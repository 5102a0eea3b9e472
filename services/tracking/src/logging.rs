//! What a run is told while it runs: metrics, params, tags. Every request may come twice (clients retry) and has the
//! same effect once; a batch is one transaction, all of it or nothing.

use crate::runs::{self, RUN_NAME};
use crate::store::point::Point;
use crate::store::{journal, logged_models, values};
use crate::{Tracking, validate};
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use artel_proto::mlflow::{LogBatch, Metric, Param, RunTag};
use std::collections::HashMap;

/// The tag in which runs of old clients list their models.
const LOGGED_MODELS: &str = "mlflow.log-model.history";

impl Tracking {
    /// One metric point.
    pub(crate) async fn log_metric(&self, workspace: &str, run_id: &str, metric: Metric) -> Result<()> {
        validate::metric(&metric, "")?;
        self.log(workspace, run_id, &[metric], &[], &[]).await
    }

    /// One param. The same value again is fine, another is not.
    pub(crate) async fn log_param(&self, workspace: &str, run_id: &str, param: Param) -> Result<()> {
        let value = validate::param(&param, "", self.settings.truncate_long_values)?;
        let mut tx = self.db.begin().await?;
        let run = self.open_run(&mut tx, workspace, run_id).await?;
        if let Some((_, old, new)) = add_params(&mut tx, run.id, &[(param.key(), value)]).await?.pop() {
            return Err(Error::invalid(format!(
                "Changing param values is not allowed. Param with key='{}' was already logged with value='{old}' for run ID='{run_id}'. Attempted logging new value '{new}'.",
                param.key()
            )));
        }
        self.commit_logged(tx, workspace, &run).await
    }

    /// Sets one tag.
    pub(crate) async fn set_tag(&self, workspace: &str, run_id: &str, mut tag: RunTag) -> Result<()> {
        tag.value = Some(validate::tag(&tag, "", self.settings.truncate_long_values)?);
        self.log(workspace, run_id, &[], &[], &[tag]).await
    }

    /// Removes one tag; it has to be there.
    pub(crate) async fn delete_tag(&self, workspace: &str, run_id: &str, key: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let run = self.open_run(&mut tx, workspace, run_id).await?;
        if values::delete_tag(&mut tx, run.id, key).await? == 0 {
            return Err(Error::not_found(format!("No tag with name: {key} in run with id {run_id}")));
        }
        self.commit_logged(tx, workspace, &run).await
    }

    /// Many at once.
    pub(crate) async fn log_batch(&self, workspace: &str, mut batch: LogBatch) -> Result<()> {
        validate::run_id(batch.run_id())?;
        let truncate = self.settings.truncate_long_values;
        for (i, metric) in batch.metrics.iter().enumerate() {
            // where it stands matters only when it is refused
            validate::metric(metric, "").or_else(|_| validate::metric(metric, &format!("metrics[{i}]")))?;
        }
        for (i, param) in batch.params.iter_mut().enumerate() {
            param.value = Some(validate::param(param, &format!("params[{i}]"), truncate)?);
        }
        for (i, tag) in batch.tags.iter_mut().enumerate() {
            tag.value = Some(validate::tag(tag, &format!("tags[{i}]"), truncate)?);
        }
        validate::batch(batch.metrics.len(), batch.params.len(), batch.tags.len())?;
        validate::unique_params(&batch.params)?;
        let tags = values::last_of_each(std::mem::take(&mut batch.tags));
        self.log(workspace, batch.run_id(), &batch.metrics, &batch.params, &tags).await
    }

    async fn log(&self, workspace: &str, run_id: &str, metrics: &[Metric], params: &[Param], tags: &[RunTag]) -> Result<()> {
        let points = self.points(metrics).await?;
        // nothing but points, and nobody to be told: one statement does it, and says whether the run may be logged to
        let only_points = params.is_empty() && tags.is_empty() && !metrics.is_empty() && metrics.iter().all(|m| m.model_id().is_empty());
        if only_points && self.live.told(run_id, self.clock.now()) && journal::append(&self.db, workspace, run_id, &points).await? {
            self.journal.arrived();
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let mut run = self.open_run(&mut tx, workspace, run_id).await?;
        if !params.is_empty() {
            let params: Vec<(&str, String)> = params.iter().map(|p| (p.key(), p.value().to_owned())).collect();
            let changed = add_params(&mut tx, run.id, &params).await?;
            if !changed.is_empty() {
                return Err(params_changed(&changed, run_id));
            }
        }
        if !points.is_empty() {
            journal::append_in(&mut tx, run.id, run.experiment, &points).await?;
            add_model_metrics(&mut tx, workspace, run_id, metrics).await?;
        }
        set_tags(&mut tx, &mut run, tags).await?;
        self.commit_logged(tx, workspace, &run).await?;
        self.journal.arrived();
        Ok(())
    }

    async fn points(&self, metrics: &[Metric]) -> Result<Vec<Point>> {
        if metrics.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<&str> = metrics.iter().map(Metric::key).collect();
        let keys = self.keys.numbers(&self.db, &names).await?;
        Ok(metrics.iter().zip(keys).map(|(m, key)| Point::new(key, m.value(), m.timestamp(), m.step())).collect())
    }

    /// Commits, and tells of the run if it was not told of just now.
    async fn commit_logged(&self, mut tx: Tx, workspace: &str, run: &runs::Stored) -> Result<()> {
        if self.live.due(&run.run_id, self.clock.now()) {
            tx.emit(&run.changed(workspace));
        }
        tx.commit().await
    }

    /// Notes a model in the run's history of models (a call of old clients).
    pub(crate) async fn log_model(&self, workspace: &str, run_id: &str, model_json: &str) -> Result<()> {
        let model = model_history_entry(model_json)?;
        let mut tx = self.db.begin().await?;
        let mut run = self.open_run(&mut tx, workspace, run_id).await?;
        let history = values::tag_in(&mut tx, run.id, LOGGED_MODELS).await?;
        let mut history: Vec<serde_json::Value> = history.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        history.push(model);
        let mut tag = RunTag { key: Some(LOGGED_MODELS.into()), value: Some(serde_json::to_string(&history)?) };
        // a history cut in the middle would be unreadable: too long is refused
        tag.value = Some(validate::tag(&tag, "", false)?);
        set_tags(&mut tx, &mut run, &[tag]).await?;
        self.commit_logged(tx, workspace, &run).await
    }
}

/// Points that are about a model are kept with the model too; it has to be there.
async fn add_model_metrics(tx: &mut Tx, workspace: &str, run_id: &str, metrics: &[Metric]) -> Result<()> {
    let mut models: Vec<&str> = metrics.iter().map(Metric::model_id).filter(|id| !id.is_empty()).collect();
    if models.is_empty() {
        return Ok(());
    }
    models.sort_unstable();
    models.dedup();
    let there = logged_models::among_in(tx, workspace, &models).await?;
    if let Some(absent) = models.iter().find(|id| !there.iter().any(|known| known == *id)) {
        return Err(Error::invalid(format!("Logged model with ID '{absent}' not found, a metric cannot be of it.")));
    }
    logged_models::add_metrics(tx, run_id, metrics).await
}

async fn set_tags(tx: &mut Tx, run: &mut runs::Stored, tags: &[RunTag]) -> Result<()> {
    if tags.is_empty() {
        return Ok(());
    }
    values::set_tags(tx, run.id, tags).await?;
    if let Some(name) = tags.iter().find(|t| t.key() == RUN_NAME && !t.value().is_empty()) {
        run.name = name.value().to_owned();
        crate::store::runs::update(tx, run).await?;
    }
    Ok(())
}

/// Adds params; returns key, old and new value of those that are there with another value.
async fn add_params(tx: &mut Tx, run: i64, params: &[(&str, String)]) -> Result<Vec<(String, String, String)>> {
    if values::add_params(tx, run, params).await? == params.len() as u64 {
        return Ok(Vec::new());
    }
    let keys: Vec<&str> = params.iter().map(|(key, _)| *key).collect();
    let known: HashMap<String, String> = values::params_in(tx, run, &keys).await?;
    let changed = params.iter().filter_map(|(key, value)| {
        let old = known.get(*key)?;
        (old != value).then(|| ((*key).to_owned(), old.clone(), value.clone()))
    });
    Ok(changed.collect())
}

fn params_changed(changed: &[(String, String, String)], run_id: &str) -> Error {
    let shown: Vec<String> =
        changed.iter().map(|(key, old, new)| format!("{{'key': '{key}', 'old_value': '{old}', 'new_value': '{new}'}}")).collect();
    Error::invalid(format!(
        "Changing param values is not allowed. Params were already logged='[{}]' for run ID='{run_id}'.",
        shown.join(", ")
    ))
}

/// What the history keeps of a model's description (upstream's Model.get_tags_dict): no signature, and of the flavors
/// not the python function's configuration.
fn model_history_entry(model_json: &str) -> Result<serde_json::Value> {
    const MANDATORY: [&str; 4] = ["artifact_path", "flavors", "utc_time_created", "run_id"];
    const KEPT: [&str; 5] = ["run_id", "utc_time_created", "artifact_path", "model_uuid", "flavors"];
    let unreadable = || Error::invalid(format!("Malformed model info. \n {model_json} \n is not a valid JSON."));
    let mut model: serde_json::Value = serde_json::from_str(model_json).map_err(|_| unreadable())?;
    let fields = model.as_object_mut().ok_or_else(unreadable)?;
    let missing: Vec<&str> = MANDATORY.into_iter().filter(|name| !fields.contains_key(*name)).collect();
    if !missing.is_empty() {
        return Err(Error::invalid(format!("Model json is missing mandatory fields: {missing:?}")));
    }
    fields.retain(|name, _| KEPT.contains(&name.as_str()));
    for flavor in fields.get_mut("flavors").and_then(|f| f.as_object_mut()).into_iter().flat_map(|f| f.values_mut()) {
        if let Some(flavor) = flavor.as_object_mut() {
            flavor.remove("config");
        }
    }
    Ok(model)
}
