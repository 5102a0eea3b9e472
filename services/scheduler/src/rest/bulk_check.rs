//! What is wrong with a request for several changes, before any of them is made (airflow/api_fastapi/core_api/datamodels/common.py).

use super::body::{faults_of, faults_of_type};
use super::bulk::{Action, Kind};
use artel_platform::http::Fault;
use artel_platform::{Error, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The actions, all of which fit.
pub(super) fn actions<K: Kind>(sent: Vec<Value>) -> Result<Vec<Action>> {
    actions_on::<K::Entity>(sent, K::BODY)
}

/// The same, on entities whose body has this name upstream.
pub(super) fn actions_on<E: ToSchema + 'static>(mut sent: Vec<Value>, body: &str) -> Result<Vec<Action>> {
    let faults: Vec<Fault> = sent.iter_mut().enumerate().flat_map(|(at, action)| of_action::<E>(at, action, body)).collect();
    if !faults.is_empty() {
        return Err(faults.into());
    }
    sent.iter().map(|action| Action::deserialize(action).map_err(|e| Error::invalid(format!("actions: {e}")))).collect()
}

fn of_action<E: ToSchema + 'static>(at: usize, action: &mut Value, body: &str) -> Vec<Fault> {
    let mut place: Vec<Value> = vec!["body".into(), "actions".into(), at.into()];
    let Some(kind) = action["action"].as_str().filter(|kind| matches!(*kind, "create" | "update" | "delete")).map(str::to_owned) else {
        let message = "Input should be an action: 'create', 'update' or 'delete'";
        return vec![Fault { kind: "union_tag_invalid", place, message: message.into() }];
    };
    place.push(kind.as_str().into());
    let mut faults = faults_of(action, &schema(&kind), &place);
    place.push("entities".into());
    for (at, entity) in action["entities"].as_array_mut().into_iter().flatten().enumerate() {
        place.push(at.into());
        // what is deleted may be named only
        match (kind.as_str(), entity.is_string()) {
            ("delete", true) => {}
            ("delete", false) => {
                let [text, model] = ["str", body].map(|kind| [place.as_slice(), &[kind.into()]].concat());
                let of_model = faults_of_type::<E>(entity, &model);
                if !of_model.is_empty() {
                    faults.push(Fault { kind: "string_type", place: text, message: "Input should be a valid string".into() });
                    faults.extend(of_model);
                }
            }
            _ => faults.extend(faults_of_type::<E>(entity, &place)),
        }
        place.pop();
    }
    faults
}

/// What an action may say beside its entities.
fn schema(kind: &str) -> Value {
    let on_non_existence = json!({"type": "string", "enum": ["fail", "skip"]});
    let mut properties = json!({"action": {}, "entities": {"type": "array"}});
    if kind == "create" {
        properties["action_on_existence"] = json!({"type": "string", "enum": ["fail", "skip", "overwrite"]});
    } else {
        properties["action_on_non_existence"] = on_non_existence;
    }
    if kind == "update" {
        properties["update_mask"] = json!({"type": ["array", "null"], "items": {"type": "string"}});
    }
    json!({"type": "object", "properties": properties, "required": ["action", "entities"], "additionalProperties": false})
}
