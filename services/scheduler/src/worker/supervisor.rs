//! One task from its fork to its last word: answers what it asks, reads its log, kills it when told to, and says how
//! it ended when it does not say so itself.

use super::execution_api::{Answer, Call};
use super::log::{Log, Source};
use super::zygote::{Exit, Fork};
use super::{Slot, Worker};
use super::{messages, wire};
use artel_platform::process::signal_group;
use artel_platform::{Error, Result};
use artel_proto::artel::scheduler::v1::{LogPiece, ProcessEnded, Workload};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;

/// Between SIGTERM, which runs `on_kill`, and SIGKILL. Upstream's figure.
const TERM_GRACE: Duration = Duration::from_secs(5);
/// How long what a task left in the background may hold its output open after its end.
const AFTER_EXIT: Duration = Duration::from_secs(10);
/// How long what a task has rendered waits for its next call. A little less than the first lines of its log wait to be told.
const TOLD_AFTER: Duration = Duration::from_millis(300);
/// What the supervisor itself needs of the terminal requests, in the order of python/PROTOCOL.md §6.
const APPLIED_WHEN_SAID: &[&str] = &["SucceedTask", "RetryTask", "DeferTask", "RescheduleTask", "AwaitInputTask"];

/// How the try ended, for the scheduler.
struct Ending {
    exit: Exit,
    /// The task said how it ended and the scheduler knows.
    said: bool,
}

/// Runs `workload` to its end; every outcome reaches the scheduler.
pub(super) async fn run(worker: Arc<Worker>, workload: Workload, slot: Slot) {
    let ti_id = workload.ti_id.clone();
    let (kill, killed) = mpsc::channel(1);
    worker.running.lock().expect("not poisoned").insert(ti_id.clone(), kill.clone());
    let (log, log_sender) = Log::open(worker.clone(), ti_id.clone());
    let ending = match supervise(&worker, &workload, Place::Slot(slot), &log, killed).await {
        Ok(ending) => ending,
        Err(error) => {
            tracing::warn!(%ti_id, error = %error.chain(), "task not run");
            log.say("error", &format!("the task could not be run: {}", error.chain())).await;
            Ending { exit: Exit { code: Some(1), signal: None }, said: false }
        }
    };
    drop(log);
    let last_log = log_sender.await.unwrap_or_default();
    report(&worker, &ti_id, ending, last_log).await;
    // a try that waited may have gone on here already, in another process
    let mut running = worker.running.lock().expect("not poisoned");
    if running.get(&ti_id).is_some_and(|other| other.same_channel(&kill)) {
        running.remove(&ti_id);
    }
}

async fn supervise(worker: &Arc<Worker>, workload: &Workload, place: Place, log: &Log, killed: mpsc::Receiver<()>) -> Result<Ending> {
    let task: Value = serde_json::from_str(&workload.execute_task_json)?;
    let (ours, theirs) = sockets()?;
    let [requests, stdout, stderr, logs] = ours;
    let bundle = worker.bundles.folder(workload).await?;
    let fork = Fork { id: workload.ti_id.clone(), env: environment(workload, &bundle), limits: worker.limits.clone() };
    let forked = worker.zygotes.fork(fork, theirs).await?;
    let started_at = worker.cx.clock.utc().to_rfc3339();
    let run = Call {
        method: "PATCH",
        path: format!("task-instances/{}/run", workload.ti_id),
        query: String::new(),
        body: Some(json!({"state": "running", "pid": forked.pid, "hostname": worker.id, "unixname": "artel", "start_date": started_at})),
    };
    let context = worker.call(&workload.ti_id, run, None).await;
    if !context.is_success() {
        signal_group(forked.pid, Signal::KILL);
        return Err(Error::conflict(format!("the scheduler does not let the task start ({})", context.body)));
    }
    let startup = startup_details(&task, context, &started_at);
    let output = tokio::spawn({
        let log = log.clone();
        async move { tokio::join!(log.follow(stdout, Source::Stdout), log.follow(stderr, Source::Stderr), log.follow(logs, Source::Runner)) }
    });
    let mut conversation = Conversation {
        worker,
        ti_id: &workload.ti_id,
        place,
        log,
        more_logs: JoinSet::new(),
        applied: false,
        at_exit: None,
        rendered: None,
    };
    let killer = tokio::spawn(kill_when_told(forked.pid, killed));
    let talked = conversation.hold(requests, startup).await;
    let exit = forked.exit.await.unwrap_or(Exit { code: None, signal: Some("SIGKILL".into()) });
    killer.abort();
    let more_logs = async { while conversation.more_logs.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(AFTER_EXIT, async { tokio::join!(output, more_logs) }).await;
    if let Err(error) = talked {
        log.say("error", &format!("the conversation with the task broke off: {}", error.chain())).await;
    }
    let said = conversation.settle(&exit).await;
    Ok(Ending { exit, said })
}

/// Both ends of the four socket pairs, ours ready for use.
fn sockets() -> Result<([UnixStream; 4], [OwnedFd; 4])> {
    let mut ours = Vec::with_capacity(4);
    let mut theirs = Vec::with_capacity(4);
    for _ in 0..4 {
        let (a, b) = pair()?;
        ours.push(a);
        theirs.push(b);
    }
    match (ours.try_into(), theirs.try_into()) {
        (Ok(ours), Ok(theirs)) => Ok((ours, theirs)),
        _ => Err(Error::internal("four pairs were made")),
    }
}

fn pair() -> Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, theirs.into()))
}

