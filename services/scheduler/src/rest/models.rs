//! What the REST API shows (airflow/api_fastapi/core_api/datamodels).

use crate::store::dags::DagRow;
use crate::store::instances::TaskInstance;
use crate::store::runs::DagRun;
use crate::store::triggers::Trigger;
use crate::store::versions::DagVersion;
use crate::times::{duration, shown, shown_opt};
use artel_platform::Result;
use base64::Engine;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A tag of a DAG.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::DagTagResponse)]
pub(super) struct DagTagResponse {
    pub(super) name: String,
    pub(super) dag_id: String,
    pub(super) dag_display_name: String,
}

/// A DAG.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::DAGResponse)]
pub(super) struct DagResponse {
    dag_id: String,
    dag_display_name: String,
    is_paused: bool,
    is_stale: bool,
    last_parsed_time: Option<String>,
    last_parse_duration: Option<f64>,
    last_expired: Option<String>,
    bundle_name: Option<String>,
    bundle_version: Option<String>,
    relative_fileloc: Option<String>,
    fileloc: String,
    description: Option<String>,
    timetable_summary: Option<String>,
    timetable_description: Option<String>,
    timetable_partitioned: bool,
    timetable_periodic: bool,
    tags: Vec<DagTagResponse>,
    max_active_tasks: i64,
    max_active_runs: Option<i64>,
    max_consecutive_failed_dag_runs: i64,
    has_task_concurrency_limits: bool,
    has_import_errors: bool,
    next_dagrun_logical_date: Option<String>,
    next_dagrun_data_interval_start: Option<String>,
    next_dagrun_data_interval_end: Option<String>,
    next_dagrun_run_after: Option<String>,
    allowed_run_types: Option<Vec<String>>,
    owners: Vec<String>,
    is_backfillable: bool,
    file_token: String,
}

impl DagResponse {
    /// `tags` are this DAG's names.
    pub(super) fn new(row: &DagRow, tags: &[String]) -> Self {
        let tag =
            |name: &String| DagTagResponse { name: name.clone(), dag_id: row.dag_id.clone(), dag_display_name: row.display_name.clone() };
        let token = json!({"bundle_name": row.bundle_name, "relative_fileloc": row.relative_fileloc}).to_string();
        Self {
            dag_id: row.dag_id.clone(),
            dag_display_name: row.display_name.clone(),
            is_paused: row.is_paused,
            is_stale: row.is_stale,
            last_parsed_time: Some(shown(row.last_parsed_at)),
            last_parse_duration: Some(row.last_parse_seconds),
            last_expired: None,
            bundle_name: Some(row.bundle_name.clone()),
            bundle_version: row.bundle_version.clone(),
            relative_fileloc: Some(row.relative_fileloc.clone()),
            fileloc: row.fileloc.clone(),
            description: row.description.clone(),
            timetable_summary: row.timetable_summary.clone(),
            timetable_description: row.timetable_description.clone(),
            timetable_partitioned: matches!(row.timetable_type.as_str(), "PartitionedAssetTimetable" | "CronPartitionTimetable"),
            timetable_periodic: row.timetable_periodic,
            tags: tags.iter().map(tag).collect(),
            max_active_tasks: row.max_active_tasks,
            max_active_runs: Some(row.max_active_runs),
            max_consecutive_failed_dag_runs: row.max_consecutive_failed_dag_runs,
            has_task_concurrency_limits: row.has_task_concurrency_limits,
            has_import_errors: row.has_import_errors,
            next_dagrun_logical_date: shown_opt(row.next.logical_date),
            next_dagrun_data_interval_start: shown_opt(row.next.interval_start),
            next_dagrun_data_interval_end: shown_opt(row.next.interval_end),
            next_dagrun_run_after: shown_opt(row.next.run_after),
            allowed_run_types: row.allowed_run_types.as_deref().and_then(|types| serde_json::from_str(types).ok()),
            owners: row.owners.split(',').map(|o| o.trim().to_owned()).filter(|o| !o.is_empty()).collect(),
            is_backfillable: row.timetable_periodic,
            file_token: base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(token),
        }
    }
}

