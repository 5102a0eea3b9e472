//! The JSON of serving endpoints, as Databricks has it and MLflow's client reads it.

use crate::endpoints::{Endpoint, Roll, State, Tag};
use crate::entity::{Asked, Entity, Selector};
use crate::store::revisions::Revision;
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A new endpoint.
#[derive(Deserialize, ToSchema)]
#[schema(as = serving::CreateEndpoint)]
pub struct CreateEndpoint {
    pub name: String,
    #[schema(value_type = AskedConfigSchema)]
    pub config: AskedConfig,
    #[serde(default)]
    pub tags: Vec<Tag>,
    #[serde(flatten)]
    #[schema(ignore)]
    other: Map<String, Value>,
}

/// What an endpoint is to serve.
#[derive(Deserialize)]
pub struct AskedConfig {
    #[serde(default, alias = "served_models")]
    served_entities: Vec<Asked>,
    traffic_config: Option<Traffic>,
}

/// How [`AskedConfig`] is documented.
#[derive(ToSchema)]
#[schema(as = serving::AskedConfig)]
#[allow(dead_code)]
pub struct AskedConfigSchema {
    /// One entity.
    served_entities: Vec<AskedEntitySchema>,
    traffic_config: Option<Traffic>,
}

/// A model by name with a version or an alias, or by URI.
#[derive(ToSchema)]
#[schema(as = serving::AskedEntity)]
#[allow(dead_code)]
pub struct AskedEntitySchema {
    name: Option<String>,
    #[schema(example = "wine")]
    entity_name: Option<String>,
    /// A number, or `latest`.
    entity_version: Option<String>,
    #[schema(example = "champion")]
    alias: Option<String>,
    /// `models:/wine@champion`
    model_uri: Option<String>,
}

/// How requests are shared among entities.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = serving::TrafficConfig)]
pub struct Traffic {
    routes: Vec<Route>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = serving::Route)]
struct Route {
    #[serde(alias = "served_entity_name")]
    served_model_name: String,
    traffic_percentage: i64,
}

/// Changed tags.
#[derive(Deserialize, ToSchema)]
#[schema(as = serving::PatchTags)]
pub struct PatchTags {
    #[serde(default)]
    pub add_tags: Vec<Tag>,
    #[serde(default)]
    pub delete_tags: Vec<String>,
}

/// Every tag there is then.
#[derive(Serialize, ToSchema)]
#[schema(as = serving::Tags)]
pub struct Tags {
    pub tags: Vec<Tag>,
}

/// What creation may ask for that would change how requests are answered, and that is not done here.
const UNSUPPORTED: &[&str] = &["rate_limits", "ai_gateway"];

impl CreateEndpoint {
    /// What it is to serve.
    pub fn entity(&mut self) -> Result<Entity> {
        let asked = |field: &&&str| self.other.get(**field).is_some_and(|value| !value.is_null() && *value != Value::Array(vec![]));
        if let Some(field) = UNSUPPORTED.iter().find(asked) {
            return Err(Error::unimplemented(format!("{field} is not supported for serving endpoints")));
        }
        self.config.entity()
    }
}

impl AskedConfig {
    /// Its only entity.
    pub fn entity(&mut self) -> Result<Entity> {
        let entity = match (self.served_entities.pop(), self.served_entities.len()) {
            (Some(asked), 0) => Entity::new(asked)?,
            (None, _) => {
                return Err(Error::invalid(
                    "config.served_entities is missing; give [{\"entity_name\": \"wine\", \"alias\": \"champion\"}]",
                ));
            }
            _ => return Err(Error::unimplemented("an endpoint serves one entity; traffic is not split among several")),
        };
        if let Some(traffic) = &self.traffic_config
            && !traffic.routes.iter().all(|route| route.served_model_name == entity.name && route.traffic_percentage == 100)
        {
            return Err(Error::invalid(format!(
                "config.traffic_config: give one route to {} with 100 percent, or leave it out",
                entity.name
            )));
        }
        Ok(entity)
    }
}

/// Every endpoint of a workspace.
#[derive(Serialize, ToSchema)]
#[schema(as = serving::Endpoints)]
pub struct EndpointList {
    pub endpoints: Vec<EndpointWire>,
}

/// An endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = serving::Endpoint)]
pub struct EndpointWire {
    id: String,
    name: String,
    creator: String,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    state: StateWire,
    config: ConfigWire,
    /// While another configuration or version is being brought up, or when it could not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_config: Option<ConfigWire>,
    tags: Vec<Tag>,
    /// Number of the revision that serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<i64>,
    permission_level: &'static str,
    route_optimized: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = serving::EndpointState)]
