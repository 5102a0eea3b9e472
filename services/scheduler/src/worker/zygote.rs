//! The warm Python process that forks task runners (python/artel_side/zygote.py). Started on first need, started anew
//! when it has died. A fork is asked for with four sockets passed along; ends of children come back as messages.

use super::descriptors;
use artel_platform::python::{Environment, Requirements};
use artel_platform::{Context, Error, Result, ResultExt, process};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};

/// How long importing Airflow may take on a slow machine.
const START: Duration = Duration::from_secs(120);

/// What a forked task is given.
#[derive(Serialize)]
pub(super) struct Fork {
    /// Any name; the task instance's id.
    pub(super) id: String,
    /// Environment variables.
    pub(super) env: HashMap<String, String>,
    /// What it may take at most; python/README.md names them.
    pub(super) limits: HashMap<&'static str, u64>,
}

/// How a task's process ended.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Exit {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<serde_json::Value>,
}

/// A forked task.
pub(super) struct Forked {
    pub(super) pid: u32,
    /// Completes when it was reaped; fails when the zygote itself died.
    pub(super) exit: oneshot::Receiver<Exit>,
}

/// The zygote of this worker.
pub(super) struct Zygotes {
    cx: Context,
    current: Mutex<Option<Zygote>>,
}

struct Zygote {
    child: Child,
    forks: mpsc::Sender<Order>,
}

struct Order {
    fork: Fork,
    sockets: [OwnedFd; 4],
    started: oneshot::Sender<Result<Forked>>,
}

impl Zygotes {
    pub(super) fn new(cx: &Context) -> Self {
        Self { cx: cx.clone(), current: Mutex::new(None) }
    }

    /// Forks a task runner on `sockets` (requests, stdout, stderr, logs).
    pub(super) async fn fork(&self, fork: Fork, sockets: [OwnedFd; 4]) -> Result<Forked> {
        let (started, receive) = oneshot::channel();
        self.forks().await?.send(Order { fork, sockets, started }).await.map_err(|_| died())?;
        receive.await.map_err(|_| died())?
    }

    async fn forks(&self) -> Result<mpsc::Sender<Order>> {
        let mut current = self.current.lock().await;
        if let Some(zygote) = &*current
            && !zygote.forks.is_closed()
        {
            return Ok(zygote.forks.clone());
        }
        let environment = self.cx.python.ensure("airflow", &Requirements::Set("airflow")).await?;
        let zygote = start(&self.cx, &environment).await?;
        let forks = zygote.forks.clone();
        *current = Some(zygote);
        Ok(forks)
    }

    /// Ends it with every task that still runs.
    pub(super) async fn end(&self) {
        if let Some(mut zygote) = self.current.lock().await.take() {
            process::end(&mut zygote.child, Duration::from_secs(2)).await;
        }
    }
}

fn died() -> Error {
    Error::unavailable("the process that starts tasks has died; it is started again for the next task")
}

async fn start(cx: &Context, environment: &Environment) -> Result<Zygote> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let home = cx.config.data.join("airflow");
    std::fs::create_dir_all(home.join("logs")).or_internal("cannot make the folder for Airflow")?;
    let mut command = Command::new(environment.python());
    process::group(&mut command).args(["-m", "artel_side.zygote", "--control", "fd:0"]).current_dir(cx.python.side());
    command.env_clear().envs(std::env::vars().filter(|(name, _)| !name.starts_with("ARTEL_") && !name.starts_with("AIRFLOW__")));
    command.envs(base_environment(cx, environment, &home));
    command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().or_unavailable("cannot start the process that starts tasks")?;
    drop(command); // it holds the other end of the socket
    if let Some(output) = child.stderr.take() {
        tokio::spawn(process::each_line_of("zygote", output));
    }
    let (read, write) = UnixStream::from_std(ours)?.into_split();
    let mut frames = FramedRead::new(read, LengthDelimitedCodec::builder().max_frame_length(1 << 24).new_codec());
    let ready = tokio::time::timeout(START, next(&mut frames)).await.map_err(|_| Error::timeout("Airflow was not imported in time"))?;
    match ready? {
        Message::Ready {} => {}
        Message::Failed { error } => return Err(Error::conflict(format!("Airflow cannot be imported: {error}"))),
        _ => return Err(Error::internal("the process that starts tasks did not begin with ready")),
    }
    let (forks, orders) = mpsc::channel(64);
    tokio::spawn(serve(frames, write, orders));
    Ok(Zygote { child, forks })
}

