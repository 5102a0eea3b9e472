//! A DAG as Airflow serialized it (version 3 of the format), read into types: what scheduling needs to know.

mod asset;
mod decode;
mod expand;
mod graph;
mod group;
mod mapping;
mod task;

pub use asset::{Asset, AssetLike, Condition, News};
pub use decode::plain;
pub use expand::{Expand, Length, MapLengths};
pub use group::{Node, TaskGroup};
pub use mapping::{Count, MappedGroup, Relevant};
pub use task::{Owed, Task, TriggerRule, WeightRule};

use crate::timetable::{Time, TimeRestriction, Timetable};
use artel_platform::{Error, Result};
use chrono::TimeDelta;
use serde_json::Value;
use std::collections::HashMap;

/// The format that is understood.
const VERSION: i64 = 3;

/// A DAG.
#[derive(Debug, Clone)]
pub struct Dag {
    /// Its id.
    pub dag_id: String,
    /// What people read instead of the id.
    pub display_name: String,
    /// A line about it.
    pub description: Option<String>,
    /// A page about it.
    pub doc_md: Option<String>,
    /// Absolute path of its file.
    pub fileloc: String,
    /// Path of its file within the bundle.
    pub relative_fileloc: String,
    /// Name of its time zone.
    pub timezone: String,
    /// When it runs.
    pub timetable: Timetable,
    /// The serialized form of a timetable of a plug-in; else null.
    pub serialized_timetable: Value,
    /// Its runs take the newest files of its bundle, not those that they began with.
    pub disable_bundle_versioning: bool,
    /// What start and end dates of it and its tasks allow.
    pub restriction: TimeRestriction,
    /// Its own start date.
    pub start_date: Option<Time>,
    /// Its own end date.
    pub end_date: Option<Time>,
    /// Task instances of one run that may be queued or running together.
    pub max_active_tasks: i64,
    /// Runs that may be going on together.
    pub max_active_runs: i64,
    /// Pause it after so many failed runs in a row; 0 for never.
    pub max_consecutive_failed_dag_runs: i64,
    /// A run that takes longer fails.
    pub dagrun_timeout: Option<TimeDelta>,
    /// The first failure stops what has not started.
    pub fail_fast: bool,
    /// Something is to be called when a run has failed, and when one has succeeded.
    pub has_on_failure_callback: bool,
    /// See above.
    pub has_on_success_callback: bool,
    /// Until when its runs are to end, and what is called when they have not; as serialized.
    pub deadlines: Vec<Value>,
    /// Paused when it is first seen; `None`: as the setting says.
    pub is_paused_upon_creation: Option<bool>,
    /// Templates of it give Python's own values, not texts.
    pub render_template_as_native_obj: bool,
    /// Types of runs it may have; `None` for every type.
    pub allowed_run_types: Option<Vec<String>>,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// Its owners' pages.
    pub owner_links: Value,
    /// Its parameters: name and serialized definition.
    pub params: Vec<(String, Value)>,
    /// `default_args`, as people are shown them.
    pub default_args: Value,
    /// Its tasks; every task comes after its upstream ones.
    pub tasks: Vec<Task>,
    /// How they are grouped.
    pub group: TaskGroup,
    /// The mapped ones among the groups, outer ones first.
    pub mapped_groups: Vec<MappedGroup>,
    index: HashMap<String, usize>,
}

/// Whose a task is that names nobody (`[operators] default_owner`).
const DEFAULT_OWNER: &str = "airflow";

