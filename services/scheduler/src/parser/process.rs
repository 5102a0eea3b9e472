//! The warm parser process (python/artel_side/dag_parser.py): started in the background, kept, started anew when it dies.

use super::asks;
use crate::Scheduler;
use artel_platform::python::{Environment, Requirements};
use artel_platform::{Error, Result, ResultExt, process};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// How long importing Airflow may take on a slow machine.
const START: Duration = Duration::from_secs(120);
/// Beyond the time that a file is given: how long its answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Largest answer: the DAGs of one file.
const MAX_FRAME: usize = 256 << 20;
/// Longest pause before the process is started again.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// What a request gave.
pub(super) struct Parsed {
    /// The process's answer.
    pub(super) answer: Value,
    /// What the file asked for meanwhile.
    pub(super) asked: Vec<String>,
}

struct Request {
    /// Without its `id`.
    message: Value,
    /// The answer when the process dies over it, and again the second time.
    fatal: Value,
    reply: oneshot::Sender<Parsed>,
}

/// A request under way.
struct Pending {
    request: Request,
    asked: Vec<String>,
    /// It was sent to a process that died over it.
    retried: bool,
}

/// The way to the process.
pub(super) struct Process {
    requests: mpsc::UnboundedSender<Request>,
    /// Taken at the start of the service.
    receive: Mutex<Option<mpsc::UnboundedReceiver<Request>>>,
    warm: Notify,
}

impl Default for Process {
    fn default() -> Self {
        let (requests, receive) = mpsc::unbounded_channel();
        Self { requests, receive: Mutex::new(Some(receive)), warm: Notify::new() }
    }
}

impl Process {
    /// From now on there is a process, when the first request comes or [`Process::warm`] is called.
    pub(super) fn start(&self, scheduler: &Arc<Scheduler>) {
        if let Some(requests) = self.receive.lock().expect("not poisoned").take() {
            scheduler.cx.spawn("DAG parser", run(scheduler.clone(), requests));
        }
    }

    /// Starts the process in the background, if it is not started yet.
    pub(super) fn warm(&self) {
        self.warm.notify_one();
    }

    /// Parses one file of a checkout.
    pub(super) async fn parse(&self, path: &Path, bundle_name: &str, bundle_path: &Path, seconds: f64) -> Result<Parsed> {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let why = "the DAG parser died while it parsed this file, twice";
        let message = json!({
            "path": path.display().to_string(),
            "bundle_path": bundle_path.display().to_string(),
            "bundle_name": bundle_name,
            "timeout": seconds,
        });
        self.send(message, json!({"import_errors": {name: why}})).await
    }

    /// Asks code of a plug-in something; `{"error": …}` in the answer is its failure.
    pub(super) async fn ask(&self, mut message: Value, seconds: f64) -> Result<Value> {
        message["timeout"] = seconds.into();
        let answer = self.send(message, json!({"error": "the process that runs plug-ins died over this question, twice"}));
        let patience = START + PATIENCE + Duration::from_secs_f64(seconds);
        let answered = tokio::time::timeout(patience, answer).await;
        Ok(answered.unwrap_or_else(|_| Err(Error::timeout("the DAG parser does not answer")))?.answer)
    }

    async fn send(&self, message: Value, fatal: Value) -> Result<Parsed> {
        let (reply, receive) = oneshot::channel();
        self.requests.send(Request { message, fatal, reply }).map_err(|_| stopped())?;
        receive.await.map_err(|_| stopped())
    }
}

fn stopped() -> Error {
    Error::unavailable("the DAG parser has stopped")
}

/// Keeps a process running, until the service stops.
async fn run(scheduler: Arc<Scheduler>, mut requests: mpsc::UnboundedReceiver<Request>) {
    let stop = scheduler.cx.stop.clone();
    let mut pending = HashMap::new();
    let mut pause = Duration::from_millis(200);
    tokio::select! {
        () = stop.cancelled() => return,
        () = scheduler.parser.process.warm.notified() => {}
        first = requests.recv() => {
            let Some(request) = first else { return };
            pending.insert(1, Pending { request, asked: Vec::new(), retried: false });
        }
    }
    loop {
        let served = tokio::select! {
            () = stop.cancelled() => return,
            served = serve(&scheduler, &mut requests, &mut pending) => served,
        };
        match served {
            Ok(()) => return,
            Err((error, had_started)) => {
                tracing::warn!(error = %error.chain(), "the DAG parser has to be started again");
                if had_started {
                    pause = Duration::from_millis(200);
                }
            }
        }
        give_up_twice_failed(&mut pending);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(MAX_PAUSE),
        }
    }
}

/// A file that the process died over twice gets an import error instead of a third attempt.
fn give_up_twice_failed(pending: &mut HashMap<u64, Pending>) {
    let twice: Vec<u64> = pending.iter().filter(|p| p.1.retried).map(|p| *p.0).collect();
    for id in twice {
        if let Some(failed) = pending.remove(&id) {
            let _ = failed.request.reply.send(Parsed { answer: failed.request.fatal, asked: failed.asked });
        }
    }
    for waiting in pending.values_mut() {
        waiting.retried = true;
    }
}

