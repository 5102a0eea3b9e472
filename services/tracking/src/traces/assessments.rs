//! What people, judges and programs say of a trace (mlflow/entities/assessment.py, `SqlAssessments`).

use super::{millis, missing, timestamp};
use crate::Tracking;
use crate::store::traces as store;
use artel_platform::clock::Ids;
use artel_platform::python;
use artel_platform::{Error, Result};
use artel_proto::json::{EnumName, value};
use artel_proto::mlflow::assessment_source::SourceType;
use artel_proto::mlflow::expectation::SerializedValue;
use artel_proto::mlflow::{Assessment, AssessmentError, AssessmentSource, Expectation, Feedback, IssueReference, UpdateAssessment};
use serde_json::Value;
use std::collections::HashMap;

/// How a value is written that is neither text, number nor truth.
const JSON_FORMAT: &str = "JSON_FORMAT";
const MAX_STACK: usize = 10_000;
const STACK_CUT: &str = "[Stack trace is truncated]\n...\n";

/// A stored assessment. Value, error and metadata are JSON.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) assessment_id: String,
    pub(crate) trace_id: String,
    pub(crate) name: String,
    /// `feedback`, `expectation` or `issue`.
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) error: Option<String>,
    pub(crate) create_time_ms: i64,
    pub(crate) last_update_time_ms: i64,
    pub(crate) source_type: String,
    pub(crate) source_id: Option<String>,
    pub(crate) span_id: Option<String>,
    pub(crate) rationale: Option<String>,
    pub(crate) overrides: Option<String>,
    pub(crate) valid: bool,
    pub(crate) metadata: Option<String>,
}

fn some(text: Option<String>) -> Option<String> {
    text.filter(|t| !t.is_empty())
}

impl Stored {
    /// From a request; id and times are made where it names none.
    pub(crate) fn read(request: Assessment, trace_id: &str, now: i64, ids: &Ids) -> Result<Self> {
        let (kind, value, error) = match (&request.feedback, &request.expectation, &request.issue) {
            (Some(feedback), None, None) => ("feedback", told(feedback), error_text(feedback)),
            (None, Some(expectation), None) => ("expectation", expected(expectation)?, None),
            (None, None, Some(issue)) => ("issue", serde_json::json!({"issue_name": issue.issue_name()}), None),
            (None, None, None) => return Err(Error::invalid("Unknown assessment type: None")),
            _ => return Err(Error::invalid("Exactly one of `expectation`, `feedback`, or `issue` should be specified.")),
        };
        let time = |time: Option<prost_types::Timestamp>| time.map(|t| millis(&t)).filter(|t| *t != 0).unwrap_or(now);
        let source = request.source.unwrap_or_default();
        let is_expectation = kind == "expectation";
        Ok(Self {
            assessment_id: some(request.assessment_id).unwrap_or_else(|| format!("a-{}", ids.hex32())),
            trace_id: trace_id.into(),
            name: request.assessment_name.unwrap_or_default(),
            kind: kind.into(),
            value: python::dumps(&value),
            error,
            create_time_ms: time(request.create_time),
            last_update_time_ms: time(request.last_update_time),
            source_type: source.source_type().name().into(),
            source_id: some(source.source_id),
            span_id: some(request.span_id),
            rationale: some(request.rationale).filter(|_| !is_expectation),
            overrides: some(request.overrides).filter(|_| kind == "feedback"),
            valid: true,
            metadata: (!request.metadata.is_empty()).then(|| python::dumps(&request.metadata)),
        })
    }

    /// As clients get it.
    pub(crate) fn message(self) -> Assessment {
        let said: Value = serde_json::from_str(&self.value).unwrap_or_default();
        let mut out = Assessment {
            assessment_id: Some(self.assessment_id),
            assessment_name: Some(self.name),
            trace_id: Some(self.trace_id),
            span_id: self.span_id,
            source: Some(AssessmentSource { source_type: SourceType::parse(&self.source_type).map(Into::into), source_id: self.source_id }),
            create_time: Some(timestamp(self.create_time_ms)),
            last_update_time: Some(timestamp(self.last_update_time_ms)),
            rationale: self.rationale,
            overrides: self.overrides,
            valid: Some(self.valid),
            metadata: self.metadata.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            ..Assessment::default()
        };
        match self.kind.as_str() {
            "expectation" if said.is_array() || said.is_object() || said.is_null() => {
                let serialized = SerializedValue { serialization_format: Some(JSON_FORMAT.into()), value: Some(self.value) };
                out.expectation = Some(Expectation { value: None, serialized_value: Some(serialized) });
            }
            "expectation" => out.expectation = Some(Expectation { value: Some(value::from_json(&said)), serialized_value: None }),
            "issue" => out.issue = Some(IssueReference { issue_name: said["issue_name"].as_str().map(Into::into) }),
            _ => {
                let error = self.error.and_then(|text| serde_json::from_str::<AssessmentError>(&text).ok());
                out.feedback = Some(Feedback { value: Some(value::from_json(&said)), error: error.map(cut_stack) });
            }
        }
        out
    }

    /// The value where it is a number.
    pub(crate) fn number(&self) -> Option<f64> {
        serde_json::from_str::<Value>(&self.value).ok().and_then(|v| v.as_f64())
    }

