//! Requests of MLflow's API: a protobuf message, as JSON or as a query (mlflow/server/handlers.py `_get_request_message`).

use crate::error::{Error, Result};
use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpRequest};
use artel_proto::json::{Field, Kind, Message};
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Largest body: a batch of metrics or a dataset's profile (16 MB) with room to spare.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// What upstream adds to every complaint about a parameter.
const SEE_DOCS: &str = " See the API docs for more information about request parameters.";

/// A request's message, and which of its fields were given. Handlers take it as an argument.
#[derive(Debug)]
pub struct MlflowRequest<T> {
    message: T,
    given: HashMap<String, bool>,
    in_query: bool,
}

impl<T: Message> MlflowRequest<T> {
    /// The message, when each of `fields` was given and is not empty.
    pub fn require(self, fields: &[&str]) -> Result<T> {
        for name in fields {
            let Some(field) = T::FIELDS.iter().find(|f| f.name == *name) else { continue };
            if !self.was_given(field) {
                return Err(Error::invalid(format!("Missing value for required parameter '{name}'.{SEE_DOCS}")));
            }
        }
        Ok(self.message)
    }

    /// Fails when the number in field `name` is above `most`.
    pub fn at_most(self, name: &str, number: impl Fn(&T) -> i64, most: i64) -> Result<Self> {
        let value = match number(&self.message) {
            number if number <= most => return Ok(self),
            number if self.in_query => Value::from(number.to_string()),
            number => Value::from(number),
        };
        Err(wrong_type(name, &value))
    }

    /// The message as it is.
    pub fn into_inner(self) -> T {
        self.message
    }

    fn was_given(&self, field: &Field) -> bool {
        let given = |name: &str| self.given.get(name).copied().unwrap_or(false);
        given(field.name) || given(field.json_name) || (field.name == "run_id" && given("run_uuid"))
    }

    /// Reads a JSON body. What is no JSON at all counts as empty, as upstream has it.
    fn from_body(body: &[u8]) -> Result<Self> {
        // very old clients send the JSON as a JSON string
        if body.first() == Some(&b'"')
            && let Ok(inner) = serde_json::from_slice::<String>(body)
        {
            return Self::from_body(inner.as_bytes());
        }
        let Ok(fields) = serde_json::from_slice::<HashMap<String, &RawValue>>(body) else {
            return match serde_json::from_slice::<Value>(body) {
                Ok(value) if !value.is_null() => {
                    Err(Error::invalid(format!("the request body is {}, it must be a JSON object", python_type(&value))))
                }
                _ => Ok(Self { message: T::default(), given: HashMap::new(), in_query: false }),
            };
        };
        let given = fields.iter().map(|(name, value)| (name.clone(), !matches!(value.get(), "null" | "\"\""))).collect();
        match serde_json::from_slice::<T>(body) {
            Ok(message) => Ok(Self { message, given, in_query: false }),
            Err(error) => Err(explain(T::FIELDS, &serde_json::from_slice(body)?, &error)),
        }
    }

    /// Reads a query: repeated keys are lists.
    fn from_query(query: &str) -> Result<Self> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(query).map_err(|e| Error::invalid(format!("the query is malformed: {e}")))?;
        let mut object = Map::new();
        for field in T::FIELDS {
            let mut values = pairs.iter().filter(|(name, _)| name == field.name).map(|(_, value)| value.as_str());
            let value = if field.repeated {
                let list: Vec<Value> = values.map(Into::into).collect();
                if list.is_empty() {
                    continue;
                }
                Value::Array(list)
            } else {
                match (values.next(), field.kind) {
                    (None, _) => continue,
                    (Some(text), Kind::Bool) => match text.to_ascii_lowercase().as_str() {
                        "true" => Value::Bool(true),
                        "false" => Value::Bool(false),
                        _ => return Err(Error::invalid(format!("Invalid boolean value: {text}, must be 'true' or 'false'."))),
                    },
                    (Some(text), _) => text.into(),
                }
            };
            object.insert(field.name.to_owned(), value);
        }
        let given = object.iter().map(|(name, value)| (name.clone(), value.as_str() != Some(""))).collect();
        let object = Value::Object(object);
        match serde_json::from_value::<T>(object.clone()) {
            Ok(message) => Ok(Self { message, given, in_query: true }),
            Err(error) => Err(explain(T::FIELDS, &object, &error)),
        }
    }
}

impl<T: Message + 'static> FromRequest for MlflowRequest<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if request.method() == Method::GET && !request.query_string().is_empty() {
            let read = Self::from_query(request.query_string());
            return Box::pin(async { read });
        }
        let typed = check_content_type(request);
        let mut payload = payload.take();
        Box::pin(async move {
            typed?;
            let mut body = BytesMut::new();
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|e| Error::invalid("the request broke off").because(e.to_string()))?;
                if body.len() + chunk.len() > MAX_BODY {
                    return Err(Error::invalid(format!("the request body is larger than {MAX_BODY} bytes; send less at a time")));
                }
                body.extend_from_slice(&chunk);
            }
            Self::from_body(&body)
        })
    }
}

