//! Deferred tasks: their process has ended, and the same try goes on when a trigger fires, fails or is overdue
//! (airflow/models/trigger.py, airflow/models/taskinstance.py `defer_task`).

use crate::Scheduler;
use crate::dag::Task;
use crate::runs::instance_changed;
use crate::states::TaskState;
use crate::store::instances;
use crate::store::instances::{Ended, TaskInstance};
use crate::store::parked::{self, Parked};
use crate::store::triggers::{self, Trigger};
use crate::store::xcoms::XComKey;
use crate::tries::should_retry;
use crate::triggers::Moment;
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use serde_json::{Map, Value, json};

/// The method name by which the task runner knows that the task is to fail (airflow/sdk/bases/operator.py `TRIGGER_FAIL_REPR`).
const FAIL: &str = "__fail__";

/// What became of a trigger.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// The task goes on with this event, serialized as `airflow.sdk.serde` does.
    Event(Value),
    /// The task ends without going on, with these XComs.
    End(TaskState, Map<String, Value>),
    /// The task goes on in order to fail, for this reason.
    Failure { error: String, traceback: Option<Vec<String>> },
}

impl Outcome {
    /// Upstream's words for a trigger that raised or said nothing (`TriggerFailureReason`).
    pub(crate) fn failed(error: Option<&str>, traceback: Option<Vec<String>>) -> Self {
        Self::Failure { error: error.unwrap_or("Trigger failure").into(), traceback }
    }

    fn timeout() -> Self {
        Self::Failure { error: "Trigger timeout".into(), traceback: None }
    }
}

/// What a task waits for, as its process or its DAG says.
pub(crate) struct Deferral {
    pub(crate) classpath: String,
    pub(crate) kwargs: Value,
    pub(crate) from_dag: bool,
    /// In milliseconds from now.
    pub(crate) timeout: Option<i64>,
    pub(crate) next_method: String,
    pub(crate) next_kwargs: Value,
    pub(crate) rendered_map_index: Option<String>,
}

impl Deferral {
    /// Of a task that starts with its trigger, without a process (`start_from_trigger`).
    pub(crate) fn of_task(task: &Task) -> Option<Self> {
        let given = task.starts_from_trigger()?;
        let limit = task.execution_timeout.map(|t| t.num_milliseconds());
        let timeout = given["timeout"].as_f64().map(|seconds| (seconds * 1000.0) as i64);
        Some(Self {
            classpath: given["trigger_cls"].as_str()?.to_owned(),
            kwargs: given["trigger_kwargs"].clone(),
            from_dag: true,
            timeout: timeout.into_iter().chain(limit).min(),
            next_method: given["next_method"].as_str()?.to_owned(),
            next_kwargs: arguments(&given["next_kwargs"]),
            rendered_map_index: None,
        })
    }
}

/// A dictionary of arguments: its keys are plain in both of upstream's encodings, which the task runner takes mixed.
fn arguments(encoded: &Value) -> Value {
    match encoded {
        Value::Object(map) if map.get("__type").is_some_and(|t| t == "dict") => map["__var"].clone(),
        Value::Object(_) => encoded.clone(),
        _ => json!({}),
    }
}

/// Where a trigger's arguments are kept, for the vault.
fn place(trigger_id: &str) -> String {
    format!("trigger {trigger_id}")
}

impl Scheduler {
    /// An instance waits for a trigger from now on. `started`: it had no process before.
    pub(crate) async fn defer(&self, tx: &mut Tx, instance: &TaskInstance, deferral: Deferral, started: bool) -> Result<()> {
        let now = self.cx.clock.now();
        let id = self.cx.ids.ordered().to_string();
        let fires_at = Moment::read(&deferral.classpath, &deferral.kwargs).map(Moment::millis);
        let kwargs = self.seal_trigger_kwargs(&id, &deferral.kwargs)?;
        let timeout = deferral.timeout.map(|span| now.saturating_add(span));
        let row = Trigger {
            id,
            ti_id: instance.id.clone(),
            classpath: deferral.classpath,
            kwargs,
            from_dag: deferral.from_dag,
            fires_at,
            created_at: now,
        };
        triggers::put(tx, &row).await?;
        let parked = Parked {
            state: TaskState::Deferred,
            next_method: deferral.next_method,
            next_kwargs: deferral.next_kwargs.to_string(),
            timeout,
            due_at: fires_at.into_iter().chain(timeout).min(),
            start_date: started.then_some(now),
            rendered_map_index: deferral.rendered_map_index,
        };
        parked::park(tx, &instance.id, &parked, now).await?;
        instance_changed(tx, instance, Some(TaskState::Deferred));
        Ok(())
    }

