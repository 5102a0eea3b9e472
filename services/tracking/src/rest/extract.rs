//! Requests as upstream's server reads them (mlflow/server/handlers.py `_get_request_message`): JSON bodies and query
//! strings into protobuf messages. A request that is fine is parsed once, straight into its message; only one that is
//! not is looked at again, to say what is wrong with it in upstream's words.

use crate::validate::{invalid_value, missing_value};
use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpRequest};
use artel_platform::http::field_at_fault;
use artel_platform::{Error, Result};
use artel_proto::json::{Field, Kind, Message};
use bytes::BytesMut;
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use serde_json::{Map, Value};

/// Largest body: a batch of the largest values, or a dataset with the largest profile.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// A message whose requests are checked.
pub(super) trait Checked: Message {
    /// What upstream checks, in its order.
    const RULES: &'static [Rule];
    /// Is everything that is required there? A request that says no is looked at again by `RULES`.
    fn complete(&self) -> bool;
}

/// The checks of one field.
pub(super) struct Rule {
    pub(super) field: &'static str,
    pub(super) checks: &'static [Check],
}

/// One check. The first four are only made when the message could not be parsed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Check {
    Text,
    Integer,
    Real,
    Array,
    Texts,
    Required,
    /// At most 50,000.
    PageSize,
    /// At most 100 run ids.
    RunIds,
    /// From 1 to 2,500.
    Samples,
    /// Key, value and timestamp are in every item.
    Metrics,
    /// A key is in every item.
    Keys,
}

/// Declares what is checked: `checked!(LogParam, requires(run_id, key) { "run_id": [Required, Text], … })`.
macro_rules! checked {
    ($message:ident, requires($($required:ident),*) $(, also($it:ident => $also:expr))? $(, { $($field:literal: [$($check:ident),*]),* $(,)? })?) => {
        impl $crate::rest::extract::Checked for artel_proto::mlflow::$message {
            const RULES: &'static [$crate::rest::extract::Rule] = &[$($(
                $crate::rest::extract::Rule { field: $field, checks: &[$($crate::rest::extract::Check::$check),*] }
            ),*)?];
            fn complete(&self) -> bool {
                true $(&& $crate::rest::extract::Present::present(&self.$required))* $(&& { let $it = self; $also })?
            }
        }
    };
}
pub(super) use checked;

/// Does a field hold something?
pub(super) trait Present {
    fn present(&self) -> bool;
}
impl Present for Option<String> {
    fn present(&self) -> bool {
        self.as_ref().is_some_and(|text| !text.is_empty())
    }
}
impl Present for Option<i64> {
    fn present(&self) -> bool {
        self.is_some()
    }
}
impl Present for Option<i32> {
    fn present(&self) -> bool {
        self.is_some()
    }
}
impl Present for Option<f64> {
    fn present(&self) -> bool {
        self.is_some()
    }
}
impl<T> Present for Vec<T> {
    fn present(&self) -> bool {
        !self.is_empty()
    }
}

/// A checked request, from its body or (GET) its query string.
pub(super) struct Request<T>(pub(super) T);

impl<T: Checked + 'static> FromRequest for Request<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if request.method() == Method::GET && !request.query_string().is_empty() {
                let value = from_query(request.query_string(), T::FIELDS)?;
                return from_value(value).map(Self);
            }
            if request.method() == Method::POST || request.method() == Method::PUT {
                require_json(&request)?;
            }
            let mut body = BytesMut::new();
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|e| Error::invalid("the request body broke off").because(e.to_string()))?;
                if body.len() + chunk.len() > MAX_BODY {
                    return Err(Error::invalid(format!(
                        "the request body is larger than {MAX_BODY} bytes; split it over several requests"
                    )));
                }
                body.extend_from_slice(&chunk);
            }
            // serde would take an array for the fields in their order
            let object = body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
            match serde_json::from_slice::<T>(&body) {
                Ok(message) if object && message.complete() => Ok(Self(message)),
                _ => from_value(as_object(&body)?).map(Self),
            }
        })
    }
}

