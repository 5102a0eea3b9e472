//! What a task that succeeded tells of its outlets (airflow/models/taskinstance.py `register_asset_changes_in_db`).

use super::{AssetChange, known};
use crate::Scheduler;
use crate::dag::Asset;
use crate::partition::LONGEST_KEY;
use crate::store::assets::{self, AssetRow};
use crate::store::instances::TaskInstance;
use crate::store::runs;
use artel_platform::Result;
use artel_platform::db::Tx;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The part of `TISuccessStatePayload` that is about assets.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Outlets {
    #[serde(default)]
    task_outlets: Vec<Profile>,
    #[serde(default)]
    outlet_events: Vec<OutletEvent>,
}

/// An asset, alias or reference among the outlets.
#[derive(Debug, Deserialize)]
struct Profile {
    name: Option<String>,
    uri: Option<String>,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Key {
    name: String,
    uri: String,
}

/// What the task said of one of them.
#[derive(Debug, Deserialize)]
struct OutletEvent {
    dest_asset_key: Key,
    #[serde(default)]
    extra: Map<String, Value>,
    source_alias_name: Option<String>,
    #[serde(default)]
    dest_asset_extra: Map<String, Value>,
    partition_key: Option<String>,
}

impl Outlets {
    /// Reads the body of a state change; the error says what is wrong with it.
    pub(crate) fn read(body: &Value) -> Result<Self, String> {
        Self::deserialize(body).map_err(|e| e.to_string())
    }

    /// Refuses partition keys that no column holds, in upstream's words.
    pub(crate) fn check_partition_keys(&self) -> Result<(), String> {
        for key in self.outlet_events.iter().filter_map(|e| e.partition_key.as_deref()) {
            if key.trim().is_empty() {
                return Err(format!("partition_key in outlet event must not be empty or whitespace-only; got '{key}'."));
            }
            let length = key.chars().count();
            if length > LONGEST_KEY {
                return Err(format!("partition_key in outlet event must be at most {LONGEST_KEY} characters; got {length}."));
            }
        }
        Ok(())
    }

    /// Nothing was told.
    pub(crate) fn is_empty(&self) -> bool {
        self.task_outlets.is_empty() && self.outlet_events.is_empty()
    }

    /// What was said of an asset directly.
    fn said_of(&self, key: &Key) -> Vec<&OutletEvent> {
        self.outlet_events.iter().filter(|e| e.source_alias_name.is_none() && e.dest_asset_key == *key).collect()
    }

    /// What was said through aliases that are outlets: what is the same is one event, of all of its aliases.
    fn said_through_aliases(&self) -> BTreeMap<(Key, String, String), BTreeSet<String>> {
        let mut grouped: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for event in &self.outlet_events {
            let Some(alias) = &event.source_alias_name else { continue };
            if self.task_outlets.iter().any(|o| o.kind == "AssetAlias" && o.name.as_ref() == Some(alias)) {
                let extras = (json!(event.dest_asset_extra).to_string(), json!(event.extra).to_string());
                grouped.entry((event.dest_asset_key.clone(), extras.0, extras.1)).or_default().insert(alias.clone());
            }
        }
        grouped
    }
}

impl Scheduler {
    /// Writes the events of a try's outlets, in the transaction of its success.
    pub(crate) async fn register_outlets(&self, tx: &mut Tx, instance: &TaskInstance, outlets: &Outlets) -> Result<()> {
        if outlets.is_empty() {
            return Ok(());
        }
        assets::take_turn(tx, "events").await?;
        let run = runs::get(&mut *tx, &instance.dag_id, &instance.run_id).await?;
        let (run_key, run_date) = run.map_or((None, None), |r| (r.partition_key, r.partition_date));
        let run_key = run_key.as_deref();
        let nothing = json!({});
        for asset in self.found_outlets(tx, instance, outlets).await? {
            let change = AssetChange {
                asset: &asset,
                extra: &nothing,
                source: Some(instance),
                aliases: &[],
                partition_key: run_key,
                partition_date: run_date,
            };
            let said = outlets.said_of(&Key { name: asset.name.clone(), uri: asset.uri.clone() });
            if said.is_empty() {
                self.register_asset_change(tx, &change).await?;
            }
            for event in said {
                let partition_key = event.partition_key.as_deref().or(run_key);
                // the run's time is that of its own key
                let partition_date = run_date.filter(|_| partition_key == run_key);
                let change = AssetChange { extra: &json!(event.extra), partition_key, partition_date, ..change };
                self.register_asset_change(tx, &change).await?;
            }
        }
        for ((key, asset_extra, extra), aliases) in outlets.said_through_aliases() {
            let asset = self.asset_through_alias(tx, key, &asset_extra).await?;
            let (extra, aliases) = (serde_json::from_str(&extra)?, Vec::from_iter(aliases));
            let change = AssetChange {
                asset: &asset,
                extra: &extra,
                source: Some(instance),
                aliases: &aliases,
                partition_key: run_key,
                partition_date: run_date,
            };
            self.register_asset_change(tx, &change).await?;
            if !asset.is_active {
                known::settle(tx, self.cx.clock.now()).await?;
            }
        }
        Ok(())
    }

