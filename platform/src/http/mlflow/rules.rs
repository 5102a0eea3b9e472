//! What upstream's server checks of a request before it does anything, in its order and its words.

use super::{SEE_DOCS, field_at_fault, python_type, refuse_two_spellings};
use crate::error::{Error, Result};
use artel_proto::json::Message;
use artel_proto::mlflow::RunStatus;
use serde_json::Value;

/// What is checked of a message.
pub struct Checks<T> {
    /// What upstream checks, in its order.
    pub rules: &'static [Rule],
    /// Is everything that is required there? A request that says no is looked at again by `rules`.
    pub complete: fn(&T) -> bool,
}

/// The checks of one field.
pub struct Rule {
    /// Its name.
    pub field: &'static str,
    /// The checks, in order.
    pub checks: &'static [Check],
}

/// One check. The first five are only made when the message could not be parsed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Check {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// A list.
    Array,
    /// A list of texts.
    Texts,
    /// Given, and not empty.
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
    /// One of the statuses of a run, where it is given by its number.
    RunStatus,
}

impl<T: Message> Checks<T> {
    /// Parses and checks with every message that upstream has.
    pub(super) fn explain(&self, value: Value) -> Result<T> {
        refuse_two_spellings(&value, T::FIELDS)?;
        let parsed = T::deserialize(&value);
        for rule in self.rules {
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
            Error::invalid(format!("Invalid value in {place}: {e}.{SEE_DOCS}"))
        })
    }
}

impl Rule {
    fn apply(&self, value: &Value, parsed: bool) -> Result<()> {
        for check in self.checks {
            if let Err(message) = check.apply(self.field, value, parsed) {
                return Err(Error::invalid(format!("{message}{SEE_DOCS}")));
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
            Self::RunStatus => value.as_i64().is_none_or(|n| i32::try_from(n).is_ok_and(|n| RunStatus::try_from(n).is_ok())),
            Self::Metrics => return items_have(field, value, &["key", "value", "timestamp"]),
            Self::Keys => return items_have(field, value, &["key"]),
        };
        if good { Ok(()) } else { Err(invalid_value(field, value, &format!(" Hint: Value was of type '{}'.", python_type(value)))) }
    }
}

pub(super) fn is_blank(value: &Value) -> bool {
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

/// A message about a value, in upstream's words; the value is shown as JSON.
pub fn invalid_value(path: &str, value: &serde_json::Value, why: &str) -> String {
    let shown = as_python_writes(value);
    if why.is_empty() {
        format!("Invalid value {shown} for parameter '{path}' supplied.")
    } else {
        format!("Invalid value {shown} for parameter '{path}' supplied: {why}")
    }
}

/// A message about a value that is not there.
pub fn missing_value(path: &str) -> String {
    format!("Missing value for required parameter '{path}'.")
}

/// Python's `json.dumps(value, sort_keys=True, separators=(",", ":"))`: other than ASCII is escaped.
fn as_python_writes(value: &serde_json::Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}
