//! What a mapped task is expanded over, and into how many instances (airflow/models/expandinput.py, xcom_arg.py).

use super::decode;
use artel_platform::{Error, Result};
use serde_json::Value;
use std::collections::HashMap;

/// `expand(…)` or `expand_kwargs(…)`.
#[derive(Debug, Clone, PartialEq)]
pub enum Expand {
    /// Every combination of several lists.
    Product(Vec<Length>),
    /// One instance per dictionary of a list.
    Dicts(Length),
}

/// The length of something that is expanded over.
#[derive(Debug, Clone, PartialEq)]
pub enum Length {
    /// Written in the DAG file.
    Literal(i64),
    /// The result of a task.
    XCom(String),
    /// As long as the shortest, with a fill value as the longest.
    Zip(Vec<Length>, bool),
    /// As long as all together.
    Concat(Vec<Length>),
}

/// Where lengths of results are known.
pub trait MapLengths {
    /// How many elements the result of a task has; for a mapped task, how many of its instances gave one. `None`: not known.
    fn length(&self, task_id: &str) -> Option<i64>;
}

impl MapLengths for HashMap<String, i64> {
    fn length(&self, task_id: &str) -> Option<i64> {
        self.get(task_id).copied()
    }
}

impl Expand {
    pub(super) fn read(input: &Value) -> Result<Self> {
        match input["type"].as_str() {
            Some("dict-of-lists") => {
                let lists = decode::unwrapped(&input["value"]).as_object().into_iter().flatten();
                Ok(Self::Product(lists.map(|(_, value)| Length::read(value)).collect::<Result<_>>()?))
            }
            Some("list-of-dicts") => Ok(Self::Dicts(Length::read(&input["value"])?)),
            other => Err(Error::invalid(format!("a task is expanded over {other:?}, which is not understood"))),
        }
    }

    /// Into how many instances; `None` while a result it needs is not there.
    pub fn count(&self, lengths: &impl MapLengths) -> Option<i64> {
        match self {
            Self::Product(all) if all.is_empty() => Some(0),
            Self::Product(all) => all.iter().map(|l| l.value(lengths)).product(),
            Self::Dicts(one) => one.value(lengths),
        }
    }

    /// The tasks whose results it needs.
    pub fn references(&self) -> Vec<&str> {
        let mut found = Vec::new();
        match self {
            Self::Product(all) => all.iter().for_each(|l| l.references(&mut found)),
            Self::Dicts(one) => one.references(&mut found),
        }
        found
    }
}

impl Length {
    fn read(value: &Value) -> Result<Self> {
        if value["__type"] == "xcomref" {
            return Self::read_reference(&value["__var"]);
        }
        match decode::unwrapped(value) {
            Value::Array(items) => Ok(Self::Literal(items.len() as i64)),
            Value::Object(map) => Ok(Self::Literal(map.len() as i64)),
            other => Err(Error::invalid(format!("a task is expanded over {other}, which has no length"))),
        }
    }

    fn read_reference(var: &Value) -> Result<Self> {
        let all = |key: &str| var[key].as_array().into_iter().flatten().map(Self::read_reference).collect::<Result<Vec<_>>>();
        match var["type"].as_str() {
            None | Some("") => Ok(Self::XCom(decode::required(var, "task_id")?)),
            Some("map") => Self::read_reference(&var["arg"]),
            Some("zip") => Ok(Self::Zip(all("args")?, var.get("fillvalue").is_some())),
            Some("concat") => Ok(Self::Concat(all("args")?)),
            Some(other) => Err(Error::invalid(format!("a task is expanded over a {other} of results, which is not understood"))),
        }
    }

    fn value(&self, lengths: &impl MapLengths) -> Option<i64> {
        let each = |all: &[Self]| all.iter().map(|l| l.value(lengths)).collect::<Option<Vec<_>>>();
        match self {
            Self::Literal(n) => Some(*n),
            Self::XCom(task_id) => lengths.length(task_id),
            Self::Zip(all, true) => each(all)?.into_iter().max(),
            Self::Zip(all, false) => each(all)?.into_iter().min(),
            Self::Concat(all) => Some(each(all)?.into_iter().sum()),
        }
    }

    fn references<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::Literal(_) => {}
            Self::XCom(task_id) => found.push(task_id),
            Self::Zip(all, _) | Self::Concat(all) => all.iter().for_each(|l| l.references(found)),
        }
    }
}