fn require_json(request: &HttpRequest) -> Result<()> {
    let Some(kind) = request.headers().get(header::CONTENT_TYPE) else {
        return Err(Error::invalid("Bad Request. Content-Type header is missing."));
    };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Error::invalid("Bad Request. Content-Type must be one of ['application/json']."))
    }
}

/// The body as a JSON object. One that is no JSON counts as empty; old clients encode twice.
fn as_object(body: &[u8]) -> Result<Value> {
    let mut value: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Value::String(text) = &value {
        value = serde_json::from_str(text).unwrap_or_default();
    }
    match value {
        Value::Null => Ok(Value::Object(Map::new())),
        Value::Object(_) => Ok(value),
        _ => Err(Error::invalid("the request body must be a JSON object").reason("BAD_REQUEST")),
    }
}

/// The fields of the message that the query names, as JSON.
fn from_query(query: &str, fields: &[Field]) -> Result<Value> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).map_err(|_| Error::invalid("the query string is malformed"))?;
    let mut object = Map::new();
    for field in fields {
        let mut values = pairs.iter().filter(|(name, _)| name == field.name).map(|(_, value)| value);
        let Some(first) = values.next() else { continue };
        let value = if field.repeated {
            Value::Array(std::iter::once(first).chain(values).map(|v| Value::String(v.clone())).collect())
        } else if matches!(field.kind, Kind::Bool) {
            match first.to_ascii_lowercase().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => return Err(Error::invalid(format!("Invalid boolean value: {first}, must be 'true' or 'false'."))),
            }
        } else {
            Value::String(first.clone())
        };
        object.insert(field.name.into(), value);
    }
    Ok(Value::Object(object))
}

/// Parses and checks with every message that upstream has.
fn from_value<T: Checked>(value: Value) -> Result<T> {
    refuse_two_spellings(&value, T::FIELDS)?;
    let parsed = T::deserialize(&value);
    for rule in T::RULES {
        let given = match value.get(rule.field) {
            None | Some(Value::Null) if rule.field == "run_id" => value.get("run_uuid"),
            given => given,
        };
        if given.is_some() || rule.checks.contains(&Check::Required) {
            rule.apply(given.unwrap_or(&Value::Null), parsed.is_ok())?;
        }
    }
    parsed.map_err(|e| {
        let place = field_at_fault::<T>(&value).map_or_else(|| "the request".into(), |field| format!("parameter '{field}'"));
        Error::invalid(format!("Invalid value in {place}: {e}. See the API docs for more information about request parameters."))
    })
}

/// `run_id` and `runId` in one object: which one is meant?
fn refuse_two_spellings(value: &Value, fields: &[Field]) -> Result<()> {
    let Value::Object(object) = value else { return Ok(()) };
    for field in fields {
        let (snake, camel) = (object.get(field.name), object.get(field.json_name));
        if field.name != field.json_name && snake.is_some() && camel.is_some() {
            return Err(Error::invalid(format!(
                "Request specifies both '{}' and '{}'; provide only one of them.",
                field.name, field.json_name
            )));
        }
        if let (Kind::Message(inner), Some(nested)) = (field.kind, snake.or(camel)) {
            match nested {
                Value::Array(items) => items.iter().try_for_each(|item| refuse_two_spellings(item, inner()))?,
                one => refuse_two_spellings(one, inner())?,
            }
        }
    }
    Ok(())
}

impl Rule {
    fn apply(&self, value: &Value, parsed: bool) -> Result<()> {
        for check in self.checks {
            if let Err(message) = check.apply(self.field, value, parsed) {
                return Err(Error::invalid(format!("{message} See the API docs for more information about request parameters.")));
            }
        }
        Ok(())
    }
}

