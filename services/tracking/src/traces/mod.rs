//! Traces: what a call of a program did, told as spans (OTLP) and as a summary, with what people and judges say of it.
//! The rules are those of upstream's mlflow/store/tracking/sqlalchemy_store.py.

pub(crate) mod assessments;
pub(crate) mod content;
pub(crate) mod correlation;
mod ingest;
pub(crate) mod legacy;
pub(crate) mod otlp;
mod preview;
mod reading;
pub(crate) mod tags;
mod translate;
pub(crate) mod usage;

pub(crate) use ingest::Incoming;
pub(crate) use reading::Whole;

use crate::store::traces as store;
use crate::{Tracking, artifacts};
use artel_platform::db::Tx;
use artel_platform::python;
use artel_platform::{Error, Result};
use artel_proto::json::EnumName;
use artel_proto::mlflow::TraceInfoV3;
use artel_proto::mlflow::trace_info_v3::State;
use artel_proto::mlflow::trace_location::{MlflowExperimentLocation, TraceLocationType};
use std::collections::HashMap;
use tags::TRACE_NAME;

/// Metadata that says that the client has told the whole of a trace.
const FINALIZED: &str = "mlflow.trace.infoFinalized";
/// Metadata under which a trace's session is told.
pub(crate) const SESSION: &str = "mlflow.trace.session";
/// Metadata under which the run is told that a trace was made in.
pub(crate) const SOURCE_RUN: &str = "mlflow.sourceRun";
/// Tag under which the place of a trace's files is told.
const ARTIFACT_LOCATION: &str = "mlflow.artifactLocation";
/// Tag that says where a trace's spans are, and its value for those that are here.
pub(crate) const SPANS_LOCATION: &str = "mlflow.trace.spansLocation";
pub(crate) const TRACKING_STORE: &str = "TRACKING_STORE";

/// A stored trace, without its spans, tags, metadata and assessments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stored {
    pub(crate) trace_id: String,
    pub(crate) workspace: String,
    pub(crate) experiment: i64,
    pub(crate) timestamp_ms: i64,
    pub(crate) execution_time_ms: Option<i64>,
    pub(crate) status: String,
    pub(crate) client_request_id: Option<String>,
    pub(crate) request_preview: Option<String>,
    pub(crate) response_preview: Option<String>,
    pub(crate) trace_name: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) finalized: bool,
    pub(crate) tokens: usage::Tokens,
    pub(crate) costs: usage::Costs,
}

/// What belongs to one trace.
#[derive(Default)]
pub(crate) struct Details {
    pub(crate) tags: HashMap<String, String>,
    pub(crate) metadata: HashMap<String, String>,
    pub(crate) assessments: Vec<assessments::Stored>,
}

/// There is no such trace in the workspace.
pub(crate) fn missing(trace_id: &str) -> Error {
    Error::not_found(format!("Trace with ID '{trace_id}' not found."))
}

impl Stored {
    /// Takes over what some metadata say that have columns of their own; returns the others.
    fn take_metadata(&mut self, metadata: HashMap<String, String>) -> Result<HashMap<String, String>> {
        let mut others = HashMap::with_capacity(metadata.len());
        for (key, value) in metadata {
            match key.as_str() {
                SESSION => self.session_id = Some(tags::limited("Session ID", 250, value)?),
                usage::TOKEN_USAGE => usage::read_tokens(&value, &mut self.tokens),
                usage::COST => usage::read_costs(&value, &mut self.costs),
                _ => {
                    others.insert(key, value);
                }
            }
        }
        Ok(others)
    }

    fn message(self, details: Details) -> TraceInfoV3 {
        let mut metadata = details.metadata;
        let told = [
            (SESSION, self.session_id),
            (usage::TOKEN_USAGE, usage::show_tokens(&self.tokens)),
            (usage::COST, usage::show_costs(&self.costs)),
        ];
        metadata.extend(told.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        let mut tags = details.tags;
        tags.extend(self.trace_name.map(|name| (TRACE_NAME.to_owned(), name)));
        TraceInfoV3 {
            trace_id: Some(self.trace_id),
            client_request_id: self.client_request_id,
            trace_location: Some(artel_proto::mlflow::TraceLocation {
                r#type: Some(TraceLocationType::MlflowExperiment.into()),
                mlflow_experiment: Some(MlflowExperimentLocation { experiment_id: Some(self.experiment.to_string()) }),
            }),
            request_time: Some(timestamp(self.timestamp_ms)),
            execution_duration: self.execution_time_ms.map(duration),
            state: State::parse(&self.status).map(Into::into),
            trace_metadata: metadata.into_iter().map(|(k, v)| (cut(k, 250), cut(v, 250))).collect(),
            assessments: details.assessments.into_iter().map(assessments::Stored::message).collect(),
            tags: tags.into_iter().map(|(k, v)| (cut(k, 250), cut(v, 4096))).collect(),
            request_preview: self.request_preview,
            response_preview: self.response_preview,
        }
    }
}

/// The first characters of a text.
fn cut(mut text: String, most: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(most) {
        text.truncate(at);
    }
    text
}

/// Milliseconds as protobuf's time.
pub(crate) fn timestamp(millis: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: millis.div_euclid(1000), nanos: millis.rem_euclid(1000) as i32 * 1_000_000 }
}

/// Protobuf's time in milliseconds.
pub(crate) fn millis(time: &prost_types::Timestamp) -> i64 {
    time.seconds.saturating_mul(1000).saturating_add(i64::from(time.nanos / 1_000_000))
}

