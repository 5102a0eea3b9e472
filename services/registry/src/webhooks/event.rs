//! What a webhook can be told: upstream's pairs of entity and action, and the data of each
//! (mlflow/entities/webhook.py `VALID_ENTITY_ACTIONS`, mlflow/webhooks/types.py).

use artel_platform::{Error, Result};
use artel_proto::json::EnumName;
use artel_proto::mlflow::{WebhookAction as Action, WebhookEntity as Entity, WebhookEvent};
use serde_json::{Value, json};

/// A pair that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) entity: Entity,
    pub(crate) action: Action,
}

/// Every entity with what can happen to it; actions in alphabetical order, as messages show them.
const ACTIONS: &[(Entity, &[Action])] = &[
    (Entity::RegisteredModel, &[Action::Created]),
    (Entity::ModelVersion, &[Action::Created]),
    (Entity::ModelVersionTag, &[Action::Deleted, Action::Set]),
    (Entity::ModelVersionAlias, &[Action::Created, Action::Deleted]),
    (Entity::Prompt, &[Action::Created]),
    (Entity::PromptVersion, &[Action::Created]),
    (Entity::PromptTag, &[Action::Deleted, Action::Set]),
    (Entity::PromptVersionTag, &[Action::Deleted, Action::Set]),
    (Entity::PromptAlias, &[Action::Created, Action::Deleted]),
    (Entity::BudgetPolicy, &[Action::Exceeded]),
];

/// `REGISTERED_MODEL` → `registered_model`.
fn word(name: impl EnumName) -> String {
    name.name().to_ascii_lowercase()
}

impl Event {
    /// Reads the pair of a request. Fails for one that does not exist.
    pub(crate) fn read(event: &WebhookEvent) -> Result<Self> {
        let (entity, action) = (event.entity(), event.action());
        if entity == Entity::EntityUnspecified {
            return Err(Error::invalid("Webhook events must name an entity that exists, such as REGISTERED_MODEL."));
        }
        if action == Action::ActionUnspecified {
            return Err(Error::invalid("Webhook events must name an action that exists, such as CREATED."));
        }
        let valid = ACTIONS.iter().find(|row| row.0 == entity).map_or(&[][..], |row| row.1);
        if valid.contains(&action) {
            return Ok(Self { entity, action });
        }
        let valid: Vec<String> = valid.iter().map(|action| format!("'{}'", word(*action))).collect();
        Err(Error::invalid(format!(
            "Invalid action '{}' for entity '{}'. Valid actions are: [{}]",
            word(action),
            word(entity),
            valid.join(", ")
        )))
    }

    /// The pair that is stored under these words.
    pub(crate) fn stored(entity: &str, action: &str) -> Option<Self> {
        let entity = <Entity as EnumName>::parse(&entity.to_ascii_uppercase())?;
        let action = <Action as EnumName>::parse(&action.to_ascii_uppercase())?;
        Some(Self { entity, action })
    }

    /// As upstream writes it, e.g. `model_version_tag`.
    pub(crate) fn entity(self) -> String {
        word(self.entity)
    }

    /// As upstream writes it, e.g. `set`.
    pub(crate) fn action(self) -> String {
        word(self.action)
    }

    /// As it is answered.
    pub(crate) fn message(self) -> WebhookEvent {
        WebhookEvent { entity: Some(self.entity.into()), action: Some(self.action.into()) }
    }

    /// The data that a test delivery carries.
    pub(crate) fn example(self) -> Value {
        let prompt = matches!(
            self.entity,
            Entity::Prompt | Entity::PromptVersion | Entity::PromptTag | Entity::PromptVersionTag | Entity::PromptAlias
        );
        let name = if prompt { "example_prompt" } else { "example_model" };
        let tags = json!({"example_key": "example_value"});
        match (self.entity, self.action) {
            (Entity::RegisteredModel, _) => json!({"name": name, "tags": tags, "description": "An example registered model"}),
            (Entity::Prompt, _) => json!({"name": name, "tags": tags, "description": "An example prompt"}),
            (Entity::ModelVersion, _) => {
                json!({"name": name, "version": "1", "source": "models:/123", "run_id": "abcd1234abcd5678", "tags": tags, "description": "An example model version"})
            }
            (Entity::PromptVersion, _) => {
                json!({"name": name, "version": "1", "template": "Hello {{name}}!", "tags": tags, "description": "An example prompt version"})
            }
            (Entity::PromptTag, Action::Set) => json!({"name": name, "key": "example_key", "value": "example_value"}),
            (Entity::PromptTag, _) => json!({"name": name, "key": "example_key"}),
            (Entity::ModelVersionTag | Entity::PromptVersionTag, Action::Set) => {
                json!({"name": name, "version": "1", "key": "example_key", "value": "example_value"})
            }
            (Entity::ModelVersionTag | Entity::PromptVersionTag, _) => json!({"name": name, "version": "1", "key": "example_key"}),
            (Entity::ModelVersionAlias | Entity::PromptAlias, Action::Created) => {
                json!({"name": name, "alias": "example_alias", "version": "1"})
            }
            (Entity::ModelVersionAlias | Entity::PromptAlias, _) => json!({"name": name, "alias": "example_alias"}),
            (Entity::BudgetPolicy | Entity::EntityUnspecified, _) => json!({
                "budget_policy_id": "bp-abc123", "budget_unit": "USD", "budget_amount": 100.0, "current_spend": 105.5,
                "duration_unit": "MONTHS", "duration_value": 1, "target_scope": "ENDPOINT", "workspace": "default",
                "target_value": "ep-abc123", "window_start": 1_704_067_200_000_i64,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(entity: Entity, action: Action) -> WebhookEvent {
        WebhookEvent { entity: Some(entity.into()), action: Some(action.into()) }
    }

    #[test]
    fn pairs_that_exist_are_read_and_stored() {
        let mut pairs = 0;
        for (entity, actions) in ACTIONS {
            for action in *actions {
                let read = Event::read(&event(*entity, *action)).unwrap();
                assert_eq!(Event::stored(&read.entity(), &read.action()), Some(read));
                assert_eq!(read.message(), event(*entity, *action));
                assert!(read.example().is_object());
                pairs += 1;
            }
        }
        assert_eq!(pairs, 15);
        let tag = Event::read(&event(Entity::ModelVersionTag, Action::Set)).unwrap();
        assert_eq!((tag.entity().as_str(), tag.action().as_str()), ("model_version_tag", "set"));
    }

    #[test]
    fn other_pairs_are_refused_in_upstreams_words() {
        let refused = |entity, action| Event::read(&event(entity, action)).unwrap_err().message;
        assert_eq!(
            refused(Entity::ModelVersionTag, Action::Created),
            "Invalid action 'created' for entity 'model_version_tag'. Valid actions are: ['deleted', 'set']"
        );
        assert!(refused(Entity::EntityUnspecified, Action::Set).contains("entity"));
        assert!(refused(Entity::Prompt, Action::ActionUnspecified).contains("action"));
    }
}
