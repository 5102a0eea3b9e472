//! A Python process of the `artel_side` package: started with one end of a socket pair as its standard input, spoken
//! to in frames of 4 bytes big-endian length and that many bytes. See python/README.md for what the frames hold.

use super::{Environment, Environments};
use crate::error::{Error, Result, ResultExt};
use crate::process;
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

/// Largest frame, either way.
const MAX_FRAME: usize = 1 << 30;
/// Frames that may wait to be written before `send` waits.
const QUEUED_FRAMES: usize = 64;
/// How many last lines of output are kept to explain a death.
const LAST_LINES: usize = 12;
/// How long a process whose socket has closed gets to be reaped, so that its status can be told.
const REAP: Duration = Duration::from_secs(2);

/// What a side process sees of the environment of this one. Everything else (secrets, settings) stays here.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// What to start.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Name for people and the log, e.g. `model worker wine/2`.
    pub name: String,
    /// Module of `artel_side`, e.g. `model_worker`.
    pub module: &'static str,
    /// Arguments after `--control fd:0`.
    pub args: Vec<OsString>,
    /// More environment variables.
    pub env: Vec<(String, String)>,
}

/// A running side process in a process group of its own. Dropped, it is killed; [`SideProcess::end`] is kinder.
pub struct SideProcess {
    name: String,
    child: Child,
    sender: FrameSender,
    frames: FramedRead<OwnedReadHalf, LengthDelimitedCodec>,
    last: Arc<Mutex<VecDeque<String>>>,
    logs: [Option<JoinHandle<()>>; 2],
}

/// Sends frames to a side process; cheap to clone. The process ends when every sender of it is dropped.
#[derive(Clone)]
pub struct FrameSender(mpsc::Sender<Bytes>);

impl FrameSender {
    /// Queues a frame; waits while too many are queued. A frame is written whole even if this future is dropped.
    pub async fn send(&self, frame: impl Into<Bytes>) -> Result<()> {
        self.0.send(frame.into()).await.map_err(|_| Error::unavailable("the Python process has ended"))
    }
}

