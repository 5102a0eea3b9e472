//! What code of users asks that runs beside the tasks: triggers and callbacks. They speak as a task does.

use super::Caller;
use crate::Scheduler;
use crate::worker::messages;
use serde_json::Value;

impl Scheduler {
    /// The answer to one request of PROTOCOL.md §4, on behalf of a try if there is one: `(body, error)`.
    pub(crate) async fn answer_code(&self, ti_id: Option<String>, request: &Value) -> (Value, Value) {
        if request["type"] == "MaskSecret" {
            return (Value::Null, Value::Null); // the process keeps secrets out of its lines itself
        }
        let ti_id = ti_id.unwrap_or_default();
        let Some((call, reply)) = messages::call(&ti_id, request) else { return (Value::Null, messages::unknown(request)) };
        let caller = Caller::new(Some(ti_id));
        let body = call.body.map(|b| b.to_string()).unwrap_or_default();
        let answer = self.execution(&caller, call.method, &call.path, &call.query, &body).await;
        messages::answer(request, reply, answer.into())
    }
}
