//! Tags of traces, their links to runs and prompts, and their deletion.

use super::missing;
use crate::store::traces as store;
use crate::{Tracking, artifacts, validate};
use artel_platform::{Error, Result};
use artel_proto::artel::artifact::v1::DeleteRequest;
use artel_proto::mlflow::DeleteTraces;
use artel_proto::mlflow::link_prompts_to_trace::PromptVersionRef;
use std::collections::HashMap;

/// The tag that is a trace's name.
pub(crate) const TRACE_NAME: &str = "mlflow.traceName";
/// Tags that say where spans are: the server's own.
const SYSTEM: [&str; 3] = [super::SPANS_LOCATION, "mlflow.trace.archiveLocation", FAILURE];
const FAILURE: &str = "mlflow.trace.archivalFailure";
const MAX_KEY: usize = 250;
const MAX_VALUE: usize = 8000;
const MAX_LINKS: usize = 100;

/// The text, unless it has more characters than that.
pub(super) fn limited(what: &str, most: usize, text: String) -> Result<String> {
    if text.chars().nth(most).is_some() {
        return Err(Error::invalid(format!("'{what}' exceeds the maximum length of {most} characters")));
    }
    Ok(text)
}

/// A key and a value that may be a tag of a trace; a value that is too long is cut where the settings say so.
pub(super) fn tag(key: &str, value: &str, truncate: bool) -> Result<(String, String)> {
    validate::name(key, "key")?;
    let key = limited("key", MAX_KEY, key.to_owned())?;
    let value = if truncate { super::cut(value.to_owned(), MAX_VALUE) } else { limited("value", MAX_VALUE, value.to_owned())? };
    if key == TRACE_NAME {
        return Ok((key, limited("Trace name", 4096, value)?));
    }
    Ok((key, value))
}

fn refuse_system_tag(key: &str, operation: &str) -> Result<()> {
    if SYSTEM.contains(&key) && !(operation == "deleted" && key == FAILURE) {
        return Err(Error::invalid(format!("Tag '{key}' is immutable and cannot be {operation} on a trace.")));
    }
    Ok(())
}

impl Tracking {
    /// Sets a tag.
    pub(crate) async fn set_trace_tag(&self, workspace: &str, trace_id: &str, key: &str, value: &str) -> Result<()> {
        refuse_system_tag(key, "set")?;
        let (key, value) = tag(key, value, self.settings.truncate_long_values)?;
        let mut tx = self.db.begin().await?;
        let mut trace = store::lock(&mut tx, workspace, trace_id).await?.ok_or_else(|| missing(trace_id))?;
        if key == TRACE_NAME {
            trace.trace_name = Some(value);
            store::update(&mut tx, &trace).await?;
        } else {
            store::set_tags(&mut tx, trace_id, HashMap::from([(key, value)])).await?;
        }
        tx.commit().await
    }

    /// Removes a tag; it has to be there.
    pub(crate) async fn delete_trace_tag(&self, workspace: &str, trace_id: &str, key: &str) -> Result<()> {
        refuse_system_tag(key, "deleted")?;
        let absent = || Error::not_found(format!("No trace tag with key '{key}' for trace with ID '{trace_id}'"));
        let mut tx = self.db.begin().await?;
        let mut trace = store::lock(&mut tx, workspace, trace_id).await?.ok_or_else(absent)?;
        if key == TRACE_NAME {
            trace.trace_name.take().ok_or_else(absent)?;
            store::update(&mut tx, &trace).await?;
        } else if store::delete_tag(&mut tx, trace_id, key).await? == 0 {
            return Err(absent());
        }
        tx.commit().await
    }

    /// Notes that traces belong to a run. They may come later than that.
    pub(crate) async fn link_traces_to_run(&self, workspace: &str, trace_ids: &[String], run_id: &str) -> Result<()> {
        if trace_ids.len() > MAX_LINKS {
            return Err(Error::invalid(format!(
                "Cannot link more than {MAX_LINKS} traces to a run in a single request. Provided {} traces.",
                trace_ids.len()
            )));
        }
        let run = self.find_run(workspace, run_id).await?;
        let mut tx = self.db.begin().await?;
        for trace_id in trace_ids {
            store::link(&mut tx, trace_id, "run", &run.run_id).await?;
        }
        tx.commit().await
    }

    /// Notes that a trace used versions of prompts.
    pub(crate) async fn link_prompts_to_trace(&self, workspace: &str, trace_id: &str, prompts: &[PromptVersionRef]) -> Result<()> {
        let trace = self.find_trace(workspace, trace_id).await?;
        let mut tx = self.db.begin().await?;
        for prompt in prompts {
            store::link(&mut tx, &trace.trace_id, "prompt", &format!("{}/{}", prompt.name(), prompt.version())).await?;
        }
        tx.commit().await
    }

    /// Deletes traces of an experiment, by id or up to a time (the oldest first), with all that belongs to them. Returns
    /// how many.
    pub(crate) async fn delete_traces(&self, workspace: &str, request: &DeleteTraces) -> Result<i32> {
        let (until, most) = (request.max_timestamp_millis, request.max_traces);
        match (until.is_some(), request.request_ids.is_empty()) {
            (false, true) => return Err(Error::invalid("Either `max_timestamp_millis` or `trace_ids` must be specified.")),
            (true, false) => return Err(Error::invalid("Only one of `max_timestamp_millis` and `trace_ids` can be specified.")),
            (false, false) if most.is_some() => {
                return Err(Error::invalid("`max_traces` can't be specified if `trace_ids` is specified."));
            }
            _ => {}
        }
        if let Some(most) = most.filter(|n| *n <= 0) {
            return Err(Error::invalid(format!("`max_traces` must be a positive integer, received {most}.")));
        }
        let experiment = validate::experiment_id(request.experiment_id())?;
        let mut tx = self.db.begin().await?;
        let traces = match until {
            Some(until) => store::until_in(&mut tx, workspace, experiment, until, most.map(i64::from)).await?,
            None => store::among_in(&mut tx, workspace, experiment, &request.request_ids).await?,
        };
        let places = store::delete(&mut tx, &traces, super::ARTIFACT_LOCATION).await?;
        tx.commit().await?;
        for place in places.iter().filter_map(|place| artifacts::proxied_path(place)) {
            // most traces have no files; what stays behind after a failure is found by nobody and harms nobody
            let request = DeleteRequest { workspace: workspace.into(), path: place, recursive: true };
            if let Err(status) = self.peers.artifact().delete(request).await
                && status.code() != tonic::Code::NotFound
            {
                tracing::warn!(error = %status.message(), "the files of a deleted trace could not be deleted");
                break;
            }
        }
        Ok(i32::try_from(traces.len()).unwrap_or(i32::MAX))
    }
}