impl Dag {
    /// Reads `{"__version": 3, "dag": {…}}`.
    pub fn read(serialized: &Value) -> Result<Self> {
        let version = serialized["__version"].as_i64().unwrap_or_default();
        if version != VERSION {
            return Err(Error::invalid(format!(
                "serialized DAG of version {version} is not understood, only {VERSION}; the environment needs Airflow 3.2 or newer"
            )));
        }
        let dag = &serialized["dag"];
        let dag_id = decode::required(dag, "dag_id")?;
        let group = TaskGroup::read(&dag["task_group"])?;
        let (mapped_groups, groups_of_tasks) = mapping::groups(&group);
        let defaults = &serialized["client_defaults"]["tasks"];
        let tasks: Result<Vec<Task>> = decode::list(&dag["tasks"]).iter().map(|task| Task::read(task, defaults)).collect();
        let mut tasks = tasks?;
        for (place, task) in tasks.iter_mut().enumerate() {
            task.place = place;
            task.plugin_links = decode::texts(&serialized["links"][&task.task_id]);
        }
        let tasks = graph::order(&dag_id, tasks, &groups_of_tasks, &serialized["weights"])?;
        let timetable = Timetable::read(&dag["timetable"])?;
        let (start_date, end_date) = (decode::time(&dag["start_date"]), decode::time(&dag["end_date"]));
        let restriction = restriction(&tasks, start_date, end_date, dag["catchup"].as_bool().unwrap_or(false));
        Ok(Self {
            display_name: decode::text(dag, "dag_display_name").unwrap_or_else(|| dag_id.clone()),
            description: decode::text(dag, "description"),
            doc_md: decode::text(dag, "doc_md"),
            fileloc: decode::text(dag, "fileloc").unwrap_or_default(),
            relative_fileloc: decode::text(dag, "relative_fileloc").unwrap_or_default(),
            timezone: dag["timezone"].as_str().map_or_else(|| dag["timezone"].to_string(), str::to_owned),
            serialized_timetable: if timetable.is_of_plug_in() { dag["timetable"].clone() } else { Value::Null },
            timetable,
            disable_bundle_versioning: dag["disable_bundle_versioning"].as_bool().unwrap_or(false),
            restriction,
            start_date,
            end_date,
            max_active_tasks: decode::integer(dag, "max_active_tasks", 16),
            max_active_runs: decode::integer(dag, "max_active_runs", 16),
            max_consecutive_failed_dag_runs: decode::integer(dag, "max_consecutive_failed_dag_runs", 0),
            dagrun_timeout: decode::span(&dag["dagrun_timeout"]),
            fail_fast: dag["fail_fast"].as_bool().unwrap_or(false),
            has_on_failure_callback: dag["has_on_failure_callback"].as_bool().unwrap_or(false),
            has_on_success_callback: dag["has_on_success_callback"].as_bool().unwrap_or(false),
            deadlines: decode::list(&dag["deadline"]).iter().map(|d| decode::unwrapped(d).clone()).collect(),
            is_paused_upon_creation: dag["is_paused_upon_creation"].as_bool(),
            render_template_as_native_obj: dag["render_template_as_native_obj"].as_bool().unwrap_or(false),
            allowed_run_types: dag["allowed_run_types"]
                .as_array()
                .map(|types| types.iter().filter_map(|t| t.as_str().map(str::to_owned)).collect()),
            tags: decode::texts(&dag["tags"]),
            owner_links: plain(&dag["owner_links"]),
            params: decode::pairs(&dag["params"]),
            default_args: decode::shown(&dag["default_args"]),
            index: tasks.iter().enumerate().map(|(i, t)| (t.task_id.clone(), i)).collect(),
            tasks,
            group,
            mapped_groups,
            dag_id,
        })
    }

    /// A task by its id.
    pub fn task(&self, task_id: &str) -> Option<&Task> {
        self.position(task_id).map(|i| &self.tasks[i])
    }

    /// Where a task stands in [`Dag::tasks`].
    pub fn position(&self, task_id: &str) -> Option<usize> {
        self.index.get(task_id).copied()
    }

    /// The owners of its tasks, sorted; the one whom nobody named counts only where there is no other.
    pub fn owners(&self) -> Vec<String> {
        let mut owners: Vec<String> = self.tasks.iter().map(|t| t.owner.clone()).filter(|owner| owner != DEFAULT_OWNER).collect();
        if owners.is_empty() {
            owners.push(DEFAULT_OWNER.to_owned());
        }
        owners.sort();
        owners.dedup();
        owners
    }

    /// Does a task limit how many of its instances run together?
    pub fn has_task_concurrency_limits(&self) -> bool {
        self.tasks.iter().any(|t| t.max_active_tis_per_dag.is_some() || t.max_active_tis_per_dagrun.is_some())
    }

    /// The ids of the tasks inside a group, at any depth.
    pub fn tasks_of_group(&self, group_id: &str) -> Option<Vec<String>> {
        self.group.find(group_id).map(TaskGroup::task_ids)
    }

    /// The tasks that decide how a run ends: those nothing waits for, teardowns aside (airflow `_tis_for_dagrun_state`).
    pub fn deciding_tasks(&self) -> Vec<usize> {
        let ignorable = |t: &Task| t.is_teardown && !t.on_failure_fail_dagrun;
        let leaves: Vec<usize> = (0..self.tasks.len())
            .filter(|i| !ignorable(&self.tasks[*i]) && self.tasks[*i].downstream.iter().all(|d| ignorable(&self.tasks[*d])))
            .collect();
        if !leaves.is_empty() {
            return leaves;
        }
        (0..self.tasks.len()).filter(|i| self.tasks[*i].downstream.is_empty()).collect()
    }
}

/// airflow/serialization/definitions/dag.py `_time_restriction`.
fn restriction(tasks: &[Task], start: Option<Time>, end: Option<Time>, catchup: bool) -> TimeRestriction {
    let earliest = tasks.iter().filter_map(|t| t.start_date).chain(start).min();
    let ends: Vec<Time> = tasks.iter().filter_map(|t| t.end_date).collect();
    let latest = if ends.len() == tasks.len() { ends.into_iter().chain(end).max() } else { end };
    TimeRestriction { earliest, latest, catchup }
}

#[cfg(test)]
pub(crate) mod tests;
