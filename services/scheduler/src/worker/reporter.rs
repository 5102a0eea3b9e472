//! What the worker tells the scheduler of its tries, of all of them together: one call for what comes within a moment.

use artel_platform::Context;
use artel_proto::artel::scheduler::v1::{LogPiece, ProcessEnded, Rendered, ReportRequest};
use serde_json::Value;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long news that are not urgent wait for others. So much later people see a line of a log.
const GATHER: Duration = Duration::from_millis(400);
/// A report of so many bytes is full.
const FULL: usize = 1 << 20;
/// News that wait to be told; whoever has more waits itself.
const QUEUED: usize = 256;
/// Attempts to tell while the scheduler is away, and the pause between them.
const ATTEMPTS: u32 = 120;
const PAUSE: Duration = Duration::from_millis(500);
/// Attempts of a worker that stops.
const LAST_ATTEMPTS: u32 = 6;

enum What {
    Log(LogPiece),
    Rendered(Rendered),
    Ended(ProcessEnded),
}

struct News {
    what: What,
    is_urgent: bool,
    told: oneshot::Sender<()>,
}

/// The way to the task that tells.
pub(super) struct Reporter(Mutex<Option<Way>>);

struct Way {
    news: mpsc::Sender<News>,
    teller: JoinHandle<()>,
}

/// Ends when the news are told, or could not be.
pub(super) type Told = oneshot::Receiver<()>;

impl Reporter {
    pub(super) fn start(cx: &Context, worker_id: &str) -> Self {
        let (news, queue) = mpsc::channel(QUEUED);
        let teller = tokio::spawn(tell_all(cx.clone(), worker_id.to_owned(), queue));
        Self(Mutex::new(Some(Way { news, teller })))
    }

    /// Lines of a try's log.
    pub(super) async fn log(&self, piece: LogPiece, is_urgent: bool) -> Told {
        self.put(What::Log(piece), is_urgent).await
    }

    /// What a task's fields were rendered to.
    pub(super) async fn rendered(&self, ti_id: &str, fields: &Value) {
        self.put(What::Rendered(Rendered { ti_id: ti_id.into(), fields_json: fields.to_string() }), false).await;
    }

    /// A process has ended. It is urgent where its try waits for that: the task said nothing itself.
    pub(super) async fn ended(&self, ended: ProcessEnded) -> Told {
        let is_urgent = !ended.sent_terminal_state;
        self.put(What::Ended(ended), is_urgent).await
    }

    async fn put(&self, what: What, is_urgent: bool) -> Told {
        let (told, wait) = oneshot::channel();
        let news = self.0.lock().expect("not poisoned").as_ref().map(|way| way.news.clone());
        if let Some(news) = news {
            let _ = news.send(News { what, is_urgent, told }).await;
        }
        wait
    }

    /// Waits until everything is told that there is to tell. What comes after it is not told.
    pub(super) async fn end(&self) {
        let way = self.0.lock().expect("not poisoned").take();
        if let Some(Way { news, teller }) = way {
            drop(news);
            let _ = teller.await;
        }
    }
}

async fn tell_all(cx: Context, worker_id: String, mut queue: mpsc::Receiver<News>) {
    while let Some(first) = queue.recv().await {
        let mut report = ReportRequest { worker_id: worker_id.clone(), ..Default::default() };
        let mut waiting = Vec::new();
        let deadline = Instant::now() + GATHER;
        let (mut size, mut is_urgent) = (0, false);
        let mut next = Some(first);
        while let Some(news) = next {
            is_urgent |= news.is_urgent;
            size += add(&mut report, news.what);
            waiting.push(news.told);
            next = match size < FULL {
                true if is_urgent => queue.try_recv().ok(),
                true => tokio::time::timeout_at(deadline, queue.recv()).await.unwrap_or_default(),
                false => None,
            };
        }
        tell(&cx, report).await;
        for told in waiting {
            let _ = told.send(());
        }
    }
}

/// Returns how many bytes that is.
fn add(report: &mut ReportRequest, what: What) -> usize {
    match what {
        What::Log(piece) => {
            let size = piece.lines.len();
            report.logs.push(piece);
            size
        }
        What::Rendered(rendered) => {
            let size = rendered.fields_json.len();
            report.rendered.push(rendered);
            size
        }
        What::Ended(ended) => {
            report.ended.push(ended);
            0
        }
    }
}

/// Tells the scheduler, for as long as it takes it to come back.
async fn tell(cx: &Context, report: ReportRequest) {
    for attempt in 1..=ATTEMPTS {
        match cx.peers.scheduler().report(report.clone()).await {
            Ok(_) => return,
            Err(status) => {
                let last = if cx.stop.is_cancelled() { LAST_ATTEMPTS } else { ATTEMPTS };
                if status.code() != tonic::Code::Unavailable || attempt >= last {
                    let (logs, ended) = (report.logs.len(), report.ended.len());
                    tracing::warn!(%status, logs, ended, "news of tasks could not be told: lines of their logs are lost, and leases run out");
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
