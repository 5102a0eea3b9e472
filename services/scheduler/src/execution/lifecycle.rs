//! A try from its start to its end: run, state, heartbeat (routes/task_instances.py).

use super::assets::{consumed_events, outlets_of};
use super::{Call, Reply};
use crate::Scheduler;
use crate::assets::Outlets;
use crate::deferral::Deferral;
use crate::scheduling::Vacancy;
use crate::states::TaskState;
use crate::store::instances::{Ended, Started, TaskInstance};
use crate::store::runs::DagRun;
use crate::store::{claims, history, instances, runs, xcoms};
use crate::times::{self, shown, shown_opt};
use crate::tries::should_retry;
use artel_platform::db::Tx;
use artel_platform::{Error, Result};
use serde_json::{Value, json};

impl Scheduler {
    /// A queued try starts; answers what it needs to know.
    pub(super) async fn ti_run(&self, call: &Call<'_>, id: &str) -> Result<Reply> {
        let (hostname, unixname) = (call.text("hostname").unwrap_or_default(), call.text("unixname").unwrap_or_default());
        let pid = call.field("pid").as_i64().unwrap_or_default();
        let now = self.cx.clock.now();
        let mut tx = self.db.begin().await?;
        let asked = (instances::locked(tx.dialect(), id), runs::of_instance(id), xcoms::keys_of(id), history::reschedules(id));
        let (instance, run, keys, (reschedules, _)) = tx.ask(asked).await?;
        let Some(instance) = instance else {
            return Ok(Reply::not_found("Task Instance not found"));
        };
        let twice = instance.state == Some(TaskState::Running)
            && (instance.hostname.as_deref(), instance.unixname.as_deref(), instance.pid) == (Some(hostname), Some(unixname), Some(pid));
        if !twice && !matches!(instance.state, Some(TaskState::Queued | TaskState::Restarting)) {
            return Ok(wrong_state(&instance, "TI was not in a state where it could be marked as running"));
        }
        let Some(run) = run else {
            return Ok(Reply::not_found(format!("DagRun with dag_id={} and run_id={} not found", instance.dag_id, instance.run_id)));
        };
        let start_date = if instance.next_method.is_some() { None } else { Some(call.time("start_date")?.unwrap_or(now)) };
        let started = Started {
            hostname,
            unixname,
            pid,
            start_date,
            worker_id: call.caller.worker_id.as_deref().unwrap_or(hostname),
            lease_until: now + self.lease_of(call),
        };
        instances::start(&mut tx, id, &started, now);
        let mut context = run_context(&instance, &run, keys, reschedules)?;
        context["dag_run"]["consumed_asset_events"] = consumed_events(&mut tx, &run).await?;
        self.note_state(&mut tx, &instance, TaskState::Running, Some(hostname)).await?;
        crate::runs::instance_changed(&mut tx, &instance, Some(TaskState::Running));
        tx.commit().await?;
        Ok(Reply::ok(context))
    }

    /// Workers that speak gRPC prolong their leases often; stock ones beat every half minute or so.
    fn lease_of(&self, call: &Call<'_>) -> i64 {
        let own = self.settings.lease().as_millis() as i64;
        if call.caller.worker_id.is_some() { own } else { own.max(300_000) }
    }

    /// A running try ends, or gives its slot back.
    pub(super) async fn ti_state(&self, call: &Call<'_>, id: &str) -> Result<Reply> {
        let Some(word) = call.text("state") else { return Ok(Reply::new(422, json!({"detail": "the body has no state"}))) };
        let state = TaskState::parse(word)?;
        let outlets = match outlets_of(call, state) {
            Ok(outlets) => outlets,
            Err(refusal) => return Ok(refusal),
        };
        match self.apply_state(call, id, state, &outlets, true).await {
            Err(error) if state.is_finished() => {
                // the task's word counts, whatever there is about its run
                tracing::warn!(ti_id = id, error = %error.chain(), "a task's end is noted without what follows from it");
                self.apply_state(call, id, state, &outlets, false).await
            }
            applied => applied,
        }
    }