/// A version of a DAG.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::DagVersionResponse)]
pub(super) struct DagVersionResponse {
    id: String,
    version_number: i64,
    dag_id: String,
    bundle_name: Option<String>,
    bundle_version: Option<String>,
    created_at: String,
    dag_display_name: String,
    bundle_url: Option<String>,
}

impl DagVersionResponse {
    pub(super) fn new(v: &DagVersion, display_name: &str) -> Self {
        Self {
            id: v.id.clone(),
            version_number: v.version_number,
            dag_id: v.dag_id.clone(),
            bundle_name: Some(v.bundle_name.clone()),
            bundle_version: v.bundle_version.clone(),
            created_at: shown(v.created_at),
            dag_display_name: display_name.to_owned(),
            bundle_url: None,
        }
    }
}

/// A DAG run.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::DAGRunResponse)]
pub(super) struct DagRunResponse {
    dag_run_id: String,
    dag_id: String,
    logical_date: Option<String>,
    queued_at: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
    duration: Option<f64>,
    data_interval_start: Option<String>,
    data_interval_end: Option<String>,
    run_after: String,
    last_scheduling_decision: Option<String>,
    run_type: String,
    state: String,
    triggered_by: Option<String>,
    triggering_user_name: Option<String>,
    conf: Option<Value>,
    note: Option<String>,
    dag_versions: Vec<DagVersionResponse>,
    bundle_version: Option<String>,
    dag_display_name: String,
    partition_key: Option<String>,
    partition_date: Option<String>,
}

impl DagRunResponse {
    pub(super) fn new(run: &DagRun, display_name: &str, version: Option<&DagVersion>) -> Result<Self> {
        Ok(Self {
            dag_run_id: run.run_id.clone(),
            dag_id: run.dag_id.clone(),
            logical_date: shown_opt(run.logical_date),
            queued_at: shown_opt(run.queued_at),
            start_date: shown_opt(run.start_date),
            end_date: shown_opt(run.end_date),
            duration: duration(run.start_date, run.end_date),
            data_interval_start: shown_opt(run.data_interval_start),
            data_interval_end: shown_opt(run.data_interval_end),
            run_after: shown(run.run_after),
            last_scheduling_decision: shown_opt(run.last_scheduling_decision),
            run_type: run.run_type.as_str().into(),
            state: run.state.as_str().into(),
            triggered_by: run.triggered_by.clone(),
            triggering_user_name: run.triggering_user_name.clone(),
            conf: Some(run.conf.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_else(|| json!({}))),
            note: run.note.clone(),
            dag_versions: version.map(|v| DagVersionResponse::new(v, display_name)).into_iter().collect(),
            bundle_version: run.bundle_version.clone(),
            dag_display_name: display_name.to_owned(),
            partition_key: run.partition_key.clone(),
            partition_date: shown_opt(run.partition_date),
        })
    }
}

/// A task instance.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::TaskInstanceResponse)]
pub(super) struct TaskInstanceResponse {
    id: String,
    task_id: String,
    dag_id: String,
    dag_run_id: String,
    map_index: i64,
    logical_date: Option<String>,
    run_after: String,
    start_date: Option<String>,
    end_date: Option<String>,
    duration: Option<f64>,
    state: Option<String>,
    try_number: i64,
    max_tries: i64,
    task_display_name: String,
    dag_display_name: String,
    hostname: Option<String>,
    unixname: Option<String>,
    pool: String,
    pool_slots: i64,
    queue: Option<String>,
    priority_weight: Option<i64>,
    operator: Option<String>,
    operator_name: Option<String>,
    queued_when: Option<String>,
    scheduled_when: Option<String>,
    pid: Option<i64>,
    executor: Option<String>,
    executor_config: String,
    note: Option<String>,
    rendered_map_index: Option<String>,
    rendered_fields: Value,
    trigger: Option<TriggerResponse>,
    triggerer_job: Option<Value>,
    dag_version: Option<DagVersionResponse>,
}

