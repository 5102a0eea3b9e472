//! Requests of MLflow's API: a protobuf message, as JSON or as a query (mlflow/server/handlers.py `_get_request_message`).
//! A request that is fine is parsed once, straight into its message; only one that is not is looked at again, to say
//! what is wrong with it in upstream's words.

mod rules;

pub use rules::{Check, Checks, Rule, invalid_value, missing_value};

use super::json::field_at_fault;
use crate::error::{Error, Result};
use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpRequest};
use artel_proto::json::{Field, Kind, Message};
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use serde_json::{Map, Value};

/// Largest body: a batch of metrics or a dataset's profile (16 MB) with room to spare.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// What upstream adds to every complaint about a parameter.
const SEE_DOCS: &str = " See the API docs for more information about request parameters.";

/// Where a message stands in a request.
enum Source {
    Body(BytesMut),
    Query(Value),
}

impl Source {
    async fn of(request: &HttpRequest, mut payload: Payload, fields: &[Field]) -> Result<Self> {
        if request.method() == Method::GET && !request.query_string().is_empty() {
            return from_query(request.query_string(), fields).map(Self::Query);
        }
        check_content_type(request)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|e| Error::invalid("the request body broke off").because(e.to_string()))?;
            if body.len() + chunk.len() > MAX_BODY {
                return Err(Error::invalid(format!("the request body is larger than {MAX_BODY} bytes; split it over several requests")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self::Body(body))
    }

    /// The message, if it can be read at all.
    fn parse<T: Message>(&self) -> Option<T> {
        match self {
            Self::Query(value) => T::deserialize(value).ok(),
            // serde would take an array for the fields in their order
            Self::Body(body) if body.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') => None,
            Self::Body(body) => serde_json::from_slice(body).ok(),
        }
    }

    /// The fields as they were sent.
    fn value(self) -> Result<Value> {
        match self {
            Self::Query(value) => Ok(value),
            Self::Body(body) => as_object(&body),
        }
    }
}

/// Reads a message and makes sure of `checks`.
pub async fn read_mlflow<T: Message>(request: HttpRequest, payload: Payload, checks: Checks<T>) -> Result<T> {
    let source = Source::of(&request, payload, T::FIELDS).await?;
    match source.parse().filter(|message| (checks.complete)(message)) {
        Some(message) => Ok(message),
        None => checks.explain(source.value()?),
    }
}

/// A request's message, for handlers that say themselves what must be in it.
#[derive(Debug)]
pub struct MlflowRequest<T> {
    message: T,
    fields: Value,
    in_query: bool,
}

impl<T: Message> MlflowRequest<T> {
    /// The message, when each of `fields` was given and is not empty.
    pub fn require(self, fields: &[&str]) -> Result<T> {
        for name in fields {
            let Some(field) = T::FIELDS.iter().find(|f| f.name == *name) else { continue };
            if !self.was_given(field) {
                return Err(Error::invalid(format!("{}{SEE_DOCS}", missing_value(name))));
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
        let given = |name: &str| self.fields.get(name).is_some_and(|value| !rules::is_blank(value));
        given(field.name) || given(field.json_name) || (field.name == "run_id" && given("run_uuid"))
    }

    fn read(source: Source) -> Result<Self> {
        let in_query = matches!(source, Source::Query(_));
        let parsed = source.parse();
        let fields = source.value()?;
        match parsed {
            Some(message) => Ok(Self { message, fields, in_query }),
            None => Ok(Self { message: parse_or_explain(&fields)?, fields, in_query }),
        }
    }
}

impl<T: Message + 'static> FromRequest for MlflowRequest<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { Self::read(Source::of(&request, payload, T::FIELDS).await?) })
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

/// The body as a JSON object. One that is no JSON counts as empty; old clients encode twice.
fn as_object(body: &[u8]) -> Result<Value> {
    let mut value: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Value::String(text) = &value {
        value = serde_json::from_str(text).unwrap_or_default();
    }
    match value {
        Value::Null => Ok(Value::Object(Map::new())),
        Value::Object(_) => Ok(value),
        other => {
            Err(Error::invalid(format!("the request body is {}, it must be a JSON object", python_type(&other))).reason("BAD_REQUEST"))
        }
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

/// Parses, or says which field made the message unreadable, in upstream's words.
fn parse_or_explain<T: Message>(object: &Value) -> Result<T> {
    refuse_two_spellings(object, T::FIELDS)?;
    let error = match T::deserialize(object) {
        Ok(message) => return Ok(message),
        Err(error) => error,
    };
    for field in T::FIELDS {
        let Some(value) = object.get(field.name).or_else(|| object.get(field.json_name)) else { continue };
        if !value.is_null() && !fits(field, value) {
            return Err(wrong_type(field.name, value));
        }
    }
    let place = field_at_fault::<T>(object).map_or_else(|| "the request".into(), |field| format!("parameter '{field}'"));
    Err(Error::invalid(format!("Invalid value in {place}: {error}.{SEE_DOCS}")))
}

fn wrong_type(name: &str, value: &Value) -> Error {
    let why = format!(" Hint: Value was of type '{}'.", python_type(value));
    Error::invalid(format!("{}{SEE_DOCS}", invalid_value(name, value, &why)))
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
        MlflowRequest::read(Source::Body(text.as_bytes().into()))
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
        let read = |query: &str| MlflowRequest::<SearchRuns>::read(Source::Query(from_query(query, SearchRuns::FIELDS)?));
        let runs = read("experiment_ids=1&experiment_ids=2&max_results=5&unknown=x").unwrap().into_inner();
        assert_eq!((runs.experiment_ids.len(), runs.max_results), (2, Some(5)));
        assert!(read("max_results=many").is_err());
    }
}