    /// Notes the state of a try; where it has ended and `along`, also what follows for its run.
    async fn apply_state(&self, call: &Call<'_>, id: &str, state: TaskState, outlets: &Outlets, along: bool) -> Result<Reply> {
        let mut tx = self.db.begin().await?;
        let Some(instance) = instances::lock(&mut tx, id).await? else {
            return self.state_of_the_past(&mut tx, id, state).await;
        };
        if instance.state == Some(state) {
            return Ok(Reply::ok(Value::Null));
        }
        if instance.state != Some(TaskState::Running) {
            return Ok(wrong_state(&instance, "TI was not in the running state so it cannot be updated"));
        }
        if let Some(fields) = &call.caller.rendered {
            xcoms::set_rendered_ahead(&mut tx, id, fields);
        }
        let ended = self.ending(call, state)?;
        self.note_state(&mut tx, &instance, state, instance.hostname.as_deref()).await?;
        match state {
            TaskState::UpForReschedule => self.reschedule(&mut tx, call, &instance, ended).await?,
            TaskState::Deferred => {
                let deferral = match deferral(call) {
                    Ok(deferral) => deferral,
                    Err(refusal) => return Ok(refusal),
                };
                self.defer(&mut tx, &instance, deferral, false).await?;
            }
            TaskState::AwaitingInput => {
                if let Some(refusal) = self.await_input(&mut tx, call, &instance).await? {
                    return Ok(refusal);
                }
            }
            TaskState::Success
            | TaskState::Failed
            | TaskState::Skipped
            | TaskState::Removed
            | TaskState::UpstreamFailed
            | TaskState::UpForRetry => {
                self.end_try(&mut tx, &instance, ended).await?;
                self.register_outlets(&mut tx, &instance, outlets).await?;
            }
            TaskState::Scheduled | TaskState::Queued | TaskState::Running | TaskState::Restarting => {
                return Ok(Reply::new(422, json!({"detail": format!("a task cannot say that it is {}", state.as_str())})));
            }
        }
        let vacancy = Vacancy::left_by(&instance, call.caller.worker_id.as_deref(), &call.caller.next_from);
        let look = if along && state.is_finished() { self.look_along(&mut tx, &instance, vacancy.as_ref()).await? } else { None };
        let next = look.as_ref().and_then(|look| look.given.clone());
        tx.commit().await?;
        if !outlets.is_empty() {
            self.assets_changed();
        }
        match look {
            Some(look) => self.after(&look).await?,
            None if state.is_finished() => self.ended(&instance),
            None => self.woken(&instance),
        }
        if state == TaskState::Deferred {
            self.triggers.notify_one();
        }
        Ok(Reply { next, ..Reply::empty(204) })
    }

    fn ending(&self, call: &Call<'_>, state: TaskState) -> Result<Ended> {
        Ok(Ended {
            state: Some(state),
            end_date: call.time("end_date")?.unwrap_or_else(|| self.cx.clock.now()),
            rendered_map_index: call.text("rendered_map_index").map(Into::into),
            retry_delay_override: call.field("retry_delay_seconds").as_f64(),
            retry_reason: call.text("retry_reason").map(|r| r.chars().take(500).collect()),
            due_at: None,
        })
    }

    /// A sensor in reschedule mode: the same try goes on later.
    async fn reschedule(&self, tx: &mut Tx, call: &Call<'_>, instance: &TaskInstance, ended: Ended) -> Result<()> {
        let until = call.time("reschedule_date")?.ok_or_else(|| Error::invalid("the body has no reschedule_date"))?;
        history::add_reschedule(tx, &instance.id, instance.start_date.unwrap_or(ended.end_date), ended.end_date, until).await?;
        self.end_try(tx, instance, Ended { due_at: Some(until), ..ended }).await
    }

    /// The try is in the history: a retry that was told twice is fine, anything else comes too late.
    async fn state_of_the_past(&self, tx: &mut Tx, id: &str, state: TaskState) -> Result<Reply> {
        if history::get(&mut *tx, id).await?.is_none() {
            return Ok(Reply::not_found("Task Instance not found"));
        }
        let revoked = history::is_revoked(&mut *tx, id).await?;
        if state == TaskState::UpForRetry && !revoked { Ok(Reply::ok(Value::Null)) } else { Ok(gone()) }
    }

    /// A stock worker's sign of life.
    pub(super) async fn ti_heartbeat(&self, call: &Call<'_>, id: &str) -> Result<Reply> {
        let mut tx = self.db.begin().await?;
        let Some(instance) = instances::lock(&mut tx, id).await? else {
            return Ok(if history::get(&mut tx, id).await?.is_some() { gone() } else { Reply::not_found("Task Instance not found") });
        };
        let (hostname, pid) = (call.text("hostname"), call.field("pid").as_i64());
        if (instance.hostname.as_deref(), instance.pid) != (hostname, pid) {
            let mut reply = Reply::refused(409, "running_elsewhere", "TI is already running elsewhere");
            add_detail(&mut reply, &[("current_hostname", json!(instance.hostname)), ("current_pid", json!(instance.pid))]);
            return Ok(reply);
        }
        if instance.state != Some(TaskState::Running) {
            let mut reply = Reply::refused(409, "not_running", "TI is no longer in the running state and task should terminate");
            add_detail(&mut reply, &[("current_state", json!(instance.state.map(TaskState::as_str)))]);
            return Ok(reply);
        }
        claims::set_lease(&mut tx, id, self.cx.clock.now() + self.lease_of(call)).await?;
        tx.commit().await?;
        let mut reply = Reply::empty(204);
        reply.headers.extend(self.refreshed_token(&instance).await?.map(|token| ("Refreshed-API-Token", token)));
        Ok(reply)
    }
}

