//! Airflow's JSON encoding: values that JSON has no type for are `{"__type": …, "__var": …}`.

use crate::times;
use crate::timetable::Time;
use artel_platform::{Error, Result};
use chrono::{DateTime, TimeDelta};
use serde_json::{Map, Value};

/// The value without type wrappers: dictionaries are objects, times and spans numbers of seconds, sets lists.
pub fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => match (map.get("__type"), map.get("__var")) {
            (Some(_), Some(inner)) => plain(inner),
            _ => Value::Object(map.iter().map(|(k, v)| (k.clone(), plain(v))).collect::<Map<_, _>>()),
        },
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        other => other.clone(),
    }
}

/// [`plain`], where spans and times are written as pydantic writes them.
pub(super) fn shown(value: &Value) -> Value {
    match value {
        Value::Object(map) => match map.get("__type").and_then(Value::as_str) {
            Some("timedelta") => span(value).map_or(Value::Null, |span| times::iso_span(span).into()),
            Some("datetime") => time(value).map_or(Value::Null, |time| times::shown(time.timestamp_millis()).into()),
            Some(_) => map.get("__var").map_or(Value::Null, shown),
            None => Value::Object(map.iter().map(|(k, v)| (k.clone(), shown(v))).collect()),
        },
        Value::Array(items) => Value::Array(items.iter().map(shown).collect()),
        other => other.clone(),
    }
}

/// The inner value of a wrapper, or the value itself.
pub(super) fn unwrapped(value: &Value) -> &Value {
    match value {
        Value::Object(map) if map.contains_key("__type") => map.get("__var").unwrap_or(value),
        _ => value,
    }
}

pub(super) fn required(of: &Value, key: &str) -> Result<String> {
    text(of, key).ok_or_else(|| Error::invalid(format!("the serialized DAG has no {key}")))
}

pub(super) fn text(of: &Value, key: &str) -> Option<String> {
    unwrapped(&of[key]).as_str().map(str::to_owned)
}

pub(super) fn integer(of: &Value, key: &str, default: i64) -> i64 {
    number(unwrapped(&of[key])).unwrap_or(default)
}

/// A whole number, also where Python wrote `2.0`.
pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|f| f as i64))
}

pub(super) fn list(value: &Value) -> &[Value] {
    unwrapped(value).as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn texts(value: &Value) -> Vec<String> {
    let mut all: Vec<String> = list(value).iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
    all.sort();
    all
}

/// Seconds since 1970.
pub(super) fn time(value: &Value) -> Option<Time> {
    let seconds = unwrapped(value).as_f64()?;
    DateTime::from_timestamp_millis((seconds * 1000.0).round() as i64)
}

/// Seconds.
pub(super) fn span(value: &Value) -> Option<TimeDelta> {
    let seconds = unwrapped(value).as_f64()?;
    TimeDelta::try_milliseconds((seconds * 1000.0).round() as i64)
}

/// `[[name, value], …]`, how an ordered dictionary is written; or an object.
pub(super) fn pairs(value: &Value) -> Vec<(String, Value)> {
    match unwrapped(value) {
        Value::Array(items) => items.iter().filter_map(|pair| Some((pair[0].as_str()?.to_owned(), pair[1].clone()))).collect(),
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        _ => Vec::new(),
    }
}
