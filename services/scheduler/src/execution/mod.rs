//! The Task Execution API (AIP-72): what a running task may ask and tell, with upstream's routes, bodies and status
//! codes (airflow/api_fastapi/execution_api/routes). Workers call it by gRPC, stock Airflow workers by HTTP.

mod asset_state;
mod assets;
mod code;
mod counts;
mod dag_runs;
mod hitl;
mod lifecycle;
mod own;
mod query;
mod settings;
mod task_state;
mod xcoms;

use crate::Scheduler;
use artel_platform::{Code, Error, Result};
pub(crate) use lifecycle::dag_run;
use percent_encoding::percent_decode_str;
use query::Query;
use serde_json::{Value, json};

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The try that speaks; `None` for an administrator.
    pub(crate) ti_id: Option<String>,
    /// The worker that runs it, by gRPC.
    pub(crate) worker_id: Option<String>,
    /// Its rendered fields, as JSON, where they are told along with the call.
    pub(crate) rendered: Option<String>,
    /// The queues from which its worker takes another task once this one has ended; empty where it takes none.
    pub(crate) next_from: Vec<String>,
}

impl Caller {
    /// One that says no more than who it is.
    pub(crate) fn new(ti_id: Option<String>) -> Self {
        Self { ti_id, worker_id: None, rendered: None, next_from: Vec::new() }
    }
}

/// A call.
pub(crate) struct Call<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) method: &'a str,
    segments: Vec<String>,
    query: Query,
    body: Value,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// JSON; `None` for an answer without content.
    pub(crate) body: Option<Value>,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The task instance that the worker of the one that ended has now.
    pub(crate) next: Option<String>,
}

impl Reply {
    fn new(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), headers: Vec::new(), next: None }
    }

    fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    fn empty(status: u16) -> Self {
        Self { status, body: None, headers: Vec::new(), next: None }
    }

    /// Upstream's form of a refusal.
    fn refused(status: u16, reason: &str, message: impl Into<String>) -> Self {
        Self::new(status, json!({"detail": {"reason": reason, "message": message.into()}}))
    }

    /// Upstream's form of a wrong field.
    fn unprocessable(field: &str, message: &str) -> Self {
        Self::new(422, json!({"detail": [{"type": "value_error", "loc": ["body", field], "msg": message}]}))
    }

    fn not_found(message: impl Into<String>) -> Self {
        Self::refused(404, "not_found", message)
    }
}

impl Call<'_> {
    /// A value of the body.
    fn field(&self, key: &str) -> &Value {
        &self.body[key]
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.body[key].as_str()
    }

    /// A time of the body.
    fn time(&self, key: &str) -> Result<Option<i64>> {
        self.text(key).map(crate::times::parse).transpose()
    }

    /// May the caller speak for this try?
    fn speaks_for(&self, ti_id: &str) -> bool {
        self.caller.ti_id.as_deref().is_none_or(|own| own == ti_id)
    }
}

impl Scheduler {
    /// Answers one call. `path` has no leading `/execution`; `body` is empty or JSON.
    pub(crate) async fn execution(&self, caller: &Caller, method: &str, path: &str, query: &str, body: &str) -> Reply {
        let body = match body.trim() {
            "" => Value::Null,
            text => match serde_json::from_str(text) {
                Ok(value) => value,
                Err(error) => {
                    return Reply::new(
                        422,
                        json!({"detail": [{"type": "json_invalid", "loc": ["body"], "msg": format!("JSON decode error: {error}")}]}),
                    );
                }
            },
        };
        let segments = path.trim_matches('/').split('/').map(|s| percent_decode_str(s).decode_utf8_lossy().into_owned()).collect();
        let call = Call { caller, method, segments, query: Query::parse(query), body };
        let reply = async {
            self.note_rendered(&call).await?;
            self.route(&call).await
        };
        reply.await.unwrap_or_else(|error| failure(&error))
    }

    /// Notes the rendered fields that came along with a call. A change of state notes them in its own transaction.
    async fn note_rendered(&self, call: &Call<'_>) -> Result<()> {
        let changes_state = matches!(call.segments.as_slice(), [what, _, state] if what == "task-instances" && state == "state");
        match (&call.caller.ti_id, &call.caller.rendered) {
            (Some(ti_id), Some(fields)) if !changes_state => crate::store::xcoms::set_rendered(&self.db, ti_id, fields).await.map(drop),
            _ => Ok(()),
        }
    }

