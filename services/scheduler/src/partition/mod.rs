//! Partitions: keys that name a part of the data, how keys of what a DAG takes become keys of what it makes
//! (airflow/partition_mappers), and what has to have arrived for one.

mod keys;
mod mapper;
mod runs;
mod window;

pub use keys::{format_key, parse_key};
pub use mapper::Mapper;

use crate::dag::{AssetLike, Condition, Dag};
use crate::states::RunType;
use crate::timetable::{Time, Timetable};
use artel_platform::{Error, Result};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The schedule of a DAG that runs once per partition of its assets (airflow/timetables/simple.py `PartitionedAssetTimetable`).
#[derive(Debug, Clone)]
pub struct PartitionedAssets {
    /// What it waits for.
    pub condition: Condition,
    /// Of assets by name.
    mappers: Vec<(String, Mapper)>,
    default: Mapper,
    /// Changes when a mapper or the condition does: what was counted for another definition says nothing.
    pub fingerprint: String,
}

impl PartitionedAssets {
    /// Reads the serialized timetable.
    pub fn read(var: &Value) -> Result<Self> {
        let mut mappers = Vec::new();
        for pair in var["partition_mapper_config"].as_array().into_iter().flatten() {
            let mapper = Mapper::read(&pair[1])?;
            for leaf in Condition::read(&pair[0])?.leaves() {
                match leaf {
                    AssetLike::Asset(asset) => mappers.push((asset.name.clone(), mapper.clone())),
                    AssetLike::NameRef(name) => mappers.push((name.clone(), mapper.clone())),
                    // upstream looks a mapper up by the name alone
                    AssetLike::UriRef(_) | AssetLike::Alias { .. } => {}
                }
            }
        }
        Ok(Self {
            condition: Condition::read(&var["asset_condition"])?,
            mappers,
            default: Mapper::read(&var["default_partition_mapper"])?,
            fingerprint: hex::encode(Sha256::digest(var.to_string())),
        })
    }

    /// How keys of the asset of this name are mapped.
    pub fn mapper(&self, name: &str) -> &Mapper {
        self.mappers.iter().rev().find(|m| m.0 == name).map_or(&self.default, |m| &m.1)
    }

    /// The time that a key stands for, in milliseconds; `None` when its mappers name none, or several.
    pub fn date_of(&self, key: &str) -> Result<Option<i64>> {
        let mut dates = Vec::new();
        for leaf in self.condition.leaves() {
            let mapper = match leaf {
                AssetLike::Asset(asset) => self.mapper(&asset.name),
                AssetLike::NameRef(name) => self.mapper(name),
                AssetLike::UriRef(_) => &self.default,
                AssetLike::Alias { .. } => continue,
            };
            dates.extend(mapper.partition_date(key)?.map(|d| d.timestamp_millis()));
        }
        dates.sort_unstable();
        dates.dedup();
        Ok(if let [one] = dates.as_slice() { Some(*one) } else { None })
    }
}

/// The id of a new run of a partition (airflow/timetables/base.py `generate_run_id`); `random` makes it differ from others.
pub(crate) fn run_id(run_type: RunType, run_after: Time, key: &str, random: &str) -> String {
    let suffix: String = random.chars().rev().take(8).collect();
    format!("{}__{key}__{suffix}", run_type.run_id(run_after))
}

/// What upstream's columns hold.
pub(crate) const LONGEST_KEY: usize = 250;

impl Dag {
    /// The time that the key of a run by hand stands for; refuses a key that the DAG does not take.
    pub(crate) fn partition_date(&self, key: Option<&str>) -> Result<Option<i64>> {
        let Some(key) = key else { return Ok(None) };
        if key.trim().is_empty() {
            return Err(Error::invalid("partition_key must not be empty or whitespace-only."));
        }
        let length = key.chars().count();
        if length > LONGEST_KEY {
            return Err(Error::invalid(format!("partition_key must be at most {LONGEST_KEY} characters; got {length}.")));
        }
        match &self.timetable {
            Timetable::PartitionedAtRuntime => Ok(None),
            Timetable::CronPartition(cron) => Ok(Some(cron.date_of(key)?.timestamp_millis())),
            Timetable::PartitionedAssets(schedule) => schedule.date_of(key),
            _ => Err(Error::invalid(format!("Dag '{}' is not a partitioned Dag and does not accept a partition_key.", self.dag_id))),
        }
    }
}
