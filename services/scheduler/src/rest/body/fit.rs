//! A value held against a JSON schema of the OpenAPI document, with pydantic's ideas of what fits and its words for what does not
//! (pydantic_core, "Validation Errors").

use super::time::{AWARE, has_zone, why_no_date};
use crate::times;
use artel_platform::http::{Fault, NO_WHOLE_NUMBER};
use serde_json::{Map, Value, json};
use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use utoipa::{PartialSchema, ToSchema};

pub(super) const NO_OBJECT: &str = "Input should be a valid dictionary or object to extract fields from";

/// The schema of a type, and of those that it refers to.
pub(super) struct Schemas {
    root: Value,
    named: HashMap<String, Value>,
}

impl Schemas {
    /// They are made once for each type.
    pub(super) fn of<T: ToSchema + 'static>() -> Arc<Self> {
        static KNOWN: Mutex<BTreeMap<TypeId, Arc<Schemas>>> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().expect("not poisoned");
        known.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(Self::made::<T>())).clone()
    }

    fn made<T: ToSchema>() -> Self {
        let mut named = Vec::new();
        T::schemas(&mut named);
        let json = |schema: &_| serde_json::to_value(schema).unwrap_or_default();
        Self {
            root: json(&<T as PartialSchema>::schema()),
            named: named.iter().map(|(name, schema)| (name.clone(), json(schema))).collect(),
        }
    }

    /// A schema that refers to no other.
    pub(super) fn only(schema: &Value) -> Self {
        Self { root: schema.clone(), named: HashMap::new() }
    }

    /// What is wrong with `value`, which stands at `place`. What pydantic would take for something else becomes that.
    pub(super) fn faults(&self, value: &mut Value, place: &[Value]) -> Vec<Fault> {
        let mut look = Look { schemas: self, place: place.to_vec(), faults: Vec::new() };
        look.hold(value, &self.root);
        look.faults
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let name = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next());
        name.and_then(|name| self.named.get(name)).unwrap_or(schema)
    }
}

struct Look<'a> {
    schemas: &'a Schemas,
    place: Vec<Value>,
    faults: Vec<Fault>,
}

