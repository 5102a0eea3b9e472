//! One task of a DAG, with the defaults that the serialized form leaves out (airflow/serialization/definitions/baseoperator.py).

use super::expand::Expand;
use super::{DEFAULT_OWNER, decode};
use crate::timetable::Time;
use artel_platform::{Error, Result};
use chrono::TimeDelta;
use serde_json::Value;
use std::collections::BTreeMap;

/// What has to be true of the upstream tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TriggerRule {
    AllSuccess,
    AllFailed,
    AllDone,
    AllDoneMinOneSuccess,
    AllDoneSetupSuccess,
    OneSuccess,
    OneFailed,
    OneDone,
    NoneFailed,
    NoneSkipped,
    Always,
    NoneFailedMinOneSuccess,
    AllSkipped,
}

impl TriggerRule {
    /// Upstream's words.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("all_success", Self::AllSuccess),
        ("all_failed", Self::AllFailed),
        ("all_done", Self::AllDone),
        ("all_done_min_one_success", Self::AllDoneMinOneSuccess),
        ("all_done_setup_success", Self::AllDoneSetupSuccess),
        ("one_success", Self::OneSuccess),
        ("one_failed", Self::OneFailed),
        ("one_done", Self::OneDone),
        ("none_failed", Self::NoneFailed),
        ("none_skipped", Self::NoneSkipped),
        ("always", Self::Always),
        ("none_failed_min_one_success", Self::NoneFailedMinOneSuccess),
        ("all_skipped", Self::AllSkipped),
    ];

    fn parse(text: &str) -> Result<Self> {
        let found = Self::WORDS.iter().find(|w| w.0 == text).map(|w| w.1);
        found.ok_or_else(|| Error::invalid(format!("trigger rule {text:?} is not known")))
    }

    /// Upstream's word.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|w| w.1 == self).map_or("", |w| w.0)
    }
}

/// Whose priorities add up to a task's weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WeightRule {
    /// Its own and those of everything that waits for it.
    Downstream,
    /// Its own and those of everything it waits for.
    Upstream,
    /// Its own.
    Absolute,
    /// A class of a plug-in, asked when the file is parsed; weighs as `Absolute` if it was not.
    Custom(String),
}

impl WeightRule {
    fn read(value: &Value) -> Self {
        match value.as_str() {
            None if value.is_null() => Self::Downstream,
            Some("downstream") => Self::Downstream,
            Some("upstream") => Self::Upstream,
            Some("absolute") => Self::Absolute,
            Some(class) => Self::Custom(class.into()),
            None => Self::Custom(value["__type"].as_str().unwrap_or("custom").into()),
        }
    }

    /// Upstream's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Downstream => "downstream",
            Self::Upstream => "upstream",
            Self::Absolute => "absolute",
            Self::Custom(class) => class,
        }
    }
}

/// What a task asks of earlier runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owed {
    /// Its instance of the previous run must have succeeded.
    pub depends_on_past: bool,
    /// And the tasks directly downstream of that.
    pub wait_for_downstream: bool,
    /// Not for the first instance there ever was.
    pub ignore_first: bool,
}

/// A task.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Task {
    pub task_id: String,
    pub display_name: String,
    /// Class name of the operator.
    pub task_type: String,
    /// What people call the operator, e.g. `@task`.
    pub operator_name: String,
    pub owner: String,
    /// Where it stands in its file, from 0.
    pub place: usize,
    pub start_date: Option<Time>,
    pub end_date: Option<Time>,
    pub trigger_rule: TriggerRule,
    pub retries: i64,
    pub retry_delay: TimeDelta,
    /// The factor from one delay to the next; 0 or 1 for none.
    pub retry_exponential_backoff: f64,
    pub max_retry_delay: Option<TimeDelta>,
    pub execution_timeout: Option<TimeDelta>,
    pub pool: String,
    pub pool_slots: i64,
    pub queue: String,
    pub priority_weight: i64,
    pub weight_rule: WeightRule,
    /// By its rule: its own priority and others'.
    pub total_weight: i64,
    pub max_active_tis_per_dag: Option<i64>,
    pub max_active_tis_per_dagrun: Option<i64>,
    pub owed: Owed,
    pub is_setup: bool,
    pub is_teardown: bool,
    pub on_failure_fail_dagrun: bool,
    /// Its result may say which downstream tasks are skipped (branches, short circuits).
    pub can_skip_downstream: bool,
    /// Succeeds without being run.
    pub is_trivial: bool,
    /// How it is mapped, if it is.
    pub expand: Option<Expand>,
    /// The innermost mapped group it is in, by its position in [`super::Dag::mapped_groups`].
    pub mapped_group: Option<usize>,
    /// Positions of the tasks it waits for, and of those that wait for it.
    pub upstream: Vec<usize>,
    pub downstream: Vec<usize>,
    pub downstream_ids: Vec<String>,
    /// Names of links that plug-ins add to its instances.
    pub plugin_links: Vec<String>,
    /// The serialized form, for what only people look at.
    pub serialized: Value,
}

