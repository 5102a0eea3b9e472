//! What is known of Python environments being built anywhere in the installation, from their events.

use artel_platform::bus::Envelope;
use artel_proto::artel::platform::v1::EnvironmentProgress;
use artel_proto::event::Event;
use prost::Message;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use utoipa::ToSchema;

/// One environment, as the web app shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EnvironmentState {
    /// For people, e.g. `notebook`.
    name: String,
    /// Hash of its contents.
    hash: String,
    /// `building`, `ready` or `failed`.
    state: String,
    /// The installer's last line.
    message: String,
}

/// By content hash. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Known(Arc<Mutex<BTreeMap<String, EnvironmentState>>>);

impl Known {
    /// Takes note of an event, if it is about an environment.
    pub(crate) fn note(&self, event: &Envelope) {
        if event.topic != EnvironmentProgress::TOPIC {
            return;
        }
        if let Ok(e) = EnvironmentProgress::decode(event.payload.clone()) {
            let state = EnvironmentState { name: e.name, hash: e.hash.clone(), state: e.state, message: e.message };
            self.0.lock().expect("not poisoned").insert(e.hash, state);
        }
    }

    pub(crate) fn list(&self) -> Vec<EnvironmentState> {
        self.0.lock().expect("not poisoned").values().cloned().collect()
    }
}
