//! What a task keeps from one try to the next (routes/task_state_store.py).

use super::{Call, Reply};
use crate::Scheduler;
use crate::store::{instances, task_state};
use artel_platform::Result;
use serde_json::{Value, json};

impl Scheduler {
    pub(super) async fn task_state(&self, call: &Call<'_>, ti_id: &str, key: &str) -> Result<Reply> {
        let Some(of) = instances::get(&self.db, ti_id).await? else {
            return Ok(Reply::not_found(format!("Task instance {ti_id} not found")));
        };
        let now = self.cx.clock.now();
        if call.method == "GET" && !key.is_empty() {
            return Ok(match task_state::get(&self.db, &of, key, now).await? {
                Some(value) => Reply::ok(json!({"value": serde_json::from_str::<Value>(&value)?})),
                None => Reply::not_found(format!("Task state store key '{key}' not found")),
            });
        }
        let mut tx = self.db.begin().await?;
        match call.method {
            "PUT" if !key.is_empty() => {
                let expires_at = call.time("expires_at")?;
                task_state::put(&mut tx, &of, key, &call.field("value").to_string(), expires_at, now).await?;
            }
            "DELETE" => task_state::delete(&mut tx, &of, Some(key).filter(|k| !k.is_empty())).await?,
            _ => return Ok(Reply::new(405, json!({"detail": "Method Not Allowed"}))),
        }
        tx.commit().await?;
        Ok(Reply::empty(204))
    }
}
