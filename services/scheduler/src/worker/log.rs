//! The log of one try: what the task runner says in JSON, and what the task prints, as one sequence of JSON lines.
//! Lines are sent on in batches while the task runs, so that people read along.

use super::Worker;
use super::mask::Masker;
use artel_proto::artel::scheduler::v1::LogPiece;
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::mpsc;

/// A batch is sent when it is this large or this old; it then waits a moment for those of other tasks (reporter.rs).
const BATCH_BYTES: usize = 64 * 1024;
const BATCH_AGE: Duration = Duration::from_millis(50);
/// A longer line is cut into several, so that a task that never ends its line does not fill the worker's memory.
const MAX_LINE: usize = 256 * 1024;
/// Lines that wait to be sent; a task that prints more waits itself.
const QUEUED_LINES: usize = 64;

/// Where a line comes from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// Structured lines of the task runner.
    Runner,
    /// What the task prints.
    Stdout,
    /// What it prints to standard error.
    Stderr,
}

/// Takes lines from the task's sockets.
#[derive(Clone)]
pub(super) struct Log {
    lines: mpsc::Sender<String>,
    masker: Arc<Mutex<Masker>>,
}

impl Log {
    /// A log for one try and the task that sends its lines. It ends when every handle is dropped, with what is not sent by then.
    pub(super) fn open(worker: Arc<Worker>, ti_id: String) -> (Self, tokio::task::JoinHandle<Option<LogPiece>>) {
        let (lines, queue) = mpsc::channel(QUEUED_LINES);
        let sender = tokio::spawn(send_batches(worker, ti_id, queue));
        (Self { lines, masker: Arc::default() }, sender)
    }

    /// Takes note of a secret.
    pub(super) fn mask(&self, value: &Value, name: Option<&str>) {
        self.masker.lock().expect("not poisoned").add(value, name);
    }

    /// Reads a socket of the task to its end.
    pub(super) async fn follow(&self, socket: impl AsyncRead + Unpin, source: Source) {
        let mut reader = BufReader::with_capacity(64 * 1024, socket);
        let mut bytes = Vec::new();
        while read_line(&mut reader, &mut bytes).await {
            let text = String::from_utf8_lossy(&bytes);
            let line = match source {
                Source::Runner => runner_line(text.trim_end()),
                Source::Stdout => plain_line("info", "task.stdout", text.trim_end_matches(['\r', '\n'])),
                Source::Stderr => plain_line("error", "task.stderr", text.trim_end_matches(['\r', '\n'])),
            };
            self.put(line).await;
            bytes.clear();
        }
    }

    /// A line of the supervisor itself.
    pub(super) async fn say(&self, level: &str, event: &str) {
        self.put(plain_line(level, "supervisor", event)).await;
    }

    async fn put(&self, line: String) {
        let line = self.masker.lock().expect("not poisoned").apply(line);
        let _ = self.lines.send(line).await;
    }
}

/// The next line, or so much of it as may be held; `false` at the end.
async fn read_line(reader: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> bool {
    let room = (MAX_LINE - line.len()) as u64;
    matches!((&mut *reader).take(room).read_until(b'\n', line).await, Ok(1..))
}

fn plain_line(level: &str, logger: &str, event: &str) -> String {
    let now = chrono::Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
    json!({"timestamp": now, "level": level, "event": event, "logger": logger}).to_string()
}

/// Upstream's log API calls the exception `error_detail` (python/PROTOCOL.md §7). A line that is no JSON stays text.
fn runner_line(text: &str) -> String {
    match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(mut line) => {
            if let Some(exception) = line.remove("exception") {
                line.insert("error_detail".into(), exception);
            }
            Value::Object(line).to_string()
        }
        Err(_) => plain_line("info", "task", text),
    }
}

async fn send_batches(worker: Arc<Worker>, ti_id: String, mut queue: mpsc::Receiver<String>) -> Option<LogPiece> {
    let segment = worker.cx.ids.hex32();
    let mut offset = 0;
    let mut batch = String::new();
    loop {
        let open = collect(&mut queue, &mut batch).await;
        let piece = (!batch.is_empty()).then(|| LogPiece {
            ti_id: ti_id.clone(),
            offset,
            lines: std::mem::take(&mut batch).into_bytes().into(),
            segment: segment.clone(),
        });
        if !open {
            return piece;
        }
        if let Some(piece) = piece {
            offset += piece.lines.len() as i64;
            let is_full = piece.lines.len() >= BATCH_BYTES;
            let _ = worker.reporter.log(piece, is_full).await.await;
        }
    }
}

/// Fills `batch` with what comes within its age; `false` when there will be no more.
async fn collect(queue: &mut mpsc::Receiver<String>, batch: &mut String) -> bool {
    let Some(first) = queue.recv().await else { return false };
    let mut push = |line: String| {
        batch.push_str(&line);
        batch.push('\n');
        batch.len()
    };
    push(first);
    let deadline = tokio::time::Instant::now() + BATCH_AGE;
    loop {
        match tokio::time::timeout_at(deadline, queue.recv()).await {
            Ok(Some(line)) => {
                if push(line) >= BATCH_BYTES {
                    return true;
                }
            }
            Err(_) => return true,
            Ok(None) => return false,
        }
    }
}