    /// The active assets that the outlets name, in their order: those named themselves, by name, by URI.
    async fn found_outlets(&self, tx: &mut Tx, instance: &TaskInstance, outlets: &Outlets) -> Result<Vec<AssetRow>> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for kind in ["Asset", "AssetNameRef", "AssetUriRef"] {
            for outlet in outlets.task_outlets.iter().filter(|o| o.kind == kind) {
                let (name, uri) = (outlet.name.as_deref().unwrap_or_default(), outlet.uri.as_deref().unwrap_or_default());
                if !seen.insert((kind, name, uri)) {
                    continue;
                }
                let asset = match kind {
                    "Asset" => assets::by_key(&mut *tx, name, uri).await?.filter(|a| a.is_active),
                    "AssetNameRef" => assets::active_by(&mut *tx, "name", name).await?,
                    _ => assets::active_by(&mut *tx, "uri", uri).await?,
                };
                match asset {
                    Some(asset) => found.push(asset),
                    None => tracing::warn!(dag_id = instance.dag_id, task_id = instance.task_id, name, uri, "an outlet is not active"),
                }
            }
        }
        Ok(found)
    }

    /// The asset that a task told of through an alias; made when it is new.
    async fn asset_through_alias(&self, tx: &mut Tx, key: Key, extra: &str) -> Result<AssetRow> {
        if let Some(known) = assets::by_key(&mut *tx, &key.name, &key.uri).await? {
            return Ok(known);
        }
        let asset = Asset { name: key.name, uri: key.uri, group: "asset".into(), extra: serde_json::from_str(extra)?, watchers: vec![] };
        let id = assets::put(tx, &asset, self.cx.clock.now()).await?;
        assets::get(&mut *tx, id).await?.ok_or_else(|| artel_platform::Error::internal("an asset that was just made is not there"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_through_several_aliases_is_one_event() {
        let event = |alias: &str, n: i64| json!({"dest_asset_key": {"name": "x", "uri": "x"}, "extra": {"n": n}, "source_alias_name": alias, "dest_asset_extra": {}});
        let body = json!({"state": "success", "task_outlets": [{"name": "a", "uri": null, "type": "AssetAlias"}, {"name": "b", "type": "AssetAlias"}],
            "outlet_events": [event("a", 1), event("b", 1), event("b", 2), event("stranger", 1)]});
        let outlets = Outlets::read(&body).unwrap();
        let said: Vec<(String, Vec<String>)> =
            outlets.said_through_aliases().into_iter().map(|(key, aliases)| (key.2, Vec::from_iter(aliases))).collect();
        assert_eq!(said, [("{\"n\":1}".to_owned(), vec!["a".to_owned(), "b".to_owned()]), ("{\"n\":2}".to_owned(), vec!["b".to_owned()])]);
        assert!(outlets.said_of(&Key { name: "x".into(), uri: "x".into() }).is_empty());
    }

    #[test]
    fn partition_keys_have_a_length() {
        let with = |key: String| {
            let event = json!({"dest_asset_key": {"name": "x", "uri": "x"}, "extra": {}, "partition_key": key});
            Outlets::read(&json!({"outlet_events": [event]})).unwrap().check_partition_keys()
        };
        assert!(with("2026-01-01".into()).is_ok());
        assert!(with(" ".into()).unwrap_err().contains("whitespace-only"));
        assert!(with("x".repeat(251)).unwrap_err().ends_with("at most 250 characters; got 251."));
        assert!(Outlets::read(&json!({"task_outlets": [{"name": 7}]})).is_err());
    }
}