/// One attribute: of the task itself, of its `partial_kwargs` when it is mapped, of the environment's defaults.
struct Attributes<'a> {
    var: &'a Value,
    defaults: &'a Value,
}

impl<'a> Attributes<'a> {
    fn get(&self, key: &str) -> &'a Value {
        let places = [&self.var[key], &self.var["partial_kwargs"][key], &self.defaults[key]];
        places.into_iter().map(decode::unwrapped).find(|v| !v.is_null()).unwrap_or(&Value::Null)
    }

    fn text(&self, key: &str, default: &str) -> String {
        self.get(key).as_str().unwrap_or(default).to_owned()
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).as_bool().unwrap_or(false)
    }

    fn integer(&self, key: &str) -> Option<i64> {
        decode::number(self.get(key))
    }
}

impl Task {
    pub(super) fn read(serialized: &Value, defaults: &Value) -> Result<Self> {
        let var = decode::unwrapped(serialized);
        let of = Attributes { var, defaults };
        let task_id = decode::required(var, "task_id")?;
        let task_type = of.text("task_type", "BaseOperator");
        let expands = var["_is_mapped"].as_bool().unwrap_or(false);
        let has = |key: &str| of.get(key).as_array().is_some_and(|a| !a.is_empty());
        let busy = of.flag("has_on_execute_callback") || of.flag("has_on_success_callback") || has("inlets") || has("outlets");
        let task = Self {
            display_name: of.text("_task_display_name", &task_id),
            operator_name: of.text("_operator_name", &task_type),
            owner: of.text("owner", DEFAULT_OWNER),
            place: 0,
            start_date: decode::time(of.get("start_date")),
            end_date: decode::time(of.get("end_date")),
            trigger_rule: TriggerRule::parse(&of.text("trigger_rule", "all_success"))?,
            retries: of.integer("retries").unwrap_or(0),
            retry_delay: decode::span(of.get("retry_delay")).unwrap_or(TimeDelta::seconds(300)),
            retry_exponential_backoff: backoff(of.get("retry_exponential_backoff")),
            max_retry_delay: decode::span(of.get("max_retry_delay")),
            execution_timeout: decode::span(of.get("execution_timeout")),
            pool: of.text("pool", "default_pool"),
            pool_slots: of.integer("pool_slots").unwrap_or(1),
            queue: of.text("queue", "default"),
            priority_weight: of.integer("priority_weight").unwrap_or(1),
            weight_rule: WeightRule::read(of.get("weight_rule")),
            total_weight: 0,
            max_active_tis_per_dag: of.integer("max_active_tis_per_dag"),
            max_active_tis_per_dagrun: of.integer("max_active_tis_per_dagrun"),
            owed: Owed {
                depends_on_past: of.flag("depends_on_past"),
                wait_for_downstream: of.flag("wait_for_downstream"),
                ignore_first: of.flag("ignore_first_depends_on_past"),
            },
            is_setup: of.flag("is_setup"),
            is_teardown: of.flag("is_teardown"),
            on_failure_fail_dagrun: of.flag("on_failure_fail_dagrun") || of.flag("_on_failure_fail_dagrun"),
            can_skip_downstream: of.flag("_can_skip_downstream"),
            is_trivial: of.flag("_is_empty") && !busy,
            expand: if expands { Some(Expand::read(&var[var["_expand_input_attr"].as_str().unwrap_or("expand_input")])?) } else { None },
            mapped_group: None,
            upstream: Vec::new(),
            downstream: Vec::new(),
            downstream_ids: decode::texts(&var["downstream_task_ids"]),
            plugin_links: Vec::new(),
            serialized: var.clone(),
            task_type,
            task_id,
        };
        Ok(task)
    }

    /// An attribute of the serialized form without type wrappers, or null.
    pub fn attribute(&self, key: &str) -> Value {
        decode::plain(Attributes { var: &self.serialized, defaults: &Value::Null }.get(key))
    }

    /// How it starts with its trigger, where it does so without a process (`StartTriggerArgs`).
    pub fn starts_from_trigger(&self) -> Option<&Value> {
        let of = Attributes { var: &self.serialized, defaults: &Value::Null };
        let args = &self.serialized["start_trigger_args"];
        (of.flag("start_from_trigger") && args.is_object()).then_some(args)
    }

    /// Links that its instances have, by name: the key of the XCom that holds the URL, none for a link of a plug-in.
    pub fn extra_links(&self) -> BTreeMap<String, Option<String>> {
        let own = self.serialized["_operator_extra_links"].as_object().into_iter().flatten();
        let mut links: BTreeMap<_, _> = own.map(|(name, key)| (name.clone(), key.as_str().map(str::to_owned))).collect();
        links.extend(self.plugin_links.iter().map(|name| (name.clone(), None)));
        links
    }

    /// Its parameters: name and serialized definition.
    pub fn params(&self) -> Vec<(String, Value)> {
        decode::pairs(&self.serialized["params"])
    }
}

/// `true` is a factor of two.
fn backoff(value: &Value) -> f64 {
    match value {
        Value::Bool(true) => 2.0,
        other => other.as_f64().unwrap_or(0.0),
    }
}
