//! Endpoints as their owners see them: made, changed, removed. Nothing here waits for a model to be brought up: the
//! wish is stored and the reconciler is woken.

use crate::Serving;
use crate::entity::{Entity, Selector};
use crate::store;
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use artel_proto::artel::registry::v1::resolve_model_request::Selector as Asked;
use artel_proto::artel::registry::v1::{ModelReference, ResolveModelRequest};
use artel_proto::artel::serving::v1::EndpointChanged;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether an endpoint answers. The names are those of the column and the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing serves yet; it is being brought up.
    Building,
    /// A revision serves.
    Ready,
    /// Nothing serves, and without a change of the wish nothing will.
    Failed,
}

/// Whether what serves is what is wished for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roll {
    /// It is.
    Settled,
    /// The wished one is being brought up.
    Rolling,
    /// The wished one cannot be brought up.
    Failed,
}

macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal),+ }) => {
        impl $type {
            /// As stored.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
            pub(crate) fn parse(name: &str) -> Result<Self> {
                match name { $($name => Ok(Self::$variant),)+ _ => Err(Error::internal(format!("{name:?} is no {}", stringify!($type)))) }
            }
        }
    };
}

named!(State { Building = "building", Ready = "ready", Failed = "failed" });
named!(Roll { Settled = "settled", Rolling = "rolling", Failed = "failed" });

/// An endpoint.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Of this endpoint, also when another of the same name follows it.
    pub id: String,
    /// Whose it is.
    pub workspace: String,
    /// Its name, unique in the workspace.
    pub name: String,
    /// Who made it.
    pub creator: String,
    /// Labels.
    pub tags: BTreeMap<String, String>,
    /// What it serves.
    pub entity: Entity,
    /// Counts the changes of the wish.
    pub generation: i64,
    /// Whether it answers.
    pub state: State,
    /// Whether what serves is what is wished for.
    pub roll: Roll,
    /// What is being done, or what went wrong; may be empty.
    pub message: String,
    /// Number of the revision that serves, or served last.
    pub active_revision: Option<i64>,
    /// Model version that serves, or served last.
    pub active_version: Option<i64>,
    /// Model version that is wished for, once known.
    pub wanted_version: Option<i64>,
    /// Milliseconds.
    pub created: i64,
    /// Milliseconds.
    pub updated: i64,
}

/// A tag in requests and answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = serving::EndpointTag)]
pub struct Tag {
    /// Its name.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

impl Serving {
    /// Makes an endpoint. Fails with `ALREADY_EXISTS`, and with `NOT_FOUND` when there is no such model or version.
    pub async fn create_endpoint(&self, workspace: &str, name: &str, creator: &str, entity: Entity, tags: Vec<Tag>) -> Result<Endpoint> {
        check_name(name)?;
        let wanted = self.wanted_version(workspace, &entity).await?;
        let now = self.cx.clock.now();
        let endpoint = Endpoint {
            id: self.cx.ids.hex32(),
            workspace: workspace.into(),
            name: name.into(),
            creator: creator.into(),
            tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            entity,
            generation: 1,
            state: State::Building,
            roll: Roll::Rolling,
            message: "waiting to be brought up".into(),
            active_revision: None,
            active_version: None,
            wanted_version: wanted,
            created: now,
            updated: now,
        };
        let mut tx = self.db.begin().await?;
        if store::endpoints::by_name_in(&mut tx, workspace, name).await?.is_some() {
            return Err(Error::exists(format!("endpoint {name} exists already; change it with PUT, or delete it first")));
        }
        store::endpoints::insert(&mut tx, &endpoint).await?;
        self.announce(&mut tx, &endpoint).await?;
        tx.commit().await?;
        Ok(endpoint)
    }

    /// Serves another model or version under the same name; the old one serves until the new one is ready.
    pub async fn update_endpoint(&self, workspace: &str, name: &str, entity: Entity) -> Result<Endpoint> {
        let wanted = self.wanted_version(workspace, &entity).await?;
        let mut tx = self.db.begin().await?;
        let mut endpoint = store::endpoints::by_name_in(&mut tx, workspace, name).await?.ok_or_else(|| unknown(name))?;
        endpoint.entity = entity;
        endpoint.wanted_version = wanted;
        let endpoint = self.wish(&mut tx, endpoint, "a new configuration is being brought up".into()).await?;
        tx.commit().await?;
        Ok(endpoint)
    }

    /// Removes an endpoint; requests under way are answered.
    pub async fn delete_endpoint(&self, workspace: &str, name: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let endpoint = store::endpoints::by_name_in(&mut tx, workspace, name).await?.ok_or_else(|| unknown(name))?;
        store::endpoints::delete(&mut tx, &endpoint.id).await?;
        tx.emit(&EndpointChanged { removed: true, message: "deleted".into(), ..event(&endpoint) });
        let fleet = self.fleet.clone();
        tx.after_commit(move || fleet.remove(&endpoint.id));
        tx.commit().await
    }

