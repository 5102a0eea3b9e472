//! How protobuf messages are written as JSON where MLflow's API asks for it: snake_case names (camelCase is accepted),
//! int64 as numbers (strings are accepted), NaN and the infinities as strings, enums by name, absent fields absent.

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt;
use std::marker::PhantomData;

mod well_known;

/// The names of a protobuf enum. Implemented by the build script.
pub trait EnumName: Sized + Copy + TryFrom<i32> + Into<i32> {
    /// The name as in the .proto file.
    fn name(self) -> &'static str;
    /// The value with that name.
    fn parse(text: &str) -> Option<Self>;
}

/// The fields of a protobuf message, for checks that go beyond parsing. Implemented by the build script.
pub trait Message: Default + serde::Serialize + serde::de::DeserializeOwned {
    /// Every field, in the order of the .proto file.
    const FIELDS: &'static [Field];
}

/// One field of a message.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name in the .proto file, and in MLflow's JSON.
    pub name: &'static str,
    /// The camelCase spelling that is accepted as well.
    pub json_name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Is it a list of that?
    pub repeated: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A string or bytes.
    Text,
    /// true or false.
    Bool,
    /// A whole number.
    Integer,
    /// A real number.
    Real,
    /// One of a set of names.
    Enum,
    /// A map with string keys.
    Map,
    /// Another message, with these fields.
    Message(fn() -> &'static [Field]),
}

include!(concat!(env!("OUT_DIR"), "/json_tables.rs"));

/// `null` means the default, as protobuf's JSON has it.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A whole number, or a string that holds one.
pub fn integer<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<Option<T>, D::Error> {
    struct Integer<T>(PhantomData<T>);
    impl<'de, T: TryFrom<i64>> Visitor<'de> for Integer<T> {
        type Value = Option<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an integer")
        }
        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
            T::try_from(value).map(Some).map_err(|_| E::custom("integer out of range"))
        }
        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
            self.visit_i64(i64::try_from(value).map_err(|_| E::custom("integer out of range"))?)
        }
        fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
            if value.fract() != 0.0 || value.abs() >= 9.3e18 {
                return Err(E::invalid_value(Unexpected::Float(value), &self));
            }
            self.visit_i64(value as i64)
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let number = text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))?;
            self.visit_i64(number)
        }
        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
    deserializer.deserialize_any(Integer(PhantomData))
}

/// Doubles with the three values that JSON has no number for.
pub mod double {
    use super::*;

    /// Writes NaN and the infinities as strings.
    pub fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            None => serializer.serialize_none(),
            Some(v) if v.is_nan() => serializer.serialize_str("NaN"),
            Some(v) if v.is_infinite() => serializer.serialize_str(if *v > 0.0 { "Infinity" } else { "-Infinity" }),
            Some(v) => serializer.serialize_f64(*v),
        }
    }

    /// Accepts numbers and numeric strings, among them "NaN", "Infinity" and "-Infinity".
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        struct Double;
        impl<'de> Visitor<'de> for Double {
            type Value = Option<f64>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Some(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Some(value as f64))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Some(value as f64))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                text.parse().map(Some).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
        }
        deserializer.deserialize_any(Double)
    }
}

/// Writes an enum field by name.
pub fn enum_name<E: EnumName, S: Serializer>(value: &Option<i32>, serializer: S) -> Result<S::Ok, S::Error> {
    match value.map(E::try_from) {
        Some(Ok(value)) => serializer.serialize_str(value.name()),
        _ => serializer.serialize_none(),
    }
}

/// Reads an enum field by name or number. A name that is not known counts as absent (upstream parses with
/// `ignore_unknown_fields`); such a number stays, for who refuses it, and reads as the default value.
pub fn enum_value<'de, E: EnumName, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Number(i64),
        Text(String),
    }
    let known = |number: i64| i32::try_from(number).ok().filter(|n| E::try_from(*n).is_ok());
    match Option::<Form>::deserialize(deserializer).map_err(|_| D::Error::custom("expected the name of an enum value"))? {
        None => Ok(None),
        Some(Form::Number(number)) => Ok(Some(i32::try_from(number).unwrap_or(i32::MIN))),
        Some(Form::Text(text)) => Ok(E::parse(&text).map(Into::into).or_else(|| known(text.parse().ok()?))),
    }
}

pub use well_known::{duration, field_mask, timestamp, value};

#[cfg(test)]
mod tests {
    use super::{Kind, Message};
    use crate::mlflow::{LogMetric, Metric, RunInfo, RunStatus, SearchRuns, log_metric};

    fn parse<T: Message>(text: &str) -> T {
        serde_json::from_str(text).expect("it parses")
    }

    #[test]
    fn both_spellings_and_both_forms_of_numbers_are_read() {
        let one: LogMetric = parse(r#"{"run_id": "a", "key": "k", "value": 1, "timestamp": "12", "step": 3, "unknown": [1]}"#);
        let other: LogMetric = parse(r#"{"runId": "a", "key": "k", "value": "1.0", "timestamp": 12.0, "step": "3", "modelId": null}"#);
        assert_eq!(one, other);
        assert!(serde_json::from_str::<LogMetric>(r#"{"runId": "a", "run_id": "a"}"#).is_err());
        assert!(serde_json::from_str::<LogMetric>(r#"{"step": 1.5}"#).is_err());
        assert!(serde_json::from_str::<LogMetric>(r#"{"value": true}"#).is_err());
    }

    #[test]
    fn numbers_that_json_lacks_travel_as_strings() {
        for (value, text) in [(f64::INFINITY, "Infinity"), (f64::NEG_INFINITY, "-Infinity"), (f64::NAN, "NaN")] {
            let json = serde_json::to_value(Metric { value: Some(value), ..Default::default() }).unwrap();
            assert_eq!(json, serde_json::json!({"value": text}));
            let back: Metric = parse(&json.to_string());
            assert_eq!(back.value.unwrap().to_bits() << 1, value.to_bits() << 1);
        }
    }

    #[test]
    fn enums_go_by_name_and_absent_fields_stay_absent() {
        let info = RunInfo { status: Some(RunStatus::Finished.into()), end_time: Some(5), ..Default::default() };
        assert_eq!(serde_json::to_string(&info).unwrap(), r#"{"status":"FINISHED","end_time":5}"#);
        assert_eq!(parse::<RunInfo>(r#"{"status": "KILLED"}"#).status, Some(5));
        assert_eq!(parse::<RunInfo>(r#"{"status": "3"}"#).status, Some(3));
        assert_eq!(parse::<RunInfo>(r#"{"status": "NOVEL"}"#).status, None);
        let unknown = parse::<RunInfo>(r#"{"status": 99}"#);
        assert_eq!((unknown.status, unknown.status()), (Some(99), RunStatus::Running));
        assert_eq!(serde_json::to_string(&unknown).unwrap(), r#"{"status":null}"#);
        assert_eq!(serde_json::to_string(&log_metric::Response {}).unwrap(), "{}");
    }

    #[test]
    fn null_lists_are_empty_and_fields_are_known() {
        assert!(parse::<SearchRuns>(r#"{"experiment_ids": null}"#).experiment_ids.is_empty());
        let field = SearchRuns::FIELDS.iter().find(|f| f.name == "max_results").unwrap();
        assert_eq!(field.json_name, "maxResults");
        assert!(matches!(field.kind, Kind::Integer) && !field.repeated);
    }
}
