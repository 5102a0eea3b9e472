//! Parameters of paths. One that has to be a number and is none is told of as upstream's framework does.

use super::body;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use artel_platform::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::future::{Ready, ready};

/// Names of those that are numbers.
const NUMBERS: [&str; 3] = ["map_index", "task_try_number", "try_number"];

/// The parameters of a path, in their order.
pub(super) struct Path<T>(T);

impl<T> Path<T> {
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::ops::Deref for Path<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.match_info().load().map(Self).map_err(|why| at_fault(request).unwrap_or_else(|| Error::invalid(why.to_string()))))
    }
}

/// The first number of the path that is none.
fn at_fault(request: &HttpRequest) -> Option<Error> {
    let numbers = request.match_info().iter().filter(|(name, _)| NUMBERS.contains(name));
    numbers.map(|(name, text)| number(name, text.into(), &json!({"type": "integer"}))).find_map(Result::err)
}

fn number(name: &str, value: Value, schema: &Value) -> Result<()> {
    body::held(value, schema, &["path".into(), name.into()]).map(drop)
}

/// A number of the path that has to be `least` or more.
pub(super) fn at_least(least: i64, name: &str, value: i64) -> Result<()> {
    number(name, value.into(), &json!({"type": "integer", "minimum": least}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn what_is_no_number_is_named() {
        let of = |index: &'static str| {
            let request = TestRequest::default().param("task_id", "judge").param("map_index", index).to_http_request();
            Path::<(String, i64)>::from_request(&request, &mut Payload::None).into_inner().map(Path::into_inner)
        };
        assert_eq!(of("-1").unwrap(), ("judge".into(), -1));
        let fault = of("x").unwrap_err().faults.remove(0);
        assert_eq!((fault.kind, fault.place), ("int_parsing", vec!["path".into(), "map_index".into()]));
        assert_eq!(at_least(0, "try_number", -1).unwrap_err().faults[0].kind, "greater_than_equal");
    }
}
