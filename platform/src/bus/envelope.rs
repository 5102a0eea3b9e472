//! What travels: a CloudEvents envelope around a protobuf payload.

use artel_proto::event::{EVENT_TYPES, Event};
use bytes::Bytes;

/// One event on its way.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Unique, and sorting by time within a process (UUID version 7).
    pub id: String,
    /// `<service>.<aggregate plural>`.
    pub topic: String,
    /// The message's name.
    pub kind: String,
    /// The aggregate's id.
    pub key: String,
    /// The message, protobuf.
    pub payload: Bytes,
    /// When, milliseconds UTC.
    pub time: i64,
    /// W3C trace context of the request that caused it.
    pub traceparent: Option<String>,
}

impl Envelope {
    /// An envelope for something that happens now.
    pub fn new<E: Event>(event: &E) -> Self {
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            topic: E::TOPIC.into(),
            kind: E::TYPE.into(),
            key: event.key(),
            payload: event.encode_to_vec().into(),
            time: chrono::Utc::now().timestamp_millis(),
            traceparent: None,
        }
    }

    /// The payload as JSON. `None` for a type this version does not know.
    pub fn json(&self) -> Option<serde_json::Value> {
        let known = EVENT_TYPES.iter().find(|t| t.topic == self.topic && t.name == self.kind)?;
        (known.to_json)(&self.payload).ok()
    }
}
