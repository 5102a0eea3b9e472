//! Parameters as upstream takes them: the query of a GET, the JSON body of everything else.

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest, web};
use artel_platform::{Error, Result};
use futures::future::LocalBoxFuture;
use serde_json::{Map, Value};

/// The parameters of a request.
pub(crate) struct Params {
    fields: Map<String, Value>,
    query: Vec<(String, String)>,
}

impl FromRequest for Params {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let query: Vec<(String, String)> = url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
        let in_query = request.method() == Method::GET;
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            if in_query {
                let fields = query.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
                return Ok(Self { fields, query });
            }
            let body = body.await.map_err(|e| Error::invalid(format!("the body cannot be read: {e}")))?;
            // what is no JSON object has no parameters
            let fields = match serde_json::from_slice(&body) {
                Ok(Value::Object(fields)) => fields,
                _ => query.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect(),
            };
            Ok(Self { fields, query })
        })
    }
}

impl Params {
    fn required(&self, name: &str) -> Result<&Value> {
        self.fields.get(name).ok_or_else(|| {
            Error::invalid(format!(
                "Missing value for required parameter '{name}'. See the API docs for more information about request parameters."
            ))
        })
    }

    /// A parameter that must be there and be text.
    pub(super) fn text(&self, name: &str) -> Result<&str> {
        let value = self.required(name)?;
        value.as_str().ok_or_else(|| Error::invalid(format!("Parameter '{name}' must be a string. Got: {value}")))
    }

    /// A parameter that may be absent or null.
    pub(super) fn optional(&self, name: &str, otherwise: &str) -> Result<Option<String>> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Error::invalid(otherwise)),
        }
    }

    /// A number, or text that is one.
    pub(super) fn number(&self, name: &str) -> Result<i64> {
        let value = self.required(name)?;
        let number = match value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_i64(),
        };
        let got = || value.as_str().map_or_else(|| value.to_string(), |text| format!("'{text}'"));
        number.ok_or_else(|| Error::invalid(format!("Parameter '{name}' must be an integer. Got: {}", got())))
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        let value = self.required(name)?;
        value.as_bool().ok_or_else(|| Error::invalid(format!("Parameter '{name}' must be true or false. Got: {value}")))
    }

    /// Every value of a parameter of the query.
    pub(super) fn each(&self, name: &str) -> Vec<String> {
        self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.trim().to_owned()).collect()
    }
}