fn base_environment(cx: &Context, environment: &Environment, home: &std::path::Path) -> Vec<(String, String)> {
    let path = std::env::var("PATH").unwrap_or_default();
    let pairs = [
        ("AIRFLOW_HOME", home.display().to_string()),
        ("AIRFLOW__CORE__LOAD_EXAMPLES", "False".into()),
        ("AIRFLOW__LOGGING__BASE_LOG_FOLDER", home.join("logs").display().to_string()),
        ("AIRFLOW__WORKERS__MISSING_DAG_RETRIES", "0".into()),
        ("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", home.join("bundles").display().to_string()),
        ("PATH", format!("{}:{path}", environment.folder.join("bin").display())),
        ("VIRTUAL_ENV", environment.folder.display().to_string()),
        ("PYTHONPATH", cx.python.side().display().to_string()),
        ("PYTHONUNBUFFERED", "1".into()),
        // A task's standard input is a socket. A bash that is the outermost shell takes that for a remote login and reads
        // ~/.bashrc, which may put another Python before the environment's.
        ("SHLVL", "1".into()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Message {
    Ready {},
    Failed {
        error: String,
    },
    Started {
        id: String,
        pid: u32,
    },
    Refused {
        id: String,
        error: String,
    },
    Exited {
        id: String,
        #[serde(flatten)]
        exit: Exit,
    },
}

type Frames = FramedRead<OwnedReadHalf, LengthDelimitedCodec>;

async fn next(frames: &mut Frames) -> Result<Message> {
    let frame = frames.next().await.ok_or_else(died)??;
    serde_json::from_slice(&frame).or_internal("a message of the process that starts tasks is not understood")
}

/// Passes orders on and messages back until either side is gone; then every task of this zygote is dead too.
async fn serve(mut frames: Frames, mut write: OwnedWriteHalf, mut orders: mpsc::Receiver<Order>) {
    let mut starting: HashMap<String, oneshot::Sender<Result<Forked>>> = HashMap::new();
    let mut running: HashMap<String, oneshot::Sender<Exit>> = HashMap::new();
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(Order { fork, sockets, started }) = order else { return };
                match send(&mut write, &fork, sockets).await {
                    Ok(()) => { starting.insert(fork.id, started); }
                    Err(error) => { let _ = started.send(Err(error)); }
                }
            }
            message = next(&mut frames) => match message {
                Ok(Message::Started { id, pid }) => {
                    let (send, exit) = oneshot::channel();
                    if let Some(started) = starting.remove(&id) {
                        let _ = started.send(Ok(Forked { pid, exit }));
                    }
                    running.insert(id, send);
                }
                Ok(Message::Refused { id, error }) => {
                    if let Some(started) = starting.remove(&id) {
                        let _ = started.send(Err(Error::unavailable(format!("the task's process cannot be started: {error}"))));
                    }
                }
                Ok(Message::Exited { id, exit }) => {
                    if let Some(ended) = running.remove(&id) {
                        let _ = ended.send(exit);
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "the process that starts tasks is gone");
                    return;
                }
            }
        }
    }
}

/// The four length bytes carry the sockets, then comes the JSON.
async fn send(write: &mut OwnedWriteHalf, fork: &Fork, sockets: [OwnedFd; 4]) -> Result<()> {
    let mut request = serde_json::to_value(fork)?;
    request["op"] = "fork".into();
    let body = request.to_string().into_bytes();
    descriptors::pass(write.as_ref(), (body.len() as u32).to_be_bytes(), &sockets).await?;
    write.write_all(&body).await?;
    Ok(())
}
