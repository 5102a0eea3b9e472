//! The JSON forms of protobuf's own messages: times as RFC 3339, durations as seconds with an `s`, field masks as
//! camelCase paths with commas between them, `Value` as the value itself.

use prost_types::value::Kind;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// `"2009-02-13T23:31:30.123Z"`.
pub mod timestamp {
    use super::*;

    /// Writes it.
    pub fn serialize<S: Serializer>(value: &Option<prost_types::Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        text(value.as_ref().map(ToString::to_string), serializer)
    }

    /// Reads it; `null` is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<prost_types::Timestamp>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| D::Error::custom(format!("'{text}' is not a time such as 2009-02-13T23:31:30.123Z")))
    }
}

/// `"1.500s"`.
pub mod duration {
    use super::*;

    /// Writes it.
    pub fn serialize<S: Serializer>(value: &Option<prost_types::Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        text(value.as_ref().map(ToString::to_string), serializer)
    }

    /// Reads it; `null` is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<prost_types::Duration>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| D::Error::custom(format!("'{text}' is not a duration such as 1.5s")))
    }
}

/// `"assessmentName,rationale"`.
pub mod field_mask {
    use super::*;

    /// Writes it.
    pub fn serialize<S: Serializer>(value: &Option<prost_types::FieldMask>, serializer: S) -> Result<S::Ok, S::Error> {
        let camel = |path: &String| {
            let mut words = path.split('_');
            let mut out = words.next().unwrap_or_default().to_owned();
            for word in words {
                let mut letters = word.chars();
                out.extend(letters.next().map(|c| c.to_ascii_uppercase()));
                out.push_str(letters.as_str());
            }
            out
        };
        text(value.as_ref().map(|mask| mask.paths.iter().map(camel).collect::<Vec<_>>().join(",")), serializer)
    }

    /// Reads it into snake_case paths; `null` is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<prost_types::FieldMask>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let snake = |path: &str| {
            let mut out = String::with_capacity(path.len() + 4);
            for c in path.trim().chars() {
                if c.is_ascii_uppercase() {
                    out.push('_');
                }
                out.push(c.to_ascii_lowercase());
            }
            out
        };
        let paths = text.split(',').filter(|path| !path.trim().is_empty()).map(snake).collect();
        Ok(Some(prost_types::FieldMask { paths }))
    }
}

/// Any JSON value; numbers are doubles.
pub mod value {
    use super::*;

    /// Writes it.
    pub fn serialize<S: Serializer>(value: &Option<prost_types::Value>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            None => serializer.serialize_none(),
            Some(value) => serde::Serialize::serialize(&to_json(value), serializer),
        }
    }

    /// Reads it; `null` is the null value, only an absent field is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<prost_types::Value>, D::Error> {
        serde_json::Value::deserialize(deserializer).map(|value| Some(from_json(&value)))
    }

    /// As JSON; what JSON has no number for is null.
    pub fn to_json(value: &prost_types::Value) -> serde_json::Value {
        match &value.kind {
            None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
            Some(Kind::NumberValue(number)) => (*number).into(),
            Some(Kind::StringValue(text)) => text.as_str().into(),
            Some(Kind::BoolValue(flag)) => (*flag).into(),
            Some(Kind::StructValue(map)) => map.fields.iter().map(|(key, value)| (key.clone(), to_json(value))).collect(),
            Some(Kind::ListValue(list)) => list.values.iter().map(to_json).collect(),
        }
    }

    /// From JSON.
    pub fn from_json(value: &serde_json::Value) -> prost_types::Value {
        let kind = match value {
            serde_json::Value::Null => Kind::NullValue(0),
            serde_json::Value::Bool(flag) => Kind::BoolValue(*flag),
            serde_json::Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
            serde_json::Value::String(text) => Kind::StringValue(text.clone()),
            serde_json::Value::Array(items) => Kind::ListValue(prost_types::ListValue { values: items.iter().map(from_json).collect() }),
            serde_json::Value::Object(map) => {
                Kind::StructValue(prost_types::Struct { fields: map.iter().map(|(key, value)| (key.clone(), from_json(value))).collect() })
            }
        };
        prost_types::Value { kind: Some(kind) }
    }
}

fn text<S: Serializer>(value: Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        None => serializer.serialize_none(),
        Some(text) => serializer.serialize_str(&text),
    }
}

#[cfg(test)]
mod tests {
    use crate::mlflow::{Feedback, TraceInfoV3, UpdateAssessment};
    use serde_json::json;

    #[test]
    fn times_and_durations_are_texts() {
        let text = json!({"request_time": "2009-02-13T23:31:30.123Z", "execution_duration": "1.500s"});
        let info: TraceInfoV3 = serde_json::from_value(text.clone()).unwrap();
        assert_eq!((info.request_time.unwrap().nanos, info.execution_duration.unwrap().seconds), (123_000_000, 1));
        assert_eq!(serde_json::to_value(&info).unwrap(), text);
        for bad in [json!({"request_time": "yesterday"}), json!({"execution_duration": "long"}), json!({"request_time": 5})] {
            assert!(serde_json::from_value::<TraceInfoV3>(bad).is_err());
        }
    }

    #[test]
    fn values_keep_their_form_and_null_is_one() {
        for value in [json!(null), json!(true), json!(5.5), json!("x"), json!([1.0, {"a": "b"}])] {
            let feedback: Feedback = serde_json::from_value(json!({"value": value})).unwrap();
            assert!(feedback.value.is_some());
            assert_eq!(serde_json::to_value(&feedback).unwrap(), json!({"value": value}));
        }
        assert_eq!(serde_json::from_value::<Feedback>(json!({})).unwrap().value, None);
    }

    #[test]
    fn field_masks_are_camel_outside_and_snake_inside() {
        let update: UpdateAssessment = serde_json::from_value(json!({"update_mask": "assessmentName,rationale"})).unwrap();
        assert_eq!(update.update_mask.as_ref().unwrap().paths, ["assessment_name", "rationale"]);
        assert_eq!(serde_json::to_value(&update).unwrap(), json!({"update_mask": "assessmentName,rationale"}));
    }
}