impl SideProcess {
    /// Starts `launch.module` with the interpreter of `environment`. Its output goes to the log, line by line.
    /// Returns at once; [`SideProcess::ready`] waits until it can work.
    pub fn spawn(python: &Environments, environment: &Environment, launch: Launch) -> Result<Self> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = Command::new(environment.python());
        process::group(&mut command).arg("-m").arg(format!("artel_side.{}", launch.module)).args(["--control", "fd:0"]).args(&launch.args);
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_clear().envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.current_dir(python.side()).env("PYTHONPATH", python.side()).env("PYTHONUNBUFFERED", "1").envs(launch.env);
        let mut child = command.spawn().or_unavailable(&format!("cannot start {} with {}", launch.name, environment.python().display()))?;
        drop(command); // it holds the other end of the socket
        let last = Arc::new(Mutex::new(VecDeque::new()));
        let logs = [log_lines(child.stdout.take(), &launch.name, &last), log_lines(child.stderr.take(), &launch.name, &last)];
        let (read, write) = UnixStream::from_std(ours)?.into_split();
        Ok(Self { name: launch.name, child, sender: FrameSender(write_frames(write)), frames: FramedRead::new(read, codec()), last, logs })
    }

    /// Waits for the process's first message and returns it. Fails with what the process says when it cannot work,
    /// with its last lines when it dies, and when `within` has passed.
    pub async fn ready(&mut self, within: Duration) -> Result<serde_json::Value> {
        let first = match tokio::time::timeout(within, self.recv()).await {
            Ok(frame) => frame?,
            Err(_) => {
                return Err(Error::timeout(format!("{} was not ready within {} s{}", self.name, within.as_secs(), self.last_lines())));
            }
        };
        let message: serde_json::Value =
            serde_json::from_slice(json_of(&first)).or_internal("the first message of a Python process is no JSON")?;
        match message["event"].as_str() {
            Some("ready") => Ok(message),
            Some("failed") => {
                tracing::warn!(process = %self.name, "{}", message["traceback"].as_str().unwrap_or_default());
                Err(Error::conflict(message["error"].as_str().unwrap_or("it does not say why").to_owned()))
            }
            _ => Err(Error::internal(format!("{} did not begin with ready or failed", self.name))),
        }
    }

    /// Its process id, `None` once it was reaped.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Another handle to send by.
    pub fn sender(&self) -> FrameSender {
        self.sender.clone()
    }

    /// See [`FrameSender::send`].
    pub async fn send(&self, frame: impl Into<Bytes>) -> Result<()> {
        self.sender.send(frame).await
    }

    /// The next frame. Nothing is lost when this future is dropped. Fails with `UNAVAILABLE` when the process has
    /// ended, saying how and with its last lines.
    pub async fn recv(&mut self) -> Result<Bytes> {
        match self.frames.next().await {
            Some(Ok(frame)) => Ok(frame.freeze()),
            Some(Err(error)) => Err(self.death().await.because(error)),
            None => Err(self.death().await),
        }
    }

    /// Waits until the process has ended by itself.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// Ends the process and its whole group: it is asked to by SIGTERM and the closed socket, and made to after `grace`.
    pub async fn end(self, grace: Duration) {
        let Self { mut child, sender, frames, .. } = self;
        drop((sender, frames));
        process::end(&mut child, grace).await;
    }

    async fn death(&mut self) -> Error {
        let how = match tokio::time::timeout(REAP, self.child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            _ => "its socket closed".into(),
        };
        for log in self.logs.iter_mut().filter_map(Option::take) {
            let _ = tokio::time::timeout(REAP, log).await; // its last words may still be on their way
        }
        Error::unavailable(format!("{} ended ({how}){}", self.name, self.last_lines()))
    }

    fn last_lines(&self) -> String {
        let last = self.last.lock().expect("not poisoned");
        last.iter().fold(String::new(), |text, line| text + "\n" + line)
    }
}

/// The JSON of a first message: of a JSON frame the whole, of a frame with a header what follows its 4-byte length.
fn json_of(frame: &[u8]) -> &[u8] {
    match frame {
        [b'{', ..] => frame,
        [a, b, c, d, rest @ ..] => rest.get(..u32::from_be_bytes([*a, *b, *c, *d]) as usize).unwrap_or(rest),
        _ => frame,
    }
}

fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().length_field_length(4).max_frame_length(MAX_FRAME).new_codec()
}

/// A task that writes whole frames, so that no caller that gives up leaves half of one.
fn write_frames(write: OwnedWriteHalf) -> mpsc::Sender<Bytes> {
    let (send, mut queue) = mpsc::channel::<Bytes>(QUEUED_FRAMES);
    tokio::spawn(async move {
        let mut frames = FramedWrite::new(write, codec());
        while let Some(frame) = queue.recv().await {
            if frames.send(frame).await.is_err() {
                return; // the process has ended: `recv` says so
            }
        }
    });
    send
}

fn log_lines(
    output: Option<impl AsyncRead + Unpin + Send + 'static>,
    name: &str,
    last: &Arc<Mutex<VecDeque<String>>>,
) -> Option<JoinHandle<()>> {
    let output = output?;
    let (name, last) = (name.to_owned(), last.clone());
    Some(tokio::spawn(async move {
        process::each_line(output, |line| {
            tracing::info!(process = %name, "{line}");
            let mut last = last.lock().expect("not poisoned");
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(line.to_owned());
        })
        .await;
    }))
}

#[cfg(test)]
mod tests {
    use super::json_of;

    #[test]
    fn a_first_message_is_found_with_and_without_a_header() {
        assert_eq!(json_of(b"{\"event\":1}"), b"{\"event\":1}");
        assert_eq!(json_of(b"\0\0\0\x02{}body"), b"{}");
        assert_eq!(json_of(b""), b"");
    }
}
