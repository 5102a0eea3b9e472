//! Spans that come in: they are stored, and what they tell of their traces is noted (`SqlAlchemyStore.log_spans`).

use super::content::Content;
use super::tags::{self, TRACE_NAME};
use super::translate::{CHAT_USAGE, INPUTS, LLM_COST, OUTPUTS, SPAN_TYPE, translate};
use super::usage::{self, Node};
use super::{SPANS_LOCATION, Stored, TRACKING_STORE, missing, preview};
use crate::store::{traces as store, traces_spans};
use crate::{Tracking, experiments};
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// Metadata that names who used the traced program.
const USER: &str = "mlflow.trace.user";
/// Attributes of a root span that are tags of its trace.
const TAG_PREFIX: &str = "mlflow.traceTag.";
const NANOS: i64 = 1_000_000;

/// A span on its way in, with what the whole program says of itself.
pub(crate) struct Incoming {
    /// Its trace's id in MLflow's API.
    pub(crate) trace_id: String,
    pub(crate) span: Content,
    /// Attributes of OpenTelemetry's resource.
    pub(crate) resource: Vec<(String, Value)>,
}

/// What the spans of one request tell of one trace.
struct Told {
    spans: Vec<Incoming>,
    start: i64,
    end: Option<i64>,
    nodes: Vec<Node>,
}

impl Tracking {
    /// Stores spans, all or none; traces that are not known yet are made in the experiment.
    pub(crate) async fn log_spans(&self, workspace: &str, experiment_id: &str, spans: Vec<Incoming>) -> Result<()> {
        if spans.is_empty() {
            return Ok(());
        }
        let experiment = self.find_experiment(workspace, experiment_id).await;
        let mut traces: BTreeMap<String, Vec<Incoming>> = BTreeMap::new();
        for mut span in spans {
            translate(&mut span.span);
            traces.entry(span.trace_id.clone()).or_default().push(span);
        }
        let mut tx = self.db.begin().await?;
        // in the order of their ids: two requests that share traces wait for each other instead of for ever
        for (trace_id, spans) in traces {
            self.log_spans_of(&mut tx, workspace, &trace_id, Told::new(spans), &experiment).await?;
        }
        tx.commit().await
    }

    async fn log_spans_of(
        &self,
        tx: &mut Tx,
        workspace: &str,
        trace_id: &str,
        told: Told,
        experiment: &Result<experiments::Stored>,
    ) -> Result<()> {
        let mut created = false;
        let mut trace = match store::lock(tx, workspace, trace_id).await? {
            Some(trace) => trace,
            None => {
                let experiment = experiment.as_ref().map_err(|e| Error::new(e.code, e.message.clone()))?;
                let trace = told.trace(workspace, trace_id, experiment.id);
                created = self.add_trace(tx, &trace, &experiment.artifact_location).await?;
                if created { trace } else { store::lock(tx, workspace, trace_id).await?.ok_or_else(|| missing(trace_id))? }
            }
        };
        traces_spans::put(tx, &told.spans).await?;
        told.note_times(&mut trace);
        told.note_root(&mut trace);
        self.note_usage(tx, &told, &mut trace, created).await?;
        let session = told.spans.iter().find_map(|s| s.span.text("session.id").or_else(|| s.span.text("gen_ai.conversation.id")));
        if let (Some(session), None) = (session.filter(|s| !s.is_empty()), &trace.session_id) {
            trace.session_id = Some(tags::limited("Session ID", 250, session)?);
        }
        let (name, tags) = told.tags(self.settings.truncate_long_values);
        trace.trace_name = name.or(trace.trace_name);
        store::update(tx, &trace).await?;
        store::set_tags(tx, trace_id, tags).await?;
        if let Some(user) = told.spans.iter().find_map(|s| s.span.text("user.id")).filter(|u| !u.is_empty()) {
            store::add_metadata(tx, trace_id, USER, &user).await?;
        }
        Ok(())
    }

    /// The sums over all spans of the trace, unless the client has told its own.
    async fn note_usage(&self, tx: &mut Tx, told: &Told, trace: &mut Stored, created: bool) -> Result<()> {
        let tokens = usage::sum_tokens(&told.nodes).filter(|_| !trace.finalized || trace.tokens.iter().all(Option::is_none));
        let costs = usage::sum_costs(&told.nodes).filter(|_| !trace.finalized || trace.costs.iter().all(Option::is_none));
        if tokens.is_none() && costs.is_none() {
            return Ok(());
        }
        if created {
            trace.tokens = tokens.unwrap_or(trace.tokens);
            trace.costs = costs.unwrap_or(trace.costs);
            return Ok(());
        }
        // the spans of this request are among them by now
        let texts = traces_spans::contents_in(tx, &trace.trace_id).await?;
        let contents = texts.iter().map(|text| serde_json::from_str(text)).collect::<Result<Vec<Content>, _>>()?;
        let nodes: Vec<Node> = contents.iter().map(node).collect();
        if tokens.is_some() {
            trace.tokens = usage::sum_tokens(&nodes).unwrap_or(trace.tokens);
        }
        if costs.is_some() {
            trace.costs = usage::sum_costs(&nodes).unwrap_or(trace.costs);
        }
        Ok(())
    }
}

