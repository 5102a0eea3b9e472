//! A run's conf against the DAG's parameters (airflow/serialization/definitions/param.py): each one's value, given or default, must
//! fit its JSON schema. The keywords that upstream's parameters use are checked; others, as the standard has it, say nothing.

use crate::dag::{Dag, plain};
use artel_platform::{Error, Result};
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

/// What is wrong with a value, if something is.
fn fault(value: &Value, schema: &Value) -> Option<String> {
    if let Value::Bool(any) = schema {
        return (!any).then(|| format!("{value} is not allowed"));
    }
    type_fault(value, schema)
        .or_else(|| choice_fault(value, schema))
        .or_else(|| number_fault(value, schema))
        .or_else(|| text_fault(value, schema))
        .or_else(|| list_fault(value, schema))
        .or_else(|| object_fault(value, schema))
        .or_else(|| combined_fault(value, schema))
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    }
}

fn type_fault(value: &Value, schema: &Value) -> Option<String> {
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let named: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
    (!kinds.iter().any(|kind| is_of(value, kind))).then(|| format!("{value} is not of type {}", named.join(", ")))
}

fn choice_fault(value: &Value, schema: &Value) -> Option<String> {
    if let Some(choices) = schema["enum"].as_array().filter(|choices| !choices.contains(value)) {
        return Some(format!("{value} is not one of {}", Value::from(choices.clone())));
    }
    schema.get("const").filter(|only| *only != value).map(|only| format!("{only} was expected, not {value}"))
}

fn number_fault(value: &Value, schema: &Value) -> Option<String> {
    let number = value.as_f64()?;
    /// Keyword, what a number has to be to the limit, and how one that is not is called.
    type Limit = (&'static str, fn(f64, f64) -> bool, &'static str);
    let limits: [Limit; 4] = [
        ("minimum", |n, limit| n >= limit, "less than the minimum of"),
        ("maximum", |n, limit| n <= limit, "greater than the maximum of"),
        ("exclusiveMinimum", |n, limit| n > limit, "less than or equal to the minimum of"),
        ("exclusiveMaximum", |n, limit| n < limit, "greater than or equal to the maximum of"),
    ];
    for (keyword, fits, words) in limits {
        if let Some(limit) = schema[keyword].as_f64().filter(|limit| !fits(number, *limit)) {
            return Some(format!("{value} is {words} {limit}"));
        }
    }
    let step = schema["multipleOf"].as_f64().filter(|step| *step > 0.0)?;
    let times = number / step;
    ((times - times.round()).abs() > 1e-9).then(|| format!("{value} is not a multiple of {step}"))
}

fn text_fault(value: &Value, schema: &Value) -> Option<String> {
    let text = value.as_str()?;
    let length = text.chars().count() as u64;
    if schema["minLength"].as_u64().is_some_and(|least| length < least) {
        return Some(format!("{value} is too short"));
    }
    if schema["maxLength"].as_u64().is_some_and(|most| length > most) {
        return Some(format!("{value} is too long"));
    }
    // a pattern that is none of Rust's is left to the task, which has Python's
    let pattern = schema["pattern"].as_str().and_then(|pattern| regex::Regex::new(pattern).ok());
    if pattern.is_some_and(|pattern| !pattern.is_match(text)) {
        return Some(format!("{value} does not match {}", schema["pattern"]));
    }
    let format = schema["format"].as_str()?;
    let fits = match format {
        "date" => chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
        "date-time" => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        "time" => ["%H:%M:%S%.f", "%H:%M"].iter().any(|form| chrono::NaiveTime::parse_from_str(text.trim_end_matches('Z'), form).is_ok()),
        _ => true,
    };
    (!fits).then(|| format!("{value} is not a '{format}'"))
}

fn list_fault(value: &Value, schema: &Value) -> Option<String> {
    let items = value.as_array()?;
    if schema["minItems"].as_u64().is_some_and(|least| (items.len() as u64) < least) {
        return Some(format!("{value} is too short"));
    }
    if schema["maxItems"].as_u64().is_some_and(|most| items.len() as u64 > most) {
        return Some(format!("{value} is too long"));
    }
    if schema["uniqueItems"] == true && (1..items.len()).any(|i| items[..i].contains(&items[i])) {
        return Some(format!("{value} has non-unique elements"));
    }
    let of_each = schema.get("items").filter(|items| !items.is_array())?;
    items.iter().find_map(|item| fault(item, of_each))
}

fn object_fault(value: &Value, schema: &Value) -> Option<String> {
    let object = value.as_object()?;
    let missing = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).find(|key| !object.contains_key(*key));
    if let Some(key) = missing {
        return Some(format!("'{key}' is a required property"));
    }
    let known = schema["properties"].as_object();
    object.iter().find_map(|(key, inner)| match (known.and_then(|known| known.get(key)), schema.get("additionalProperties")) {
        (Some(own), _) => fault(inner, own),
        (None, Some(Value::Bool(false))) => Some(format!("Additional properties are not allowed ('{key}' was unexpected)")),
        (None, Some(others)) => fault(inner, others),
        (None, None) => None,
    })
}

fn combined_fault(value: &Value, schema: &Value) -> Option<String> {
    let each = |keyword: &str| schema[keyword].as_array().cloned().unwrap_or_default();
    if let Some(wrong) = each("allOf").iter().find_map(|inner| fault(value, inner)) {
        return Some(wrong);
    }
    let (any, one) = (each("anyOf"), each("oneOf"));
    if !any.is_empty() && any.iter().all(|inner| fault(value, inner).is_some()) {
        return Some(format!("{value} is not valid under any of the given schemas"));
    }
    let fitting = one.iter().filter(|inner| fault(value, inner).is_none()).count();
    if !one.is_empty() && fitting != 1 {
        return Some(format!("{value} is valid under {fitting} of the given schemas, not one"));
    }
    schema.get("not").filter(|inner| fault(value, inner).is_none()).map(|_| format!("{value} should not be valid under its schema's 'not'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_fit_their_schemas_or_it_is_said_why() {
        let cases = [
            (json!(3), json!({"type": "integer", "minimum": 3}), None),
            (json!(2), json!({"type": "integer", "minimum": 3}), Some("2 is less than the minimum of 3")),
            (json!("x"), json!({"type": "integer"}), Some("\"x\" is not of type 'integer'")),
            (json!(null), json!({"type": ["null", "string"]}), None),
            (json!("2026-02-30"), json!({"type": "string", "format": "date"}), Some("\"2026-02-30\" is not a 'date'")),
            (json!("c"), json!({"enum": ["a", "b"]}), Some("\"c\" is not one of [\"a\",\"b\"]")),
            (json!("ab"), json!({"pattern": "^a.$", "minLength": 2}), None),
            (json!([1, "x"]), json!({"items": {"type": "number"}}), Some("\"x\" is not of type 'number'")),
            (json!({"a": 1}), json!({"required": ["a", "b"]}), Some("'b' is a required property")),
            (json!(1.5), json!({"anyOf": [{"type": "string"}, {"multipleOf": 0.5}]}), None),
            (json!(true), json!({"type": "number"}), Some("true is not of type 'number'")),
        ];
        for (value, schema, expected) in cases {
            assert_eq!(fault(&value, &schema).as_deref(), expected, "{value} under {schema}");
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