    fn change(&mut self, request: UpdateAssessment, now: i64) -> Result<()> {
        let asked = request.update_mask.unwrap_or_default().paths;
        let names = |path: &str| asked.iter().any(|p| p == path);
        let given = request.assessment.unwrap_or_default();
        if names("expectation") && names("feedback") {
            return Err(Error::invalid("Cannot specify both `expectation` and `feedback` parameters."));
        }
        if names("expectation") {
            if self.kind != "expectation" {
                return Err(Error::invalid("Cannot update expectation value on a Feedback assessment."));
            }
            self.value = python::dumps(&expected(&given.expectation.clone().unwrap_or_default())?);
        }
        if names("feedback") {
            if self.kind != "feedback" {
                return Err(Error::invalid("Cannot update feedback value on an Expectation assessment."));
            }
            let feedback = given.feedback.clone().unwrap_or_default();
            self.value = python::dumps(&told(&feedback));
            self.error = error_text(&feedback);
        }
        if names("assessment_name") {
            self.name = given.assessment_name().into();
        }
        if names("rationale") && self.kind != "expectation" {
            self.rationale = Some(given.rationale().into());
        }
        if names("metadata") && !given.metadata.is_empty() {
            let mut all: HashMap<String, Value> = self.metadata.as_deref().and_then(|m| serde_json::from_str(m).ok()).unwrap_or_default();
            all.extend(given.metadata.into_iter().map(|(key, value)| (key, value.into())));
            self.metadata = Some(python::dumps(&all));
        }
        self.last_update_time_ms = now;
        Ok(())
    }
}

fn told(feedback: &Feedback) -> Value {
    feedback.value.as_ref().map(value::to_json).unwrap_or_default()
}

fn error_text(feedback: &Feedback) -> Option<String> {
    feedback.error.as_ref().map(python::dumps)
}

fn expected(expectation: &Expectation) -> Result<Value> {
    let value = match &expectation.serialized_value {
        Some(serialized) if serialized.serialization_format() != JSON_FORMAT => {
            return Err(Error::invalid(format!(
                "Unknown serialization format: {}. Only JSON_FORMAT is supported.",
                serialized.serialization_format()
            )));
        }
        Some(serialized) => serde_json::from_str(serialized.value())
            .map_err(|e| Error::invalid(format!("the value of 'assessment.expectation.serialized_value' is no JSON: {e}")))?,
        None => expectation.value.as_ref().map(value::to_json).unwrap_or_default(),
    };
    if value.is_null() {
        return Err(Error::invalid("The `value` field must be specified."));
    }
    Ok(value)
}

/// Long stacks keep their end, which says what failed.
fn cut_stack(mut error: AssessmentError) -> AssessmentError {
    if let Some(stack) = &error.stack_trace {
        let count = stack.chars().count();
        if count > MAX_STACK {
            let kept: String = stack.chars().skip(count - (MAX_STACK - STACK_CUT.len())).collect();
            error.stack_trace = Some(format!("{STACK_CUT}{kept}"));
        }
    }
    error
}

impl Tracking {
    /// Notes what is said of a trace. What it overrides is valid no more.
    pub(crate) async fn create_assessment(&self, workspace: &str, trace_id: &str, request: Assessment) -> Result<Assessment> {
        let assessment = Stored::read(request, trace_id, self.clock.now(), &self.ids)?;
        let mut tx = self.db.begin().await?;
        store::lock(&mut tx, workspace, trace_id).await?.ok_or_else(|| missing(trace_id))?;
        if let Some(overridden) = &assessment.overrides
            && store::set_assessment_valid(&mut tx, trace_id, overridden, false).await? == 0
        {
            return Err(Error::not_found(format!("Assessment with ID '{overridden}' not found for trace '{trace_id}'")));
        }
        store::insert_assessment(&mut tx, &assessment).await.map_err(|e| match e.code {
            artel_platform::Code::AlreadyExists => {
                Error::invalid(format!("an assessment with the ID '{}' exists already", assessment.assessment_id))
            }
            _ => e,
        })?;
        tx.commit().await?;
        Ok(assessment.message())
    }

    /// One assessment of a trace.
    pub(crate) async fn get_assessment(&self, workspace: &str, trace_id: &str, id: &str) -> Result<Assessment> {
        let trace = crate::store::traces::find(&self.db, workspace, trace_id).await?;
        trace.ok_or_else(|| Error::not_found(format!("Trace with request_id '{trace_id}' not found")))?;
        Ok(store::find_assessment(&self.db, trace_id, id).await?.ok_or_else(|| absent(trace_id, id))?.message())
    }

    /// Changes what the mask names; metadata are added to.
    pub(crate) async fn update_assessment(
        &self,
        workspace: &str,
        trace_id: &str,
        id: &str,
        request: UpdateAssessment,
    ) -> Result<Assessment> {
        let mut tx = self.db.begin().await?;
        let trace = store::lock(&mut tx, workspace, trace_id).await?;
        trace.ok_or_else(|| Error::not_found(format!("Trace with request_id '{trace_id}' not found")))?;
        let mut assessment = store::find_assessment_in(&mut tx, trace_id, id).await?.ok_or_else(|| absent(trace_id, id))?;
        assessment.change(request, self.clock.now())?;
        store::put_assessment(&mut tx, &assessment).await?;
        tx.commit().await?;
        Ok(assessment.message())
    }

    /// Deletes an assessment, if it is there; what it overrode is valid again.
    pub(crate) async fn delete_assessment(&self, workspace: &str, trace_id: &str, id: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        if store::lock(&mut tx, workspace, trace_id).await?.is_none() {
            return Ok(());
        }
        let Some(assessment) = store::find_assessment_in(&mut tx, trace_id, id).await? else { return Ok(()) };
        if let Some(overridden) = &assessment.overrides {
            store::set_assessment_valid(&mut tx, trace_id, overridden, true).await?;
        }
        store::delete_assessment(&mut tx, trace_id, id).await?;
        tx.commit().await
    }
}

fn absent(trace_id: &str, id: &str) -> Error {
    Error::not_found(format!("Assessment with ID '{id}' not found for trace '{trace_id}'"))
}