fn duration(millis: i64) -> prost_types::Duration {
    prost_types::Duration { seconds: millis / 1000, nanos: (millis % 1000) as i32 * 1_000_000 }
}

impl Tracking {
    /// Makes a trace of what the client tells, or completes the one that its spans made before.
    pub(crate) async fn start_trace(&self, workspace: &str, info: TraceInfoV3) -> Result<TraceInfoV3> {
        if info.trace_id().is_empty() {
            return Err(Error::invalid("Missing value for required parameter 'trace.trace_info.trace_id'."));
        }
        let place = info.trace_location.as_ref().and_then(|l| l.mlflow_experiment.as_ref());
        let experiment = self.find_experiment(workspace, place.map_or("", MlflowExperimentLocation::experiment_id)).await?;
        experiment.require_active()?;
        let mut trace = Stored {
            trace_id: info.trace_id().into(),
            workspace: workspace.into(),
            experiment: experiment.id,
            timestamp_ms: info.request_time.as_ref().map_or(0, millis),
            execution_time_ms: info.execution_duration.as_ref().map(|d| d.seconds * 1000 + i64::from(d.nanos / 1_000_000)),
            status: info.state().as_str_name().into(),
            client_request_id: info.client_request_id,
            request_preview: info.request_preview,
            response_preview: info.response_preview,
            finalized: true,
            ..Stored::default()
        };
        let mut tags = info.tags;
        trace.trace_name = tags.remove(TRACE_NAME).map(|name| tags::limited("Trace name", 4096, name)).transpose()?;
        tags.insert(ARTIFACT_LOCATION.into(), artifact_location(&experiment.artifact_location, &trace.trace_id));
        let given = info.trace_metadata;
        let mut metadata = trace.take_metadata(given.clone())?;
        metadata.insert(FINALIZED.into(), "true".into());
        let now = self.clock.now();
        let said = info
            .assessments
            .into_iter()
            .map(|a| assessments::Stored::read(a, &trace.trace_id, now, &self.ids))
            .collect::<Result<Vec<_>>>()?;

        let mut tx = self.db.begin().await?;
        if !store::insert(&mut tx, &trace).await? {
            let earlier = store::lock(&mut tx, workspace, &trace.trace_id).await?.ok_or_else(|| missing(&trace.trace_id))?;
            trace.complete(earlier, given)?;
            store::update(&mut tx, &trace).await?;
        }
        store::set_tags(&mut tx, &trace.trace_id, tags).await?;
        store::set_metadata(&mut tx, &trace.trace_id, metadata).await?;
        for assessment in &said {
            store::put_assessment(&mut tx, assessment).await?;
        }
        tx.commit().await?;
        self.with_trace_details(trace).await
    }

    /// A trace without its spans.
    pub(crate) async fn get_trace_info(&self, workspace: &str, trace_id: &str) -> Result<TraceInfoV3> {
        let trace = self.find_trace(workspace, trace_id).await?;
        self.with_trace_details(trace).await
    }

    /// A trace without anything that belongs to it.
    pub(crate) async fn find_trace(&self, workspace: &str, trace_id: &str) -> Result<Stored> {
        store::find(&self.db, workspace, trace_id).await?.ok_or_else(|| missing(trace_id))
    }

    async fn with_trace_details(&self, trace: Stored) -> Result<TraceInfoV3> {
        let mut traces = self.complete_traces(vec![trace]).await?;
        traces.pop().ok_or_else(|| Error::internal("a trace vanished while it was read"))
    }

    /// Adds tags, metadata and assessments to stored traces.
    pub(crate) async fn complete_traces(&self, traces: Vec<Stored>) -> Result<Vec<TraceInfoV3>> {
        if traces.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&str> = traces.iter().map(|t| t.trace_id.as_str()).collect();
        let mut details = store::details(&self.db, &ids).await?;
        Ok(traces
            .into_iter()
            .map(|trace| {
                let own = details.remove(&trace.trace_id).unwrap_or_default();
                trace.message(own)
            })
            .collect())
    }

    /// Adds one trace that spans tell of, unless it is there; true when it was added.
    async fn add_trace(&self, tx: &mut Tx, trace: &Stored, location: &str) -> Result<bool> {
        let added = store::insert(tx, trace).await?;
        if added {
            let place = artifact_location(location, &trace.trace_id);
            store::set_tags(tx, &trace.trace_id, HashMap::from([(ARTIFACT_LOCATION.to_owned(), place)])).await?;
        }
        Ok(added)
    }
}

impl Stored {
    /// What the client tells counts, what it leaves open stays as the spans told it.
    fn complete(&mut self, earlier: Self, metadata: HashMap<String, String>) -> Result<()> {
        self.request_preview = self.request_preview.take().or(earlier.request_preview);
        self.response_preview = self.response_preview.take().or(earlier.response_preview);
        self.trace_name = self.trace_name.take().or(earlier.trace_name);
        self.session_id = earlier.session_id;
        self.tokens = earlier.tokens;
        self.costs = earlier.costs;
        self.take_metadata(metadata).map(drop)
    }
}

/// A span as the text that is stored and searched.
pub(crate) fn stored_text(span: &content::Content) -> String {
    python::dumps(span)
}

fn artifact_location(experiment: &str, trace_id: &str) -> String {
    artifacts::append(experiment, &["traces", trace_id, "artifacts"])
}