impl Check {
    fn apply(self, field: &str, value: &Value, parsed: bool) -> std::result::Result<(), String> {
        let good = match self {
            Self::Text => parsed || value.is_string(),
            Self::Integer => parsed || integer(value).is_some(),
            Self::Real => parsed || value.is_number() || value.as_str().is_some_and(|text| text.parse::<f64>().is_ok()),
            Self::Array => parsed || value.is_array(),
            Self::Texts => parsed || value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Self::Required if is_blank(value) => return Err(missing_value(field)),
            Self::Required => true,
            Self::PageSize => integer(value).is_none_or(|n| n <= 50_000),
            Self::RunIds => match value.as_array().map(Vec::len) {
                Some(count) if count > 100 => {
                    return Err(format!(
                        "GetMetricHistoryBulkInterval request must specify at most 100 run_ids. Received {count} run_ids."
                    ));
                }
                _ => true,
            },
            Self::Samples if integer(value).is_some_and(|n| !(1..=2500).contains(&n)) => {
                return Err("max_results must be between 1 and 2500.".into());
            }
            Self::Samples => true,
            Self::Metrics => return items_have(field, value, &["key", "value", "timestamp"]),
            Self::Keys => return items_have(field, value, &["key"]),
        };
        if good { Ok(()) } else { Err(invalid_value(field, value, &format!(" Hint: Value was of type '{}'.", python_type(value)))) }
    }
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(n) => n.as_i64().or_else(|| n.as_f64().map(|f| f as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn items_have(field: &str, value: &Value, names: &[&str]) -> std::result::Result<(), String> {
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(name) = names.iter().find(|name| is_blank(item.get(**name).unwrap_or(&Value::Null))) {
            return Err(missing_value(&format!("{field}[{i}].{name}")));
        }
    }
    Ok(())
}

/// What Python calls the type.
fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use artel_proto::mlflow::{CreateExperiment, GetMetricHistoryBulkInterval, LogBatch, LogMetric, SearchRuns};

    fn refusal<T: Checked + std::fmt::Debug>(text: &str) -> String {
        from_value::<T>(as_object(text.as_bytes()).unwrap()).unwrap_err().message
    }

    #[test]
    fn wrong_types_are_named() {
        assert!(
            refusal::<CreateExperiment>(r#"{"name": 123}"#)
                .starts_with("Invalid value 123 for parameter 'name' supplied:  Hint: Value was of type 'int'.")
        );
        assert!(
            refusal::<CreateExperiment>(r#"{"name": "a", "artifact_location": 9.0}"#)
                .starts_with("Invalid value 9.0 for parameter 'artifact_location'")
        );
        assert!(refusal::<CreateExperiment>(r#"{"name": "a", "tags": "5"}"#).starts_with("Invalid value \"5\" for parameter 'tags'"));
        assert!(
            refusal::<LogMetric>(r#"{"run_id": "a", "key": "k", "value": 1, "timestamp": "foo"}"#)
                .starts_with("Invalid value \"foo\" for parameter 'timestamp' supplied")
        );
        assert!(
            refusal::<SearchRuns>(r#"{"max_results": 123456789}"#)
                .starts_with("Invalid value 123456789 for parameter 'max_results' supplied")
        );
    }

    #[test]
    fn missing_values_are_named() {
        for body in ["{}", "", "nonsense", "null", "\"{}\""] {
            assert!(refusal::<CreateExperiment>(body).starts_with("Missing value for required parameter 'name'."), "{body}");
        }
        let body = r#"{"run_id": "a", "metrics": [{"key": "mae", "value": 2.5}]}"#;
        assert!(!serde_json::from_str::<LogBatch>(body).unwrap().complete());
        assert!(refusal::<LogBatch>(body).starts_with("Missing value for required parameter 'metrics[0].timestamp'."));
        assert!(as_object(b"[1]").is_err());
    }

    #[test]
    fn two_spellings_are_refused_and_old_ones_read() {
        assert!(
            refusal::<LogBatch>(r#"{"run_id": "a", "metrics": [{"modelId": "x", "model_id": "y"}]}"#)
                .contains("both 'model_id' and 'modelId'")
        );
        let message: LogMetric = from_value(serde_json::json!({"run_uuid": "a", "key": "k", "value": "NaN", "timestamp": 1})).unwrap();
        assert!(message.value().is_nan() && message.run_uuid() == "a");
    }

    #[test]
    fn query_strings_become_messages() {
        let value = from_query("run_ids=a&run_ids=b&metric_key=m%20x&max_results=3&other=1", GetMetricHistoryBulkInterval::FIELDS).unwrap();
        let message: GetMetricHistoryBulkInterval = from_value(value).unwrap();
        assert_eq!((message.run_ids.len(), message.metric_key(), message.max_results()), (2, "m x", 3));
    }
}
