//! What tasks and watchers keep with an asset, from one run to the next (routes/asset_state_store.py).

use super::{Call, Reply};
use crate::Scheduler;
use crate::store::asset_state::{self, Writer};
use crate::store::{assets, instances};
use artel_platform::Result;
use serde_json::{Value, json};

impl Scheduler {
    /// `by` is `by-name` or `by-uri`, `what` is `value`, one key of it, or `clear`, all of them.
    pub(super) async fn asset_state(&self, call: &Call<'_>, by: &str, what: &str) -> Result<Reply> {
        let column = if by == "by-name" { "name" } else { "uri" };
        let wanted = call.query.required(column)?;
        let Some(asset) = assets::active_by(&self.db, column, wanted).await? else {
            return Ok(Reply::not_found(format!("Asset with {column}='{wanted}' not found")));
        };
        if (call.method, what) == ("DELETE", "clear") {
            return self.forget_asset_state(asset.id, None).await.map(|()| Reply::empty(204));
        }
        let key = call.query.required("key")?;
        match call.method {
            "GET" => Ok(match asset_state::get(&self.db, asset.id, key).await? {
                Some(entry) => Reply::ok(json!({"value": serde_json::from_str::<Value>(&entry.value)?})),
                None => Reply::not_found(format!("Asset state store key '{key}' not found")),
            }),
            "PUT" => self.put_asset_state(call, asset.id, key).await,
            _ => self.forget_asset_state(asset.id, Some(key)).await.map(|()| Reply::empty(204)),
        }
    }

    async fn put_asset_state(&self, call: &Call<'_>, asset_id: i64, key: &str) -> Result<Reply> {
        let value = call.field("value");
        if value.is_null() {
            return Ok(Reply::unprocessable("value", "Value error, value cannot be null"));
        }
        let mut tx = self.db.begin().await?;
        let task = match call.caller.ti_id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => match instances::get(&mut tx, id).await? {
                Some(task) => Some(task),
                None => return Ok(Reply::not_found(format!("Task instance {id} not found"))),
            },
            None => None,
        };
        // a trigger that speaks for no task is a watcher's
        let writer = task.as_ref().map_or(Writer::Watcher, Writer::Task);
        asset_state::put(&mut tx, asset_id, key, &value.to_string(), writer, self.cx.clock.now()).await?;
        tx.commit().await?;
        Ok(Reply::empty(204))
    }

    /// Removes one key, or all of them; none is no error.
    pub(crate) async fn forget_asset_state(&self, asset_id: i64, key: Option<&str>) -> Result<()> {
        let mut tx = self.db.begin().await?;
        asset_state::delete(&mut tx, asset_id, key).await?;
        tx.commit().await
    }
}
