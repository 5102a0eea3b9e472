//! How protobuf messages are written as JSON where MLflow's API asks for it: int64 as numbers (strings are
//! accepted), NaN and the infinities as strings, enums by name.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// The names of a protobuf enum. Implemented by the build script.
pub trait EnumName: Sized + Copy + TryFrom<i32> + Into<i32> {
    /// The name as in the .proto file.
    fn name(self) -> &'static str;
    /// The value with that name.
    fn parse(text: &str) -> Option<Self>;
}

include!(concat!(env!("OUT_DIR"), "/json_enums.rs"));

/// For `skip_serializing_if` on repeated fields and maps.
pub fn is_empty<T>(items: &T) -> bool
where
    for<'a> &'a T: IntoIterator,
{
    items.into_iter().next().is_none()
}

/// A number, or a string that holds one.
pub fn integer<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64> + std::str::FromStr,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Integer(i64),
        Real(f64),
        Text(String),
    }
    let out_of_range = || D::Error::custom("integer out of range");
    match Option::<Form>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Form::Integer(value)) => T::try_from(value).map(Some).map_err(|_| out_of_range()),
        Some(Form::Real(value)) if value.fract() == 0.0 => T::try_from(value as i64).map(Some).map_err(|_| out_of_range()),
        Some(Form::Real(value)) => Err(D::Error::custom(format!("{value} is not an integer"))),
        Some(Form::Text(text)) => text.parse().map(Some).map_err(|_| D::Error::custom(format!("{text:?} is not an integer"))),
    }
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
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(f64),
            Text(String),
        }
        match Option::<Form>::deserialize(deserializer)? {
            None => Ok(None),
            Some(Form::Number(value)) => Ok(Some(value)),
            Some(Form::Text(text)) => text.parse().map(Some).map_err(|_| D::Error::custom(format!("{text:?} is not a number"))),
        }
    }
}

/// Writes an enum field by name.
pub fn enum_name<E: EnumName, S: Serializer>(value: &Option<i32>, serializer: S) -> Result<S::Ok, S::Error> {
    match value.map(E::try_from) {
        Some(Ok(value)) => serializer.serialize_str(value.name()),
        _ => serializer.serialize_none(),
    }
}

/// Reads an enum field by name or number.
pub fn enum_value<'de, E: EnumName, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Number(i32),
        Text(String),
    }
    match Option::<Form>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Form::Number(value)) => {
            E::try_from(value).map(|_| Some(value)).map_err(|_| D::Error::custom(format!("{value} is not a known value")))
        }
        Some(Form::Text(text)) => {
            E::parse(&text).map(|v| Some(v.into())).ok_or_else(|| D::Error::custom(format!("{text:?} is not a known name")))
        }
    }
}