fn node(span: &Content) -> Node {
    let object = |key: &str| match span.value(key) {
        Some(Value::Object(map)) => Some(map),
        _ => None,
    };
    Node {
        span_id: span.span_id.clone(),
        parent: span.parent_span_id.clone().unwrap_or_default(),
        tokens: object(CHAT_USAGE),
        costs: object(LLM_COST),
    }
}

impl Told {
    /// Of a span that is told twice the last counts.
    fn new(spans: Vec<Incoming>) -> Self {
        let mut last: Vec<Incoming> = Vec::with_capacity(spans.len());
        let mut places: HashMap<String, usize> = HashMap::new();
        for span in spans {
            match places.get(&span.span.span_id) {
                Some(place) => last[*place] = span,
                None => {
                    places.insert(span.span.span_id.clone(), last.len());
                    last.push(span);
                }
            }
        }
        let start = last.iter().map(|s| s.span.start_time_unix_nano).min().unwrap_or_default() / NANOS;
        let end = last.iter().filter_map(|s| s.span.end_time_unix_nano).max().map(|end| end / NANOS);
        let nodes = last.iter().map(|s| node(&s.span)).collect();
        Self { spans: last, start, end: end.filter(|end| *end > 0), nodes }
    }

    fn root(&self) -> Option<&Content> {
        self.spans.iter().map(|s| &s.span).find(|s| s.parent_span_id.is_none())
    }

    fn status(&self) -> Option<&'static str> {
        self.root().map(|root| if root.status() == "ERROR" { "ERROR" } else { "OK" })
    }

    fn trace(&self, workspace: &str, trace_id: &str, experiment: i64) -> Stored {
        Stored {
            trace_id: trace_id.into(),
            workspace: workspace.into(),
            experiment,
            timestamp_ms: self.start,
            execution_time_ms: self.end.map(|end| end - self.start),
            status: self.status().unwrap_or("IN_PROGRESS").into(),
            ..Stored::default()
        }
    }

    /// From the earliest start to the latest end of any span, unless the client has told both.
    fn note_times(&self, trace: &mut Stored) {
        if trace.finalized {
            return;
        }
        let earlier_end = trace.execution_time_ms.map(|took| trace.timestamp_ms + took);
        trace.timestamp_ms = trace.timestamp_ms.min(self.start);
        if let Some(end) = self.end.into_iter().chain(earlier_end).max() {
            trace.execution_time_ms = Some(end - trace.timestamp_ms);
        }
    }

    /// The root span tells how it went, what went in and what came out.
    fn note_root(&self, trace: &mut Stored) {
        let Some(root) = self.root() else { return };
        if matches!(trace.status.as_str(), "IN_PROGRESS" | "STATE_UNSPECIFIED") {
            trace.status = self.status().unwrap_or_default().into();
        }
        let shown = |key: &str, role: &str| root.attributes.get(key).filter(|v| !v.is_empty()).map(|v| preview::preview(v, role));
        trace.request_preview = trace.request_preview.take().or_else(|| shown(INPUTS, "user"));
        trace.response_preview = trace.response_preview.take().or_else(|| shown(OUTPUTS, "assistant"));
    }

    /// The trace's name and tags: what the resource says, then what the root span carries of the user's own.
    fn tags(&self, truncate: bool) -> (Option<String>, HashMap<String, String>) {
        let mut tags = HashMap::from([(SPANS_LOCATION.to_owned(), TRACKING_STORE.to_owned())]);
        let resource = self.spans.iter().map(|s| &s.resource).find(|r| !r.is_empty());
        for (key, value) in resource.into_iter().flatten() {
            if key.starts_with("telemetry.sdk.") || key.starts_with("mlflow.") {
                continue;
            }
            let value = value.as_str().map_or_else(|| super::python::dumps(value), Into::into);
            tags.extend(tags::tag(key, &value, truncate).ok());
        }
        let mut name = None;
        for (key, _) in self.root().into_iter().flat_map(|root| &root.attributes) {
            let Some(tag) = key.strip_prefix(TAG_PREFIX) else { continue };
            let value = self.root().and_then(|root| root.text(key)).unwrap_or_default();
            match tags::tag(tag, &value, truncate) {
                Ok((key, value)) if key == TRACE_NAME => name = Some(value),
                Ok((key, value)) => {
                    tags.insert(key, value);
                }
                Err(_) => {}
            }
        }
        (name, tags)
    }
}

impl Incoming {
    /// The columns beside the span that are searched: its type.
    pub(crate) fn kind(&self) -> String {
        self.span.text(SPAN_TYPE).unwrap_or_default()
    }
}
