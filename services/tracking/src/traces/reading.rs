//! Traces with their spans.

use super::content::Content;
use super::{SPANS_LOCATION, Stored, TRACKING_STORE, missing, translate};
use crate::store::{traces as store, traces_spans};
use crate::{Tracking, artifacts};
use artel_platform::{Error, Result};
use artel_proto::mlflow::TraceInfoV3;
use futures::TryStreamExt;
use serde_json::Value;
use std::time::Duration;

/// Metadata that says how many spans a trace has.
const SIZE_STATS: &str = "mlflow.trace.sizeStats";
/// The file that old clients put the spans of a trace in.
const DATA_FILE: &str = "traces.json";
/// How long a reader waits for the spans that a trace says it has, twice.
const PATIENCE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// A trace and its stored spans, the root first, then by their start.
pub(crate) struct Whole {
    pub(crate) info: TraceInfoV3,
    pub(crate) spans: Vec<String>,
}

impl Whole {
    fn kept_here(&self) -> bool {
        self.info.tags.get(SPANS_LOCATION).is_some_and(|place| place == TRACKING_STORE)
    }

    /// Are there as many spans as the trace says?
    fn complete(&self) -> bool {
        let stats = self.info.trace_metadata.get(SIZE_STATS).and_then(|text| serde_json::from_str::<Value>(text).ok());
        let expected = stats.and_then(|s| s["num_spans"].as_u64()).unwrap_or_default();
        !self.spans.is_empty() && self.spans.len() as u64 >= expected
    }

    /// The spans as OTLP's JSON.
    pub(crate) fn otlp_spans(&self) -> Result<Vec<Value>> {
        self.spans.iter().map(|text| Ok(serde_json::from_str::<Content>(text)?.otlp_json())).collect()
    }
}

impl Tracking {
    /// A trace with its spans. Unless a part is enough, waits a little for spans that are still on their way.
    pub(crate) async fn get_trace(&self, workspace: &str, trace_id: &str, partial: bool) -> Result<Whole> {
        let mut waits = PATIENCE.iter();
        loop {
            let trace = store::find(&self.db, workspace, trace_id).await?;
            let trace = trace.ok_or_else(|| Error::not_found(format!("Trace with ID {trace_id} is not found.")))?;
            let whole = self.with_spans(vec![trace]).await?.pop().ok_or_else(|| missing(trace_id))?;
            if !whole.kept_here() {
                return Err(Error::invalid("Trace data not stored in tracking store"));
            }
            if partial || whole.complete() {
                return Ok(whole);
            }
            let Some(wait) = waits.next() else {
                return Err(Error::not_found(format!("Trace with ID {trace_id} is not fully exported yet, please try again later.")));
            };
            tokio::time::sleep(*wait).await;
        }
    }

    /// Those of the traces that are there and complete, in the order asked for.
    pub(crate) async fn batch_get_traces(&self, workspace: &str, ids: &[String], experiments: &[String]) -> Result<Vec<Whole>> {
        let traces = self.find_traces(workspace, ids, experiments).await?;
        let mut whole = self.with_spans(traces).await?;
        whole.retain(|trace| trace.kept_here() && trace.complete());
        Ok(whole)
    }

    /// The same without spans, complete or not.
    pub(crate) async fn batch_get_trace_infos(&self, workspace: &str, ids: &[String], experiments: &[String]) -> Result<Vec<TraceInfoV3>> {
        let traces = self.find_traces(workspace, ids, experiments).await?;
        self.complete_traces(traces).await
    }

    async fn find_traces(&self, workspace: &str, ids: &[String], experiments: &[String]) -> Result<Vec<Stored>> {
        let experiments = experiments.iter().map(|id| crate::validate::experiment_id(id)).collect::<Result<Vec<_>>>()?;
        let mut found = store::among(&self.db, workspace, ids).await?;
        let mut traces = Vec::with_capacity(found.len());
        for id in ids {
            if let Some(trace) = found.remove(id).filter(|t| experiments.is_empty() || experiments.contains(&t.experiment)) {
                traces.push(trace);
            }
        }
        Ok(traces)
    }

    async fn with_spans(&self, traces: Vec<Stored>) -> Result<Vec<Whole>> {
        let ids: Vec<String> = traces.iter().map(|t| t.trace_id.clone()).collect();
        let mut spans = traces_spans::contents(&self.db, &ids).await?;
        let infos = self.complete_traces(traces).await?;
        Ok(infos.into_iter().map(|info| Whole { spans: spans.remove(info.trace_id()).unwrap_or_default(), info }).collect())
    }

    /// The spans of a trace as the file that the web bundle of MLflow shows.
    pub(crate) async fn trace_file(&self, workspace: &str, trace_id: &str) -> Result<Vec<u8>> {
        let trace = store::find(&self.db, workspace, trace_id).await?;
        let trace = trace.ok_or_else(|| Error::not_found(format!("Trace with ID {trace_id} is not found.")))?;
        let whole = self.with_spans(vec![trace]).await?.pop().ok_or_else(|| missing(trace_id))?;
        if !whole.kept_here() {
            return self.trace_attachment(workspace, trace_id, DATA_FILE).await;
        }
        let mut spans = Vec::with_capacity(whole.spans.len());
        for text in &whole.spans {
            let mut span: Content = serde_json::from_str(text)?;
            translate::translate(&mut span);
            spans.push(span);
        }
        Ok(serde_json::to_vec(&serde_json::json!({ "spans": spans }))?)
    }

    /// A file beside a trace; `path` is below the place of its files.
    pub(crate) async fn trace_attachment(&self, workspace: &str, trace_id: &str, path: &str) -> Result<Vec<u8>> {
        let info = self.get_trace_info(workspace, trace_id).await?;
        let place = info.tags.get(super::ARTIFACT_LOCATION).cloned().unwrap_or_default();
        let mut file = self.read_file(workspace, &place, &artifacts::safe_path(path)?).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = file.try_next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}