/// A write must say that it is JSON: a web page of another origin cannot (mlflow/server/validation.py).
fn check_content_type(request: &HttpRequest) -> Result<()> {
    if !matches!(*request.method(), Method::POST | Method::PUT) {
        return Ok(());
    }
    let Some(given) = request.headers().get(header::CONTENT_TYPE) else {
        return Err(Error::invalid("Bad Request. Content-Type header is missing."));
    };
    match given.to_str().unwrap_or_default().split(';').next().map(str::trim) {
        Some("application/json") => Ok(()),
        _ => Err(Error::invalid("Bad Request. Content-Type must be one of ['application/json'].")),
    }
}

/// Which field made a message unreadable, in upstream's words.
fn explain(fields: &[Field], object: &Value, error: &serde_json::Error) -> Error {
    if let Some((one, other)) = spelled_twice(fields, object) {
        return Error::invalid(format!("Request specifies both '{one}' and '{other}'; provide only one of them."));
    }
    for field in fields {
        let Some(value) = object.get(field.name).or_else(|| object.get(field.json_name)) else { continue };
        if !value.is_null() && !fits(field, value) {
            return wrong_type(field.name, value);
        }
    }
    Error::invalid(format!("the request cannot be read: {error}"))
}

fn wrong_type(name: &str, value: &Value) -> Error {
    let kind = python_type(value);
    Error::invalid(format!("Invalid value {value} for parameter '{name}' supplied:  Hint: Value was of type '{kind}'.{SEE_DOCS}"))
}

fn spelled_twice(fields: &[Field], object: &Value) -> Option<(&'static str, &'static str)> {
    for field in fields {
        let (one, other) = (object.get(field.name), object.get(field.json_name));
        if field.name != field.json_name && one.is_some() && other.is_some() {
            return Some((field.name, field.json_name));
        }
        if let (Kind::Message(inner), Some(value)) = (field.kind, one.or(other)) {
            let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            if let Some(found) = items.iter().find_map(|item| spelled_twice(inner(), item)) {
                return Some(found);
            }
        }
    }
    None
}

fn fits(field: &Field, value: &Value) -> bool {
    if field.repeated {
        return value.as_array().is_some_and(|items| !matches!(field.kind, Kind::Text) || items.iter().all(Value::is_string));
    }
    match field.kind {
        Kind::Text => value.is_string(),
        Kind::Bool => value.is_boolean(),
        Kind::Integer => {
            value.is_i64()
                || value.as_f64().is_some_and(|v| v.fract() == 0.0)
                || value.as_str().is_some_and(|v| v.trim().parse::<i64>().is_ok())
        }
        Kind::Real => value.is_number() || value.as_str().is_some_and(|v| v.trim().parse::<f64>().is_ok()),
        Kind::Enum => value.is_string() || value.is_i64(),
        Kind::Map | Kind::Message(_) => value.is_object(),
    }
}

/// What Python calls the type of a JSON value.
fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use artel_proto::mlflow::{LogMetric, SearchRuns};

    fn body<T: Message>(text: &str) -> Result<MlflowRequest<T>> {
        MlflowRequest::from_body(text.as_bytes())
    }

    #[test]
    fn a_missing_parameter_is_named() {
        let missing = |text: &str| body::<LogMetric>(text).unwrap().require(&["run_id", "key"]).map_err(|e| e.message);
        for text in ["", "null", "no json", "{}", r#"{"run_id": ""}"#, r#"{"run_id": null}"#] {
            assert_eq!(missing(text).unwrap_err(), format!("Missing value for required parameter 'run_id'.{SEE_DOCS}"), "{text}");
        }
        assert_eq!(missing(r#"{"run_uuid": "a"}"#).unwrap_err(), format!("Missing value for required parameter 'key'.{SEE_DOCS}"));
        assert!(missing(r#"{"runId": "a", "key": "k"}"#).is_ok());
        assert!(missing(r#""{\"run_id\": \"a\", \"key\": \"k\"}""#).is_ok());
    }

    #[test]
    fn a_wrong_type_is_named() {
        let error = |text: &str| body::<LogMetric>(text).unwrap_err().message;
        assert_eq!(
            error(r#"{"key": 12}"#),
            format!("Invalid value 12 for parameter 'key' supplied:  Hint: Value was of type 'int'.{SEE_DOCS}")
        );
        assert_eq!(
            error(r#"{"step": "abc"}"#),
            format!("Invalid value \"abc\" for parameter 'step' supplied:  Hint: Value was of type 'str'.{SEE_DOCS}")
        );
        assert_eq!(error(r#"{"run_id": "a", "runId": "b"}"#), "Request specifies both 'run_id' and 'runId'; provide only one of them.");
        assert_eq!(error("[1]"), "the request body is list, it must be a JSON object");
    }

    #[test]
    fn a_query_is_read_like_a_body() {
        let runs =
            MlflowRequest::<SearchRuns>::from_query("experiment_ids=1&experiment_ids=2&max_results=5&unknown=x").unwrap().into_inner();
        assert_eq!((runs.experiment_ids.len(), runs.max_results), (2, Some(5)));
        assert!(MlflowRequest::<SearchRuns>::from_query("max_results=many").is_err());
    }
}