    async fn route(&self, call: &Call<'_>) -> Result<Reply> {
        let path: Vec<&str> = call.segments.iter().map(String::as_str).collect();
        let reply = match (call.method, path.as_slice()) {
            ("GET", ["health"] | ["health", "ping"]) => Reply::ok(json!({"status": "healthy"})),
            ("GET", ["task-instances", "count"]) => self.ti_count(call).await?,
            ("GET", ["task-instances", "states"]) => self.ti_states(call).await?,
            ("GET", ["task-instances", "breadcrumbs"]) => self.breadcrumbs(call).await?,
            ("GET", ["task-instances", "previous", dag, task]) => self.previous_ti(call, dag, task).await?,
            (_, ["task-instances" | "hitlDetails", id, ..] | ["store", "ti", id, ..]) if !call.speaks_for(id) => {
                Reply::refused(403, "forbidden", "a task may speak for itself only")
            }
            ("PATCH", ["task-instances", id, "run"]) => self.ti_run(call, id).await?,
            ("PATCH", ["task-instances", id, "state"]) => self.ti_state(call, id).await?,
            ("PATCH", ["task-instances", id, "skip-downstream"]) => self.skip_downstream(call, id).await?,
            ("PUT", ["task-instances", id, "heartbeat"]) => self.ti_heartbeat(call, id).await?,
            ("PUT", ["task-instances", id, "rtif"]) => self.put_rtif(call, id).await?,
            ("PATCH", ["task-instances", id, "rendered-map-index"]) => self.put_rendered_map_index(call, id).await?,
            ("GET", ["task-instances", id, "previous-successful-dagrun"]) => self.previous_successful(id).await?,
            ("GET", ["task-instances", id, "validate-inlets-and-outlets"]) => self.inactive_ports(id).await?,
            ("GET", ["assets", "by-name"]) => self.asset_by(call, "name").await?,
            ("GET", ["assets", "by-uri"]) => self.asset_by(call, "uri").await?,
            ("GET", ["assets", "by-alias"]) => self.assets_by_alias(call).await?,
            ("GET", ["asset-events", "by-asset"]) => self.events_by_asset(call).await?,
            ("GET", ["asset-events", "by-asset-alias"]) => self.events_by_alias(call).await?,
            ("GET", ["task-reschedules", id, "start_date"]) => self.reschedule_start(id).await?,
            ("GET", ["dag-runs", "count"]) => self.dag_run_count(call).await?,
            ("GET", ["dag-runs", "previous"]) => self.previous_dag_run(call, None).await?,
            ("GET", ["dag-runs", dag, "previous"]) => self.previous_dag_run(call, Some(dag)).await?,
            ("GET", ["dag-runs", dag, run]) => self.get_dag_run(dag, run).await?,
            ("POST", ["dag-runs", dag, run]) => self.trigger_dag_run(call, dag, run).await?,
            ("POST", ["dag-runs", dag, run, "clear"]) => self.clear_dag_run(dag, run).await?,
            ("GET", ["dag-runs", dag, run, "state"]) => self.dag_run_state(dag, run).await?,
            ("POST", ["hitlDetails", id]) => self.create_hitl(call, id).await?,
            ("PATCH", ["hitlDetails", id]) => self.update_hitl(call, id).await?,
            ("GET", ["hitlDetails", id]) => self.get_hitl(id).await?,
            (_, ["store", "ti", id, key @ ..]) => self.task_state(call, id, &key.join("/")).await?,
            ("GET" | "PUT" | "DELETE", ["store", "asset", by @ ("by-name" | "by-uri"), "value"]) => {
                self.asset_state(call, by, "value").await?
            }
            ("DELETE", ["store", "asset", by @ ("by-name" | "by-uri"), "clear"]) => self.asset_state(call, by, "clear").await?,
            ("GET", ["dags", dag]) => self.get_dag(dag).await?,
            (_, ["xcoms", dag, run, task, key @ ..]) if !key.is_empty() => self.xcom(call, [dag, run, task], key).await?,
            ("GET", ["variables", "keys"]) => self.variable_keys(call).await?,
            (_, ["variables", key @ ..]) if !key.is_empty() => self.variable(call, &key.join("/")).await?,
            ("GET", ["connections", id]) => self.connection(id).await?,
            (method, _) => Reply::new(404, json!({"detail": format!("this server has no {method} {}", call.segments.join("/"))})),
        };
        Ok(reply)
    }
}

/// An error of the domain, in upstream's form.
fn failure(error: &Error) -> Reply {
    if error.code == Code::Internal {
        tracing::error!(error = %error.chain(), "a call of a task failed");
    }
    let reason = match error.code {
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::InvalidArgument => "value_error",
        _ => "error",
    };
    Reply::refused(error.code.http().as_u16(), reason, &error.message)
}