/// `TIRunContext`, but for the events that the run consumes. `keys` are those of values that an earlier try left.
fn run_context(instance: &TaskInstance, run: &DagRun, keys: Vec<String>, reschedules: i64) -> Result<Value> {
    let resumes = instance.next_method.is_some();
    let mut context = json!({
        "dag_run": dag_run(run)?,
        "task_reschedule_count": reschedules,
        "max_tries": instance.max_tries,
        "variables": [],
        "connections": [],
        "xcom_keys_to_clear": if resumes { Vec::new() } else { keys },
        "should_retry": should_retry(instance),
    });
    if resumes {
        context["next_method"] = json!(instance.next_method);
        context["next_kwargs"] = serde_json::from_str(instance.next_kwargs.as_deref().unwrap_or("{}"))?;
        context["start_date"] = json!(shown_opt(instance.start_date));
    }
    Ok(context)
}

/// `DagRun` of the execution API. Other keys are refused by the task runner.
pub(crate) fn dag_run(run: &DagRun) -> Result<Value> {
    let conf: Value = run.conf.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_else(|| json!({}));
    Ok(json!({
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "logical_date": shown_opt(run.logical_date),
        "data_interval_start": shown_opt(run.data_interval_start),
        "data_interval_end": shown_opt(run.data_interval_end),
        "run_after": shown(run.run_after),
        "start_date": shown_opt(run.start_date),
        "end_date": shown_opt(run.end_date),
        "clear_number": run.clear_number,
        "run_type": run.run_type.as_str(),
        "state": run.state.as_str(),
        "conf": conf,
        "triggering_user_name": run.triggering_user_name,
        "consumed_asset_events": [],
        "partition_key": run.partition_key,
        "partition_date": shown_opt(run.partition_date),
        "note": run.note,
        "team_name": null,
    }))
}

/// `TIDeferredStatePayload`.
fn deferral(call: &Call<'_>) -> std::result::Result<Deferral, Reply> {
    let missing = |field: &str| Reply::unprocessable(field, "Field required");
    Ok(Deferral {
        classpath: call.text("classpath").ok_or_else(|| missing("classpath"))?.to_owned(),
        kwargs: dictionary(call, "trigger_kwargs")?,
        from_dag: false,
        timeout: span(call, "trigger_timeout")?,
        next_method: call.text("next_method").ok_or_else(|| missing("next_method"))?.to_owned(),
        next_kwargs: dictionary(call, "next_kwargs")?,
        rendered_map_index: call.text("rendered_map_index").map(Into::into),
    })
}

/// A serialized dictionary, which older clients send as text.
pub(super) fn dictionary(call: &Call<'_>, field: &str) -> std::result::Result<Value, Reply> {
    let value = match call.field(field) {
        Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        Value::Null => json!({}),
        other => other.clone(),
    };
    if value.is_object() { Ok(value) } else { Err(Reply::unprocessable(field, "Input should be a valid dictionary")) }
}

/// A span of time in milliseconds.
pub(super) fn span(call: &Call<'_>, field: &str) -> std::result::Result<Option<i64>, Reply> {
    let value = call.field(field);
    match times::span(value) {
        None if !value.is_null() => Err(Reply::unprocessable(field, "Input should be a valid timedelta")),
        span => Ok(span),
    }
}

fn wrong_state(instance: &TaskInstance, message: &str) -> Reply {
    let mut reply = Reply::refused(409, "invalid_state", message);
    add_detail(&mut reply, &[("previous_state", json!(instance.state.map(TaskState::as_str)))]);
    reply
}

pub(super) fn gone() -> Reply {
    Reply::refused(410, "not_found", "Task Instance not found, it may have been moved to the Task Instance History table")
}

fn add_detail(reply: &mut Reply, more: &[(&str, Value)]) {
    if let Some(body) = &mut reply.body {
        for (key, value) in more {
            body["detail"][*key] = value.clone();
        }
    }
}
