//! Which model an endpoint serves: what the caller asked for, checked.

use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// What upstream's served entities may carry that would change what is served and that is not served here.
const UNSUPPORTED: &[&str] = &["external_model", "foundation_model", "foundation_model_name", "environment_vars", "instance_profile_arn"];

/// What answers tell of a served entity beside what was asked for; ignored when it is sent back.
const TOLD: &[&str] = &["state", "creator", "creation_timestamp"];

/// The model of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// Its name in traffic routes.
    pub name: String,
    /// The registered model.
    pub model: String,
    /// Which version of it.
    pub selector: Selector,
    /// Sizing wishes of a cloud (`workload_size`, `scale_to_zero_enabled`): kept and told, without effect.
    pub hints: Map<String, Value>,
}

/// Which version of a registered model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selector {
    /// That one.
    Version(i64),
    /// The one that the alias points to, now and whenever it moves.
    Alias(String),
    /// The newest, now and whenever there is a newer one.
    Latest,
}

/// As stored and compared in SQL: `2`, `@champion`, `latest`.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "{version}"),
            Self::Alias(alias) => write!(f, "@{alias}"),
            Self::Latest => f.write_str("latest"),
        }
    }
}

/// The form of requests.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    name: Option<String>,
    #[serde(alias = "model_name")]
    entity_name: Option<String>,
    #[serde(alias = "model_version")]
    entity_version: Option<Value>,
    alias: Option<String>,
    model_uri: Option<String>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl Entity {
    /// Checks what was asked for. Everything wrong is `INVALID_ARGUMENT` or `UNIMPLEMENTED`, with what to write instead.
    pub fn new(asked: Asked) -> Result<Self> {
        if let Some(field) = UNSUPPORTED.iter().find(|field| asked.other.contains_key(**field)) {
            return Err(Error::unimplemented(format!(
                "served_entities: {field} is not supported; name a registered model with entity_name"
            )));
        }
        let (model, selector) = match (&asked.model_uri, &asked.entity_name) {
            (Some(uri), None) => parse_uri(uri)?,
            (None, Some(model)) => (model.clone(), selector(asked.entity_version.as_ref(), asked.alias.as_deref())?),
            (Some(_), Some(_)) => return Err(Error::invalid("served_entities: give model_uri or entity_name, not both")),
            (None, None) => {
                return Err(Error::invalid(
                    "served_entities: entity_name is missing; give {\"entity_name\": \"wine\", \"alias\": \"champion\"}",
                ));
            }
        };
        if model.is_empty() {
            return Err(Error::invalid("served_entities: the name of the model is empty"));
        }
        let name = asked
            .name
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| format!("{}-{}", model, selector.to_string().trim_start_matches('@')));
        Ok(Self { name, model, selector, hints: asked.other.into_iter().filter(|(key, _)| !TOLD.contains(&key.as_str())).collect() })
    }
}

fn selector(version: Option<&Value>, alias: Option<&str>) -> Result<Selector> {
    match (version, alias) {
        // an answer of ours has both, and may be sent back: the version is then only what the alias meant
        (_, Some(alias)) if !alias.is_empty() => Ok(Selector::Alias(alias.into())),
        (Some(Value::String(text)), None) => parse_version(text),
        (Some(Value::Number(number)), None) => parse_version(&number.to_string()),
        (None, None) => Err(Error::invalid("served_entities: say which version: entity_version \"2\", or alias \"champion\"")),
        _ => Err(Error::invalid("served_entities: entity_version and alias are text")),
    }
}

fn parse_version(text: &str) -> Result<Selector> {
    match text.parse::<i64>() {
        Ok(version) if version > 0 => Ok(Selector::Version(version)),
        _ if text.eq_ignore_ascii_case("latest") => Ok(Selector::Latest),
        _ => Err(Error::invalid(format!("served_entities: entity_version {text:?} is no version number"))),
    }
}

/// `models:/NAME@ALIAS`, `models:/NAME/VERSION` or `models:/NAME/latest`.
fn parse_uri(uri: &str) -> Result<(String, Selector)> {
    let wrong = || Error::invalid(format!("model_uri {uri:?} is not understood; give models:/NAME@ALIAS or models:/NAME/VERSION"));
    let path = uri.strip_prefix("models:/").map(|rest| rest.trim_start_matches('/')).ok_or_else(wrong)?;
    if let Some((name, alias)) = path.rsplit_once('@')
        && !alias.is_empty()
        && !alias.contains('/')
    {
        return Ok((name.into(), Selector::Alias(alias.into())));
    }
    let (name, version) = path.rsplit_once('/').ok_or_else(wrong)?;
    Ok((name.into(), parse_version(version).map_err(|_| wrong())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(json: &str) -> Result<Entity> {
        Entity::new(serde_json::from_str(json).expect("the test's JSON is well-formed"))
    }

    #[test]
    fn every_way_to_name_a_version() {
        for (json, model, selector, name) in [
            (r#"{"entity_name":"wine","entity_version":"2"}"#, "wine", "2", "wine-2"),
            (r#"{"model_name":"wine","model_version":2}"#, "wine", "2", "wine-2"),
            (r#"{"entity_name":"wine","alias":"champion"}"#, "wine", "@champion", "wine-champion"),
            (r#"{"entity_name":"wine","entity_version":"1","alias":"champion","state":{}}"#, "wine", "@champion", "wine-champion"),
            (r#"{"model_uri":"models:/wine@champion","name":"current"}"#, "wine", "@champion", "current"),
            (r#"{"model_uri":"models:/wine/7"}"#, "wine", "7", "wine-7"),
            (r#"{"model_uri":"models:/wine/latest","workload_size":"Small"}"#, "wine", "latest", "wine-latest"),
        ] {
            let entity = entity(json).expect(json);
            assert_eq!(
                (entity.model.as_str(), entity.selector.to_string().as_str(), entity.name.as_str()),
                (model, selector, name),
                "{json}"
            );
        }
    }

    #[test]
    fn what_cannot_be_served_says_so() {
        for (json, part) in [
            (r#"{"entity_name":"wine"}"#, "say which version"),
            (r#"{"entity_version":"2"}"#, "entity_name is missing"),
            (r#"{"entity_name":"wine","entity_version":"two"}"#, "no version number"),
            (r#"{"model_uri":"runs:/abc/model"}"#, "not understood"),
            (r#"{"name":"x","external_model":{}}"#, "external_model is not supported"),
        ] {
            let message = entity(json).expect_err(json).message;
            assert!(message.contains(part), "{json}: {message}");
        }
    }

    #[test]
    fn the_stored_form_is_read_back() {
        let entity = entity(r#"{"entity_name":"wine","alias":"champion","scale_to_zero_enabled":true}"#).expect("valid");
        let stored = serde_json::to_string(&entity).expect("serializable");
        assert_eq!(serde_json::from_str::<Entity>(&stored).expect("readable"), entity);
    }
}