    /// A trigger's arguments as they are kept.
    pub(crate) fn seal_trigger_kwargs(&self, trigger_id: &str, kwargs: &Value) -> Result<String> {
        self.vault.seal(&place(trigger_id), &kwargs.to_string(), &self.cx.ids.secret())
    }

    /// A trigger's arguments in clear text.
    pub(crate) fn trigger_kwargs(&self, trigger: &Trigger) -> Result<Value> {
        Ok(serde_json::from_str(&self.vault.open(&place(&trigger.id), &trigger.kwargs)?)?)
    }

    /// Something became of a trigger. Nothing happens when nobody waits for it any more.
    pub(crate) async fn trigger_done(&self, trigger_id: &str, outcome: Outcome) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let Some(trigger) = triggers::get(&mut tx, trigger_id).await? else { return Ok(()) };
        triggers::delete_of(&mut tx, &trigger.ti_id).await?;
        let instance = instances::lock(&mut tx, &trigger.ti_id).await?.filter(|i| i.state == Some(TaskState::Deferred));
        if let Some(instance) = &instance {
            self.go_on(&mut tx, instance, outcome).await?;
        }
        tx.commit().await?;
        if let Some(instance) = &instance {
            self.woken(instance);
        }
        Ok(())
    }

    /// A waiting instance goes on, or ends.
    pub(crate) async fn go_on(&self, tx: &mut Tx, instance: &TaskInstance, outcome: Outcome) -> Result<()> {
        let (method, kwargs) = match outcome {
            Outcome::End(state, xcoms) => return self.end_from_trigger(tx, instance, state, xcoms).await,
            Outcome::Event(event) => {
                let mut kwargs: Map<String, Value> = serde_json::from_str(instance.next_kwargs.as_deref().unwrap_or("{}"))?;
                kwargs.insert("event".into(), event);
                let method = instance.next_method.as_deref().ok_or_else(|| Error::internal("a waiting task has no next method"))?;
                (method.to_owned(), Value::Object(kwargs))
            }
            Outcome::Failure { error, traceback: Some(lines) } => (FAIL.into(), json!({"error": error, "traceback": lines})),
            Outcome::Failure { error, traceback: None } => (FAIL.into(), json!({"error": error})),
        };
        parked::resume(tx, &instance.id, &method, &kwargs.to_string(), self.cx.clock.now()).await?;
        instance_changed(tx, instance, Some(TaskState::Scheduled));
        Ok(())
    }

    /// The trigger itself says how the task ends (`handle_event_submit` of `BaseTaskEndEvent`).
    async fn end_from_trigger(&self, tx: &mut Tx, instance: &TaskInstance, state: TaskState, xcoms: Map<String, Value>) -> Result<()> {
        let state = if state == TaskState::Failed && should_retry(instance) { TaskState::UpForRetry } else { state };
        if state != TaskState::UpForRetry {
            for (key, value) in &xcoms {
                let key = XComKey { dag_id: &instance.dag_id, run_id: &instance.run_id, task_id: &instance.task_id, key };
                self.push_xcom(tx, &key, instance.map_index, value).await?;
            }
        }
        self.task_callback(tx, instance, state, "the trigger ended the task").await?;
        self.end_try(tx, instance, Ended { state: Some(state), end_date: self.cx.clock.now(), ..Ended::default() }).await
    }

    /// Everything that is due for instances that wait.
    pub(crate) async fn waiting_due(&self, now: i64) -> Result<()> {
        for id in parked::due(&self.db, now).await? {
            let mut tx = self.db.begin().await?;
            let Some(instance) = instances::lock(&mut tx, &id).await?.filter(|i| i.due_at.is_some_and(|at| at <= now)) else { continue };
            let outcome = match instance.state {
                Some(TaskState::Deferred) => self.deferral_due(&mut tx, &instance, now).await?,
                Some(TaskState::AwaitingInput) => self.input_overdue(&mut tx, &instance, now).await?,
                _ => continue,
            };
            self.go_on(&mut tx, &instance, outcome).await?;
            tx.commit().await?;
            self.woken(&instance);
        }
        Ok(())
    }

    async fn deferral_due(&self, tx: &mut Tx, instance: &TaskInstance, now: i64) -> Result<Outcome> {
        let trigger = triggers::of_instance(&mut *tx, &instance.id).await?;
        triggers::delete_of(tx, &instance.id).await?;
        let Some(trigger) = trigger.filter(|t| t.fires_at.is_some_and(|at| at <= now)) else { return Ok(Outcome::timeout()) };
        let moment = Moment::read(&trigger.classpath, &self.trigger_kwargs(&trigger)?)
            .ok_or_else(|| Error::internal(format!("trigger {} has a time and cannot tell which", trigger.id)))?;
        Ok(if moment.ends_task { Outcome::End(TaskState::Success, Map::new()) } else { Outcome::Event(moment.payload()) })
    }
}
