//! What a task asks and is answered, from its first word to its last.

use super::execution_api::{Answer, Call};
use super::log::{Log, Source};
use super::zygote::Exit;
use super::{Slot, Worker, messages, wire};
use artel_platform::Result;
use serde_json::{Value, json};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;

/// How long what a task has rendered waits for its next call. A little less than the first lines of its log wait to be told.
const TOLD_AFTER: Duration = Duration::from_millis(300);
/// What the supervisor itself needs of the terminal requests, in the order of python/PROTOCOL.md §6.
const APPLIED_WHEN_SAID: &[&str] = &["SucceedTask", "RetryTask", "DeferTask", "RescheduleTask", "AwaitInputTask"];

/// Where a task is.
enum Place {
    /// It has a slot, which nobody else has before it ends.
    Slot(Slot),
    /// Its slot is another one's: it has ended, and only its process has not.
    Leaving { _until_exit: OwnedSemaphorePermit },
}

/// With one task.
pub(super) struct Conversation<'a> {
    worker: &'a Arc<Worker>,
    ti_id: &'a str,
    place: Place,
    log: &'a Log,
    /// Log sockets of processes that the task has started.
    more_logs: JoinSet<()>,
    /// A terminal state was applied.
    applied: bool,
    /// `TaskState`: applied only once the process has exited well.
    at_exit: Option<Value>,
    /// What it has just rendered its fields to. Nobody waits for that, so it is told with the next call or after a moment.
    rendered: Option<Value>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(worker: &'a Arc<Worker>, ti_id: &'a str, slot: Slot, log: &'a Log) -> Self {
        let place = Place::Slot(slot);
        Self { worker, ti_id, place, log, more_logs: JoinSet::new(), applied: false, at_exit: None, rendered: None }
    }

    /// Speaks first, then answers until the task closes its end.
    pub(super) async fn hold(&mut self, mut socket: UnixStream, startup: Value) -> Result<()> {
        wire::write(&mut socket, 0, &startup, &Value::Null).await?;
        while let Some(request) = self.next_request(&mut socket).await? {
            let answered = if request.body["type"] == "ResendLoggingFD" {
                wire::write_with(&mut socket, request.id, &json!({"type": "SentFDs", "fds": [0]}), self.another_log()?).await
            } else {
                let (body, error) = self.reply(&request.body).await;
                wire::write(&mut socket, request.id, &body, &error).await
            };
            if let Err(error) = answered {
                tracing::debug!(error = %error.chain(), "the task did not wait for its answer");
                return Ok(());
            }
        }
        Ok(())
    }

    /// What the task says next. Tells what has waited to be told meanwhile.
    async fn next_request(&mut self, socket: &mut UnixStream) -> Result<Option<wire::Request>> {
        let read = wire::read(socket);
        tokio::pin!(read);
        loop {
            tokio::select! {
                request = &mut read => return request,
                () = tokio::time::sleep(TOLD_AFTER), if self.rendered.is_some() => self.tell_rendered().await,
            }
        }
    }

    async fn tell_rendered(&mut self) {
        if let Some(fields) = self.rendered.take() {
            self.worker.reporter.rendered(self.ti_id, &fields).await;
        }
    }

    /// The other end of one more socket whose lines go into the log. Code in another interpreter asks for it, to speak for the task.
    fn another_log(&mut self) -> Result<OwnedFd> {
        let (ours, theirs) = super::supervisor::pair()?;
        let log = self.log.clone();
        self.more_logs.spawn(async move { log.follow(ours, Source::Runner).await });
        Ok(theirs)
    }

    /// When the processes that the task has started have nothing more to log.
    pub(super) async fn end_of_logs(&mut self) {
        while self.more_logs.join_next().await.is_some() {}
    }

    async fn reply(&mut self, message: &Value) -> (Value, Value) {
        let kind = message["type"].as_str().unwrap_or_default();
        if kind == "MaskSecret" {
            self.log.mask(&message["value"], message["name"].as_str());
            return (Value::Null, Value::Null);
        }
        if kind == "TaskState" {
            self.at_exit = Some(message.clone());
            return (Value::Null, Value::Null);
        }
        if kind == "SetRenderedFields" {
            self.rendered = Some(message["rendered_fields"].clone());
            return (Value::Null, Value::Null);
        }
        let Some((call, reply)) = messages::call(self.ti_id, message) else {
            return (Value::Null, messages::unknown(message));
        };
        let answer = match APPLIED_WHEN_SAID.contains(&kind) {
            true => self.last_word(call).await,
            false => self.worker.call(self.ti_id, call, self.rendered.take()).await,
        };
        if kind == "GetConnection" && answer.is_success() {
            self.log.mask(&answer.body["password"], None);
            self.log.mask(&answer.body["extra"], Some("extra"));
        }
        messages::answer(message, reply, answer)
    }

    /// Tells how the task ends. Its slot goes to another one while its process exits, unless too many do that already.
    async fn last_word(&mut self, call: Call) -> Answer {
        let leaving = self.worker.leaving.clone().try_acquire_owned().ok();
        let leaves = leaving.is_some() && matches!(self.place, Place::Slot(_)) && !self.worker.cx.stop.is_cancelled();
        let next_from: &[String] = if leaves { &self.worker.queues } else { &[] };
        let mut answer = self.worker.call_from(self.ti_id, call, self.rendered.take(), next_from).await;
        if !answer.is_success() {
            return answer;
        }
        self.applied = true;
        if let Some(_until_exit) = leaving.filter(|_| leaves)
            && let Place::Slot(slot) = std::mem::replace(&mut self.place, Place::Leaving { _until_exit })
            && let Some(next) = answer.next.take()
            && !self.worker.cx.stop.is_cancelled()
        // nobody would end it any more: its lease runs out
        {
            self.worker.start(next, slot);
        }
        answer
    }

    /// Applies what waits for the exit. `true` when the scheduler has the task's own word.
    pub(super) async fn settle(&mut self, exit: &Exit) -> bool {
        if self.applied {
            return true;
        }
        let state = self.at_exit.take().filter(|_| exit.code == Some(0));
        if let Some((call, _)) = state.and_then(|state| messages::call(self.ti_id, &state)) {
            self.last_word(call).await;
        }
        self.tell_rendered().await;
        self.applied
    }
}