/// The task's own variables, and where its bundle lies.
fn environment(workload: &Workload, bundle: &Path) -> std::collections::HashMap<String, String> {
    let mut env = workload.env.clone();
    let list = json!([{
        "name": workload.bundle_name,
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": bundle.display().to_string()},
    }]);
    env.insert("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST".into(), list.to_string());
    env
}

fn startup_details(task: &Value, context: Answer, started_at: &str) -> Value {
    let start_date = match &context.body["start_date"] {
        Value::String(first) => first.clone(),
        _ => started_at.to_owned(),
    };
    json!({
        "type": "StartupDetails",
        "ti": task["ti"],
        "dag_rel_path": task["dag_rel_path"],
        "bundle_info": task["bundle_info"],
        "start_date": start_date,
        "ti_context": context.body,
        "sentry_integration": "",
    })
}

async fn kill_when_told(pid: u32, mut killed: mpsc::Receiver<()>) {
    if killed.recv().await.is_none() {
        return;
    }
    // SIGTERM to the task alone: its operator's on_kill ends what it has started
    if let Some(process) = Pid::from_raw(pid as i32) {
        let _ = kill_process(process, Signal::TERM);
    }
    tokio::time::sleep(TERM_GRACE).await;
    signal_group(pid, Signal::KILL);
}

/// Where a task is.
enum Place {
    /// It has a slot, which nobody else has before it ends.
    Slot(Slot),
    /// Its slot is another one's: it has ended, and only its process has not.
    Leaving { _until_exit: OwnedSemaphorePermit },
}

struct Conversation<'a> {
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

impl Conversation<'_> {
    /// Speaks first, then answers until the task closes its end.
    async fn hold(&mut self, mut socket: UnixStream, startup: Value) -> Result<()> {
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
        let (ours, theirs) = pair()?;
        let log = self.log.clone();
        self.more_logs.spawn(async move { log.follow(ours, Source::Runner).await });
        Ok(theirs)
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
        {
            self.worker.start(next, slot);
        }
        answer
    }

    /// Applies what waits for the exit. `true` when the scheduler has the task's own word.
    async fn settle(&mut self, exit: &Exit) -> bool {
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

/// Tells how it ended, after the last of its log. Only what the scheduler has to decide about is waited for.
async fn report(worker: &Worker, ti_id: &str, ending: Ending, last_log: Option<LogPiece>) {
    if let Some(piece) = last_log {
        worker.reporter.log(piece, false).await;
    }
    let ended = ProcessEnded {
        ti_id: ti_id.into(),
        exit_code: ending.exit.code.unwrap_or(-1),
        signal: ending.exit.signal.as_ref().map(|s| s.as_str().map_or_else(|| s.to_string(), Into::into)).unwrap_or_default(),
        sent_terminal_state: ending.said,
    };
    let told = worker.reporter.ended(ended).await;
    if !ending.said {
        let _ = told.await;
    }
}
