//! One task from its fork to the end of its process: reads its log, kills it when told to, and says how it ended when it does
//! not say so itself.

use super::conversation::Conversation;
use super::execution_api::{Answer, Call};
use super::log::{Log, Source};
use super::zygote::{Exit, Fork};
use super::{Slot, Worker};
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
use tokio::sync::mpsc;

/// Between SIGTERM, which runs `on_kill`, and SIGKILL. Upstream's figure.
const TERM_GRACE: Duration = Duration::from_secs(5);
/// How long what a task left in the background may hold its output open after its end.
const AFTER_EXIT: Duration = Duration::from_secs(10);

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
    let ending = match supervise(&worker, &workload, slot, &log, killed).await {
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

async fn supervise(worker: &Arc<Worker>, workload: &Workload, slot: Slot, log: &Log, killed: mpsc::Receiver<()>) -> Result<Ending> {
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
    let mut conversation = Conversation::new(worker, &workload.ti_id, slot, log);
    let killer = tokio::spawn(kill_when_told(forked.pid, killed));
    let talked = conversation.hold(requests, startup).await;
    let exit = forked.exit.await.unwrap_or(Exit { code: None, signal: Some("SIGKILL".into()) });
    killer.abort();
    let _ = tokio::time::timeout(AFTER_EXIT, async { tokio::join!(output, conversation.end_of_logs()) }).await;
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

pub(super) fn pair() -> Result<(UnixStream, OwnedFd)> {
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
