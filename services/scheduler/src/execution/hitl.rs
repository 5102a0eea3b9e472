//! What a task asks of people (routes/hitl.py), and that it waits for their answer.

use super::lifecycle::{dictionary, span};
use super::{Call, Reply};
use crate::Scheduler;
use crate::hitl::Response;
use crate::runs::instance_changed;
use crate::states::TaskState;
use crate::store::hitl::{self, HitlDetail};
use crate::store::instances::{self, TaskInstance};
use crate::store::parked::{self, Parked};
use crate::times::shown_opt;
use artel_platform::Result;
use artel_platform::db::Tx;
use serde_json::{Value, json};

impl Scheduler {
    /// Asks. A question that is asked again loses its answer.
    pub(super) async fn create_hitl(&self, call: &Call<'_>, ti_id: &str) -> Result<Reply> {
        let Some(subject) = call.text("subject") else { return Ok(Reply::unprocessable("subject", "Field required")) };
        if call.field("options").as_array().is_none_or(Vec::is_empty) {
            return Ok(Reply::unprocessable("options", "List should have at least 1 item after validation"));
        }
        let or = |field: &str, default: Value| Some(call.field(field)).filter(|v| !v.is_null()).cloned().unwrap_or(default);
        let mut tx = self.db.begin().await?;
        let Some(instance) = instances::lock(&mut tx, ti_id).await? else { return Ok(Reply::not_found("Task Instance not found")) };
        let detail = HitlDetail {
            ti_id: ti_id.into(),
            subject: subject.into(),
            body: call.text("body").map(Into::into),
            options: call.field("options").to_string(),
            defaults: Some(call.field("defaults")).filter(|d| d.is_array()).map(Value::to_string),
            multiple: call.field("multiple").as_bool().unwrap_or(false),
            params: or("params", json!({})).to_string(),
            assigned_users: or("assigned_users", json!([])).to_string(),
            created_at: self.cx.clock.now(),
            responded_at: None,
            responded_by: None,
            chosen_options: None,
            params_input: "{}".into(),
        };
        hitl::put(&mut tx, &instance, &detail).await?;
        tx.commit().await?;
        Ok(Reply::new(
            201,
            json!({
                "ti_id": ti_id, "options": call.field("options"), "subject": subject, "body": detail.body, "defaults": call.field("defaults"),
                "multiple": detail.multiple, "params": or("params", json!({})), "assigned_users": or("assigned_users", json!([])),
            }),
        ))
    }

    pub(super) async fn get_hitl(&self, ti_id: &str) -> Result<Reply> {
        hitl::get(&self.db, ti_id).await?.map_or_else(|| Ok(missing()), |detail| response(&detail))
    }

    /// The task, or its trigger, answers itself.
    pub(super) async fn update_hitl(&self, call: &Call<'_>, ti_id: &str) -> Result<Reply> {
        let given = match Response::read(&call.body) {
            Ok(given) => given,
            Err(error) => return Ok(Reply::unprocessable("chosen_options", &error.message)),
        };
        let mut tx = self.db.begin().await?;
        let Some(detail) = hitl::get(&mut tx, ti_id).await? else { return Ok(missing()) };
        if detail.responded_at.is_some() {
            let text = format!("Human-in-the-loop detail for Task Instance with id {ti_id} already exists.");
            return Ok(Reply::new(409, json!({"detail": text})));
        }
        let detail = self.write_response(&mut tx, ti_id, None, &given).await?;
        tx.commit().await?;
        response(&detail)
    }

    /// `TIAwaitingInputStatePayload`: the task waits, unless somebody was quicker.
    pub(super) async fn await_input(&self, tx: &mut Tx, call: &Call<'_>, instance: &TaskInstance) -> Result<Option<Reply>> {
        let Some(next_method) = call.text("next_method") else { return Ok(Some(Reply::unprocessable("next_method", "Field required"))) };
        let (kwargs, timeout) = match (dictionary(call, "next_kwargs"), span(call, "timeout")) {
            (Ok(kwargs), Ok(timeout)) => (kwargs, timeout),
            (Err(refusal), _) | (_, Err(refusal)) => return Ok(Some(refusal)),
        };
        let now = self.cx.clock.now();
        let timeout = timeout.map(|span| now.saturating_add(span));
        let parked = Parked {
            state: TaskState::AwaitingInput,
            next_method: next_method.into(),
            next_kwargs: kwargs.to_string(),
            timeout,
            due_at: timeout,
            start_date: None,
            rendered_map_index: call.text("rendered_map_index").map(Into::into),
        };
        parked::park(tx, &instance.id, &parked, now).await?;
        instance_changed(tx, instance, Some(TaskState::AwaitingInput));
        if let Some(answer) = self.answered(tx, instance).await? {
            let waiting = instances::get(&mut *tx, &instance.id).await?;
            self.go_on(tx, waiting.as_ref().unwrap_or(instance), answer).await?;
        }
        Ok(None)
    }
}

fn missing() -> Reply {
    Reply::not_found("HITLDetail not found. This happens most likely due to clearing task instance before receiving response.")
}

fn response(detail: &HitlDetail) -> Result<Reply> {
    Ok(Reply::ok(json!({
        "response_received": detail.responded_at.is_some(),
        "responded_by_user": detail.responded_by_user(),
        "responded_at": shown_opt(detail.responded_at),
        "chosen_options": HitlDetail::list(detail.chosen_options.as_deref().unwrap_or("[]"))?,
        "params_input": serde_json::from_str::<Value>(&detail.params_input)?,
    })))
}
