//! What is wrong with which part of a request, as pydantic says it; FastAPI answers with a list of these
//! (fastapi/exception_handlers.py). What was sent is not shown again, as there it is: a body may hold a secret.

use crate::error::Error;
use serde_json::{Value, json};

/// What is said of a text that is to be a whole number.
pub const NO_WHOLE_NUMBER: &str = "Input should be a valid integer, unable to parse string as an integer";

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// pydantic's name for it: `missing`, `int_parsing`, …
    pub kind: &'static str,
    /// Where: `body`, `query` or `path`, then names of fields and places in lists.
    pub place: Vec<Value>,
    /// What should be there.
    pub message: String,
}

impl Fault {
    /// A fault of a parameter of the query.
    pub fn of_query(key: &str, kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, place: vec!["query".into(), key.into()], message: message.into() }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"type": self.kind, "loc": self.place, "msg": self.message})
    }

    /// `slots: Field required`.
    fn in_words(&self) -> String {
        let word = |part: &Value| part.as_str().map_or_else(|| part.to_string(), Into::into);
        let place: Vec<String> = self.place.iter().skip(1).map(word).collect();
        if place.is_empty() { format!("the body does not fit: {}", self.message) } else { format!("{}: {}", place.join("."), self.message) }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        vec![fault].into()
    }
}

impl From<Vec<Fault>> for Error {
    fn from(faults: Vec<Fault>) -> Self {
        let words: Vec<String> = faults.iter().map(Fault::in_words).collect();
        let mut error = Error::invalid(words.join("; "));
        error.faults = faults;
        error
    }
}
