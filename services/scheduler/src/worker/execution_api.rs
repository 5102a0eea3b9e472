//! Calls of the Task Execution API through the scheduler's gRPC service.

use super::Worker;
use crate::execution::Reply;
use artel_proto::artel::scheduler::v1::{ExecutionApiRequest, Workload};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;

/// How often a call is tried while the scheduler is away: about a minute.
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// One call, as upstream's HTTP client would make it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    /// Without the leading `/execution`; segments percent-encoded.
    pub(crate) path: String,
    /// Encoded, without `?`.
    pub(crate) query: String,
    pub(crate) body: Option<Value>,
}

/// What came back.
pub(crate) struct Answer {
    /// HTTP status; 0 when the scheduler was not reached.
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) headers: HashMap<String, String>,
    /// What the slot of the task that ended goes to.
    pub(crate) next: Option<Workload>,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// An answer that was given in this process.
impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let headers = reply.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { status: reply.status, body: reply.body.unwrap_or(Value::Null), headers, next: None }
    }
}

impl Worker {
    /// Makes the call for the task instance `ti_id`, waiting for a scheduler that restarts. `rendered` is what its fields were
    /// rendered to, where that has not been told.
    pub(super) async fn call(&self, ti_id: &str, call: Call, rendered: Option<Value>) -> Answer {
        self.call_from(ti_id, call, rendered, &[]).await
    }

    /// The same, of a call that ends the try: its slot may go to another one of these queues.
    pub(super) async fn call_from(&self, ti_id: &str, call: Call, rendered: Option<Value>, next_from: &[String]) -> Answer {
        let request = ExecutionApiRequest {
            worker_id: self.id.clone(),
            ti_id: ti_id.into(),
            method: call.method.into(),
            path: call.path,
            query: call.query,
            body_json: call.body.map(|b| b.to_string()).unwrap_or_default(),
            rendered_fields_json: rendered.map(|fields| fields.to_string()),
            next_from: next_from.to_vec(),
        };
        for _ in 0..ATTEMPTS {
            match self.cx.peers.scheduler().call_execution_api(request.clone()).await {
                Ok(answer) => {
                    let answer = answer.into_inner();
                    let body = serde_json::from_str(&answer.body_json).unwrap_or(Value::Null);
                    return Answer { status: answer.status as u16, body, headers: answer.headers, next: answer.next };
                }
                Err(status) if status.code() == tonic::Code::Unavailable && !self.cx.stop.is_cancelled() => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(status) => return failed(status.message()),
            }
        }
        failed("the scheduler does not answer")
    }
}

fn failed(why: &str) -> Answer {
    Answer { status: 0, body: Value::from(why), headers: HashMap::new(), next: None }
}
