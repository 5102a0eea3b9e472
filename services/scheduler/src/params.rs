//! A run's conf against the DAG's parameters (airflow/serialization/definitions/param.py): each one's value, given or
//! default, must fit its JSON schema.

use crate::dag::{Dag, plain};
use artel_platform::{Error, Result};
use fancy_regex::Regex;
use jsonschema::{Keyword, ValidationError};
use serde_json::Value;

/// Refuses a conf that does not fit. Keys that are no parameter are everybody's own business.
pub(crate) fn validate(dag: &Dag, conf: Option<&Value>) -> Result<()> {
    for (name, definition) in &dag.params {
        let value = conf.and_then(|conf| conf.get(name)).cloned().or_else(|| default(definition));
        let wrong = match value {
            None => Some("No value passed".to_owned()),
            Some(value) => fault(&value, &plain(&definition["schema"])),
        };
        if let Some(wrong) = wrong {
            return Err(Error::invalid(format!("Invalid input for param {name}: {wrong}")));
        }
    }
    Ok(())
}

/// The value of a parameter that nothing is given for, as people are shown it: none where it would not do.
pub(crate) fn shown_default(definition: &Value) -> Option<Value> {
    default(definition).filter(|value| fault(value, &plain(&definition["schema"])).is_none())
}

fn default(definition: &Value) -> Option<Value> {
    let default = definition.get("default").filter(|default| default["__type"] != "arg_not_set");
    default.map(plain)
}

/// What is wrong with a value, if something is. A schema that is none, or has a pattern that only Python can read, is left to the
/// task, which has upstream's validator.
fn fault(value: &Value, schema: &Value) -> Option<String> {
    // most are like this, and building a validator costs more than all else about a run
    if matches!(schema, Value::Null) || schema.as_object().is_some_and(serde_json::Map::is_empty) {
        return None;
    }
    let mut options = jsonschema::options().offline().should_validate_formats(true).with_keyword("pattern", |_, pattern, _| {
        let pattern = pattern.as_str().unwrap_or_default();
        match Regex::new(pattern) {
            Ok(pattern) => Ok(Box::new(Pattern(pattern)) as _),
            Err(error) => Err(ValidationError::custom(error.to_string())),
        }
    });
    for (name, fits) in FORMATS {
        options = options.with_format(*name, fits);
    }
    options.build(schema).ok()?.validate(value).err().map(|error| error.to_string())
}

/// A pattern as Python has it, for which `\w` is any script's letter; the standard's are JavaScript's.
struct Pattern(Regex);

impl Keyword<'_> for Pattern {
    fn validate(&self, value: &Value) -> std::result::Result<(), ValidationError<'static>> {
        if self.is_valid(value) {
            return Ok(());
        }
        Err(ValidationError::custom(format!("{value} does not match {:?}", self.0.as_str())))
    }

    fn is_valid(&self, value: &Value) -> bool {
        // one that takes for ever to find out is the task's
        value.as_str().is_none_or(|text| self.0.is_match(text).unwrap_or(true))
    }
}

/// A format's name, and what fits it.
type Format = (&'static str, fn(&str) -> bool);

/// The formats that upstream's validator (Python's jsonschema, `FormatChecker()`) sees otherwise than the standard, or not at all.
const FORMATS: &[Format] = &[
    ("time", |text| chrono::NaiveTime::parse_from_str(text, "%H:%M:%S").is_ok()),
    ("email", |text| text.contains('@')),
    ("idn-email", |text| text.contains('@')),
    ("hostname", |_| true),
    ("idn-hostname", |_| true),
    ("uri", |_| true),
    ("uri-reference", |_| true),
    ("iri", |_| true),
    ("iri-reference", |_| true),
    ("uri-template", |_| true),
    ("json-pointer", |_| true),
    ("relative-json-pointer", |_| true),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            (json!(2), json!({"type": "integer", "minimum": 3}), "2 is less than the minimum of 3"),
            (json!("x"), json!({"type": "integer"}), "\"x\" is not of type \"integer\""),
            (json!("c"), json!({"enum": ["a", "b"]}), "\"c\" is not one of \"a\" or \"b\""),
            (json!({"a": 1}), json!({"required": ["a", "b"]}), "\"b\" is a required property"),
            (json!("b"), json!({"pattern": "^a"}), "\"b\" does not match \"^a\""),
        ];
        for (value, schema, expected) in cases {
            assert_eq!(fault(&value, &schema).as_deref(), Some(expected), "{value} under {schema}");
        }
        assert_eq!(fault(&json!("x"), &json!({"pattern": "(?a)y"})), None, "only Python can read that");
    }

    /// Against what upstream's validator says (tests/recorded/params.py).
    #[test]
    fn values_fit_where_they_fit_upstream() {
        let recorded: Value = serde_json::from_str(include_str!("../tests/recorded/params.json")).unwrap();
        let (values, schemas) = (recorded["values"].as_array().unwrap(), recorded["schemas"].as_array().unwrap());
        assert!(values.len() * schemas.len() > 2000);
        for case in schemas {
            let fitting: Vec<bool> = values.iter().map(|value| fault(value, &case["schema"]).is_none()).collect();
            for ((value, fits), upstream) in values.iter().zip(fitting).zip(case["fits"].as_str().unwrap().chars()) {
                assert_eq!(fits, upstream == '1', "{value} under {}", case["schema"]);
            }
        }
    }

    #[test]
    fn defaults_count_where_nothing_is_given() {
        let params = json!([["x", {"default": 3, "schema": {"__type": "dict", "__var": {"type": "integer", "minimum": 1}}}],
            ["must", {"default": {"__type": "arg_not_set"}, "schema": {"__type": "dict", "__var": {"type": "string"}}}]]);
        let dag = Dag::read(&json!({"__version": 3, "dag": {"dag_id": "d", "tasks": [], "task_group": {}, "params": params,
            "timetable": {"__type": "airflow.timetables.simple.NullTimetable", "__var": {}}}}))
        .unwrap();
        assert!(validate(&dag, Some(&json!({"must": "be", "other": []}))).is_ok());
        let error = |conf: Value| validate(&dag, Some(&conf)).unwrap_err().message;
        assert_eq!(error(json!({})), "Invalid input for param must: No value passed");
        assert_eq!(error(json!({"must": "be", "x": 0})), "Invalid input for param x: 0 is less than the minimum of 1");
        assert_eq!(shown_default(&params[0][1]), Some(json!(3)));
        assert_eq!(shown_default(&json!({"default": 0, "schema": params[0][1]["schema"]})), None);
    }
}
