//! One span as it is stored: the JSON of upstream's `Span.to_dict` (mlflow/entities/span.py). Every attribute is a JSON
//! text of its own.

use artel_platform::python;
use artel_proto::opentelemetry::{AnyValue, KeyValue, Span, any_value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The attribute that names a span's trace.
const REQUEST_ID: &str = "mlflow.traceRequestId";
const STATUS: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

/// A stored span.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Content {
    /// Base64 of the 16 bytes.
    pub(crate) trace_id: String,
    /// Base64 of the 8 bytes.
    pub(crate) span_id: String,
    pub(crate) parent_span_id: Option<String>,
    pub(crate) name: String,
    pub(crate) start_time_unix_nano: i64,
    pub(crate) end_time_unix_nano: Option<i64>,
    #[serde(default)]
    pub(crate) events: Vec<Event>,
    pub(crate) status: Status,
    #[serde(default)]
    pub(crate) attributes: IndexMap<String, String>,
    #[serde(default)]
    pub(crate) links: Vec<Link>,
}

/// Something that happened during a span.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) time_unix_nano: i64,
    pub(crate) attributes: IndexMap<String, Value>,
}

/// How a span ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// A span of another trace that has to do with this one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) attributes: Option<IndexMap<String, Value>>,
}

/// The id of a trace in MLflow's API.
pub(crate) fn trace_id(id: &[u8]) -> String {
    format!("tr-{}", hex(id))
}

/// Lowercase, at least as wide as an id of OpenTelemetry.
pub(crate) fn hex(id: &[u8]) -> String {
    id.iter().map(|b| format!("{b:02x}")).collect()
}

impl Content {
    /// From OTLP; `None` when an id is missing or no id.
    pub(crate) fn from_otlp(span: &Span) -> Option<Self> {
        if !fits(&span.trace_id, 16) || !fits(&span.span_id, 8) || span.parent_span_id.len() > 8 {
            return None;
        }
        let mut attributes: IndexMap<String, String> =
            span.attributes.iter().map(|a| (a.key.clone(), undouble(dump(a.value.as_ref())))).collect();
        attributes.insert(REQUEST_ID.into(), python::dumps(&trace_id(&span.trace_id)));
        let status = span.status.clone().unwrap_or_default();
        let link = |link: &artel_proto::opentelemetry::span::Link| Link {
            trace_id: trace_id(&link.trace_id),
            span_id: hex(&link.span_id),
            attributes: Some(values(&link.attributes)).filter(|a| !a.is_empty()),
        };
        let event = |event: &artel_proto::opentelemetry::span::Event| Event {
            name: event.name.clone(),
            time_unix_nano: nanos(event.time_unix_nano),
            attributes: values(&event.attributes),
        };
        Some(Self {
            trace_id: STANDARD.encode(&span.trace_id),
            span_id: STANDARD.encode(&span.span_id),
            parent_span_id: Some(STANDARD.encode(&span.parent_span_id)).filter(|id| !id.is_empty()),
            name: span.name.clone(),
            start_time_unix_nano: nanos(span.start_time_unix_nano),
            end_time_unix_nano: Some(nanos(span.end_time_unix_nano)),
            events: span.events.iter().map(event).collect(),
            status: Status { code: STATUS.get(status.code as usize).unwrap_or(&STATUS[0]).to_string(), message: status.message },
            attributes,
            links: span.links.iter().map(link).collect(),
        })
    }

