//! What a running try tells of itself and asks about its past (routes/task_instances.py, task_reschedules.py).

use super::{Call, Reply};
use crate::Scheduler;
use crate::states::RunState;
use crate::store::{history, instances, runs, xcoms};
use crate::times::shown_opt;
use artel_platform::Result;
use serde_json::{Value, json};

impl Scheduler {
    /// A branch or short circuit skips tasks of its run, now.
    pub(super) async fn skip_downstream(&self, call: &Call<'_>, id: &str) -> Result<Reply> {
        let now = self.cx.clock.now();
        let mut tx = self.db.begin().await?;
        let Some(instance) = instances::get(&mut tx, id).await? else { return Ok(Reply::not_found("Task Instance not found")) };
        for task in call.field("tasks").as_array().into_iter().flatten() {
            let (task_id, map_index) = match task {
                Value::String(task_id) => (task_id.as_str(), None),
                Value::Array(pair) => (pair.first().and_then(Value::as_str).unwrap_or_default(), pair.get(1).and_then(Value::as_i64)),
                _ => continue,
            };
            for skipped in instances::skip(&mut tx, &instance.dag_id, &instance.run_id, task_id, map_index, now).await? {
                crate::runs::instance_changed(&mut tx, &skipped, skipped.state);
            }
        }
        tx.commit().await?;
        Ok(Reply::empty(204))
    }

    /// Rendered template fields.
    pub(super) async fn put_rtif(&self, call: &Call<'_>, id: &str) -> Result<Reply> {
        if !xcoms::set_rendered(&self.db, id, &call.body.to_string()).await? {
            let known = history::get(&self.db, id).await?.is_some();
            return Ok(if known { super::lifecycle::gone() } else { Reply::not_found("Task Instance not found") });
        }
        Ok(Reply::new(201, json!({"message": "Rendered task instance fields successfully set"})))
    }

    /// The label of a mapped instance.
    pub(super) async fn put_rendered_map_index(&self, call: &Call<'_>, id: &str) -> Result<Reply> {
        let Some(label) = call.body.as_str().filter(|l| !l.is_empty()) else {
            return Ok(Reply::new(422, json!({"detail": "rendered_map_index cannot be empty"})));
        };
        let mut tx = self.db.begin().await?;
        instances::set_text(&mut tx, id, "rendered_map_index", Some(label), self.cx.clock.now()).await?;
        tx.commit().await?;
        Ok(Reply::empty(204))
    }

    /// The last run before this one that succeeded; an empty object when there is none.
    pub(super) async fn previous_successful(&self, id: &str) -> Result<Reply> {
        let Some(instance) = instances::get(&self.db, id).await? else { return Ok(Reply::ok(json!({}))) };
        let date = runs::get(&self.db, &instance.dag_id, &instance.run_id).await?.and_then(|r| r.logical_date);
        let Some(date) = date else { return Ok(Reply::ok(json!({}))) };
        let previous = runs::previous(&self.db, &instance.dag_id, date, false, Some(RunState::Success)).await?;
        Ok(Reply::ok(previous.map_or(json!({}), |run| {
            json!({
                "data_interval_start": shown_opt(run.data_interval_start),
                "data_interval_end": shown_opt(run.data_interval_end),
                "start_date": shown_opt(run.start_date),
                "end_date": shown_opt(run.end_date),
            })
        })))
    }

    /// When a rescheduled sensor began its present try; null when it was not rescheduled.
    pub(super) async fn reschedule_start(&self, id: &str) -> Result<Reply> {
        let (_, first) = self.db.ask(history::reschedules(id)).await?;
        Ok(Reply::ok(json!(shown_opt(first))))
    }
}