/// What a task instance is shown with.
#[derive(Debug, Clone)]
pub(super) struct Around<'a> {
    pub(super) run: Option<&'a DagRun>,
    pub(super) dag_display_name: &'a str,
    pub(super) version: Option<&'a DagVersion>,
    pub(super) rendered_fields: Option<Value>,
    /// What it waits for.
    pub(super) trigger: Option<&'a Trigger>,
}

/// What a deferred instance waits for. Its arguments are never shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = airflow::TriggerResponse)]
pub(super) struct TriggerResponse {
    id: i64,
    classpath: String,
    kwargs: String,
    created_date: String,
    queue: Option<String>,
    triggerer_id: Option<i64>,
}

impl TriggerResponse {
    fn new(trigger: &Trigger) -> Self {
        Self {
            id: crate::assets::watchers::number(&trigger.id),
            classpath: trigger.classpath.clone(),
            kwargs: "{}".into(),
            created_date: shown(trigger.created_at),
            queue: None,
            triggerer_id: None,
        }
    }
}

impl TaskInstanceResponse {
    pub(super) fn new(i: &TaskInstance, around: &Around<'_>) -> Self {
        Self {
            id: i.id.clone(),
            task_id: i.task_id.clone(),
            dag_id: i.dag_id.clone(),
            dag_run_id: i.run_id.clone(),
            map_index: i.map_index,
            logical_date: shown_opt(around.run.and_then(|r| r.logical_date)),
            run_after: shown(around.run.map_or(i.updated_at, |r| r.run_after)),
            start_date: shown_opt(i.start_date),
            end_date: shown_opt(i.end_date),
            duration: duration(i.start_date, i.end_date),
            state: i.state.map(|s| s.as_str().into()),
            try_number: i.try_number,
            max_tries: i.max_tries,
            task_display_name: i.task_display_name.clone(),
            dag_display_name: around.dag_display_name.to_owned(),
            hostname: Some(i.hostname.clone().unwrap_or_default()),
            // upstream writes it when the instance is made
            unixname: Some(i.unixname.clone().unwrap_or_else(|| "artel".into())),
            pool: i.pool.clone(),
            pool_slots: i.pool_slots,
            queue: Some(i.queue.clone()),
            priority_weight: Some(i.priority_weight),
            operator: Some(i.operator.clone()),
            operator_name: Some(i.operator_name.clone()),
            queued_when: shown_opt(i.queued_at),
            scheduled_when: shown_opt(i.scheduled_at),
            pid: i.pid,
            executor: None,
            executor_config: "{}".into(),
            note: i.note.clone(),
            rendered_map_index: i.rendered_map_index.clone().or_else(|| (i.map_index >= 0).then(|| i.map_index.to_string())),
            rendered_fields: around.rendered_fields.clone().unwrap_or_else(|| json!({})),
            trigger: around.trigger.map(TriggerResponse::new),
            triggerer_job: None,
            dag_version: around.version.map(|v| DagVersionResponse::new(v, around.dag_display_name)),
        }
    }

    /// The same under another id.
    pub(super) fn with_id(self, id: String) -> Self {
        Self { id, ..self }
    }
}

/// Airflow's `TimeDelta`.
pub(super) fn time_delta(span: chrono::TimeDelta) -> Value {
    let micros = span.num_microseconds().unwrap_or_default();
    json!({
        "__type": "TimeDelta",
        "days": micros.div_euclid(86_400_000_000),
        "seconds": micros.rem_euclid(86_400_000_000) / 1_000_000,
        "microseconds": micros.rem_euclid(1_000_000),
    })
}

/// Serialized parameters as the API shows them: by name, `{"value", "schema", "description", "source"}`.
pub(super) fn params(params: &[(String, Value)]) -> Value {
    let shown = |definition: &Value| {
        let (value, param) = (crate::params::shown_default(definition), crate::dag::plain(definition));
        json!({"value": value, "schema": param["schema"], "description": param["description"], "source": param["source"]})
    };
    Value::Object(params.iter().map(|(name, param)| (name.clone(), shown(param))).collect())
}