    /// An endpoint by name; `NOT_FOUND` when there is none.
    pub async fn endpoint(&self, workspace: &str, name: &str) -> Result<Endpoint> {
        store::endpoints::by_name(&self.db, workspace, name).await?.ok_or_else(|| unknown(name))
    }

    /// Every endpoint of a workspace, by name.
    pub async fn endpoints(&self, workspace: &str) -> Result<Vec<Endpoint>> {
        store::endpoints::list(&self.db, workspace).await
    }

    /// Every revision of an endpoint, the newest first.
    pub async fn revisions(&self, endpoint: &Endpoint) -> Result<Vec<store::revisions::Revision>> {
        store::revisions::list(&self.db, &endpoint.id).await
    }

    /// Adds tags (or replaces their values) and removes others; returns what there is then.
    pub async fn tag_endpoint(&self, workspace: &str, name: &str, add: Vec<Tag>, delete: &[String]) -> Result<Vec<Tag>> {
        let mut tx = self.db.begin().await?;
        let mut endpoint = store::endpoints::by_name_in(&mut tx, workspace, name).await?.ok_or_else(|| unknown(name))?;
        endpoint.tags.extend(add.into_iter().map(|tag| (tag.key, tag.value)));
        endpoint.tags.retain(|key, _| !delete.contains(key));
        store::endpoints::set_tags(&mut tx, &endpoint.id, &endpoint.tags, self.cx.clock.now()).await?;
        tx.commit().await?;
        Ok(endpoint.tags.into_iter().map(|(key, value)| Tag { key, value }).collect())
    }

    /// The model version that `entity` means now.
    pub(crate) async fn resolve(&self, workspace: &str, entity: &Entity) -> Result<ModelReference> {
        let selector = match &entity.selector {
            Selector::Version(version) => Asked::Version(*version),
            Selector::Alias(alias) => Asked::Alias(alias.clone()),
            Selector::Latest => Asked::Latest(true),
        };
        let request = ResolveModelRequest { workspace: workspace.into(), name: entity.model.clone(), selector: Some(selector) };
        Ok(self.cx.peers.registry().resolve_model(request).await?.into_inner())
    }

    /// The version behind a wish, if the registry can be asked now; the reconciler asks again anyway.
    async fn wanted_version(&self, workspace: &str, entity: &Entity) -> Result<Option<i64>> {
        match self.resolve(workspace, entity).await {
            Ok(reference) => Ok(Some(reference.version)),
            Err(error) if error.code == artel_platform::Code::Unavailable => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stores a changed wish in `tx` and has the reconciler act on it after the commit.
    pub(crate) async fn wish(&self, tx: &mut Tx, mut endpoint: Endpoint, message: String) -> Result<Endpoint> {
        endpoint.generation += 1;
        endpoint.roll = Roll::Rolling;
        if endpoint.state == State::Failed {
            endpoint.state = State::Building;
        }
        endpoint.message = message;
        endpoint.updated = self.cx.clock.now();
        store::endpoints::set_wish(tx, &endpoint).await?;
        self.announce(tx, &endpoint).await?;
        Ok(endpoint)
    }

    /// Tells of a change in its transaction, and wakes the reconciler after it.
    async fn announce(&self, tx: &mut Tx, endpoint: &Endpoint) -> Result<()> {
        tx.emit(&event(endpoint));
        let fleet = self.fleet.clone();
        tx.after_commit(move || fleet.wake());
        Ok(())
    }
}

/// The event that tells of an endpoint's state.
pub(crate) fn event(endpoint: &Endpoint) -> EndpointChanged {
    let version = if endpoint.state == State::Ready { endpoint.active_version } else { endpoint.wanted_version };
    EndpointChanged {
        workspace: endpoint.workspace.clone(),
        name: endpoint.name.clone(),
        state: endpoint.state.name().into(),
        model: endpoint.entity.model.clone(),
        version: version.unwrap_or_default(),
        message: endpoint.message.clone(),
        removed: false,
    }
}

pub(crate) fn unknown(name: &str) -> Error {
    Error::not_found(format!("there is no serving endpoint {name}; create it with POST /api/2.0/serving-endpoints"))
}

/// Upstream's rule: letters, digits, hyphens and underscores, at most 63.
fn check_name(name: &str) -> Result<()> {
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 63 || !name.chars().all(valid) {
        return Err(Error::invalid(format!("endpoint name {name:?} is not valid: use 1 to 63 letters, digits, hyphens and underscores")));
    }
    Ok(())
}