    /// What an attribute holds; `None` where it is not there.
    pub(crate) fn value(&self, key: &str) -> Option<Value> {
        let text = self.attributes.get(key)?;
        Some(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())))
    }

    /// What an attribute holds, where that is a text.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::String(text) => Some(text),
            _ => self.attributes.get(key).cloned(),
        }
    }

    /// `OK`, `ERROR` or `UNSET`.
    pub(crate) fn status(&self) -> &str {
        self.status.code.strip_prefix("STATUS_CODE_").unwrap_or(&self.status.code)
    }

    /// As OTLP's JSON has it in MLflow's API: snake_case, ids in base64, 64-bit numbers as numbers.
    pub(crate) fn otlp_json(&self) -> Value {
        let attributes = |pairs: Vec<(&String, Value)>| pairs.iter().map(|(key, value)| key_value(key, value)).collect::<Vec<_>>();
        let decoded = self.attributes.iter().map(|(key, text)| (key, serde_json::from_str(text).unwrap_or_default())).collect();
        let mut span = json!({"trace_id": self.trace_id, "span_id": self.span_id, "status": self.status_json()});
        put(&mut span, "parent_span_id", self.parent_span_id.as_deref().unwrap_or_default().into());
        put(&mut span, "name", self.name.as_str().into());
        put(&mut span, "start_time_unix_nano", self.start_time_unix_nano.into());
        put(&mut span, "end_time_unix_nano", self.end_time_unix_nano.unwrap_or_default().into());
        put(&mut span, "attributes", attributes(decoded).into());
        let event = |event: &Event| {
            let mut out = json!({});
            put(&mut out, "name", event.name.as_str().into());
            put(&mut out, "time_unix_nano", event.time_unix_nano.into());
            put(&mut out, "attributes", attributes(event.attributes.iter().map(|(k, v)| (k, v.clone())).collect()).into());
            out
        };
        put(&mut span, "events", self.events.iter().map(event).collect());
        let link = |link: &Link| {
            let mut out = json!({"trace_id": unhex(link.trace_id.trim_start_matches("tr-")), "span_id": unhex(&link.span_id)});
            let own = link.attributes.iter().flatten().map(|(k, v)| (k, v.clone())).collect();
            put(&mut out, "attributes", attributes(own).into());
            out
        };
        put(&mut span, "links", self.links.iter().map(link).collect());
        span
    }

    fn status_json(&self) -> Value {
        let mut status = json!({});
        if self.status() != "UNSET" {
            put(&mut status, "code", self.status.code.as_str().into());
        }
        put(&mut status, "message", self.status.message.as_str().into());
        status
    }
}

/// Leaves out what protobuf's JSON leaves out: zero, the empty text, the empty list.
fn put(object: &mut Value, key: &str, value: Value) {
    let empty = value == json!("") || value == json!([]) || value == json!(0);
    if !empty {
        object[key] = value;
    }
}

fn fits(id: &[u8], most: usize) -> bool {
    !id.is_empty() && id.len() <= most
}

fn nanos(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

fn unhex(text: &str) -> String {
    let digits: Vec<u8> = text.bytes().filter_map(|b| (b as char).to_digit(16)).map(|d| d as u8).collect();
    STANDARD.encode(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, d| byte << 4 | d)).collect::<Vec<u8>>())
}

fn values(pairs: &[KeyValue]) -> IndexMap<String, Value> {
    pairs.iter().map(|pair| (pair.key.clone(), json_of(pair.value.as_ref()))).collect()
}

/// An attribute as JSON text.
fn dump(value: Option<&AnyValue>) -> String {
    match value.and_then(|v| v.value.as_ref()) {
        Some(any_value::Value::DoubleValue(number)) if number.is_nan() => "NaN".into(),
        Some(any_value::Value::DoubleValue(number)) if number.is_infinite() => {
            if *number > 0.0 {
                "Infinity".into()
            } else {
                "-Infinity".into()
            }
        }
        _ => python::dumps(&json_of(value)),
    }
}

/// What was already JSON when it was sent as text is unpacked once (`sanitize_attributes` in mlflow/tracing/otel/translation).
fn undouble(dumped: String) -> String {
    match serde_json::from_str(&dumped) {
        Ok(Value::String(inner)) if matches!(serde_json::from_str(&inner), Ok(Value::String(_) | Value::Array(_) | Value::Object(_))) => {
            inner
        }
        _ => dumped,
    }
}

/// A value of OTLP as JSON.
pub(crate) fn json_of(value: Option<&AnyValue>) -> Value {
    use any_value::Value as Any;
    match value.and_then(|v| v.value.as_ref()) {
        None => Value::Null,
        Some(Any::StringValue(text)) => text.as_str().into(),
        Some(Any::BoolValue(flag)) => (*flag).into(),
        Some(Any::IntValue(number)) => (*number).into(),
        Some(Any::DoubleValue(number)) => (*number).into(),
        Some(Any::BytesValue(bytes)) => STANDARD.encode(bytes).into(),
        Some(Any::ArrayValue(list)) => list.values.iter().map(|v| json_of(Some(v))).collect(),
        Some(Any::KvlistValue(list)) => list.values.iter().map(|kv| (kv.key.clone(), json_of(kv.value.as_ref()))).collect(),
    }
}

