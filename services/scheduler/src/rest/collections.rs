//! Lists and other answers of the API as types, so that a client generated from the document knows what is in them.

use super::import_errors::ImportErrorResponse;
use super::models::{DagResponse, DagRunResponse, TaskInstanceResponse};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// DAGs.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::DAGCollectionResponse)]
pub(super) struct DagCollection {
    pub(super) dags: Vec<DagResponse>,
    pub(super) total_entries: i64,
}

/// Runs. The limit is upstream's; lists here are counted whole.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::DAGRunCollectionResponse)]
pub(super) struct DagRunCollection {
    pub(super) dag_runs: Vec<DagRunResponse>,
    pub(super) total_entries: i64,
    pub(super) total_entries_limit: Option<i64>,
    pub(super) next_cursor: Option<String>,
    pub(super) previous_cursor: Option<String>,
}

/// Task instances. The limit is upstream's; lists here are counted whole.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::TaskInstanceCollectionResponse)]
pub(super) struct TaskInstanceCollection {
    pub(super) task_instances: Vec<TaskInstanceResponse>,
    pub(super) total_entries: i64,
    pub(super) total_entries_limit: Option<i64>,
    pub(super) next_cursor: Option<String>,
    pub(super) previous_cursor: Option<String>,
}

impl TaskInstanceCollection {
    /// All that there are.
    pub(super) fn whole(task_instances: Vec<TaskInstanceResponse>) -> Self {
        let total_entries = task_instances.len() as i64;
        Self { task_instances, total_entries, total_entries_limit: None, next_cursor: None, previous_cursor: None }
    }
}

/// The tries of a task instance.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::TaskInstanceHistoryCollectionResponse)]
pub(super) struct TryCollection {
    pub(super) task_instances: Vec<TaskInstanceResponse>,
    pub(super) total_entries: usize,
}

/// Tasks.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::TaskCollectionResponse)]
pub(super) struct TaskCollection {
    #[schema(value_type = Vec<TaskShape>)]
    pub(super) tasks: Vec<Value>,
    pub(super) total_entries: usize,
}

/// What every task has; operators add fields of their own.
#[derive(ToSchema)]
#[schema(as = airflow::TaskResponse)]
#[expect(dead_code, reason = "only its schema is used: tasks are shown from their serialized form")]
struct TaskShape {
    task_id: String,
    task_display_name: String,
    owner: String,
    trigger_rule: String,
    retries: f64,
    queue: String,
    pool: String,
    operator_name: String,
    downstream_task_ids: Vec<String>,
    is_mapped: bool,
}

/// What is wrong with files.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::ImportErrorCollectionResponse)]
pub(super) struct ImportErrorCollection {
    pub(super) import_errors: Vec<ImportErrorResponse>,
    pub(super) total_entries: i64,
}

/// The text of a DAG's file.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::DAGSourceResponse)]
pub(super) struct DagSource {
    pub(super) content: Option<String>,
    pub(super) dag_id: String,
    pub(super) version_number: i64,
    pub(super) dag_display_name: String,
}

/// A part of a log.
#[derive(Serialize, ToSchema)]
#[schema(as = airflow::TaskInstancesLogResponse)]
pub(super) struct LogContent {
    /// A line each: `event`, mostly `timestamp` and `level`, and whatever the task said.
    #[schema(value_type = Vec<std::collections::BTreeMap<String, Value>>)]
    pub(super) content: Vec<Value>,
    /// From where the log goes on; none when it has ended.
    pub(super) continuation_token: Option<String>,
}
