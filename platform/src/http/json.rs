//! JSON bodies, as handlers take them: like actix's own extractor, but a body that does not fit names the field.

use crate::error::{Error, Result};
use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, web};
use futures::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::ops::Deref;

/// A body of `application/json`, of a request or an answer.
#[derive(Debug, Clone, Default)]
pub struct Json<T>(pub T);

impl<T> Json<T> {
    /// What was sent.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let typed = is_json(request);
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            if !typed {
                return Err(Error::invalid("the body must be JSON, sent with the header Content-Type: application/json"));
            }
            let body = body.await.map_err(|e| Error::invalid(format!("the body cannot be read: {e}")))?;
            parse_json(&body).map(Self)
        })
    }
}

impl<T: Serialize> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().json(self.0)
    }
}

/// Does the request say that its body is JSON?
pub fn is_json(request: &HttpRequest) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

/// Reads a body; the error names the field that does not fit.
pub fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    // serde would take an array for the fields of a struct, in their order
    if body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[')
        && let Some(why) = T::deserialize(&Value::Bool(true)).err().map(|e| e.to_string()).filter(|why| why.contains("expected struct"))
    {
        return Err(Error::invalid(format!("the body does not fit: {}", why.replace("boolean `true`", "sequence"))));
    }
    let error = match serde_json::from_slice(body) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Err(Error::invalid(format!("the body is no JSON: {error}")));
    };
    // the same error without a line and a column, which nobody counts
    let why = T::deserialize(&value).err().map_or_else(|| error.to_string(), |e| e.to_string());
    Err(Error::invalid(match field_at_fault::<T>(&value) {
        Some(field) => format!("{field}: {why}"),
        None => format!("the body does not fit: {why}"),
    }))
}

/// The top-level field that keeps `value` from being a `T`: the one without which the complaint is another.
pub fn field_at_fault<T: DeserializeOwned>(value: &Value) -> Option<String> {
    let complaint = |value: &Value| T::deserialize(value).err().map(|e| e.to_string());
    let before = complaint(value)?;
    let object = value.as_object()?;
    let at_fault = object.keys().find(|key| {
        let mut rest = object.clone();
        rest.remove(*key);
        complaint(&Value::Object(rest)).is_none_or(|after| after != before)
    });
    at_fault.cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Wine {
        #[serde(rename = "name")]
        _name: String,
        #[serde(rename = "years", default)]
        _years: Vec<i64>,
    }

    fn complaint(body: &str) -> String {
        parse_json::<Wine>(body.as_bytes()).expect_err(body).message
    }

    #[test]
    fn the_field_is_named() {
        assert!(complaint(r#"{"name": 5}"#).starts_with("name: invalid type: integer `5`"));
        assert!(complaint(r#"{"name": "a", "years": [1, "two"]}"#).starts_with("years: invalid type: string \"two\""));
        assert_eq!(complaint("{}"), "the body does not fit: missing field `name`");
        assert!(complaint(r#"{"years": []}"#).contains("missing field `name`"));
        assert!(complaint(r#"{"name": "#).starts_with("the body is no JSON"));
        assert!(complaint("").starts_with("the body is no JSON"));
        assert_eq!(complaint("[\"a\", [1]]"), "the body does not fit: invalid type: sequence, expected struct Wine");
        assert_eq!(parse_json::<Vec<i64>>(b" [1]").unwrap(), [1]);
        assert!(parse_json::<Wine>(br#"{"name": "a", "other": 1}"#).is_ok());
    }
}