fn key_value(key: &str, value: &Value) -> Value {
    match value {
        Value::Null => json!({"key": key}),
        value => json!({"key": key, "value": any_value(value)}),
    }
}

/// A JSON value as OTLP's `AnyValue`.
fn any_value(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(flag) => json!({"bool_value": flag}),
        Value::String(text) => json!({"string_value": text}),
        Value::Number(number) if number.is_i64() => json!({"int_value": number}),
        Value::Number(number) => json!({"double_value": number}),
        Value::Array(items) if items.is_empty() => json!({"array_value": {}}),
        Value::Array(items) => json!({"array_value": {"values": items.iter().map(any_value).collect::<Vec<_>>()}}),
        Value::Object(map) if map.is_empty() => json!({"kvlist_value": {}}),
        Value::Object(map) => json!({"kvlist_value": {"values": map.iter().map(|(k, v)| key_value(k, v)).collect::<Vec<_>>()}}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(key: &str, value: any_value::Value) -> KeyValue {
        KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }) }
    }

    #[test]
    fn a_span_is_stored_as_upstream_stores_it() {
        let span = Span {
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            name: "n".into(),
            start_time_unix_nano: 5,
            end_time_unix_nano: 9,
            attributes: vec![
                attribute("a", any_value::Value::StringValue("x".into())),
                attribute("b", any_value::Value::StringValue("{\"c\": 1}".into())),
                attribute("n", any_value::Value::DoubleValue(f64::NAN)),
                attribute("i", any_value::Value::StringValue("1".into())),
            ],
            ..Default::default()
        };
        let content = Content::from_otlp(&span).unwrap();
        let shown: Vec<(&str, &str)> = content.attributes.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let request = format!("\"tr-{}\"", "01".repeat(16));
        assert_eq!(shown, [("a", "\"x\""), ("b", "{\"c\": 1}"), ("n", "NaN"), ("i", "\"1\""), (REQUEST_ID, request.as_str())]);
        assert_eq!((content.parent_span_id.as_deref(), content.status()), (None, "UNSET"));
        assert!(Content::from_otlp(&Span { span_id: vec![], ..span }).is_none());
    }

    #[test]
    fn a_span_is_told_as_protobuf_json() {
        let text = r#"{"trace_id": "AQ==", "span_id": "Ag==", "parent_span_id": null, "name": "n", "start_time_unix_nano": 123, "end_time_unix_nano": 0,
            "events": [{"name": "ev", "time_unix_nano": 77, "attributes": {}}], "status": {"code": "STATUS_CODE_OK", "message": ""},
            "attributes": {"k": "5", "l": "[\"x\"]", "e": "[]", "m": "{\"z\": false}", "n": "null", "d": "2.0"},
            "links": [{"trace_id": "tr-0303", "span_id": "04", "attributes": null}]}"#;
        let content: Content = serde_json::from_str(text).unwrap();
        let expected = json!({"trace_id": "AQ==", "span_id": "Ag==", "name": "n", "start_time_unix_nano": 123, "attributes": [
            {"key": "k", "value": {"int_value": 5}}, {"key": "l", "value": {"array_value": {"values": [{"string_value": "x"}]}}},
            {"key": "e", "value": {"array_value": {}}},
            {"key": "m", "value": {"kvlist_value": {"values": [{"key": "z", "value": {"bool_value": false}}]}}},
            {"key": "n"}, {"key": "d", "value": {"double_value": 2.0}}],
            "events": [{"time_unix_nano": 77, "name": "ev"}], "links": [{"trace_id": "AwM=", "span_id": "BA=="}],
            "status": {"code": "STATUS_CODE_OK"}});
        assert_eq!(content.otlp_json(), expected);
    }
}
