//! Traces as clients before MLflow 3 tell them: begun, ended, with their spans in a file.

use super::tags::TRACE_NAME;
use super::{ARTIFACT_LOCATION, Stored, missing};
use crate::Tracking;
use crate::store::traces as store;
use artel_platform::Result;
use artel_proto::mlflow::{EndTrace, StartTrace, TraceInfo, TraceInfoV3, TraceRequestMetadata, TraceStatus, TraceTag};
use std::collections::HashMap;

/// A trace as version 2 of the API shows it.
pub(crate) fn version_2(info: TraceInfoV3) -> TraceInfo {
    let place = info.trace_location.as_ref().and_then(|l| l.mlflow_experiment.as_ref());
    let status = TraceStatus::try_from(info.state() as i32).unwrap_or_default();
    let mut metadata: Vec<_> = info.trace_metadata.into_iter().collect();
    let mut tags: Vec<_> = info.tags.into_iter().collect();
    metadata.sort_unstable();
    tags.sort_unstable();
    TraceInfo {
        request_id: info.trace_id,
        experiment_id: place.and_then(|p| p.experiment_id.clone()),
        timestamp_ms: info.request_time.as_ref().map(super::millis),
        execution_time_ms: Some(info.execution_duration.map_or(0, |d| d.seconds * 1000 + i64::from(d.nanos / 1_000_000))),
        status: Some(status.into()),
        request_metadata: metadata.into_iter().map(|(key, value)| TraceRequestMetadata { key: Some(key), value: Some(value) }).collect(),
        tags: tags.into_iter().map(|(key, value)| TraceTag { key: Some(key), value: Some(value) }).collect(),
    }
}

fn tag_map(tags: &[TraceTag]) -> HashMap<String, String> {
    tags.iter().map(|t| (t.key().to_owned(), t.value().to_owned())).collect()
}

fn metadata_map(metadata: &[TraceRequestMetadata]) -> HashMap<String, String> {
    metadata.iter().map(|m| (m.key().to_owned(), m.value().to_owned())).collect()
}

impl Tracking {
    /// Begins a trace.
    pub(crate) async fn start_trace_v2(&self, workspace: &str, request: &StartTrace) -> Result<TraceInfo> {
        let experiment = self.find_experiment(workspace, request.experiment_id()).await?;
        experiment.require_active()?;
        let mut trace = Stored {
            trace_id: self.ids.hex32(),
            workspace: workspace.into(),
            experiment: experiment.id,
            timestamp_ms: request.timestamp_ms(),
            status: "IN_PROGRESS".into(),
            ..Stored::default()
        };
        let metadata = trace.take_metadata(metadata_map(&request.request_metadata))?;
        let mut tags = tag_map(&request.tags);
        trace.trace_name = tags.remove(TRACE_NAME).map(|name| super::tags::limited("Trace name", 4096, name)).transpose()?;
        tags.insert(ARTIFACT_LOCATION.into(), super::artifact_location(&experiment.artifact_location, &trace.trace_id));
        let mut tx = self.db.begin().await?;
        store::insert(&mut tx, &trace).await?;
        store::set_tags(&mut tx, &trace.trace_id, tags).await?;
        store::set_metadata(&mut tx, &trace.trace_id, metadata).await?;
        tx.commit().await?;
        self.with_trace_details(trace).await.map(version_2)
    }

    /// Ends a trace; metadata and tags are added to.
    pub(crate) async fn end_trace_v2(&self, workspace: &str, trace_id: &str, request: &EndTrace) -> Result<TraceInfo> {
        let mut tx = self.db.begin().await?;
        let mut trace = store::lock(&mut tx, workspace, trace_id).await?.ok_or_else(|| missing(trace_id))?;
        trace.execution_time_ms = Some(request.timestamp_ms().saturating_sub(trace.timestamp_ms));
        trace.status = match request.status() {
            TraceStatus::Unspecified => "STATE_UNSPECIFIED",
            status => status.as_str_name(),
        }
        .into();
        let metadata = trace.take_metadata(metadata_map(&request.request_metadata))?;
        let mut tags = tag_map(&request.tags);
        if let Some(name) = tags.remove(TRACE_NAME) {
            trace.trace_name = Some(super::tags::limited("Trace name", 4096, name)?);
        }
        store::update(&mut tx, &trace).await?;
        store::set_tags(&mut tx, trace_id, tags).await?;
        store::set_metadata(&mut tx, trace_id, metadata).await?;
        tx.commit().await?;
        self.with_trace_details(trace).await.map(version_2)
    }
}