impl Look<'_> {
    fn fault(&mut self, kind: &'static str, message: impl Into<String>) {
        self.faults.push(Fault { kind, place: self.place.clone(), message: message.into() });
    }

    fn hold_at(&mut self, at: impl Into<Value>, value: &mut Value, schema: &Value) {
        self.place.push(at.into());
        self.hold(value, schema);
        self.place.pop();
    }

    fn hold(&mut self, value: &mut Value, schema: &Value) {
        let schema = self.schemas.resolved(schema);
        if let Some(either) = schema["oneOf"].as_array() {
            // null, or what the other one says
            if let Some(other) = either.iter().find(|s| s["type"] != "null").filter(|_| !value.is_null()) {
                self.hold(value, other);
            }
            return;
        }
        let (kind, nullable) = kind(schema);
        if nullable && value.is_null() {
            return;
        }
        match kind {
            "object" => self.hold_object(value, schema),
            "array" => self.hold_list(value, schema),
            "string" => self.hold_text(value, schema),
            "integer" => self.hold_whole(value, schema),
            "number" => self.hold_number(value, schema),
            "boolean" => self.hold_truth(value),
            _ => {}
        }
    }

    fn hold_object(&mut self, value: &mut Value, schema: &Value) {
        let properties = schema["properties"].as_object();
        let Some(object) = value.as_object_mut() else {
            return match properties {
                Some(_) => self.fault("model_attributes_type", NO_OBJECT),
                None => self.fault("dict_type", "Input should be a valid dictionary"),
            };
        };
        let Some(properties) = properties else { return };
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(key) {
                self.place.push(key.into());
                self.fault("missing", "Field required");
                self.place.pop();
            }
        }
        self.hold_fields(object, properties, schema["additionalProperties"] == json!(false));
    }

    fn hold_fields(&mut self, object: &mut Map<String, Value>, properties: &Map<String, Value>, no_others: bool) {
        for (key, value) in object {
            match properties.get(key) {
                Some(schema) => self.hold_at(key.as_str(), value, schema),
                None if no_others => {
                    self.place.push(key.as_str().into());
                    self.fault("extra_forbidden", "Extra inputs are not permitted");
                    self.place.pop();
                }
                None => {}
            }
        }
    }

    fn hold_list(&mut self, value: &mut Value, schema: &Value) {
        let Some(list) = value.as_array_mut() else { return self.fault("list_type", "Input should be a valid list") };
        if let Some(least) = schema["minItems"].as_u64().filter(|least| (list.len() as u64) < *least) {
            let (count, s) = (list.len(), plural(least));
            self.fault("too_short", format!("List should have at least {least} item{s} after validation, not {count}"));
            return;
        }
        for (at, item) in list.iter_mut().enumerate() {
            self.hold_at(at, item, &schema["items"]);
        }
    }

    fn hold_text(&mut self, value: &mut Value, schema: &Value) {
        if let Some(choices) = schema["enum"].as_array() {
            if !choices.contains(value) {
                let words: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
                self.fault("enum", should_be(&words));
            }
            return;
        }
        if schema["format"] == "date-time" {
            return self.hold_time(value, schema[AWARE] == json!(true));
        }
        let Some(text) = value.as_str() else { return self.fault("string_type", "Input should be a valid string") };
        if let Some(pattern) = schema["pattern"].as_str()
            && !fancy_regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text).unwrap_or(false))
        {
            self.fault("string_pattern_mismatch", format!("String should match pattern '{pattern}'"));
        }
        let length = text.chars().count() as u64;
        if let Some(most) = schema["maxLength"].as_u64().filter(|most| length > *most) {
            self.fault("string_too_long", format!("String should have at most {most} character{}", plural(most)));
        }
        if let Some(least) = schema["minLength"].as_u64().filter(|least| length < *least) {
            self.fault("string_too_short", format!("String should have at least {least} character{}", plural(least)));
        }
    }

    fn hold_time(&mut self, value: &mut Value, aware: bool) {
        // seconds since 1970 are a time as well
        if let Some(seconds) = value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|seconds: &f64| seconds.is_finite()) {
            *value = times::shown((seconds * 1000.0) as i64).into();
        }
        match value {
            Value::String(text) if times::parse(text).is_ok() => {
                if aware && !has_zone(text) {
                    self.fault("timezone_aware", "Input should have timezone info");
                }
            }
            Value::String(text) => {
                let why = why_no_date(text);
                self.fault("datetime_from_date_parsing", format!("Input should be a valid datetime or date, {why}"));
            }
            _ => self.fault("datetime_type", "Input should be a valid datetime"),
        }
    }

    fn hold_whole(&mut self, value: &mut Value, schema: &Value) {
        let whole = match &*value {
            Value::Number(number) if number.is_i64() => number.as_i64(),
            Value::Number(number) => match number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e15) {
                Some(number) => Some(number as i64),
                None => return self.fault("int_from_float", "Input should be a valid integer, got a number with a fractional part"),
            },
            Value::Bool(truth) => Some(i64::from(*truth)),
            Value::String(text) => match text.trim().parse() {
                Ok(number) => Some(number),
                Err(_) => return self.fault("int_parsing", NO_WHOLE_NUMBER),
            },
            _ => None,
        };
        let Some(whole) = whole else { return self.fault("int_type", "Input should be a valid integer") };
        *value = whole.into();
        self.hold_bounds(whole as f64, schema);
    }

    fn hold_number(&mut self, value: &mut Value, schema: &Value) {
        let number = match &*value {
            Value::Number(number) => number.as_f64(),
            Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
            Value::String(text) => match text.trim().parse().ok().filter(|number: &f64| number.is_finite()) {
                Some(number) => Some(number),
                None => return self.fault("float_parsing", "Input should be a valid number, unable to parse string as a number"),
            },
            _ => None,
        };
        let Some(number) = number else { return self.fault("float_type", "Input should be a valid number") };
        *value = number.into();
        self.hold_bounds(number, schema);
    }

    fn hold_bounds(&mut self, number: f64, schema: &Value) {
        if let Some(least) = schema["minimum"].as_f64().filter(|least| number < *least) {
            self.fault("greater_than_equal", format!("Input should be greater than or equal to {least}"));
        }
        if let Some(below) = schema["exclusiveMinimum"].as_f64().filter(|below| number <= *below) {
            self.fault("greater_than", format!("Input should be greater than {below}"));
        }
    }

    fn hold_truth(&mut self, value: &mut Value) {
        let said = match &*value {
            Value::Bool(_) => return,
            Value::Number(number) => number.as_f64().map(|n| n.to_string()),
            Value::String(text) => Some(text.clone()),
            _ => return self.fault("bool_type", "Input should be a valid boolean"),
        };
        match said.as_deref().and_then(truth) {
            Some(truth) => *value = truth.into(),
            None => self.fault("bool_parsing", "Input should be a valid boolean, unable to interpret input"),
        }
    }
}

/// What pydantic takes for a truth value.
fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" | "on" => Some(true),
        "false" | "f" | "0" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

/// The type that a schema names, and whether null is as good.
fn kind(schema: &Value) -> (&str, bool) {
    match &schema["type"] {
        Value::String(kind) => (kind, false),
        Value::Array(kinds) => {
            let named = kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null");
            (named.unwrap_or_default(), kinds.iter().any(|kind| kind == "null"))
        }
        _ => ("", true),
    }
}

/// `Input should be 'a', 'b' or 'c'`.
pub(in crate::rest) fn should_be(words: &[&str]) -> String {
    let named: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let either = match named.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => named.join(""),
    };
    format!("Input should be {either}")
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}