/// One life of the process. `Ok` when nobody has requests any more; else why it ended and whether it had come up.
async fn serve(
    scheduler: &Arc<Scheduler>,
    requests: &mut mpsc::UnboundedReceiver<Request>,
    pending: &mut HashMap<u64, Pending>,
) -> Result<(), (Error, bool)> {
    let environment = scheduler.cx.python.ensure("airflow", &Requirements::Set("airflow")).await.map_err(|e| (e, false))?;
    let (mut child, socket) = spawn(scheduler, &environment).map_err(|e| (e, false))?;
    let codec = LengthDelimitedCodec::builder().max_frame_length(MAX_FRAME).new_codec();
    let mut frames = Framed::new(socket, codec);
    let ready = tokio::time::timeout(START, receive(&mut frames))
        .await
        .unwrap_or_else(|_| Err(Error::timeout("the DAG parser did not come up in time")));
    let came_up = match ready {
        Ok(hello) if hello["event"] == "ready" => {
            tracing::info!(
                seconds = hello["seconds"].as_f64(),
                airflow = hello["versions"]["apache-airflow-core"].as_str(),
                "DAG parser ready"
            );
            true
        }
        Ok(hello) => {
            process::end(&mut child, Duration::from_secs(1)).await;
            return Err((
                Error::conflict(format!("the DAG parser cannot start: {}", hello["error"].as_str().unwrap_or("no reason given"))),
                false,
            ));
        }
        Err(error) => {
            process::end(&mut child, Duration::from_secs(1)).await;
            return Err((error, false));
        }
    };
    let result = converse(scheduler, &mut frames, requests, pending).await;
    process::end(&mut child, Duration::from_secs(1)).await;
    result.map_err(|e| (e, came_up))
}

async fn converse(
    scheduler: &Arc<Scheduler>,
    frames: &mut Framed<UnixStream, LengthDelimitedCodec>,
    requests: &mut mpsc::UnboundedReceiver<Request>,
    pending: &mut HashMap<u64, Pending>,
) -> Result<()> {
    let mut next = pending.keys().max().map_or(1, |id| id + 1);
    for (id, waiting) in pending.iter_mut() {
        waiting.asked.clear();
        send(frames, &order(*id, &waiting.request)).await?;
    }
    loop {
        tokio::select! {
            request = requests.recv() => {
                let Some(request) = request else { return Ok(()) };
                let id = next;
                next += 1;
                let message = order(id, &request);
                pending.insert(id, Pending { request, asked: Vec::new(), retried: false });
                send(frames, &message).await?;
            }
            message = receive(frames) => {
                let message = message?;
                let id = message["id"].as_u64().unwrap_or_default();
                if message.get("ask").is_some() {
                    let body = scheduler.answer_parser(&message["body"]).await;
                    if let (Some(waiting), Some(name)) = (pending.get_mut(&id), asks::name(&message["body"])) {
                        waiting.asked.push(name);
                    }
                    send(frames, &json!({"id": id, "answer": message["ask"], "body": body})).await?;
                } else if let Some(done) = pending.remove(&id) {
                    let _ = done.request.reply.send(Parsed { answer: message, asked: done.asked });
                }
            }
            () = silence(scheduler, pending) => return Err(Error::timeout("the DAG parser does not answer")),
        }
    }
}

/// Passes when a file waits for an answer far longer than it may take.
async fn silence(scheduler: &Scheduler, pending: &HashMap<u64, Pending>) {
    if pending.is_empty() {
        return std::future::pending().await;
    }
    let rounds = pending.len().div_ceil(scheduler.settings.parsers()) as f64;
    tokio::time::sleep(PATIENCE + Duration::from_secs_f64(scheduler.settings.parse_timeout_seconds * rounds)).await;
}

fn order(id: u64, request: &Request) -> Value {
    let mut message = request.message.clone();
    message["id"] = id.into();
    message
}

async fn send(frames: &mut Framed<UnixStream, LengthDelimitedCodec>, message: &Value) -> Result<()> {
    frames.send(Bytes::from(message.to_string())).await.or_unavailable("the DAG parser has died")
}

async fn receive(frames: &mut Framed<UnixStream, LengthDelimitedCodec>) -> Result<Value> {
    let frame = frames.next().await.ok_or_else(|| Error::unavailable("the DAG parser has died"))?;
    Ok(serde_json::from_slice(&frame.or_unavailable("the DAG parser has died")?)?)
}

fn spawn(scheduler: &Scheduler, environment: &Environment) -> Result<(Child, UnixStream)> {
    let cx = &scheduler.cx;
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let home = cx.config.data.join("airflow");
    std::fs::create_dir_all(&home).or_internal("cannot make the folder for Airflow")?;
    std::fs::create_dir_all(scheduler.plugins_folder()).or_internal("cannot make the folder for plug-ins")?;
    let mut command = Command::new(environment.python());
    process::group(&mut command)
        .args(["-m", "artel_side.dag_parser", "--control", "fd:0", "--parallel", &scheduler.settings.parsers().to_string()])
        .current_dir(cx.python.side())
        .env_clear()
        .envs(std::env::vars().filter(|(name, _)| !name.starts_with("ARTEL_") && !name.starts_with("AIRFLOW__")))
        .env("PYTHONPATH", cx.python.side())
        .env("AIRFLOW_HOME", &home)
        .env("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        .env("AIRFLOW__CORE__DAGS_FOLDER", scheduler.bundles.dags_folder())
        .env("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", scheduler.bundle_list().to_string())
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().or_unavailable("cannot start the DAG parser")?;
    drop(command); // it holds the other end of the socket
    if let Some(output) = child.stderr.take() {
        tokio::spawn(process::each_line_of("DAG parser", output));
    }
    Ok((child, UnixStream::from_std(ours)?))
}
