//! Callbacks that no task runner calls: those of DAGs, and of tasks that were ended from outside. Each is a row that is
//! written with what it tells of, so that it is called even if this process ends; a Python process calls them
//! (airflow/callbacks/callback_requests.py, airflow/dag_processing/processor.py).

mod runner;

use crate::Scheduler;
use crate::claims::task_instance;
use crate::dag::Dag;
use crate::execution::dag_run;
use crate::states::{RunState, TaskState};
use crate::store::instances::TaskInstance;
use crate::store::runs::DagRun;
use crate::store::{callbacks, dags, runs};
use artel_platform::Result;
use artel_platform::db::Tx;
use serde_json::{Value, json};

impl Scheduler {
    /// A run has ended: its DAG may want to hear of it (`DagRun.produce_dag_callback`).
    pub(crate) async fn dag_callback(
        &self,
        tx: &mut Tx,
        dag: &Dag,
        run: &DagRun,
        ended: (RunState, &str),
        instances: &[TaskInstance],
    ) -> Result<()> {
        let (state, reason) = ended;
        let failure = state == RunState::Failed;
        if !(if failure { dag.has_on_failure_callback } else { dag.has_on_success_callback }) {
            return Ok(());
        }
        let relevant = |i: &&TaskInstance| i.state.is_some_and(|s| if failure { s.is_failure() } else { s.is_success() });
        let last = instances.iter().filter(relevant).max_by_key(|i| i.end_date);
        let mut request = json!({
            "type": "DagCallbackRequest",
            "dag_id": run.dag_id,
            "run_id": run.run_id,
            "is_failure_callback": failure,
            "msg": if reason == "dagrun_timeout" { "timed_out" } else { reason }, // upstream's word for callbacks
            "context_from_server": {"dag_run": dag_run(run)?, "last_ti": last.map(task_instance)},
        });
        request["context_from_server"]["dag_run"]["state"] = state.as_str().into();
        self.add_callback(tx, &run.dag_id, &run.run_id, request).await
    }

    /// A task was ended, and its process could not call its callbacks itself. Upstream calls those of failures only.
    pub(crate) async fn task_callback(&self, tx: &mut Tx, instance: &TaskInstance, state: TaskState, why: &str) -> Result<()> {
        let dag = self.version_in(tx, &instance.dag_version_id).await?;
        let wanted = match state {
            TaskState::UpForRetry => "has_on_retry_callback",
            TaskState::Failed => "has_on_failure_callback",
            _ => return Ok(()),
        };
        let task = dag.task(&instance.task_id).filter(|t| t.attribute(wanted) == Value::Bool(true));
        let Some(run) = runs::get(&mut *tx, &instance.dag_id, &instance.run_id).await?.filter(|_| task.is_some()) else { return Ok(()) };
        let request = json!({
            "type": "TaskCallbackRequest",
            "ti": task_instance(instance),
            "task_callback_type": state.as_str(),
            "msg": why,
            "context_from_server": {
                "dag_run": dag_run(&run)?, "max_tries": instance.max_tries, "variables": [], "connections": [], "xcom_keys_to_clear": [],
            },
        });
        self.add_callback(tx, &instance.dag_id, &instance.run_id, request).await
    }

    /// Adds one, with where its DAG's file is.
    pub(crate) async fn add_callback(&self, tx: &mut Tx, dag_id: &str, run_id: &str, mut request: Value) -> Result<()> {
        let Some(row) = dags::get(&mut *tx, dag_id).await? else { return Ok(()) };
        let version = runs::get(&mut *tx, dag_id, run_id).await?.and_then(|r| r.bundle_version);
        request["filepath"] = row.relative_fileloc.into();
        request["bundle_name"] = row.bundle_name.into();
        request["bundle_version"] = json!(version);
        let id = self.cx.ids.ordered().to_string();
        callbacks::add(tx, &id, dag_id, run_id, &request.to_string(), self.cx.clock.now()).await?;
        let callbacks = self.callbacks.clone();
        tx.after_commit(move || callbacks.notify_one());
        Ok(())
    }
}
