//! JSON bodies, as upstream's framework takes them: what does not fit is answered with 422 and everything that is wrong, each
//! with its place. What pydantic takes for a number or a truth value (`"5"`, `"yes"`) is taken for one here.

mod fit;
mod time;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use artel_platform::http::{Fault, is_json};
use artel_platform::{Error, Result};
use fit::Schemas;
pub(super) use fit::should_be;
use futures::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;
pub(super) use time::Aware;
use utoipa::ToSchema;

/// A body of the type `T`, whose schema says what fits.
pub(super) struct Body<T> {
    value: T,
    sent: Value,
}

impl<T> Body<T> {
    pub(super) fn into_inner(self) -> T {
        self.value
    }

    /// The value, and the fields as they were sent.
    pub(super) fn into_parts(self) -> (T, Value) {
        (self.value, self.sent)
    }

    /// The fields as they were sent: one that is null was said to be nothing, one that is missing was not spoken of.
    pub(super) fn sent(&self) -> &Value {
        &self.sent
    }
}

impl<T> std::ops::Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let says_json = is_json(request);
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body.await.map_err(|e| Error::invalid(format!("the body cannot be read: {e}")))?;
            if body.is_empty() {
                return Err(fault("missing", "Field required").into());
            }
            if !says_json {
                // upstream takes it for a text then
                return Err(fault("model_attributes_type", fit::NO_OBJECT).into());
            }
            let mut sent = read(&body)?;
            if sent.is_null() {
                return Err(fault("missing", "Field required").into());
            }
            fit::<T>(&mut sent, &place())?;
            Ok(Self { value: typed(&sent, &place())?, sent })
        })
    }
}

/// Something is wrong with the body as a whole.
fn fault(kind: &'static str, message: impl Into<String>) -> Fault {
    Fault { kind, place: place().to_vec(), message: message.into() }
}

fn place() -> [Value; 1] {
    ["body".into()]
}

fn read(body: &[u8]) -> Result<Value> {
    Ok(serde_json::from_slice(body).map_err(|error| {
        // as a rule it is one line
        let at = if error.is_eof() { body.len() } else { error.column().saturating_sub(1) };
        Fault { place: vec!["body".into(), at.into()], ..fault("json_invalid", "JSON decode error") }
    })?)
}

/// Is this field of what is there to be changed? It was sent and, where there is a mask, that names it.
pub(super) fn is_changed(sent: &Value, mask: &[String], field: &str) -> bool {
    sent.get(field).is_some() && (mask.is_empty() || mask.iter().any(|named| named == field))
}

/// A body that may be left out.
pub(super) fn parse<T: DeserializeOwned + ToSchema + 'static>(body: &[u8]) -> Result<T> {
    fitted(read(body)?, &place())
}

/// What keeps a value at `place` of the request from fitting a schema.
pub(super) fn faults_of(value: &mut Value, schema: &Value, place: &[Value]) -> Vec<Fault> {
    Schemas::only(schema).faults(value, place)
}

/// [`faults_of`] the schema of a type.
pub(super) fn faults_of_type<T: ToSchema + 'static>(value: &mut Value, place: &[Value]) -> Vec<Fault> {
    Schemas::of::<T>().faults(value, place)
}

/// A value at `place` of the request, which fits the schema or became what does.
pub(super) fn held(mut value: Value, schema: &Value, place: &[Value]) -> Result<Value> {
    let faults = faults_of(&mut value, schema, place);
    if faults.is_empty() { Ok(value) } else { Err(faults.into()) }
}

/// A value at `place` of the request as a `T`.
pub(super) fn fitted<T: DeserializeOwned + ToSchema + 'static>(mut value: Value, place: &[Value]) -> Result<T> {
    fit::<T>(&mut value, place)?;
    typed(&value, place)
}

fn fit<T: ToSchema + 'static>(value: &mut Value, place: &[Value]) -> Result<()> {
    let faults = faults_of_type::<T>(value, place);
    if faults.is_empty() { Ok(()) } else { Err(faults.into()) }
}

fn typed<T: DeserializeOwned>(value: &Value, place: &[Value]) -> Result<T> {
    T::deserialize(value).map_err(|why| wrong(place, why).into())
}

/// A value at `place` that fits the schema and is wrong all the same.
pub(super) fn wrong(place: &[Value], why: impl std::fmt::Display) -> Fault {
    Fault { kind: "value_error", place: place.to_vec(), message: format!("Value error, {why}") }
}

/// [`wrong`], of fields of the body that do not go together.
pub(super) fn wrong_body(why: impl std::fmt::Display) -> Error {
    wrong(&place(), why).into()
}

/// [`wrong`], of a field of the body.
pub(super) fn wrong_field(field: &str, why: impl std::fmt::Display) -> Error {
    wrong(&["body".into(), field.into()], why).into()
}

/// Teams share one installation where upstream is told so; here they have an installation each.
pub(super) fn no_team(name: Option<&str>) -> Result<()> {
    match name {
        Some(_) => Err(wrong_body("team_name cannot be set when multi_team mode is disabled. Please contact your administrator.")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    struct Cask {
        name: String,
        #[schema(minimum = 0)]
        litres: i64,
        #[serde(default)]
        oak: bool,
        from: Option<Place>,
        #[serde(default)]
        vintages: Vec<i64>,
    }

    #[derive(Debug, PartialEq, Deserialize, ToSchema)]
    #[serde(rename_all = "lowercase")]
    enum Place {
        Here,
        There,
    }

    fn faults(body: &str) -> Vec<(&'static str, String, String)> {
        let said = |fault: Fault| (fault.kind, Value::from(fault.place).to_string(), fault.message);
        parse::<Cask>(body.as_bytes()).expect_err(body).faults.into_iter().map(said).collect()
    }

    #[test]
    fn everything_that_does_not_fit_is_told() {
        let told = faults(r#"{"litres": -1, "oak": "perhaps", "from": "there", "vintages": [2019, "old"], "colour": 1}"#);
        let expected = [
            ("missing", r#"["body","name"]"#, "Field required"),
            ("extra_forbidden", r#"["body","colour"]"#, "Extra inputs are not permitted"),
            ("greater_than_equal", r#"["body","litres"]"#, "Input should be greater than or equal to 0"),
            ("bool_parsing", r#"["body","oak"]"#, "Input should be a valid boolean, unable to interpret input"),
            ("int_parsing", r#"["body","vintages",1]"#, "Input should be a valid integer, unable to parse string as an integer"),
        ];
        assert_eq!(told, expected.map(|(kind, place, message)| (kind, place.into(), message.into())));
        assert_eq!(faults(r#"{"name": "a", "litres": 1, "from": "nowhere"}"#)[0].2, "Input should be 'here' or 'there'");
    }

    #[test]
    fn a_body_that_is_no_object() {
        assert_eq!(faults("[\"a\", 1]"), [("model_attributes_type", r#"["body"]"#.into(), fit::NO_OBJECT.into())]);
        assert_eq!(faults("{\"name\": }"), [("json_invalid", r#"["body",9]"#.into(), "JSON decode error".into())]);
    }

    #[test]
    fn what_pydantic_takes_is_taken() {
        let cask: Cask = parse(br#"{"name": "a", "litres": "5", "oak": "yes", "from": null, "vintages": [1e3, true]}"#).unwrap();
        assert_eq!(cask, Cask { name: "a".into(), litres: 5, oak: true, from: None, vintages: vec![1000, 1] });
    }
}
