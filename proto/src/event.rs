//! The one table of events: message, topic (`<service>.<aggregate plural>`) and key (the aggregate's id, so that one
//! aggregate's events stay in order). Nothing else in the suite knows topics.

use crate::artel::{artifact::v1 as artifact, hub::v1 as hub, platform::v1 as platform, registry::v1 as registry};
use crate::artel::{scheduler::v1 as scheduler, serving::v1 as serving, tracking::v1 as tracking};

/// Something that happened, written in the transaction of the change itself.
pub trait Event: prost::Message + Default + serde::Serialize + Send + Sync + 'static {
    /// Kafka topic and SSE topic.
    const TOPIC: &'static str;
    /// CloudEvents type: the message's name.
    const TYPE: &'static str;
    /// Partition key: the id of the aggregate that changed.
    fn key(&self) -> String;
}

/// One row of the table, for whoever must know every event.
pub struct EventType {
    /// Topic it is published to.
    pub topic: &'static str,
    /// CloudEvents type.
    pub name: &'static str,
    /// Payload as JSON, for the web app's event stream.
    pub to_json: fn(&[u8]) -> Result<serde_json::Value, prost::DecodeError>,
}

macro_rules! events {
    ($($topic:literal { $($module:ident :: $message:ident by |$e:ident| $key:expr;)+ })+) => {
        $($(impl Event for $module::$message {
            const TOPIC: &'static str = $topic;
            const TYPE: &'static str = stringify!($message);
            fn key(&self) -> String { let $e = self; $key }
        })+)+

        /// Every event of the suite.
        pub const EVENT_TYPES: &[EventType] = &[$($(EventType {
            topic: $topic,
            name: stringify!($message),
            to_json: |bytes| Ok(serde_json::to_value(<$module::$message as prost::Message>::decode(bytes)?).unwrap_or_default()),
        }),+),+];

        /// Every topic of the suite.
        pub const TOPICS: &[&str] = &[$($topic),+];
    };
}

events! {
    "platform.environments" { platform::EnvironmentProgress by |e| e.hash.clone(); }
    "hub.users" {
        hub::UserAdded by |e| e.name.clone();
        hub::UserChanged by |e| e.name.clone();
        hub::CredentialRevoked by |e| e.user.clone();
    }
    "hub.servers" { hub::ServerChanged by |e| format!("{}/{}", e.user, e.server); }
    "artifact.artifacts" { artifact::ArtifactWritten by |e| e.path.clone(); }
    "tracking.experiments" { tracking::ExperimentChanged by |e| e.experiment_id.clone(); }
    "tracking.runs" { tracking::RunChanged by |e| e.run_id.clone(); }
    "tracking.logged_models" { tracking::LoggedModelChanged by |e| e.model_id.clone(); }
    "registry.registered_models" {
        registry::RegisteredModelChanged by |e| e.name.clone();
        registry::ModelVersionAliasSet by |e| e.name.clone();
        registry::ModelVersionAliasDeleted by |e| e.name.clone();
    }
    "registry.model_versions" {
        registry::ModelVersionCreated by |e| e.name.clone();
        registry::ModelVersionChanged by |e| e.name.clone();
    }
    "scheduler.dags" { scheduler::DagChanged by |e| e.dag_id.clone(); }
    "scheduler.dag_runs" { scheduler::DagRunChanged by |e| format!("{}/{}", e.dag_id, e.run_id); }
    "scheduler.task_instances" { scheduler::TaskInstanceChanged by |e| format!("{}/{}", e.dag_id, e.run_id); }
    "serving.endpoints" { serving::EndpointChanged by |e| e.name.clone(); }
}