struct StateWire {
    /// READY or NOT_READY
    ready: &'static str,
    /// NOT_UPDATING, IN_PROGRESS or UPDATE_FAILED
    config_update: &'static str,
}

#[derive(Serialize, ToSchema)]
#[schema(as = serving::EndpointConfig)]
struct ConfigWire {
    served_entities: Vec<EntityWire>,
    traffic_config: Traffic,
    config_version: i64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = serving::ServedEntity)]
struct EntityWire {
    name: String,
    entity_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
    creator: String,
    creation_timestamp: i64,
    state: EntityStateWire,
    #[serde(flatten)]
    #[schema(ignore)]
    hints: Map<String, Value>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = serving::ServedEntityState)]
struct EntityStateWire {
    /// DEPLOYMENT_CREATING, DEPLOYMENT_READY, DEPLOYMENT_FAILED
    deployment: &'static str,
    deployment_state_message: String,
}

impl EndpointWire {
    /// `serves`: something answers for it in this process.
    pub fn new(endpoint: &Endpoint, serves: bool) -> Self {
        // what is pending is told apart only where something else serves meanwhile
        let two = serves && endpoint.roll != Roll::Settled;
        let shown = if serves { endpoint.active_version } else { endpoint.wanted_version };
        let deployment = match (serves, endpoint.state) {
            (true, _) => "DEPLOYMENT_READY",
            (false, State::Failed) => "DEPLOYMENT_FAILED",
            _ => "DEPLOYMENT_CREATING",
        };
        let pending = if endpoint.roll == Roll::Failed { "DEPLOYMENT_FAILED" } else { "DEPLOYMENT_CREATING" };
        Self {
            id: endpoint.id.clone(),
            name: endpoint.name.clone(),
            creator: endpoint.creator.clone(),
            creation_timestamp: endpoint.created,
            last_updated_timestamp: endpoint.updated,
            state: StateWire {
                ready: if serves { "READY" } else { "NOT_READY" },
                config_update: match endpoint.roll {
                    Roll::Settled => "NOT_UPDATING",
                    Roll::Rolling => "IN_PROGRESS",
                    Roll::Failed => "UPDATE_FAILED",
                },
            },
            config: config(endpoint, shown, deployment, if two { "" } else { &endpoint.message }),
            pending_config: two.then(|| config(endpoint, endpoint.wanted_version, pending, &endpoint.message)),
            tags: endpoint.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect(),
            revision: endpoint.active_revision,
            permission_level: "CAN_MANAGE",
            route_optimized: false,
        }
    }
}

fn config(endpoint: &Endpoint, version: Option<i64>, deployment: &'static str, message: &str) -> ConfigWire {
    let entity = &endpoint.entity;
    let pinned = match entity.selector {
        Selector::Version(version) => Some(version),
        _ => None,
    };
    let served = EntityWire {
        name: entity.name.clone(),
        entity_name: entity.model.clone(),
        entity_version: version.or(pinned).map(|version| version.to_string()),
        alias: match &entity.selector {
            Selector::Alias(alias) => Some(alias.clone()),
            _ => None,
        },
        creator: endpoint.creator.clone(),
        creation_timestamp: endpoint.created,
        state: EntityStateWire { deployment, deployment_state_message: message.to_owned() },
        hints: entity.hints.clone(),
    };
    let routes = vec![Route { served_model_name: entity.name.clone(), traffic_percentage: 100 }];
    ConfigWire { served_entities: vec![served], traffic_config: Traffic { routes }, config_version: endpoint.generation }
}

/// What was brought up for an endpoint, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = serving::Revisions)]
pub struct RevisionList {
    pub revisions: Vec<RevisionWire>,
}

/// One model version brought up for an endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = serving::Revision)]
pub struct RevisionWire {
    revision: i64,
    entity_name: String,
    entity_version: String,
    /// building, ready, failed or retired
    state: String,
    message: String,
    creation_timestamp: i64,
}

impl From<Revision> for RevisionWire {
    fn from(revision: Revision) -> Self {
        Self {
            revision: revision.number,
            entity_name: revision.model,
            entity_version: revision.version.to_string(),
            state: revision.state,
            message: revision.message,
            creation_timestamp: revision.created,
        }
    }
}
