//! Noting a change for the webhooks that want to hear of it, in the transaction of the change.

use super::Event;
use crate::Registry;
use crate::store::{deliveries, tags, webhooks};
use artel_platform::Result;
use artel_platform::db::Tx;
use artel_proto::mlflow::{WebhookAction as Action, WebhookEntity as Entity};
use serde::Serialize;
use serde_json::Value;

/// What of a model or prompt has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    ItsTag,
    VersionTag,
    Alias,
}

impl What {
    /// The entities that upstream calls it by: of a model (where it tells of it at all) and of a prompt.
    fn entities(self) -> (Option<Entity>, Entity) {
        match self {
            Self::ItsTag => (None, Entity::PromptTag),
            Self::VersionTag => (Some(Entity::ModelVersionTag), Entity::PromptVersionTag),
            Self::Alias => (Some(Entity::ModelVersionAlias), Entity::PromptAlias),
        }
    }
}

/// What is sent, as upstream sends it.
#[derive(Serialize)]
struct Body<'a> {
    entity: String,
    action: String,
    timestamp: String,
    data: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<&'a str>,
}

impl Registry {
    /// Something is new.
    pub(crate) async fn tell_created(&self, tx: &mut Tx, workspace: &str, entity: Entity, data: &Value) -> Result<()> {
        let event = Event { entity, action: Action::Created };
        let receivers = webhooks::subscribers(tx, workspace, &[event]).await?;
        self.note(tx, workspace, event, receivers.into_iter().map(|r| r.0).collect(), data).await
    }

    /// Something of the model or prompt `name` has changed. Which of the two it is is read in the transaction.
    pub(crate) async fn tell(&self, tx: &mut Tx, workspace: &str, name: &str, what: What, action: Action, data: &Value) -> Result<()> {
        let (of_model, of_prompt) = what.entities();
        let events: Vec<Event> = of_model.into_iter().chain([of_prompt]).map(|entity| Event { entity, action }).collect();
        let mut receivers = webhooks::subscribers(tx, workspace, &events).await?;
        if receivers.is_empty() {
            return Ok(());
        }
        let entity = if tags::is_prompt(tx, workspace, name).await? { Some(of_prompt) } else { of_model };
        let Some(event) = entity.map(|entity| Event { entity, action }) else { return Ok(()) };
        receivers.retain(|(_, entity)| *entity == event.entity());
        self.note(tx, workspace, event, receivers.into_iter().map(|r| r.0).collect(), data).await
    }

    async fn note(&self, tx: &mut Tx, workspace: &str, event: Event, receivers: Vec<String>, data: &Value) -> Result<()> {
        if receivers.is_empty() {
            return Ok(());
        }
        let body = self.body(workspace, event, data)?;
        let row = |webhook_id| [self.ids.uuid().to_string(), webhook_id, event.entity(), event.action(), body.clone()];
        deliveries::insert(tx, receivers.into_iter().map(row).collect(), self.clock.now()).await?;
        let wake = self.wake.clone();
        tx.after_commit(move || wake.notify_one());
        Ok(())
    }

    /// The body of a delivery; it says its workspace where there can be several.
    pub(super) fn body(&self, workspace: &str, event: Event, data: &Value) -> Result<String> {
        let timestamp = self.clock.utc().format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string();
        let workspace = self.workspaces.then_some(workspace);
        Ok(serde_json::to_string(&Body { entity: event.entity(), action: event.action(), timestamp, data, workspace })?)
    }
}
