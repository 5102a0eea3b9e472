//! Tasks that wait for a person (airflow/models/hitl.py, airflow/jobs/scheduler_job_runner.py `check_awaiting_input_timeouts`).

use crate::Scheduler;
use crate::deferral::Outcome;
use crate::python_text;
use crate::states::TaskState;
use crate::store::hitl::{self, HitlDetail};
use crate::store::instances::{self, TaskInstance};
use crate::times::shown;
use crate::triggers::date_time;
use artel_platform::db::Tx;
use artel_platform::identity::Identity;
use artel_platform::{Error, Result};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What a person answers.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) chosen_options: Vec<String>,
    pub(crate) params_input: Map<String, Value>,
}

impl Response {
    /// `UpdateHITLDetailPayload`.
    pub(crate) fn read(body: &Value) -> Result<Self> {
        let options = body["chosen_options"].as_array().filter(|o| !o.is_empty());
        let options = options.ok_or_else(|| Error::invalid("chosen_options must be a list with at least one option"))?;
        let text = |o: &Value| o.as_str().map(Into::into).ok_or_else(|| Error::invalid(format!("chosen_options: {o} is no text")));
        let params_input = match &body["params_input"] {
            Value::Null => Map::new(),
            Value::Object(given) => given.clone(),
            _ => return Err(Error::invalid("params_input must be an object")),
        };
        Ok(Self { chosen_options: options.iter().map(text).collect::<Result<_>>()?, params_input })
    }
}

impl HitlDetail {
    pub(crate) fn list(text: &str) -> Result<Vec<Value>> {
        Ok(serde_json::from_str(text)?)
    }

    pub(crate) fn responded_by_user(&self) -> Value {
        self.responded_by.as_ref().map_or(Value::Null, |(id, name)| json!({"id": id, "name": name}))
    }

    /// What the operator's `execute_complete` reads (`as_resume_event_payload`).
    fn event(&self, timed_out: bool) -> Result<Value> {
        let responded_at = self.responded_at.map(|at| date_time("datetime.datetime", at as f64 / 1000.0));
        Ok(json!({
            "chosen_options": Self::list(self.chosen_options.as_deref().unwrap_or("[]"))?,
            "params_input": serde_json::from_str::<Value>(&self.params_input)?,
            "responded_at": responded_at,
            "responded_by_user": self.responded_by_user(),
            "timedout": timed_out,
        }))
    }

    fn accepts(&self, response: &Response) -> Result<()> {
        let allowed = Self::list(&self.options)?;
        let wrong: Vec<Value> = response.chosen_options.iter().map(|o| json!(o)).filter(|o| !allowed.contains(o)).collect();
        if !wrong.is_empty() {
            let (wrong, allowed) = (in_order(wrong), in_order(allowed));
            return Err(Error::invalid(format!("Invalid options {wrong}; allowed options are {allowed}.")));
        }
        if !self.multiple && response.chosen_options.len() > 1 {
            return Err(Error::invalid("Multiple options chosen but this Human-in-the-loop task accepts only a single option."));
        }
        Ok(())
    }

    fn may_respond(&self, who: &Identity) -> Result<()> {
        let assigned = Self::list(&self.assigned_users)?;
        if who.admin || assigned.is_empty() || assigned.iter().any(|user| user["id"] == who.name) {
            return Ok(());
        }
        Err(Error::denied(format!("User={} (id={}) is not a respondent for the task.", who.name, who.name)))
    }

    /// The values that the request proposes for its parameters.
    fn proposed(&self) -> Result<Map<String, Value>> {
        let params: Map<String, Value> = serde_json::from_str(&self.params)?;
        Ok(params.into_iter().map(|(name, param)| (name, param.get("value").cloned().unwrap_or(param))).collect())
    }
}

impl Scheduler {
    /// A person answers what a try asks; a task that waits for it goes on.
    pub(crate) async fn respond(&self, ti_id: &str, who: &Identity, response: &Response) -> Result<HitlDetail> {
        let mut tx = self.db.begin().await?;
        let instance = instances::lock(&mut tx, ti_id).await?;
        let detail = hitl::get(&mut tx, ti_id).await?.ok_or_else(|| no_detail(ti_id))?;
        if detail.responded_at.is_some() {
            return Err(Error::exists(format!(
                "Human-in-the-loop detail has already been updated for Task Instance with id {ti_id} and is not allowed to write again."
            )));
        }
        detail.may_respond(who)?;
        detail.accepts(response)?;
        let detail = self.write_response(&mut tx, ti_id, Some((who.name.as_str(), who.name.as_str())), response).await?;
        let waiting = instance.filter(|i| matches!(i.state, Some(TaskState::AwaitingInput | TaskState::Deferred)));
        if let Some(instance) = &waiting {
            self.go_on(&mut tx, instance, Outcome::Event(detail.event(false)?)).await?;
        }
        tx.commit().await?;
        if let Some(instance) = &waiting {
            self.woken(instance);
        }
        Ok(detail)
    }

    /// Stores an answer without asking whether it may be given.
    pub(crate) async fn write_response(
        &self,
        tx: &mut Tx,
        ti_id: &str,
        by: Option<(&str, &str)>,
        response: &Response,
    ) -> Result<HitlDetail> {
        let (options, input) = (json!(response.chosen_options).to_string(), json!(response.params_input).to_string());
        hitl::respond(tx, ti_id, by, &options, &input, self.cx.clock.now()).await?;
        hitl::get(&mut *tx, ti_id).await?.ok_or_else(|| no_detail(ti_id))
    }

    /// What a task that begins to wait goes on with at once: it was answered already.
    pub(crate) async fn answered(&self, tx: &mut Tx, instance: &TaskInstance) -> Result<Option<Outcome>> {
        match hitl::get(&mut *tx, &instance.id).await? {
            Some(detail) if detail.responded_at.is_some() => Ok(Some(Outcome::Event(detail.event(false)?))),
            _ => Ok(None),
        }
    }

    /// Nobody answered in time: the defaults count where there are some, else the operator fails.
    pub(crate) async fn input_overdue(&self, tx: &mut Tx, instance: &TaskInstance, now: i64) -> Result<Outcome> {
        if let Some(answered) = self.answered(tx, instance).await? {
            return Ok(answered);
        }
        let detail = hitl::get(&mut *tx, &instance.id).await?;
        let Some((detail, defaults)) = detail.and_then(|d| Some((d.clone(), d.defaults?))) else {
            tracing::info!(ti_id = instance.id, at = shown(now), "nobody answered in time");
            let error = "The Human-in-the-loop response timeout has passed without a response.";
            return Ok(Outcome::Event(json!({"error": error, "error_type": "timeout"})));
        };
        let chosen_options = HitlDetail::list(&defaults)?.iter().filter_map(|o| o.as_str().map(Into::into)).collect();
        let response = Response { chosen_options, params_input: detail.proposed()? };
        let detail = self.write_response(tx, &instance.id, None, &response).await?;
        Ok(Outcome::Event(detail.event(true)?))
    }
}

/// Options as upstream lists them: each once, sorted, as Python writes a list.
fn in_order(options: Vec<Value>) -> String {
    let each: BTreeSet<&str> = options.iter().filter_map(Value::as_str).collect();
    python_text::repr(&json!(each))
}

pub(crate) fn no_detail(ti_id: &str) -> Error {
    Error::not_found(format!("Human-in-the-loop detail does not exist for Task Instance with id {ti_id}"))
}
