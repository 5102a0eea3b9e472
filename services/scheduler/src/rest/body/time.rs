//! Times in bodies: which of them have to name their zone, and what is said of those that are none.

use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// In schemas of times that have to say in which zone they are.
pub(super) const AWARE: &str = "x-zone";

/// A time that says in which zone it is (pydantic's `AwareDatetime`); only its schema is used.
pub(in crate::rest) struct Aware;

impl PartialSchema for Aware {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        let zone = ExtensionsBuilder::new().add(AWARE, true).build();
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).extensions(Some(zone)).into()
    }
}

impl ToSchema for Aware {
    fn name() -> std::borrow::Cow<'static, str> {
        "airflow.AwareDatetime".into()
    }
}

/// What is wrong with a date, in the words of pydantic's parser (speedate).
pub(super) fn why_no_date(text: &str) -> &'static str {
    let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<u32>().ok());
    match (number(0, 4), number(5, 7), number(8, 10)) {
        _ if text.chars().count() < "2026-01-01".len() => "input is too short",
        (Some(_), Some(month), _) if !(1..=12).contains(&month) => "month value is outside expected range of 1-12",
        (Some(_), Some(_), Some(_)) => "day value is outside expected range",
        _ => "invalid character in year",
    }
}

/// Does a time say in which zone it is?
pub(super) fn has_zone(text: &str) -> bool {
    text.split_once(['T', 't', ' ']).is_some_and(|(_, clock)| clock.contains(['Z', 'z', '+', '-']))
}
